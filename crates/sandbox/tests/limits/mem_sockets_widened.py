kept = []
for _ in range(12):
    if os.fork() == 0:
        try:
            while True:
                a, b = socket.socketpair()
                kept.append((a, b))
                a.setsockopt(1, 7, 1 << 30)
                b.setsockopt(1, 7, 1 << 30)
                fill(a.fileno())
                fill(b.fileno())
        except OSError: time.sleep(3)
        os._exit(0)
time.sleep(3)
