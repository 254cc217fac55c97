number = ctypes.c_int()
for process in (RUNNER, os.getppid(), 1):
    event = ctypes.create_string_buffer(struct.pack("Qiii", 0, 9, 4, process) + bytes(64))
    if process != os.getpid() and libc.syscall(222, 1, event, ctypes.byref(number)) >= 0: got("timer", process)
