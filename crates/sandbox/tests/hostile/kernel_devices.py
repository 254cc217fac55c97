import os
got = False
for path in ("/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/fuse", "/dev/kvm", "/dev/tty", "/dev/ptmx"):
    try:
        os.open(path, os.O_RDWR)
        got = True
    except OSError:
        pass
try:
    os.mknod("disk", 0o60600, os.makedev(254, 0))
    got = True
except OSError:
    pass
print("OPENED" if got else "denied")
