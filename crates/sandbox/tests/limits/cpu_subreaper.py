libc.prctl(36, 1, 0, 0, 0)
for _ in range(40):
    if os.fork() == 0:
        if os.fork() == 0:
            burn(0.1)
        os._exit(0)
time.sleep(20)
