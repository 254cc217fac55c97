for _ in range(31):
    try:
        if os.fork() == 0:
            os.setsid()
            break
    except OSError: break
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: time.sleep(60)
