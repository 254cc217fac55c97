def deeper(left):
    b = bytearray(12 * MIB)
    touch(b, 12 * MIB)
    if left and libc.syscall(56, 0x4000 | 17, 0, 0, 0, 0) == 0:
        deeper(left - 1)
    time.sleep(3)
deeper(25)
