open("helper.py", "w").write("def add(xs):\n    return sum(xs)\n")
import helper
print(helper.add(map(int, input().split())))
