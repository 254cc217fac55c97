import os
for signal in range(1, 65):
    for process in {1, os.getppid()}:
        try: os.kill(process, signal)
        except OSError: pass
print("sent")
