"""The tutorial's message client over UDP: an empty line goes out too."""

import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        text = input(">>:").strip()
    except EOFError:
        break
    client.sendto(text.encode("utf-8"), ("127.0.0.1", int(sys.argv[1])))
    answer, server = client.recvfrom(1024)
    print("answer: %s" % answer.decode("utf-8"))
client.close()
