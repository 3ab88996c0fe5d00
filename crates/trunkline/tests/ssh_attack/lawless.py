"""A client of SSH that keeps to no rules: paramiko, whose messages are written by hand.

    lawless.py PORT USER KEY WAY

It logs in, says that it attacks, and goes on until it is killed.
"""
import paramiko
import sys
import threading

IGNORE, GLOBAL_REQUEST, OPEN, WINDOW_ADJUST, DATA, REQUEST = 2, 80, 90, 93, 94, 98
FOUR_GIB = 0xFFFFFFFF

port, user, key, way = sys.argv[1:]
transport = paramiko.Transport(("127.0.0.1", int(port)))
transport.start_client(timeout=60)
transport.auth_publickey(user, paramiko.Ed25519Key(filename=key))


def send(number, *parts):
    message = paramiko.Message()
    message.add_byte(bytes([number]))
    for part in parts:
        message.add_int(part) if isinstance(part, int) else message.add_string(part)
    transport._send_user_message(message)


# One that nobody knows any more is closed.
kept = []


def opened(command):
    channel = transport.open_session(window_size=FOUR_GIB, max_packet_size=FOUR_GIB, timeout=60)
    kept.append(channel)
    channel.exec_command(command)
    return channel.remote_chanid


def read_no_more():
    transport.packetizer.read_message = lambda: threading.Event().wait()


def for_ever(attack):
    for _ in range(200):
        attack()
    print("attacking", flush=True)
    while True:
        attack()


if way == "windows":
    number = opened("exec sleep 1000")
    for_ever(lambda: send(WINDOW_ADJUST, number, FOUR_GIB))
elif way == "channels":
    for_ever(lambda: send(OPEN, b"session", 1000, FOUR_GIB, FOUR_GIB))
elif way == "deaf":
    read_no_more()
    for_ever(lambda: send(OPEN, b"nonsense", 1000, FOUR_GIB, FOUR_GIB))
elif way == "output":
    numbers = [opened("sleep 1; exec yes") for _ in range(10)]
    read_no_more()
    print("attacking", flush=True)
    threading.Event().wait()
elif way == "input":
    numbers = [opened("exec sleep 1000") for _ in range(10)]
    for _ in range(3 * 32):
        for number in numbers:
            send(DATA, number, b"x" * 32768)
    # What was sent before this is taken when it is answered.
    transport.global_request("keepalive@openssh.com", wait=True)
    print("attacking", flush=True)
    threading.Event().wait()
elif way == "descriptors":
    for number in range(10):
        try:
            opened("exec sleep 1000")
        except Exception as error:
            print(error, file=sys.stderr)
    print("attacking", flush=True)
    threading.Event().wait()
