import threading, time
started = 0
for _ in range(5000):
    threading.Thread(target=time.sleep, args=(100,)).start()
    started += 1
print("LEAK", started)
