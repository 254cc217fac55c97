for _ in range(15):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            touch(bytearray(24 * MIB), 24 * MIB)
            time.sleep(3)
        os._exit(0)
    os.wait()
time.sleep(3)
