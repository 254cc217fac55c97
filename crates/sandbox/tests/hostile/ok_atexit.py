import atexit
n = sum(map(int, input().split()))
atexit.register(lambda: print(n))
