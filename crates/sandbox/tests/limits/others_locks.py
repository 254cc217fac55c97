for path in (os.__file__, sys.executable, "/usr/bin/env", "/dev/null"):
    try:
        with open(path) as file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB); got("lock")
    except OSError: pass
    try:
        with open(path) as file: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB); got("lock to write")
    except OSError: pass
