for path in (os.__file__, "/usr", sys.executable):
    handle = os.open(path, os.O_RDONLY)
    for request in (0x40086602, 0x40806685, 0xC0406616, 0x401c5820):
        try: fcntl.ioctl(handle, request, bytes(128)); got("attributes")
        except OSError: pass
