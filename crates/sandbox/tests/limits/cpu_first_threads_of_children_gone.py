signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(6):
    if os.fork() == 0:
        threading.Thread(target=burn, args=(1,)).start()
        libc.syscall(60, 0)
time.sleep(4)
