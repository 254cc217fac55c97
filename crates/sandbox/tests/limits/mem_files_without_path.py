kept = []
for make in (lambda: os.memfd_create("x"), lambda: libc.syscall(447, 0), lambda: libc.syscall(319, b"x", 2)):
    try:
        for _ in range(20):
            file = make()
            if file < 0: break
            for _ in range(16):
                os.write(file, bytes(MIB))
                held()
            kept.append(file)
    except OSError: pass
time.sleep(3)
