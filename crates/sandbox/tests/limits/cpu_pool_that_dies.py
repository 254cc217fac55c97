last = 0
for _ in range(60):
    child = os.fork()
    if child == 0: burn(0.05); time.sleep(9)
    if last: os.kill(last, 9)
    last = child
    time.sleep(0.06)
time.sleep(3)
