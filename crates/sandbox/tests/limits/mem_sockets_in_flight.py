way, there = socket.socketpair()
kept = []
for _ in range(12):
    if os.fork() == 0:
        way, there = socket.socketpair()
        try:
            while True:
                a, b = socket.socketpair()
                fill(a.fileno()); fill(b.fileno())
                socket.send_fds(way, [b"x"], [a.fileno(), b.fileno()])
                a.close(); b.close()
        except OSError: time.sleep(3)
        os._exit(0)
time.sleep(3)
