action = struct.pack("=QQQQ", 0, 2, 0, 0)
libc.syscall(13, 17, action, None, 8)
buffer = ctypes.create_string_buffer(struct.pack("=Q128sI4xQ", 0, bytes(128), 2, 0), 152)
libc.sigaction(17, buffer, None)
for _ in range(40):
    if os.fork() == 0:
        burn(0.1)
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
