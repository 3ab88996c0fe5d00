"""The tutorial's chat server: shows who said what on a coloured ground, and asks its person for the answer."""

import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
print("ready on port %d" % server.getsockname()[1])
while True:
    said, addr = server.recvfrom(1024)
    print("from [%s:%s]: \033[44m%s\033[0m" % (addr[0], addr[1], said.decode("utf-8")))
    answer = input("answer>>").strip()
    server.sendto(answer.encode("utf-8"), addr)
