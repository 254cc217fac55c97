a = libc.mmap(None, 150 * MIB, 3, 0x22, -1, 0)
if a > 0:
    for at in range(0, 150 * MIB, MIB):
        ctypes.memset(a + at, 1, MIB); libc.madvise(ctypes.c_void_p(a + at), ctypes.c_size_t(MIB), 20); held()
time.sleep(3)
