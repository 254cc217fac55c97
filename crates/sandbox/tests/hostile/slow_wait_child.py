import os, time
if os.fork() == 0:
    time.sleep(10 ** 6)
os.wait()
print(6)
