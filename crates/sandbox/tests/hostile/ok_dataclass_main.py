import dataclasses, pickle
@dataclasses.dataclass
class P:
    x: int
p = pickle.loads(pickle.dumps(P(sum(map(int, input().split())))))
print(p.x)
