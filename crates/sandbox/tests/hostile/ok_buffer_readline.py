import sys
print(sum(map(int, sys.stdin.buffer.readline().split())))
