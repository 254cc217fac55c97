import socket
try:
    socket.create_server(("127.0.0.1", 0))
    print("OPENED")
except OSError:
    print("denied")
