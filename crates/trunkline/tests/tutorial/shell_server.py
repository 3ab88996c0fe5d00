"""The tutorial's remote shell: a command comes, what it printed goes back, standard output first."""

import socket
import subprocess
import sys

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(5)
print("ready on port %d" % listener.getsockname()[1])
while True:
    conn, addr = listener.accept()
    print("a client at %s:%d" % addr)
    while True:
        command = conn.recv(10240)
        print("command: %s" % command.decode("utf-8"))
        run = subprocess.Popen(
            command.decode("utf-8"), shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out = run.stdout.read()
        err = run.stderr.read()
        conn.send(out + err)
