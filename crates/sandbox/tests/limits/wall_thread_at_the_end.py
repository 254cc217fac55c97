threading.Thread(target=lambda: time.sleep(20)).start()
