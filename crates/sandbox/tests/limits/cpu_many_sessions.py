ps = []
for k in range(20):
    p = os.fork()
    if p == 0: os.setsid(); burn(0.1); os._exit(0)
    ps.append(p)
time.sleep(0.5)
for p in ps: os.waitpid(p, 0)
burn(2)
