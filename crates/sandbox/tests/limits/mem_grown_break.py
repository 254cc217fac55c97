libc.sbrk.restype = ctypes.c_void_p
while True:
    at = libc.sbrk(ctypes.c_long(MIB))
    if at in (None, 2**64 - 1): break
    ctypes.memset(at, 1, MIB); held()
time.sleep(2)
