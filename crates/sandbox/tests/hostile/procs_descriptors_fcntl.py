import fcntl
found = []
for n in range(3, 4096):
    try:
        fcntl.fcntl(n, fcntl.F_GETFD)
        found.append(n)
    except OSError:
        pass
print("LEAK" if found else "none")
