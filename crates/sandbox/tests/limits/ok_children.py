ended = []
signal.signal(signal.SIGCHLD, lambda *_: ended.append(1))
for _ in range(3):
    if os.fork() == 0: os._exit(0)
    os.wait()
deadline = time.monotonic() + 5
while not ended and time.monotonic() < deadline: time.sleep(0.01)
print("heard" if ended else "deaf")
