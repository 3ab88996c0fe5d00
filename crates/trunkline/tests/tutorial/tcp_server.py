"""The tutorial's message server: one client after the other, each message back in upper case."""

import socket
import sys

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(5)
print("ready on port %d" % listener.getsockname()[1])
while True:
    conn, addr = listener.accept()
    print("a client at %s:%d" % addr)
    while True:
        try:
            data = conn.recv(1024)
            print("message: %s" % data.decode("utf-8"))
            conn.send(data.upper())
        except Exception:
            break
    conn.close()
