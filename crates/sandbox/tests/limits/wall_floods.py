for _ in range(4):
    if os.fork() == 0: break
while True: os.write(2, bytes(65536))
