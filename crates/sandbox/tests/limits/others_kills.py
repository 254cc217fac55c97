for target in (RUNNER, -RUNNER, os.getppid(), -os.getppid()):
    for signal_number in (0, 10, 15):
        if libc.kill(target, signal_number) == 0 and os.getppid() != 1: got("kill")
    if libc.syscall(200, target, 10) == 0 and os.getppid() != 1: got("tkill")
