area = mmap.mmap(-1, 200 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for _ in range(60):
    if os.fork() == 0:
        for at in range(0, 200 * MIB, 2 * MIB): area[at] = 1
        held()
        time.sleep(2); os._exit(0)
time.sleep(2)
