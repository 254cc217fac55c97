got = []
try:
    while True:
        got.append(b"x" * (4 * MIB))
        held(4)
except MemoryError:
    pass
time.sleep(3)
