def everywhere():
    for one in (0, os.getpid(), threading.get_native_id()):
        try: os.sched_setaffinity(one, range(os.cpu_count()))
        except OSError: pass
    mask = ctypes.create_string_buffer(b'\xff' * 128)
    libc.sched_setaffinity(0, 128, mask)
for i in range(12):
    try:
        if os.fork() == 0:
            everywhere()
            threading.Thread(target=everywhere).start()
            burn(5)
    except OSError: break
everywhere()
burn(5)
