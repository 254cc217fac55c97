with open("/dev/stdin") as lines:
    print(sum(int(x) for line in lines for x in line.split()))
