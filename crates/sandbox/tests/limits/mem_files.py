kept = []
try:
    for number in range(200):
        path = os.environ['HOME'] + "/%d" % number
        file = os.open(path, os.O_CREAT | os.O_RDWR)
        pass
        kept.append(file)
        for _ in range(8):
            os.write(file, bytes(MIB))
            held()
except OSError: pass
time.sleep(3)
