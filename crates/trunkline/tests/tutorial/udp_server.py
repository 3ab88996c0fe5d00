"""The tutorial's message server over UDP."""

import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
print("ready on port %d" % server.getsockname()[1])
while True:
    message, client = server.recvfrom(1024)
    print("message: %s" % message.decode("utf-8"))
    server.sendto(message.upper(), client)
