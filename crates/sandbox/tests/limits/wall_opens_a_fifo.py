os.mkfifo(os.environ["TMPDIR"] + "/x")
for _ in range(10): 
    if os.fork() == 0: break
os.open(os.environ["TMPDIR"] + "/x", os.O_RDONLY)
