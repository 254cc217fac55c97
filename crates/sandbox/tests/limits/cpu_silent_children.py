while True:
    child = libc.syscall(56, 0, 0, 0, 0, 0)
    if child == 0:
        burn(0.1)
        os._exit(0)
    if child < 0: time.sleep(20)
    time.sleep(0.06)
