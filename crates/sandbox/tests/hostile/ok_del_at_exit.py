class A:
    def __init__(self, n): self.n = n
    def __del__(self): print(self.n)
a = A(sum(map(int, input().split())))
