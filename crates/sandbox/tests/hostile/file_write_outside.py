import os
for path in (CANARY + "/written", "/tmp/../" + CANARY + "/written", "/proc/self/root" + CANARY + "/written", "/proc/self/cwd/../../../.." + CANARY + "/written"):
    try:
        open(path, "w").write("x")
        print("WROTE", path)
    except OSError:
        pass
print("denied")
