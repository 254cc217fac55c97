for k in range(8):
    if os.fork() == 0:
        while True:
            a = libc.mmap(None, 8 * MIB, 3, 0x22, -1, 0)
            if a < 0: break
            ctypes.memset(a, 1, 8 * MIB); held(8)
            libc.mprotect(ctypes.c_void_p(a), ctypes.c_size_t(8 * MIB), 0)
        time.sleep(3); os._exit(0)
time.sleep(3)
