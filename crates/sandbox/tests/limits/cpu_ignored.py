signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(40):
    if os.fork() == 0:
        burn(0.1)
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
