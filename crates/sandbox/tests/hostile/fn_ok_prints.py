print("x" * 100000)
def add(a, b):
    print(a, b)
    return a + b
