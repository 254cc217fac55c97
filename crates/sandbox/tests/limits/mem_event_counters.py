size = 0
for _ in range(60):
    if os.fork() == 0:
        while True:
            for call in ((283, 1, 0), (290, 0, 0), (289, -1, ctypes.create_string_buffer(8), 8, 0), (434, os.getpid(), 0)):
                if libc.syscall(*call) < 0: time.sleep(2); os._exit(0)
                size += 256
                if size > MIB: size -= MIB; held()
time.sleep(2)
