file = open(os.environ["TMPDIR"] + "/x", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
if os.fork() == 0:
    fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(60)
