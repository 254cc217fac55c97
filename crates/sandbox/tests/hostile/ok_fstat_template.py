import io, os
data = io.BytesIO(os.read(0, os.fstat(0).st_size)).readline().split()
os.write(1, b"%d\n" % sum(map(int, data)))
