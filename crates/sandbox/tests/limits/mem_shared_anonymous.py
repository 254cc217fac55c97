for _ in range(8):
    if os.fork() == 0:
        touch(mmap.mmap(-1, 64 * MIB), 64 * MIB)
        time.sleep(3)
        os._exit(0)
time.sleep(3)
