file = os.open(os.environ["TMPDIR"] + "/x", os.O_CREAT | os.O_RDWR)
os.ftruncate(file, 60 * MIB)
for at in range(0, 60 * MIB, 4 * MIB):
    with mmap.mmap(file, 4 * MIB, offset=at) as m:
        touch(m, 4 * MIB)
b = bytearray(60 * MIB)
touch(b, 60 * MIB)
time.sleep(3)
