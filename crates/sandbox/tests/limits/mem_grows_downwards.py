while True:
    at = libc.mmap(None, 8 * MIB, 3, 0x122, -1, 0)
    if at < 0: break
    for part in range(0, 8 * MIB, MIB):
        ctypes.memset(at + part, 7, MIB)
        held()
time.sleep(3)
