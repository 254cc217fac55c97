import os, sys
print(sum(map(int, input().split())), end="", flush=True)
os.write(1, b"\n")
