def tick(*_): signal.setitimer(signal.ITIMER_REAL, 0.001)
signal.signal(signal.SIGALRM, tick)
tick()
while True: signal.pause()
