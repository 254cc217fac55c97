try:
    while True:
        one, other = os.openpty()
        fill(one); fill(other)
except OSError: pass
