import socket
try:
    socket.sethostname("tl-sandbox")
    print("RAISED")
except OSError:
    print("denied")
