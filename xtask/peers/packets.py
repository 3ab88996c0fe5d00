"""What a packet costs in Python, in nanoseconds: packets.py parse|read|build, with the packets in hexadecimal on standard
input; or packets.py memory, the bytes that a dictionary takes for each of their senders. The yardstick of `cargo xtask bench ipmsg`: what one would write by hand, nothing checked and nothing typed."""

import sys
import time

WARM_UP, MEASURED = 0.1, 0.4
ROUNDS = 100


def parse(datagram):
    version, number, user, host, command, body = datagram.split(b":", 5)
    command = int(command)
    return version, int(number), user, host, command & 0xFF, command & ~0xFF, body


def text(section):
    try:
        return section.decode()
    except UnicodeDecodeError:
        return section.decode("gb18030", "replace")


def read(datagram):
    packet = parse(datagram)
    return packet, [text(section) for section in packet[-1].rstrip(b"\0").split(b"\0")]


def build(sections):
    return b"1:%d:%s:%s:%d:%s\0" % (1795353650, b"bob", b"hostb", 0x120, "\0".join(sections).encode())


def measure(work, things):
    def run(least):
        started, rounds = time.perf_counter(), 0
        while time.perf_counter() - started < least:
            for _ in range(ROUNDS):
                for thing in things:
                    work(thing)
            rounds += ROUNDS
        return (time.perf_counter() - started) * 1e9 / rounds / len(things)

    run(WARM_UP)
    print(f"{run(MEASURED):.1f}")


def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def memory(datagrams):
    before = resident()
    peers = {("10.77.%d.%d" % divmod(peer, 256), 2425): read(datagram) for peer, datagram in enumerate(datagrams)}
    print(f"{(resident() - before) / len(peers):.1f}")


datagrams = [bytes.fromhex(line) for line in sys.stdin]
if sys.argv[1] == "memory":
    memory(datagrams)
elif sys.argv[1] == "build":
    measure(build, [read(datagram)[1] for datagram in datagrams])
else:
    measure({"parse": parse, "read": read}[sys.argv[1]], datagrams)
