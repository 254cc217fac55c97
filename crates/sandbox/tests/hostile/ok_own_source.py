text = open(__file__).read()
assert "assert" in text
print(sum(map(int, input().split())))
