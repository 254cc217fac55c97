for _ in range(30):
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            if os.fork() == 0:
                burn(0.06)
                os._exit(0)
            try: os.wait()
            except ChildProcessError: pass
time.sleep(20)
