if len(sys.argv) < 2 or True:
    level = int(os.environ.get("DEPTH", "0"))
    def go():
        burn(0.06)
        os.environ["DEPTH"] = str(level + 1)
        os.execv(sys.executable, [sys.executable, sys.argv[0]])
    threading.Thread(target=go).start()
    time.sleep(5)
