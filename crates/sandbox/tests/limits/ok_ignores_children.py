signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0: os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
print("fine")
