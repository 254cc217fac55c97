import threading, time
n = sum(map(int, input().split()))
def late():
    time.sleep(0.05)
    print(n)
threading.Thread(target=late).start()
