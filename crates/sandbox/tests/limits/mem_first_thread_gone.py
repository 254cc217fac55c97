def rest():
    kept = []
    for _ in range(700):
        kept.append(mmap.mmap(-1, MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        touch(kept[-1], MIB)
    time.sleep(3)
threading.Thread(target=rest).start()
libc.syscall(60, 0)
