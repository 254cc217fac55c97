while True:
    p = os.fork()
    if p == 0: burn(0.06); os._exit(0)
    try: os.waitid(os.P_PID, p, os.WEXITED | os.WNOWAIT)
    except OSError: time.sleep(1)
