import sys, threading
threading.stack_size(1 << 28)
sys.setrecursionlimit(1 << 20)
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
def main():
    assert depth(20000) == 20000
    print(sum(map(int, input().split())))
t = threading.Thread(target=main)
t.start()
t.join()
