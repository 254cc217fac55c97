libc.mremap.restype=ctypes.c_long
a=libc.mmap(None,4096,3,0x22,-1,0)
b=libc.mremap(ctypes.c_void_p(a),4096,150*MIB,1)
if b>0:
    for i in range(150): ctypes.memset(b+i*MIB,1,MIB); held()
time.sleep(2)
