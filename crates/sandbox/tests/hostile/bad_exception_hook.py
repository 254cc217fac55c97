import sys
sys.excepthook = lambda *a: None
print(6)
raise ValueError
