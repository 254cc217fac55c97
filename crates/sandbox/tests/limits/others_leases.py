with open(os.environ["TMPDIR"] + "/x", "w"): pass
with open(os.environ["TMPDIR"] + "/x") as file:
    for command, argument in ((1024, 0), (1024, 1)):
        try: fcntl.fcntl(file, command, argument); got("lease")
        except OSError: pass
for folder in ("/usr", os.path.dirname(os.__file__)):
    try:
        handle = os.open(folder, os.O_RDONLY)
        fcntl.fcntl(handle, 1026, 0x80000007); got("notification")
    except OSError: pass
