kept = []
for _ in range(12):
    if os.fork() == 0:
        try:
            while True:
                kept.append(os.pipe())
                fill(kept[-1][1])
        except OSError: time.sleep(3)
        os._exit(0)
time.sleep(3)
