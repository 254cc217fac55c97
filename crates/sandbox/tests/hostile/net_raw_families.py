import ctypes
libc = ctypes.CDLL(None)
got = [f for f in range(46) for kind in (1, 2, 3, 5) if libc.socket(f, kind, 0) >= 0]
print("OPENED" if got else "denied")
