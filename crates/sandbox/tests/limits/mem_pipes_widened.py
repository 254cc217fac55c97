kept = []
try:
    while True:
        kept.append(os.pipe())
        try: fcntl.fcntl(kept[-1][1], 1031, MIB)
        except OSError: pass
        fill(kept[-1][1])
except OSError: pass
time.sleep(3)
