import os
os.makedirs("a/b", exist_ok=True)
with open("a/b/c.txt", "w") as file:
    file.write(input())
print(sum(map(int, open("a/b/c.txt").read().split())))
