for _ in range(10):
    if os.fork() == 0:
        while True: os.kill(os.getpid(), signal.SIGSTOP)
os.kill(os.getpid(), signal.SIGSTOP)
