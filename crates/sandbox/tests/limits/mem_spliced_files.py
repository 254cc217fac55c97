kept = []
path = os.environ["TMPDIR"] + "/x"
for _ in range(12):
    if os.fork() == 0:
        try:
            for number in range(120):
                file = os.open(path + str(os.getpid()), os.O_CREAT | os.O_RDWR | os.O_TRUNC)
                os.write(file, bytes(64 << 10))
                pipe = os.pipe()
                kept.append(pipe)
                os.splice(file, pipe[1], 64 << 10, offset_src=0)
                if number % 16 == 15: held()
                os.ftruncate(file, 0); os.close(file)
        except (OSError, AttributeError): pass
        time.sleep(3)
        os._exit(0)
time.sleep(3)
