fds = [os.open("locks%d" % n, os.O_RDWR | os.O_CREAT) for n in range(200)]
size = 0
for at in range(4000):
    for fd in fds:
        try: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2 * at)
        except OSError: sys.exit(0)
        size += 200
        if size > MIB: size -= MIB; held()
