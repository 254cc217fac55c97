import os, signal, time
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(100)
time.sleep(0.05)
print(sum(map(int, input().split())))
