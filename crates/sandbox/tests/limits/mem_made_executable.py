while True:
    at = libc.mmap(None, 4 * MIB, 3, 0x22, -1, 0)
    if at < 0: break
    ctypes.memset(at, 0xc3, 4 * MIB)
    held(4)
    libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(4 * MIB), 5)
time.sleep(3)
