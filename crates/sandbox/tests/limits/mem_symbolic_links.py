got_ = 0
for n in range(40000):
    try: os.symlink("x" * 4000, "l%d" % n)
    except OSError: break
    got_ += 4096
    if got_ >= MIB: got_ -= MIB; held()
