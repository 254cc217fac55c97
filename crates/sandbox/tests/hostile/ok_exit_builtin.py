n = sum(map(int, input().split()))
print(n)
exit()
