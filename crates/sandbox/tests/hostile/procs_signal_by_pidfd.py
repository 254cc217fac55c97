import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(129, os.getppid(), 9, ctypes.create_string_buffer(128))
fd = libc.syscall(434, os.getppid(), 0)
print("GOT" if fd >= 0 and libc.syscall(424, fd, 9, None, 0) == 0 else "denied")
