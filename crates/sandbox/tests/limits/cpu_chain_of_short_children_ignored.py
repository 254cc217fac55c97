signal.signal(signal.SIGCHLD,signal.SIG_IGN)
for _ in range(60):
    if os.fork()==0: burn(0.1); os._exit(0)
    time.sleep(0.03)
