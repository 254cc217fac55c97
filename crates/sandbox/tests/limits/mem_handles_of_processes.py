fds = []
for k in range(20):
    pid = os.fork()
    if pid == 0: 
        try:
            while True: fds.append(os.pidfd_open(os.getpid()))
        except OSError: pass
        held(1)
        time.sleep(3); os._exit(0)
time.sleep(3)
