if libc.prctl(67, 1, 0, 0, 0) == 0:
    got("all pages merged")
a = libc.mmap(None, MIB, 3, 0x22, -1, 0)
if libc.madvise(ctypes.c_long(a), ctypes.c_size_t(MIB), 12) == 0:
    got("some pages merged")
