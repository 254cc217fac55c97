import socket
try:
    s = socket.socket(socket.AF_UNIX)
    s.connect("\0tl_sandbox_abstract")
    print("CONNECTED")
except OSError:
    print("denied")
