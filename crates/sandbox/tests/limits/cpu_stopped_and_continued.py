children = []
for _ in range(4):
    child = os.fork()
    if child == 0: burn(2); os._exit(0)
    children.append(child)
for _ in range(2000):
    for sign in (signal.SIGSTOP, signal.SIGCONT):
        for child in children:
            try: os.kill(child, sign)
            except OSError: pass
        time.sleep(0.002)
time.sleep(2)
