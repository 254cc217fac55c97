for child in range(30):
    if os.fork() == 0:
        pipes = [os.dup(0) for _ in range(4)] + [d for _ in range(60) for d in os.pipe()]
        sets = 0
        try:
            while True:
                e = select.epoll()
                os.dup(e.fileno())
                for d in pipes:
                    try: e.register(d, select.EPOLLIN)
                    except OSError: pass
                sets += 1
                if sets % 32 == 0: held()
        except OSError: time.sleep(3)
        os._exit(0)
time.sleep(3)
