def fill_and_close(size):
    at = libc.mmap(None, size, 3, 0x22, -1, 0)
    if at < 0: return False
    for part in range(0, size, MIB):
        ctypes.memset(at + part, 7, MIB)
        held()
    libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(size), 1)
    return True
while fill_and_close(8 * MIB): pass
time.sleep(3)
