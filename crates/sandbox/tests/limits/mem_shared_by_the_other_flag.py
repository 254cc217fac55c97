for _ in range(40):
    at = libc.mmap(None, 16 * MIB, 3, 0x23 | 0x4000, -1, 0)
    if at < 0: break
    ctypes.memset(at, 1, 16 * MIB)
    held(16)
time.sleep(3)
