for i in range(30):
    a, b = os.pipe(); c, d = os.pipe()
    for k in range(2):
        try:
            if os.fork(): continue
        except OSError: break
        try: os.setsid()
        except OSError: pass
        s = time.process_time(); n = 0
        while True:
            if k: os.read(a, 1); os.write(d, b'x')
            else: os.write(b, b'x'); os.read(c, 1)
            while time.process_time() - s >= 0.02 * (n + 1): n += 1; os.write(1, b'c')
time.sleep(7)
