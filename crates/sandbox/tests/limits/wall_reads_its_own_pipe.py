one, other = os.pipe()
for _ in range(10):
    if os.fork() == 0: break
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True: os.read(one, 1)
