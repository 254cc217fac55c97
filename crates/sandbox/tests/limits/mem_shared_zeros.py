kept = []
with open("/dev/zero", "r+b", buffering=0) as zeros:
    for _ in range(40):
        m = mmap.mmap(zeros.fileno(), 16 * MIB)
        touch(m, 16 * MIB)
        m.madvise(mmap.MADV_DONTNEED)
        kept.append(m)
time.sleep(3)
