import ctypes, os
got = False
for process in {1, os.getppid()}:
    for name in ("mem", "environ", "maps", "root/etc/shadow", "fd/0"):
        try:
            got |= len(open("/proc/%d/%s" % (process, name), "rb").read(1)) > 0
        except OSError:
            pass
libc = ctypes.CDLL(None)
buffer = ctypes.create_string_buffer(64)
vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 64)
if libc.process_vm_readv(os.getppid(), vector, 1, vector, 1, 0) > 0:
    got = True
print("LEAK" if got else "denied")
