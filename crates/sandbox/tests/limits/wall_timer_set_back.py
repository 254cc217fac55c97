if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.pause()
    os.kill(os.getpid(), signal.SIGSTOP)
os.kill(0, signal.SIGSTOP)
time.sleep(60)
