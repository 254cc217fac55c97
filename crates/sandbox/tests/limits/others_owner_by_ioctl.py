one, other = socket.socketpair()
for request in (0x8901, 0x8902):
    for owner in (RUNNER, -RUNNER, os.getppid(), 1):
        try: fcntl.ioctl(one, request, struct.pack("i", owner)); got("owner %x %d" % (request, owner))
        except OSError: pass
for descriptor in (one.fileno(), os.pipe()[0]):
    try: fcntl.ioctl(descriptor, 0x5452, struct.pack("i", 1)); got("asynchronous")
    except OSError: pass
