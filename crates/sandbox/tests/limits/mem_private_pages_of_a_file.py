open('f','wb').write(bytes(8*MIB))
fs=[]
for _ in range(12):
    fd=os.open('f',os.O_RDWR); m=mmap.mmap(fd,8*MIB,mmap.MAP_PRIVATE,mmap.PROT_READ|mmap.PROT_WRITE); touch(m,8*MIB); fs.append(m)
time.sleep(2)
