for flags in (0x40022, 0x40021):
    for _ in range(40):
        at = libc.mmap(None, 16 * MIB, 3, flags, -1, 0)
        if at < 0: break
        ctypes.memset(at, 1, 16 * MIB)
        held(16)
