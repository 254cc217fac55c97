try:
    text = open(CANARY + "/file").read()
    print("LEAK" if "canary" in text else "none")
except OSError:
    print("denied")
