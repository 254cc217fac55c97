time.sleep(0.3)
os.execv(sys.executable, [sys.executable, sys.argv[0]])
