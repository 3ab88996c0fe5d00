"""The tutorial's chat client: choose somebody by name, write to them, `quit` goes back to the choice."""

import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
book = {name: ("127.0.0.1", int(sys.argv[1])) for name in ("ann", "ben", "李雷", "韩梅梅")}
try:
    while True:
        name = input("to whom>>").strip()
        if name not in book:
            continue
        print("talking to %s" % name)
        while True:
            text = input("say>>").strip()
            if text == "quit":
                break
            if not text:
                continue
            client.sendto(text.encode("utf-8"), book[name])
            answer, addr = client.recvfrom(1024)
            print("from [%s:%s]: \033[41m%s\033[0m" % (addr[0], addr[1], answer.decode("utf-8")))
except EOFError:
    client.close()
