import socket
try:
    socket.create_connection(("127.0.0.1", PORT), 1)
    print("CONNECTED")
except OSError:
    print("denied")
