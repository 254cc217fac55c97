pairs = [socket.socketpair() for _ in range(10)] + [os.pipe() for _ in range(20)]
a, b = pairs[0]
a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
a.sendall(b"through"); print(b.recv(100).decode())
