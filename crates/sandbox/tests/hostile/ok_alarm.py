import signal, time
def ring(*_):
    print(sum(map(int, input().split())))
    raise SystemExit
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.05)
time.sleep(2)
