import mmap, os, time
m = mmap.mmap(-1, 400 << 20)
n = mmap.mmap(-1, 400 << 20)
for i in range(0, len(m), 4096):
    m[i] = n[i] = 1
time.sleep(1)
print("done")
