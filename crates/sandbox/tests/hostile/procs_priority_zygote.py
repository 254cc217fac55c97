import os
got = False
for attack in (lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19), lambda: os.sched_setaffinity(os.getppid(), {0})):
    try:
        attack()
        got = True
    except OSError:
        pass
print("GOT" if got else "denied")
