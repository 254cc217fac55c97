for process in (RUNNER, os.getppid(), 1):
    if process == os.getpid(): continue
    descriptor = libc.syscall(434, process, 0)
    if descriptor < 0: continue
    for call in ((424, descriptor, 0, 0, 0), (438, descriptor, 0, 0), (448, descriptor, 0)):
        if libc.syscall(*call) >= 0: got(call)
