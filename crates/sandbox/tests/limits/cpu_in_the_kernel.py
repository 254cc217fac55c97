for _ in range(16):
    if os.fork() == 0:
        zeros = os.open("/dev/zero", os.O_RDONLY)
        null = os.open("/dev/null", os.O_WRONLY)
        last = 0
        while True:
            os.write(null, os.read(zeros, 8 * MIB))
            now = int(sum(os.times()[:2]) * 50)
            os.write(1, b"c" * (now - last))
            last = now
time.sleep(20)
