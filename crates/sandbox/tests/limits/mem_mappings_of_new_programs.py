size = 60000 * 4096
at = libc.mmap(None, size, 0, 0x22, -1, 0)
for page in range(0, 60000, 2):
    if libc.mprotect(ctypes.c_void_p(at + page * 4096), ctypes.c_size_t(4096), 1): break
held(16)
def again(left):
    if left and os.fork() == 0:
        held(16)
        again(left - 1)
        time.sleep(3)
again(30)
time.sleep(3)
