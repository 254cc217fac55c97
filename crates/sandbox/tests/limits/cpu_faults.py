while True:
    m=mmap.mmap(-1,16*MIB,mmap.MAP_PRIVATE|mmap.MAP_ANONYMOUS,3)
    for i in range(0,16*MIB,4096): m[i]=1
    m.close()
