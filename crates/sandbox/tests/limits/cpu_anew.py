before = resource.getrusage(resource.RUSAGE_SELF)
burn(0.06)
os.execv(sys.executable, [sys.executable, "-I", "-S", sys.argv[0]])
