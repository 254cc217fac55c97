signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(31):
    try:
        if os.fork() == 0: burn(5)
    except OSError: break
burn(5)
