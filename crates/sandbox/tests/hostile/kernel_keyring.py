import ctypes
libc = ctypes.CDLL(None)
print("GOT" if libc.syscall(248, b"user", b"tl_key", b"x", 1, -4) >= 0 else "denied")
