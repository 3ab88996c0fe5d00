"""The tutorial's client of the remote shell: it takes every answer for GBK."""

import socket
import sys

conn = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
conn.connect(("127.0.0.1", int(sys.argv[1])))
while True:
    try:
        command = input("command>>").strip()
    except EOFError:
        break
    if not command:
        continue
    conn.send(command.encode("utf-8"))
    data = conn.recv(10240)
    print("printed: %s" % data.decode("gbk"))
conn.close()
