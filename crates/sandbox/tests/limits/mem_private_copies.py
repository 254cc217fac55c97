with open("file", "wb") as file: file.write(bytes(16 * MIB))
kept = []
for _ in range(20):
    fd = os.open("file", os.O_RDWR)
    kept.append(mmap.mmap(fd, 16 * MIB, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE))
    touch(kept[-1], 16 * MIB)
time.sleep(2)
