import threading, time
threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()
print(sum(map(int, input().split())))
