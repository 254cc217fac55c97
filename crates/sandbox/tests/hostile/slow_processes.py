import os
children = []
for _ in range(4):
    if os.fork() == 0:
        while True: pass
while True:
    os.wait()
