import ctypes
libc = ctypes.CDLL(None)
b = ctypes.create_string_buffer(256)
calls = [(425, 4, b), (321, 0, b, 64), (298, b, 0, -1, -1, 0), (323, 0), (250, 0, 0, 0, 0), (248, b, b, b, 1, -3), (319, b, 0), (447, 0), (300, 0, 0), (304, 3, b, 0), (175, b, 1, b), (169, 0, 0, 0, b), (101, 0, 0, 0, 0)]
print("GOT" if any(libc.syscall(*call) >= 0 for call in calls) else "denied")
