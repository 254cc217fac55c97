size = 0
ident = ctypes.c_int()
event = ctypes.create_string_buffer(struct.pack("Qii", 0, 40, 1) + bytes(64))
for _ in range(1_000_000):
    if libc.syscall(222, 1, event, ctypes.byref(ident)) < 0: break
    size += 320
    if size > MIB: size -= MIB; held()
