import os, time
for i in range(20):
    try:
        if os.fork() == 0:
            b = bytearray(120 << 20)
            for j in range(0, len(b), 4096): b[j] = 1
            time.sleep(30)
            os._exit(0)
    except OSError: break
time.sleep(30)
