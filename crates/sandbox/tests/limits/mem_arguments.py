for _ in range(25):
    if os.fork() == 0:
        try: os.execv("/bin/sh", ["sh", "-c", "printf mmmmmmmmmmmmmmmmmmmm; exec sleep 3"] + ["0" * 130000] * 160)
        except OSError: pass
        os._exit(0)
time.sleep(3)
