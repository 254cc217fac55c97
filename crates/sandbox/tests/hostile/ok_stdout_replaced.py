import io, os, sys
sys.stdout = io.StringIO()
print(sum(map(int, sys.stdin.read().split())))
os.write(1, sys.stdout.getvalue().encode())
sys.stdout = sys.__stdout__
