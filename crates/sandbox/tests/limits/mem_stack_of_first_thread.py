resource.setrlimit(resource.RLIMIT_STACK, (resource.getrlimit(resource.RLIMIT_STACK)[1],) * 2)
for _ in range(20):
    if os.fork() == 0:
        at = ctypes.addressof(ctypes.c_int())
        kept = [mmap.mmap(-1, MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x0100) for _ in range(16)]
        for one in kept: touch(one, MIB)
        time.sleep(2); os._exit(0)
time.sleep(2)
