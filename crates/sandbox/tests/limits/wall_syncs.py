file = open(os.environ["TMPDIR"] + "/x", "wb")
for _ in range(8):
    if os.fork() == 0: break
while True:
    os.sync()
    os.fsync(file.fileno())
    time.sleep(0.02)
