big = bytearray(100 * MIB)
for at in range(0, 100 * MIB, 4096): big[at] = 1
while True:
    p = os.fork()
    if p == 0: burn(0.02); os._exit(0)
    os.waitpid(p, 0)
