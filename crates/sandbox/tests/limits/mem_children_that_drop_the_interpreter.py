source = "import os, time\nb = bytearray(12 << 20)\nfor i in range(12):\n    b[i << 20 : i + 1 << 20] = b'x' * (1 << 20)\n    os.write(1, b'm')\ntime.sleep(3)"
for _ in range(30):
    if os.fork() == 0:
        try: os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", source])
        finally: os._exit(1)
time.sleep(3)
