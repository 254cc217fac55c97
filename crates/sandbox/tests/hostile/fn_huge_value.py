def add(a, b):
    return "x" * (1 << 28)
