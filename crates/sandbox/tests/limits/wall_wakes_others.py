for _ in range(6):
    if os.fork() == 0:
        while True:
            for process in (0, os.getppid()):
                try: os.kill(process, signal.SIGCONT)
                except OSError: pass
            try:
                if os.fork(): os._exit(0)
            except OSError: pass
            time.sleep(0.001)
time.sleep(60)
