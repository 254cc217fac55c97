import ctypes
b = ctypes.create_string_buffer(8 << 20)
print("GOT" if ctypes.CDLL(None).mlock(b, 8 << 20) == 0 else 6)
