import ctypes
libc = ctypes.CDLL(None)
print("GOT" if libc.syscall(0x40000000 + 41, 2, 1, 0) >= 0 else "denied")
