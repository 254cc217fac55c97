for key in range(20):
    segment = libc.shmget(key + 77, 32 * MIB, 0o1666)
    if segment < 0: break
    libc.shmat.restype = ctypes.c_long
    at = libc.shmat(segment, None, 0)
    if at < 0: break
    ctypes.memset(at, 1, 32 * MIB)
    libc.shmdt(ctypes.c_void_p(at))
    held(32)
