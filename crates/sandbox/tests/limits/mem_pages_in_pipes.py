class Part(ctypes.Structure): _fields_ = [("at", ctypes.c_long), ("length", ctypes.c_size_t)]
kept = []
for _ in range(16):
    at = libc.mmap(None, 34 * MIB, 3, 0x22, -1, 0)
    at = (at + 2 * MIB - 1) & ~(2 * MIB - 1)
    libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(32 * MIB), 14)
    pipe = os.pipe()
    kept.append(pipe)
    for page in range(15):
        ctypes.memset(at + page * 2 * MIB, 1, 2 * MIB)
        part = Part(at + page * 2 * MIB, 1)
        if libc.syscall(278, pipe[1], ctypes.byref(part), 1, 0) != 1: sys.exit("denied")
        held(2)
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(32 * MIB))
time.sleep(3)
