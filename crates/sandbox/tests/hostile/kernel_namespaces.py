import ctypes
libc = ctypes.CDLL(None)
got = any(libc.unshare(flag) == 0 for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000000, 0x4000000, 0x2000000))
got |= libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0) >= 0
print("RAISED" if got else "denied")
