for kind in range(12):
    try:
        if os.fork() == 0:
            for attempt in (lambda: os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)), lambda: os.nice(19)):
                try: attempt()
                except OSError: pass
            burn(5)
    except OSError: break
burn(5)
