if os.fork() == 0:
    os.setsid()
    while True:
        try:
            if os.fork() == 0:
                end = time.process_time() + 0.02
                while time.process_time() < end: pass
                os.write(1, b"c"); os._exit(0)
        except OSError: time.sleep(0.001)
time.sleep(5)
