print(6)
assert False
