import ctypes, os
libc = ctypes.CDLL(None)
got = any(libc.ptrace(request, process, None, None) == 0 for request in (16, 0x4206) for process in {1, os.getppid()})
print("ATTACHED" if got else "denied")
