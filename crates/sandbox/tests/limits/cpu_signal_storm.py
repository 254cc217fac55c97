signal.signal(signal.SIGUSR1, lambda *a: None)
one = os.fork()
if one == 0: burn(2); os._exit(0)
two = os.fork()
if two == 0: burn(2); os._exit(0)
for _ in range(400000):
    try: os.kill(one, signal.SIGUSR1); os.kill(two, signal.SIGUSR1)
    except OSError: break
time.sleep(2)
