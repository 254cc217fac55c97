import ctypes
libc = ctypes.CDLL(None)
got = libc.mount(b"tmpfs", b".", b"tmpfs", 0, None) == 0 or libc.umount2(b"/proc", 2) == 0 or libc.chroot(b".") == 0
print("RAISED" if got else "denied")
