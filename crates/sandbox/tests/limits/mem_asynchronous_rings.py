for _ in range(2000):
    context = ctypes.c_ulong()
    if libc.syscall(206, 4096, ctypes.byref(context)) < 0: break
    held()
time.sleep(2)
