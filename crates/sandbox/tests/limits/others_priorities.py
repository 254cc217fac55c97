for which, who in ((2, 0), (2, os.getuid()), (1, 0), (1, os.getpgid(os.getppid()) if os.getppid() else 0), (0, RUNNER), (0, os.getppid())):
    try: os.setpriority(which, who, 19); got((which, who))
    except OSError: pass
