"""Machines in trouble: port 2201 accepts and says nothing, port 2202 stops after its first line."""
import socket
import threading

kept = []


def serve(port, greeting, ready):
    listener = socket.create_server(("", port), backlog=512)
    ready.release()
    while True:
        connection, _ = listener.accept()
        connection.sendall(greeting)
        kept.append(connection)


ready = threading.Semaphore(0)
for port, greeting in ((2201, b""), (2202, b"SSH-2.0-stalled\r\n")):
    threading.Thread(target=serve, args=(port, greeting, ready)).start()
ready.acquire()
ready.acquire()
print("ready", flush=True)
