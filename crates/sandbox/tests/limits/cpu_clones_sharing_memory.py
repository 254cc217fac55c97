stacks = [ctypes.create_string_buffer(262144) for _ in range(4)]
spin = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: burn(1) or 0)
for _ in range(4):
    if os.fork() == 0:
        libc.clone(spin, ctypes.c_void_p(ctypes.addressof(stacks[0]) + 262000), 0x100 | 17, None)
        os._exit(0)
time.sleep(4)
