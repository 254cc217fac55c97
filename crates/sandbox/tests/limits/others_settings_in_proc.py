for process in (RUNNER, os.getppid()):
    for name in ("oom_score_adj", "coredump_filter", "timerslack_ns", "clear_refs", "mem"):
        if os.getppid() == 1 and process == RUNNER: continue
        try:
            with open("/proc/%d/%s" % (process, name), "r+b", buffering=0) as file: file.write(b"1"); got(name)
        except OSError: pass
