signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
info = ctypes.create_string_buffer(struct.pack("iii", 40, 0, -1) + bytes(116))
size = 0
for _ in range(2_000_000):
    if libc.syscall(129, os.getpid(), 40, info) < 0: break
    size += 80
    if size > MIB: size -= MIB; held()
