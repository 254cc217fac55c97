if os.fork(): time.sleep(20)
used = 0.0
while True:
    before = time.process_time()
    while time.process_time() - before < 0.005: pass
    used += 0.005
    if used >= 0.02:
        used -= 0.02
        os.write(1, b"c")
    if os.fork(): os._exit(0)
    for call in (os.setsid, os.setpgrp):
        try: call()
        except OSError: pass
