at = libc.mmap(None, 64 * MIB, 3, 0x22, -1, 0)
libc.mremap.restype = ctypes.c_long
for k in range(20):
    a = libc.mmap(None, 8 * MIB, 3, 0x22, -1, 0)
    if a < 0: break
    ctypes.memset(a, 1, 8 * MIB); held(8)
    b = libc.mremap(ctypes.c_void_p(a), ctypes.c_size_t(8 * MIB), ctypes.c_size_t(8 * MIB), 5, None)
time.sleep(3)
