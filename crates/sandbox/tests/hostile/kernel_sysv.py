import ctypes
libc = ctypes.CDLL(None)
libc.shmget(0x544C5342, 1 << 16, 0o1666)
libc.semget(0x544C5342, 1, 0o1666)
libc.msgget(0x544C5342, 0o1666)
print(sum(map(int, input().split())))
