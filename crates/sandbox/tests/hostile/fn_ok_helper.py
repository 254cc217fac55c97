import functools
BASE = 0
@functools.lru_cache(None)
def helper(a, b):
    return a + b + BASE
def add(a, b):
    return helper(a, b)
