signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(6):
    if os.fork() == 0:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        while True:
            if os.fork() == 0:
                burn(0.1)
                os._exit(0)
            try: os.wait()
            except ChildProcessError: pass
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
time.sleep(20)
