class A:
    def __del__(self): raise ValueError
a = A()
print(6)
