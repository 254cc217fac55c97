import os
try: os.symlink(CANARY, "way")
except OSError: pass
try:
    open("way/written", "w").write("x")
    print("WROTE")
except OSError:
    print("denied")
