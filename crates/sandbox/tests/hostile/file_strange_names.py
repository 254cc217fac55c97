import os
for name in (b"\xff\xfe", b"new\nline", b"-rf", b"a" * 255, b" ", "\u202e".encode()):
    open(name, "w").close()
os.symlink("/", "root")
os.symlink("loop", "loop")
print(sum(map(int, input().split())))
