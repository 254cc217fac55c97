for n in range(8000):
    path = "a%d" % n
    open(path, "w").close()
    for name in ("user.a", "user.b", "user.c", "trusted.a", "security.a"):
        try: os.setxattr(path, name, bytes(60000))
        except OSError: continue
        if n % 17 == 0: held()
