for _ in range(40):
    if os.fork() == 0:
        if os.fork() == 0:
            burn(0.1)
        os._exit(0)
    os.wait()
    time.sleep(0.05)
