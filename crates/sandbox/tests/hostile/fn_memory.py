def add(a, b):
    return len([0] * (1 << 33))
