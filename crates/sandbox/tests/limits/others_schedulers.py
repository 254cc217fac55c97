for process in (RUNNER, os.getppid()):
    for attack in (lambda: os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0)), lambda: os.sched_setaffinity(process, {0}),
                   lambda: os.sched_setparam(process, os.sched_param(0)), lambda: resource.prlimit(process, resource.RLIMIT_NOFILE, (3, 3))):
        try: attack(); got("scheduler")
        except (OSError, ValueError): pass
if os.uname().machine == "x86_64":
    for which, who in ((1, RUNNER), (2, os.getppid()), (3, os.getuid())):
        if libc.syscall(251, which, who, 3 << 13) == 0: got("class")
