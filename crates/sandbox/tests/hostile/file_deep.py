import os
for _ in range(2500):
    os.mkdir("d")
    os.chdir("d")
print(sum(map(int, input().split())))
