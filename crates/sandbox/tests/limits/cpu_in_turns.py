r, w = os.pipe(); r2, w2 = os.pipe()
if os.fork() == 0:
    while True: os.write(w2, os.read(r, 1))
s = time.process_time(); n = 0
while True:
    os.write(w, b'x'); os.read(r2, 1)
    if time.process_time() - s > 0.02 * (n + 1): n += 1; os.write(1, b'c')
