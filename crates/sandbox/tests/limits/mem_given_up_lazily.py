for _ in range(25):
    if os.fork() == 0:
        area = mmap.mmap(-1, 16 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for _ in range(30):
            for at in range(0, 16 * MIB, MIB): area[at : at + MIB] = b"x" * MIB
            area.madvise(8)
        touch(area, 16 * MIB)
        time.sleep(2); os._exit(0)
time.sleep(2)
