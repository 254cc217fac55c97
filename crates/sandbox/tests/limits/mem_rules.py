rules = struct.pack("=QQ", 1, 3)
made = 0
for _ in range(200):
    r = libc.syscall(444, rules, 16, 0)
    if r < 0: break
    for port in range(65536):
        if libc.syscall(445, r, 2, struct.pack("=QQ", 1, port), 0) < 0: break
    held(8)
