time.sleep(0.3)
try:
    os.execv(sys.executable, [sys.executable, sys.argv[0]])
except OSError:  # an interpreter that a stranger to its folder may not run: then it waits as it is
    time.sleep(60)
