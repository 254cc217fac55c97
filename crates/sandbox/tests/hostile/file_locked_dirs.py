import os
os.makedirs("x/y/z")
open("x/y/z/file", "w").close()
for path in ("x/y/z", "x/y", "x", "."):
    os.chmod(path, 0)
print(sum(map(int, input().split())))
