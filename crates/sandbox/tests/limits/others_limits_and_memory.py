limits = (ctypes.c_ulong * 2)(1, 1)
mask = (ctypes.c_ulong * 16)(1)
for process in (RUNNER, os.getppid(), 1):
    for call in ((302, process, 0, limits, 0), (302, process, 7, 0, limits), (203, process, 128, mask), (256, process, 64, mask, mask),
                 (279, process, 0, 0, 0, 0, 0), (310, process, limits, 1, limits, 1, 0), (312, process, os.getpid(), 0, 0, 0), (101, 0x4206, process, 0, 0)):
        if libc.syscall(*call) >= 0: got(call[:2])
