kept = []
for _ in range(12):
    if os.fork() == 0:
        try:
            while True:
                a, b = socket.socketpair()
                fill(a.fileno())
                a.close()
                kept.append(b)
        except OSError: time.sleep(3)
        os._exit(0)
time.sleep(3)
