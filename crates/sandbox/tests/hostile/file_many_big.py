print(sum(map(int, input().split())), flush=True)
for i in range(40):
    with open("part%d" % i, "wb") as file:
        file.write(b"\0" * (20 << 20))
