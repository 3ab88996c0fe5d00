"""The tutorial's message client: a stripped line goes out, empty ones do not, one read brings the answer."""

import socket
import sys

conn = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
conn.connect(("127.0.0.1", int(sys.argv[1])))
while True:
    try:
        text = input(">>:").strip()
    except EOFError:
        break
    if not text:
        continue
    conn.send(text.encode("utf-8"))
    data = conn.recv(1024)
    print("answer: %s" % data.decode("utf-8"))
conn.close()
