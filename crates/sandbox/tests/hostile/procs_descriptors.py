import os
print("LEAK" if [n for n in range(3, 4096) if os.path.exists("/proc/self/fd/%d" % n)] else "none")
