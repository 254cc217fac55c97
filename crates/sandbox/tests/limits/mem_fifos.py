kept = []
os.chdir(os.environ["TMPDIR"])
for child in range(12):
    if os.fork() == 0:
        try:
            for number in range(250):
                name = "%d-%d" % (child, number)
                os.mkfifo(name)
                kept.append(os.open(name, os.O_RDWR))
                fill(kept[-1])
        except OSError: pass
        time.sleep(3)
        os._exit(0)
time.sleep(3)
