size = 60000 * 4096
at = libc.mmap(None, size, 1, 0x22, -1, 0)
for page in range(0, 60000, 2):
    if libc.mprotect(ctypes.c_void_p(at + page * 4096), ctypes.c_size_t(4096), 0): break
held(16)
for _ in range(30):
    if os.fork() == 0:
        held(16)
        time.sleep(3)
        os._exit(0)
time.sleep(3)
