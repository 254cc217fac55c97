import sys
def hook(*_):
    while True: pass
sys.excepthook = hook
raise ValueError
