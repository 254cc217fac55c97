for _ in range(30):
    if os.fork() == 0:
        touch(bytearray(16 * MIB), 16 * MIB)
        time.sleep(3)
        os._exit(0)
time.sleep(3)
