import os
for _ in range(60):
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)
    import time; time.sleep(0.002)
print(sum(map(int, input().split())))
