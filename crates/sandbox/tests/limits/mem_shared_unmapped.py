for _ in range(40):
    at = libc.mmap(None, 16 * MIB, 3, 0x21, -1, 0)
    if at < 0: break
    ctypes.memset(at, 1, 16 * MIB)
    libc.munmap(ctypes.c_void_p(at + 4096), ctypes.c_size_t(16 * MIB - 4096))
    held(16)
time.sleep(3)
