while True:
    threads = [threading.Thread(target=lambda: sum(range(200000))) for _ in range(4)]
    before = time.process_time()
    for t in threads: t.start()
    for t in threads: t.join()
    os.write(1, b"c" * int((time.process_time() - before) * 50))
