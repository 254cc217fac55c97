stack = ctypes.create_string_buffer(65536)
def rest():
    kept = []
    for _ in range(500):
        kept.append(mmap.mmap(-1, MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        touch(kept[-1], MIB)
    time.sleep(2)
    return 0
kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
entry = kind(lambda _: rest())
libc.clone(entry, ctypes.c_void_p(ctypes.addressof(stack) + 65000), 0x100 | 17, None)
time.sleep(3)
