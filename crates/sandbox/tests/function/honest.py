# Honest programs and honest tests of every kind that the two processes have to carry. After `#= name` stands the program,
# after `#: test` a test; `#: entry`, `#: given` and `#: setup` as a case may have them. All are accepted, unless the name
# ends with `_wrong`: then a test has to fail, because the program does not do what the tests ask.

#= in_place_sort
def f(a): a.sort()
#: test
a = [3, 1, 2]; f(a)
assert a == [1, 2, 3]
#= in_place_nested
def f(m):
    for row in m: row.reverse()
    m.append([0])
#: test
m = [[1, 2], [3, 4]]
row = m[0]
f(m)
assert m == [[2, 1], [4, 3], [0]] and m[0] is row
#= in_place_dictionary
def f(d):
    for k in list(d): d[k.upper()] = d.pop(k)
#: test
d = {"a": 1, "b": 2}; f(d)
assert d == {"A": 1, "B": 2} and list(d) == ["A", "B"]
#= in_place_set
def f(s): s.discard(1); s.add(9)
#: test
s = {1, 2}; f(s)
assert s == {2, 9}
#= in_place_deque
def f(q): q.rotate(1); q.popleft()
#: test
from collections import deque
q = deque([1, 2, 3]); f(q)
assert q == deque([1, 2])
#= in_place_bytearray
def f(b): b[0] = 65; b.extend(b"!")
#: test
b = bytearray(b"hello"); f(b)
assert b == b"Aello!"
#= in_place_counter
def f(c): c["a"] += 5; del c["b"]
#: test
from collections import Counter
c = Counter("ab"); f(c)
assert c == Counter({"a": 6}) and c["zz"] == 0
#= in_place_default_dictionary
def f(d): d["x"].append(1); d["x"].append(2)
#: test
from collections import defaultdict
d = defaultdict(list); f(d)
assert d == {"x": [1, 2]}
#= in_place_ordered
def f(d): d.move_to_end("a")
#: test
from collections import OrderedDict
d = OrderedDict(a=1, b=2); f(d)
assert list(d) == ["b", "a"]
#= in_place_keyword
def f(*, out, **more): out.append(more)
#: test
out = []; f(out=out, x=1)
assert out == [{"x": 1}]
#= in_place_through_object
def f(node):
    node.items.append(4)
    node.items[0] = "x"
#: test
class Node:
    def __init__(self): self.items = [1, 2]
n = Node(); f(n)
assert n.items == ["x", 2, 4]
#= in_place_kept_between_calls
class Log:
    def __init__(self, lines): self.lines = lines
    def add(self, line): self.lines.append(line)
    def count(self): return len(self.lines)
#: entry Log
#: test
lines = []
log = Log(lines)
log.add("a"); log.add("b")
assert lines == ["a", "b"]
lines.append("c")
assert log.count() == 3
#= in_place_same_object_twice
def f(a, b): a.append(1); return a is b, len(b)
#: test
x = []
assert f(x, x) == (True, 1) and x == [1]
#= in_place_before_an_exception
def f(a): a.append(1); raise ValueError("late")
#: test
a = []
try: f(a)
except ValueError: pass
assert a == [1]
#= in_place_grid_without_return
def f(grid):
    h, w = len(grid), len(grid[0])
    for i in range(h):
        for j in range(w):
            if grid[i][j] == 0: grid[i][j] = -1
#: test
g = [[0, 1], [1, 0]]
assert f(g) is None
assert g == [[-1, 1], [1, -1]]
#= returns_its_argument
def f(a): a.append(1); return a
#: test
a = []
assert f(a) is a and a == [1]
#= not_in_place_wrong
def f(a): a.sort(); return a
#: test
a = [2, 1]; r = f(a)
assert r == [1, 2] and a == [2, 1]
#= kept_default_wrong
def f(x, seen=[]): seen.append(x); return seen
#: test
f(1).append("mine")
assert f(2) == [2]
#= kept_result_is_live
class Stack:
    def __init__(self): self.items = []
    def pop(self): return self.items.pop()
#: entry Stack
#: test
s = Stack()
s.items.append(3); s.items.append(4)
assert s.pop() == 4 and s.items == [3]
#= iterator_argument
def f(it): return [x * 2 for x in it]
#: test
assert f(iter([1, 2])) == [2, 4]
assert f(map(str, [1, 2])) == ["11", "22"]
assert f(filter(None, [0, 5])) == [10]
assert f(reversed([1, 2])) == [4, 2]
#= zip_and_enumerate
def f(it): return dict(it)
#: test
assert f(zip("ab", [1, 2])) == {"a": 1, "b": 2}
assert f(enumerate("xy")) == {0: "x", 1: "y"}
#= endless_iterator_argument
def f(it):
    out = []
    for x in it:
        if x > 5: return out
        out.append(x)
#: test
import itertools
assert f(itertools.count(3)) == [3, 4, 5]
assert f(itertools.cycle([1, 9])) == [1]
#= generator_argument_is_left_where_it_stood
def f(g): return next(g), next(g)
#: test
g = (x * x for x in range(10))
assert f(g) == (0, 1) and next(g) == 4
#= generator_argument_send
def f(g):
    next(g)
    return g.send(5), g.send(7)
#: test
def running():
    total = 0
    while True: total += (yield total)
assert f(running()) == (5, 12)
#= views_as_arguments
def f(x): return sorted(x)
#: test
d = {"b": 2, "a": 1}
assert f(d.keys()) == ["a", "b"] and f(d.values()) == [1, 2] and f(d.items()) == [("a", 1), ("b", 2)]
#= file_argument
def f(file): return [line.strip() for line in file]
#: test
import io
assert f(io.StringIO("a\nb\n")) == ["a", "b"]
#= file_written
def f(file): file.write("hello "); print("world", file=file)
#: test
import io
out = io.StringIO(); f(out)
assert out.getvalue() == "hello world\n"
#= iterator_step_by_step
def f(it):
    first = next(it)
    return first, list(it), next(it, "none")
#: test
assert f(iter("abc")) == ("a", ["b", "c"], "none")
#= object_argument
def f(p): return p.x + p.y
#: test
class P:
    def __init__(self, x, y): self.x, self.y = x, y
assert f(P(1, 2)) == 3
#= dataclass_argument
def f(items): return max(items, key=lambda i: i.price).name
#: test
from dataclasses import dataclass
@dataclass
class Item:
    name: str
    price: float
assert f([Item("a", 1.5), Item("b", 2.5)]) == "b"
#= linked_list_argument
def f(head):
    out = []
    while head: out.append(head.val); head = head.next
    return out
#: test
class ListNode:
    def __init__(self, val, next=None): self.val, self.next = val, next
assert f(ListNode(1, ListNode(2, ListNode(3)))) == [1, 2, 3]
assert f(None) == []
#= linked_list_turned
def f(head):
    last = None
    while head is not None: head.next, last, head = last, head, head.next
    return last
#: test
class ListNode:
    def __init__(self, val, next=None): self.val, self.next = val, next
a = ListNode(1, ListNode(2))
b = f(a)
assert b.val == 2 and b.next is a and a.next is None
#= tree_argument
def f(root): return 0 if root is None else root.val + f(root.left) + f(root.right)
#: setup
class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val, self.left, self.right = val, left, right
#: test
assert f(TreeNode(1, TreeNode(2), TreeNode(3))) == 6
#= tree_changed
def f(root):
    if root: root.left, root.right = f(root.right), f(root.left)
    return root
#: test
class T:
    def __init__(self, v, l=None, r=None): self.v, self.left, self.right = v, l, r
t = T(1, T(2), T(3))
assert f(t) is t and t.left.v == 3 and t.right.v == 2
#= object_methods
def f(api): return [api.get(k) for k in range(api.length())]
#: test
class Api:
    calls = 0
    def length(self): return 3
    def get(self, k): Api.calls += 1; return k * 10
assert f(Api()) == [0, 10, 20] and Api.calls == 3
#= object_protocols
def f(o):
    with o as inner: return len(inner), inner[1], 5 in inner, list(inner), inner == inner, bool(inner), str(inner)
#: test
class O:
    def __len__(self): return 2
    def __getitem__(self, k): return [7, 8][k]
    def __contains__(self, v): return v == 5
    def __iter__(self): return iter([7, 8])
    def __enter__(self): return self
    def __exit__(self, *a): self.left = True
    def __str__(self): return "O!"
o = O()
assert f(o) == (2, 8, True, [7, 8], True, True, "O!") and o.left
#= object_arithmetic
def f(a, b): return (a + b).x, (a * 2).x, abs(a - b)
#: test
class V:
    def __init__(self, x): self.x = x
    def __add__(self, o): return V(self.x + o.x)
    def __sub__(self, o): return V(self.x - o.x)
    def __mul__(self, k): return V(self.x * k)
    def __abs__(self): return abs(self.x)
assert f(V(2), V(5)) == (7, 4, 3)
#= object_with_property
def f(c): c.radius = 2; return c.area
#: test
class Circle:
    radius = 1
    @property
    def area(self): return 3 * self.radius ** 2
assert f(Circle()) == 12
#= class_argument
def f(cls): return cls(3).x, isinstance(cls(1), cls), cls.__name__
#: test
class C:
    def __init__(self, x): self.x = x
assert f(C) == (3, True, "C")
#= builtin_type_argument
def f(kind, x): return kind(x)
#: test
assert f(int, "3") == 3 and f(list, "ab") == ["a", "b"] and f(sorted, "ba") == ["a", "b"]
#= function_argument
def f(g, xs): return [g(x) for x in xs]
#: test
assert f(lambda x: x + 1, [1, 2]) == [2, 3]
import math, operator, functools
assert f(math.sqrt, [4.0]) == [2.0] and f(operator.neg, [1]) == [-1] and f(functools.partial(pow, 2), [3]) == [8]
#= function_argument_in_place
def f(g):
    a = [3, 1, 2]
    g(a)
    return a
#: test
assert f(lambda a: a.sort()) == [1, 2, 3]
#= function_argument_raises
def f(g):
    try: return g()
    except KeyError as e: return "caught %s" % e.args
#: test
def g(): raise KeyError("k")
assert f(g) == "caught k"
#= function_argument_raises_through
def f(g): return g()
#: test
class Mine(Exception): pass
error = Mine("x", 1)
def g(): raise error
try: f(g); assert False
except Mine as e: assert e is error
#= callback_order
def f(visit, tree):
    if tree: f(visit, tree[0]); visit(tree[1]); f(visit, tree[2])
#: test
seen = []
f(seen.append, ((None, 1, None), 2, (None, 3, None)))
assert seen == [1, 2, 3]
#= decorator
import functools
def f(fn):
    cache = {}
    @functools.wraps(fn)
    def w(n):
        if n not in cache: cache[n] = fn(n)
        return cache[n]
    return w
#: test
calls = []
@f
def fib(n): calls.append(n); return n if n < 2 else fib(n - 1) + fib(n - 2)
assert fib(30) == 832040 and len(calls) == 31 and fib.__name__ == "fib"
#= decorator_with_arguments
def f(times):
    def wrap(fn):
        def w(*a, **k): return [fn(*a, **k) for _ in range(times)]
        return w
    return wrap
#: test
@f(3)
def g(x, y=1): return x + y
assert g(1, y=2) == [3, 3, 3]
#= pattern_argument
def f(p, s): return p.findall(s)
#: test
import re
assert f(re.compile("A+", re.I), "caat") == ["aa"]
#= random_argument
def f(r): a = [1, 2, 3]; r.shuffle(a); return sorted(a), 0 <= r.random() < 1, r.choice("x")
#: test
import random
assert f(random.Random(3)) == ([1, 2, 3], True, "x")
#= slices_and_ranges
def f(a, s, r): return a[s], list(r), r.step
#: test
assert f("abcdef", slice(1, None, 2), range(5, 0, -2)) == ("bdf", [5, 3, 1], -2)
#= cyclic_argument
def f(a): a[0].append(2); return a[0] is a
#: test
a = []; a.append(a)
assert f(a) and a[1] == 2
#= deep_argument
def f(a):
    n = 0
    while a: a = a[0]; n += 1
    return n
#: test
a = []
for _ in range(3000): a = [a]
assert f(a) == 3000
#= exception_argument
def f(e): return type(e).__name__, e.args, str(e)
#: test
assert f(ValueError("x", 2)) == ("ValueError", ("x", 2), "('x', 2)")
#= simple_namespace_argument
def f(n): n.seen = True; return n.a
#: test
from types import SimpleNamespace
n = SimpleNamespace(a=5)
assert f(n) == 5 and n.seen is True
#= mock_argument
def f(m): return m.fetch(3) + 1
#: test
from unittest.mock import Mock
m = Mock(); m.fetch.return_value = 9
assert f(m) == 10
m.fetch.assert_called_once_with(3)
#= enum_argument
def f(c): return c.name, c.value
#: test
import enum
class C(enum.Enum):
    A = 1
assert f(C.A) == ("A", 1)
#= array_and_path
import array
def f(a, p): return sum(a), a.typecode
#: test
import array
assert f(array.array("i", [1, 2]), 0) == (3, "i")
#= named_tuple_argument
def f(p): return p.x, p[1], p._replace(x=9), len(p)
#: test
from collections import namedtuple
P = namedtuple("P", "x y")
assert f(P(1, 2)) == (1, 2, P(9, 2), 2)
assert isinstance(f(P(1, 2))[2], P)
#= named_tuple_result
from collections import namedtuple
P = namedtuple("P", ["x", "y"])
def f(): return P(1, 2)
#: test
r = f()
assert r == (1, 2) and r.y == 2 and r._asdict() == {"x": 1, "y": 2} and isinstance(r, tuple) and isinstance(r, P)
#= typed_named_tuple_with_method
from typing import NamedTuple
class P(NamedTuple):
    x: int
    y: int = 5
def f(): return [P(1), P(2, 3)]
#: test
assert f() == [(1, 5), (2, 3)] and [p.y for p in f()] == [5, 3] and f()[0]._fields == ("x", "y")
#= counter_result
from collections import Counter
def f(s): return Counter(s)
#: test
r = f("banana")
assert r == {"a": 3, "b": 1, "n": 2} and r.most_common(1) == [("a", 3)] and r["q"] == 0 and isinstance(r, dict)
#= default_dictionary_result
from collections import defaultdict
def f(words):
    d = defaultdict(list)
    for w in words: d[len(w)].append(w)
    return d
#: test
r = f(["a", "b", "cc"])
assert r == {1: ["a", "b"], 2: ["cc"]} and r[7] == []
#= ordered_result
from collections import OrderedDict
def f(d): return OrderedDict(sorted(d.items()))
#: test
assert list(f({"b": 1, "a": 2}).items()) == [("a", 2), ("b", 1)] and f({}) == OrderedDict()
#= deque_result
from collections import deque
def f(n): return deque(range(n), maxlen=3)
#: test
r = f(5)
assert list(r) == [2, 3, 4] and r.maxlen == 3 and r[-1] == 4
#= decimal_result
from decimal import Decimal, getcontext
def f(x): return Decimal(x) + Decimal("0.2")
#: test
from decimal import Decimal
assert f("0.1") == Decimal("0.3") and str(f("1.10")) == "1.30"
#= fraction_result
from fractions import Fraction
def f(a, b): return Fraction(a, b)
#: test
assert f(2, 4).numerator == 1 and f(1, 3) * 3 == 1 and str(f(1, 3)) == "1/3"
#= dates
import datetime as dt
def f(day, days): return day + dt.timedelta(days=days)
#: test
import datetime
assert f(datetime.date(2024, 2, 28), 1) == datetime.date(2024, 2, 29)
assert f(datetime.datetime(2024, 1, 1, 5, tzinfo=datetime.timezone.utc), 1).hour == 5
assert f(datetime.datetime(2024, 1, 1), 1).isoformat() == "2024-01-02T00:00:00"
#= times
from datetime import time, timedelta
def f(t): return timedelta(hours=t.hour, minutes=t.minute)
#: test
import datetime
assert f(datetime.time(1, 30)) == datetime.timedelta(minutes=90) and f(datetime.time(1)).total_seconds() == 3600
#= numbers_of_every_kind
def f(x): return x
#: test
for x in (0, -1, 10 ** 30, -(10 ** 5000), 1.5, -0.0, 1e308, 1 + 2j, True, None, ..., b"\x00\xff", "\ud800", "\ud83d\ude00", "é", "", frozenset({1, (2, 3)}), (1, (2,)), range(3)):
    r = f(x)
    assert r == x and type(r) is type(x), x
assert str(f(-0.0)) == "-0.0" and f(float("inf")) == float("inf") and f(float("nan")) != 0
#= views_as_results
def f(d): return d.keys(), d.values(), d.items()
#: test
k, v, i = f({"a": 1, "b": 2})
assert k == {"a", "b"} and list(v) == [1, 2] and ("a", 1) in i and len(k) == 2
#= generator_result
def f(n):
    for k in range(n): yield k * k
#: test
import types
g = f(4)
assert isinstance(g, types.GeneratorType) and next(g) == 0 and list(g) == [1, 4, 9]
#= endless_generator_result
def f():
    a, b = 0, 1
    while True: yield a; a, b = b, a + b
#: test
import itertools
assert list(itertools.islice(f(), 8)) == [0, 1, 1, 2, 3, 5, 8, 13]
#= generator_send_and_return
def f():
    x = yield 1
    y = yield x * 2
    return y
#: test
g = f()
assert next(g) == 1 and g.send(5) == 10
try: g.send("end"); assert False
except StopIteration as e: assert e.value == "end"
#= generator_closed
def f(log):
    try: yield 1; yield 2
    finally: log.append("closed")
#: test
log = []
g = f(log); next(g); g.close()
assert log == ["closed"]
#= iterator_class_result
class Count:
    def __init__(self, n): self.n = n
    def __iter__(self): return self
    def __next__(self):
        if self.n == 0: raise StopIteration
        self.n -= 1
        return self.n
def f(n): return Count(n)
#: test
assert list(f(3)) == [2, 1, 0] and sum(f(4)) == 6
#= map_result
def f(xs): return map(lambda x: x + 1, xs)
#: test
assert list(f([1, 2])) == [2, 3] and next(f([5])) == 6
#= stop_iteration_expected
def f(it): return next(it)
#: test
try: f(iter([])); assert False
except StopIteration: pass
#= function_result
def f(a): return lambda b, *c, d=0: a + b + sum(c) + d
#: test
assert f(1)(2, 3, d=4) == 10 and callable(f(1))
#= function_results_share_state
def f():
    n = 0
    def up():
        nonlocal n
        n += 1
        return n
    return up, lambda: n
#: test
up, get = f()
up(); up()
assert get() == 2
#= composition
def f(*fs):
    def run(x):
        for g in reversed(fs): x = g(x)
        return x
    return run
#: test
assert f(str, lambda x: x + 1)(4) == "5"
#= object_result
class Point:
    def __init__(self, x, y): self.x, self.y = x, y
    def __eq__(self, o): return isinstance(o, Point) and (self.x, self.y) == (o.x, o.y)
    def __hash__(self): return hash((self.x, self.y))
    def __repr__(self): return f"Point({self.x}, {self.y})"
    def __add__(self, o): return Point(self.x + o.x, self.y + o.y)
    def __lt__(self, o): return self.x < o.x
def f(x, y): return Point(x, y)
#: test
p = f(1, 2)
assert p.x == 1 and repr(p) == "Point(1, 2)" and p == Point(1, 2) and p + p == Point(2, 4) and isinstance(p, Point)
assert len({f(1, 2), f(1, 2)}) == 1 and sorted([f(3, 0), f(1, 0)])[0].x == 1
p.x = 7
assert p.x == 7 and not hasattr(p, "z")
#= class_under_test
class Account:
    """An account."""
    rate = 0.5
    def __init__(self, owner, balance=0): self.owner, self._balance = owner, balance
    @property
    def balance(self): return self._balance
    @staticmethod
    def valid(x): return x > 0
    @classmethod
    def empty(cls): return cls("nobody")
    def deposit(self, x):
        if not self.valid(x): raise ValueError("not positive")
        self._balance += x
        return self
#: entry Account
#: test
a = Account("ann")
assert a.deposit(5).deposit(6) is a and a.balance == 11 and Account.rate == 0.5
#: test
assert Account.valid(1) and Account.empty().owner == "nobody" and Account.__doc__ == "An account." and Account.__name__ == "Account"
#: test
try: Account("x").deposit(-1); assert False
except ValueError as e: assert str(e) == "not positive"
#: test
try: a.balance = 3; assert False
except AttributeError: pass
#= class_derived_from_ordered
from collections import OrderedDict
class LRUCache(OrderedDict):
    def __init__(self, capacity): self.capacity = capacity
    def get(self, key):
        if key not in self: return -1
        self.move_to_end(key); return self[key]
    def put(self, key, value):
        self[key] = value; self.move_to_end(key)
        if len(self) > self.capacity: self.popitem(last=False)
#: entry LRUCache
#: test
c = LRUCache(2)
c.put(1, 1); c.put(2, 2)
assert c.get(1) == 1
c.put(3, 3)
assert c.get(2) == -1 and len(c) == 2 and c[3] == 3
#= class_with_items
class Bag:
    def __init__(self): self.d = {}
    def __setitem__(self, k, v): self.d[k] = v
    def __getitem__(self, k): return self.d[k]
    def __delitem__(self, k): del self.d[k]
    def __len__(self): return len(self.d)
    def __iter__(self): return iter(self.d)
    def __contains__(self, k): return k in self.d
    def __bool__(self): return bool(self.d)
    def __call__(self, x): return x * 2
#: entry Bag
#: test
b = Bag()
assert not b
b["x"] = 1; b["y"] = 2
del b["x"]
assert len(b) == 1 and "y" in b and "x" not in b and list(b) == ["y"] and b["y"] == 2 and b(4) == 8 and b
try: b["q"]; assert False
except KeyError as e: assert e.args == ("q",)
#= enumeration_result
import enum
class Color(enum.Enum):
    RED = 1
    BLUE = 2
def f(x): return Color(x)
#: test
assert f(1) is Color.RED and f(2).name == "BLUE" and f(1).value == 1 and f(1) != f(2) and [c.name for c in Color] == ["RED", "BLUE"]
#= integer_enumeration_result
import enum
class Level(enum.IntEnum):
    LOW = 1
def f(): return Level.LOW
#: test
assert f() == 1 and isinstance(f(), int) and f() + 1 == 2
#= match_result
import re
def f(s): return re.match(r"(?P<y>\d+)-(\d+)", s)
#: test
assert f("12-34").group("y") == "12" and f("12-34").groups() == ("12", "34") and f("x") is None and f("1-2").span() == (0, 3)
#= context_manager_class
class Timer:
    log = []
    def __enter__(self): self.log.append("in"); return self
    def __exit__(self, kind, error, trace):
        self.log.append("out" if kind is None else kind.__name__)
        return kind is KeyError
#: entry Timer
#: test
with Timer() as t: pass
with Timer(): raise KeyError("x")
assert Timer.log == ["in", "out", "in", "KeyError"]
try:
    with Timer(): raise ValueError("y")
    assert False
except ValueError: pass
#= context_manager_function
import contextlib
@contextlib.contextmanager
def f(log):
    log.append("in")
    try: yield 5
    finally: log.append("out")
#: test
log = []
with f(log) as five:
    assert five == 5 and log == ["in"]
assert log == ["in", "out"]
#= method_of_a_solution
class Solution:
    def twoSum(self, nums, target):
        seen = {}
        for i, x in enumerate(nums):
            if target - x in seen: return [seen[target - x], i]
            seen[x] = i
#: entry Solution().twoSum
#: check
def check(candidate):
    assert candidate([2, 7, 11], 9) == [0, 1]
    assert candidate(nums=[3, 3], target=6) == [0, 1]
#= static_method_of_a_class
class Solution:
    @staticmethod
    def f(x): return x + 1
#: entry Solution.f
#: check
def check(candidate):
    assert candidate(1) == 2
#= class_as_candidate_of_a_check
class Queue:
    def __init__(self): self.a = []
    def push(self, x): self.a.append(x)
    def pop(self): return self.a.pop(0)
#: entry Queue
#: check
def check(candidate):
    q = candidate(); q.push(1); q.push(2)
    assert q.pop() == 1 and q.pop() == 2
    try: q.pop(); assert False
    except IndexError: pass
#= method_deeper_in_a_path
class A:
    class B:
        def __init__(self): self.k = 4
        def f(self, x): return x + self.k
#: entry A.B().f
#: check
def check(candidate):
    assert candidate(1) == 5
#= given_class
class Solution:
    def rev(self, head):
        dummy = ListNode(0)
        while head:
            nxt = head.next
            head.next = dummy.next
            dummy.next = head
            head = nxt
        return dummy.next
#: entry Solution
#: given
class ListNode:
    def __init__(self, val=0, next=None): self.val, self.next = val, next
#: test
r = Solution().rev(ListNode(1, ListNode(2)))
assert r.val == 2 and r.next.val == 1 and r.next.next is None
#= record_class_of_the_setup
class Solution:
    def build(self, values):
        dummy = tail = ListNode()
        for v in values:
            tail.next = ListNode(v); tail = tail.next
        return dummy.next
#: entry Solution
#: setup
class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next
def to_list(n):
    out = []
    while n: out.append(n.val); n = n.next
    return out
#: test
assert to_list(Solution().build([1, 2, 3])) == [1, 2, 3]
#= helper_classes_of_the_program
class Pair:
    def __init__(self, a, b): self.a, self.b = a, b
def f(pairs): return max(p.b - p.a for p in pairs)
#: test
assert f([Pair(1, 4), Pair(2, 3)]) == 3
#= setup_with_objects_of_the_program
class Node:
    def __init__(self, v): self.v, self.left, self.right = v, None, None
def f(n): return 0 if n is None else 1 + max(f(n.left), f(n.right))
#: setup
root = Node(1)
root.left = Node(2)
root.left.left = Node(3)
#: test
assert f(root) == 3 and f(root.left) == 2
#= setup_constants_and_functions
def f(x): return x * 2
#: setup
import math
K = 21
def near(a, b): return math.isclose(a, b)
#: test
assert f(K) == 42 and near(f(0.5), 1.0)
#= own_exception
class TooBig(Exception):
    def __init__(self, size): super().__init__("too big", size); self.size = size
def f(x):
    if x > 3: raise TooBig(x)
    return x
#: test
try: f(5); assert False
except TooBig as e: assert e.args == ("too big", 5) and e.size == 5 and isinstance(e, Exception)
#= own_exception_hierarchy
class Base(ValueError): pass
class Leaf(Base):
    def __str__(self): return "leaf:" + self.args[0]
def f(x): raise Leaf(x)
#: test
for kind in (Leaf, Base, ValueError):
    try: f("a"); assert False
    except kind as e: assert str(e) == "leaf:a"
assert issubclass(Leaf, Base)
#= own_exception_not_caught_by_another
class One(Exception): pass
class Two(Exception): pass
def f(): raise One
#: test
try:
    try: f()
    except Two: assert False, "not that one"
except One: pass
#= exception_attributes
def f(d, k, path):
    if path: open(path)
    return d[k]
#: test
try: f({}, "k", None); assert False
except KeyError as e: assert e.args == ("k",) and str(e) == "'k'"
try: f({}, "k", "/nope"); assert False
except FileNotFoundError as e: assert e.errno == 2 and isinstance(e, OSError)
#= exception_library
import json, decimal
def f(s): return json.loads(s) if s else decimal.Decimal(1) / 0
#: test
import json, decimal
try: f("{"); assert False
except json.JSONDecodeError as e: assert e.pos == 1 and isinstance(e, ValueError)
try: f(""); assert False
except ZeroDivisionError as e: assert isinstance(e, decimal.DivisionByZero)
#= exception_cause
def f():
    try: {}["x"]
    except KeyError as e: raise RuntimeError("outer") from e
#: test
try: f(); assert False
except RuntimeError as e: assert isinstance(e.__cause__, KeyError) and e.args == ("outer",)
#= exception_by_assert_raises
def f(x):
    if x < 0: raise ValueError(f"negative: {x}")
    return x ** 0.5
#: test
import unittest
t = unittest.TestCase()
with t.assertRaises(ValueError) as c: f(-1)
assert "negative" in str(c.exception)
t.assertRaises(TypeError, f, "a")
t.assertAlmostEqual(f(2), 1.41421356, places=6)
t.assertEqual(f(4), 2.0)
#= exception_by_raises
def f(x): raise ValueError("bad %d" % x)
#: test
import contextlib, re
@contextlib.contextmanager
def raises(kind, match=""):
    try: yield
    except kind as e: assert re.search(match, str(e))
    else: raise AssertionError("nothing was raised")
with raises(ValueError, match=r"bad \d"): f(3)
#= exception_missing_wrong
def f(x): return x
#: test
try: f(-1)
except ValueError: pass
else: assert False
#= exception_type_mismatch
def f(a, b): return a + b
#: test
for bad in (("a", 1), (None, 1)):
    try: f(*bad); assert False
    except TypeError: pass
#= assertion_of_the_program
def f(x):
    assert x > 0, "x has to be positive"
    return x
#: test
try: f(-1); raise SystemError
except AssertionError as e: assert "positive" in str(e)
#= async_function
async def f(x): return 2 * x
#: test
import asyncio
assert asyncio.run(f(2)) == 4
#= async_function_awaited
import asyncio
async def f(x):
    await asyncio.sleep(0)
    return x + 1
#: test
import asyncio
async def main(): return [await f(1), await f(2)]
assert asyncio.run(main()) == [2, 3]
#= async_gather
import asyncio
async def f(x): await asyncio.sleep(0.001); return x * x
#: test
import asyncio
async def main(): return await asyncio.gather(*(f(k) for k in range(4)))
assert asyncio.run(main()) == [0, 1, 4, 9]
#= async_raises
async def f(x):
    if x < 0: raise ValueError("neg")
    return x
#: test
import asyncio
try: asyncio.run(f(-1)); assert False
except ValueError as e: assert str(e) == "neg"
#= async_generator
async def f(n):
    for k in range(n): yield k
#: test
import asyncio
async def main(): return [k async for k in f(3)]
assert asyncio.run(main()) == [0, 1, 2]
#= async_context
class Lock:
    log = []
    async def __aenter__(self): self.log.append(1); return self
    async def __aexit__(self, *a): self.log.append(2)
#: entry Lock
#: test
import asyncio
async def main():
    async with Lock() as l: assert l.log == [1]
    return Lock.log
assert asyncio.run(main()) == [1, 2]
#= async_callback
async def f(g, x): return await g(x) + 1
#: test
import asyncio
async def g(x): await asyncio.sleep(0); return x * 10
assert asyncio.run(f(g, 2)) == 21
#= async_method
class Client:
    async def get(self, k): return {"k": k}
#: entry Client().get
#: check
def check(candidate):
    import asyncio
    assert asyncio.run(candidate(3)) == {"k": 3}
#= async_loop_by_hand
async def f(): return "done"
#: test
import asyncio
loop = asyncio.new_event_loop()
try: assert loop.run_until_complete(f()) == "done"
finally: loop.close()
#= async_top_level
async def f(x): return x
#: test
assert await f(3) == 3
#= async_timeout
import asyncio
async def f(): await asyncio.sleep(0.001); return 1
#: test
import asyncio
async def main(): return await asyncio.wait_for(f(), 5)
assert asyncio.run(main()) == 1
#= printed_text
def f(x): print("a", x); print("b", end="!")
#: test
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b): f(1)
assert b.getvalue() == "a 1\nb!"
#= printed_by_replaced_stream
def f(): print("hi")
#: test
import io, sys
old, sys.stdout = sys.stdout, io.StringIO()
try: f(); said = sys.stdout.getvalue()
finally: sys.stdout = old
assert said == "hi\n"
#= printed_errors
import sys
def f(): print("bad", file=sys.stderr); print("good")
#: test
import io, contextlib
o, e = io.StringIO(), io.StringIO()
with contextlib.redirect_stdout(o), contextlib.redirect_stderr(e): f()
assert o.getvalue() == "good\n" and e.getvalue() == "bad\n"
#= printed_by_write
import sys
def f(): sys.stdout.write("x\n"); sys.stdout.flush(); sys.stdout.buffer.write(b"y\n")
#: test
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b): f()
assert b.getvalue() == "x\ny\n"
#= printed_in_turn_with_the_test
def f(g): print(1); g(); print(3)
#: test
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b): f(lambda: print(2))
assert b.getvalue() == "1\n2\n3\n"
#= printed_by_mock
def f(): print("x", 1)
#: test
from unittest import mock
with mock.patch("builtins.print") as p: f()
p.assert_called_once_with("x", 1)
#= printed_and_not_looked_at
def f(x): print("debug" * 10000); return x
#: test
assert f(1) == 1 and f(2) == 2
#= printed_before_an_exception
def f(): print("so far"); raise ValueError
#: test
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b):
    try: f()
    except ValueError: pass
assert b.getvalue() == "so far\n"
#= printed_by_generator
def f():
    for k in range(2): print(k); yield k
#: test
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b): list(f())
assert b.getvalue() == "0\n1\n"
#= input_by_mock
def f(): return int(input("n? ")) + int(input())
#: test
from unittest import mock
with mock.patch("builtins.input", side_effect=["3", "4"]): assert f() == 7
#= input_by_function
def f(): return input().upper()
#: test
import builtins
old, builtins.input = builtins.input, lambda *a: "x"
try: assert f() == "X"
finally: builtins.input = old
#= input_by_stream
import sys
def f(): return input() + sys.stdin.readline().strip() + sys.stdin.read()
#: test
import io, sys
old, sys.stdin = sys.stdin, io.StringIO("a\nb\nc")
try: assert f() == "abc"
finally: sys.stdin = old
#= sleep_by_mock
import time
def f(): time.sleep(1000); return "woke"
#: test
from unittest import mock
with mock.patch("time.sleep") as s: assert f() == "woke"
s.assert_called_with(1000)
#= modules_that_the_program_imports
import math
from collections import Counter
def f(x): return math.floor(x)
#: test
assert f(2.7) == math.floor(2.7) and math.isclose(f(1.0), 1) and Counter("a") == {"a": 1}
#= keyword_and_default_arguments
def f(a, /, b=2, *c, d, **e): return a, b, c, d, e
#: test
assert f(1, d=4) == (1, 2, (), 4, {}) and f(1, 3, 5, d=4, z=6) == (1, 3, (5,), 4, {"z": 6})
#= name_of_a_built_in_function
def sum(a, b): return a + b
#: entry
#: test
assert sum(10, 15) == 25
#: test
assert sum(1, 2) == 3
#= recursion_near_the_limit
def f(n): return 0 if n == 0 else 1 + f(n - 1)
#: test
assert f(950) == 950
#= large_values
def f(a): return [x + 1 for x in a], "x" * len(a)
#: test
a, s = f(list(range(100000)))
assert a[-1] == 100000 and len(s) == 100000
#= many_calls
def f(x): return x + 1
#: test
assert sum(f(k) for k in range(2000)) == 2001000
#= text_of_objects
class M:
    def __init__(self, a): self.a = a
    def __str__(self): return "M%d" % self.a
    def __format__(self, form): return "formatted"
def f(a): return M(a)
#: test
assert str(f(3)) == "M3" and "%s" % f(1) == "M1"
#= attributes_of_functions
def f(x):
    "Doc."
    f.calls += 1
    return x
f.calls = 0
#: test
f(1); f(2)
assert f.calls == 2 and f.__doc__ == "Doc." and f.__name__ == "f"
#= sets_of_objects_as_keys
def f(words): return {frozenset(w): w for w in words}
#: test
assert f(["ab", "cd"])[frozenset("ab")] == "ab"
#= iterables_of_tests_own
def f(xs): return sum(xs), [x for x in xs]
#: test
class Evens:
    def __iter__(self): return iter([2, 4])
assert f(Evens()) == (6, [2, 4])
#= loaded_with_a_guard
def f(x): return x
if __name__ == "__main__":
    print(f(int(input())))
#: test
assert f(1) == 1
#= heap_and_bisect
import bisect, heapq
def f(xs, k):
    heap = list(xs)
    heapq.heapify(heap)
    out = [heapq.heappop(heap) for _ in range(k)]
    return out, bisect.bisect_left(out, 3), heapq.nlargest(2, xs)
#: test
assert f([5, 1, 4, 2], 3) == ([1, 2, 4], 2, [5, 4])
#= merged_iterators
import heapq, itertools
def f(*its): return itertools.groupby(heapq.merge(*its))
#: test
assert [(k, len(list(g))) for k, g in f(iter([1, 3]), iter([1, 2]))] == [(1, 2), (2, 1), (3, 1)]
#= dataclass_ordered_and_frozen
from dataclasses import dataclass, field, asdict, replace
@dataclass(order=True, frozen=True)
class Job:
    rank: int
    name: str = field(compare=False, default="")
    tags: list = field(default_factory=list, compare=False)
def f(rows): return [asdict(replace(job, name=job.name.upper())) for job in sorted(Job(*row) for row in rows)]
#: test
assert f([(2, "b"), (1, "a")]) == [{"rank": 1, "name": "A", "tags": []}, {"rank": 2, "name": "B", "tags": []}]
#= class_with_properties_and_class_methods
class f:
    count = 0
    def __init__(self, celsius): self.celsius = celsius; f.count += 1
    @property
    def fahrenheit(self): return self.celsius * 9 / 5 + 32
    @fahrenheit.setter
    def fahrenheit(self, value): self.celsius = (value - 32) * 5 / 9
    @classmethod
    def parse(cls, text): return cls(float(text.rstrip("C")))
    def __repr__(self): return f"f({self.celsius})"
#: test
t = f.parse("100C")
assert t.fahrenheit == 212 and repr(t) == "f(100.0)"
t.fahrenheit = 32
assert t.celsius == 0 and f.count == 1
#= memo_decorator_with_state
import functools
def memo(function):
    seen = {}
    @functools.wraps(function)
    def inner(*a):
        if a not in seen: seen[a] = function(*a)
        return seen[a]
    inner.seen = seen
    return inner
@memo
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
#: test
assert f(60) == 1548008755920 and f.__name__ == "f" and len(f.seen) == 61
#= callback_of_the_tests_with_state
def f(emit, n):
    for i in range(n): emit(i, square=i * i)
#: test
seen = []
f(lambda i, square: seen.append((i, square)), 3)
assert seen == [(0, 0), (1, 1), (2, 4)]
#= attribute_of_the_tests_object_is_set
def f(account, amount):
    account.balance -= amount
    account.log.append(amount)
    return account
#: test
class Account:
    limit = 10
    def __init__(self): self.balance, self.log = 50, []
    def total(self): return self.balance + sum(self.log)
    @property
    def half(self): return self.balance / 2
    @half.setter
    def half(self, value): self.balance = value * 2
a = Account()
assert f(a, 20) is a and a.balance == 30 and a.log == [20] and a.total() == 50
#= default_of_a_class_is_set_on_the_object
def f(node): node.colour = "red"; node.weight = node.weight + 1; return node.colour
#: test
class Node:
    colour, weight = None, 0
n = Node()
assert f(n) == "red" and n.colour == "red" and n.weight == 1 and Node.weight == 0
#= property_of_the_tests_object_is_set
def f(box): box.half = 4; return box.size
#: test
class Box:
    size = 0
    half = property(lambda self: self.size / 2, lambda self, value: setattr(self, "size", value * 2))
assert f(Box()) == 8
#= text_class_of_the_tests
def f(name): return name.upper() + str(len(name)), name.shout()
#: test
class Name(str):
    def shout(self): return self + "!"
assert f(Name("ab")) == ("AB2", "ab!")
#= mock_with_return_value
def f(client):
    client.get("a")
    return client.get("b").text
#: test
from unittest.mock import Mock
m = Mock()
m.get.return_value.text = "hello"
assert f(m) == "hello"
assert m.get.call_count == 2
m.get.assert_called_with("b")
#= library_names_without_import
def f(x): return x / 3
#: test
assert isclose(f(1), 0.3333, abs_tol=1e-3) and f(9) == sqrt(9) and ceil(f(10)) == 4
#= library_name_under_test
def deepcopy(x): return [list(row) for row in x]
#: entry
#: test
a = [[1], [2]]
b = deepcopy(a)
b[0].append(5)
assert a == [[1], [2]] and b == [[1, 5], [2]]
#= library_name_under_test_beside_a_class
from copy import deepcopy
class Grid:
    def __init__(self, rows): self.rows = rows
def f(grid): return Grid(deepcopy(grid.rows))
#: test
g = Grid([[1]])
h = f(g)
assert h.rows == deepcopy([[1]]) and h is not g
#= namedtuple_of_the_program_in_place
from collections import namedtuple, Counter, deque
Point = namedtuple("Point", "x y")
def f(points):
    points.append(Point(*map(sum, zip(*points))))
    return deque(points, maxlen=2), Counter(p[0] for p in points)
#: test
p = [(1, 2), (3, 4)]
q, c = f(p)
assert p[2] == (4, 6) and p[2].x == 4 and q.maxlen == 2 and c[1] == 1 and c.most_common(1)[0][1] == 1
#= decimals_and_dates
from decimal import Decimal, ROUND_HALF_UP
from datetime import datetime, timedelta, timezone
def f(price, day): return (Decimal(price) * Decimal("1.19")).quantize(Decimal("0.01"), ROUND_HALF_UP), day + timedelta(days=30)
#: test
from datetime import datetime, timezone
assert f("9.99", datetime(2024, 2, 1, tzinfo=timezone.utc)) == (__import__("decimal").Decimal("11.89"), datetime(2024, 3, 2, tzinfo=timezone.utc))
#= errors_of_its_own_with_fields
class TooMuch(ValueError):
    def __init__(self, asked, left): super().__init__(f"{asked} of {left}"); self.asked, self.left = asked, left
def f(a, b):
    try: return {1: 2}[a]
    except KeyError as error: raise TooMuch(a, b) from error
#: test
try: f(3, 2)
except TooMuch as error:
    assert error.asked == 3 and error.left == 2 and str(error) == "3 of 2" and isinstance(error.__cause__, KeyError)
else: assert False
#= asynchronous_queue
import asyncio
async def f(items):
    queue, out = asyncio.Queue(), []
    async def work():
        while True:
            item = await queue.get()
            out.append(item * 2)
            queue.task_done()
    task = asyncio.create_task(work())
    for item in items: queue.put_nowait(item)
    await queue.join()
    task.cancel()
    return out
#: test
import asyncio
assert asyncio.run(f([1, 2, 3])) == [2, 4, 6]
#= printed_table
def f(rows):
    for name, value in rows: print(f"{name:<5}|{value:>6.2f}")
    print("sum", sum(v for _, v in rows), sep="=", end=".\n")
#: test
import io, contextlib
with contextlib.redirect_stdout(io.StringIO()) as out: f([("a", 1), ("b", 2.5)])
assert out.getvalue() == "a    |  1.00\nb    |  2.50\nsum=3.5.\n"
#= closures_share_a_cell
def f():
    n = 0
    def up(by=1):
        nonlocal n
        n += by
        return n
    return up, lambda: n
#: test
up, now = f()
up(); up(by=4)
assert now() == 5
#= typing_and_protocols
from typing import Protocol, TypeVar, Generic, Optional, Iterable
T = TypeVar("T")
class Stack(Generic[T]):
    def __init__(self) -> None: self.items: list[T] = []
    def push(self, item: T) -> "Stack[T]": self.items.append(item); return self
    def pop(self) -> Optional[T]: return self.items.pop() if self.items else None
    def __len__(self) -> int: return len(self.items)
#: entry Stack
#: test
s = Stack().push(1).push("b")
assert len(s) == 2 and s.pop() == "b" and s.pop() == 1 and s.pop() is None and not len(s)
#= deep_recursion_of_trees
import sys
sys.setrecursionlimit(10000)
def f(n): return 0 if n == 0 else 1 + f(n - 1)
#: test
assert f(3000) == 3000
#= text_with_half_a_pair
def f(s): return s[::-1]
#: test
assert f("a\ud800") == "\ud800a" and f("é😀") == "😀é"
#= operators_of_its_own_numbers
class V:
    def __init__(self, *a): self.a = a
    def __add__(self, o): return V(*map(sum, zip(self.a, o.a)))
    def __mul__(self, o): return V(*(x * o.a[0] for x in self.a))
    def __eq__(self, o): return isinstance(o, V) and self.a == o.a
    def __abs__(self): return sum(x * x for x in self.a) ** 0.5
def f(*a): return V(*a)
#: test
assert f(1, 2) + f(3, 4) == f(4, 6) and (f(3, 4) * f(2)).a == (6, 8) and abs(f(3, 4)) == 5
#= method_of_a_builtin_as_callable
def f(g, xs): return [g(x) for x in xs]
#: test
assert f(str.upper, ['a', 'b']) == ['A', 'B']
assert f(str.strip, [' a ']) == ['a']
#= builtin_key_function
def f(xs, key): return sorted(xs, key=key)
#: test
assert f(['bbb', 'a', 'cc'], len) == ['a', 'cc', 'bbb']
assert f(['b', 'A'], str.lower) == ['A', 'b']
assert f([3, -1, 2], abs) == [-1, 2, 3]
#= operator_functions
import functools
def f(op, xs): return functools.reduce(op, xs)
#: test
import operator
assert f(operator.add, [1, 2, 3]) == 6
assert f(operator.mul, [1, 2, 3, 4]) == 24
assert f(max, [1, 5, 3]) == 5
#= itemgetter_as_key
def f(xs, key): return sorted(xs, key=key)
#: test
from operator import itemgetter, attrgetter
assert f([(1, 'b'), (2, 'a')], itemgetter(1)) == [(2, 'a'), (1, 'b')]
#= attrgetter_of_tests_objects
def f(xs, key): return [x.name for x in sorted(xs, key=key)]
#: test
from operator import attrgetter
class P:
    def __init__(self, n, a): self.name, self.age = n, a
assert f([P('x', 3), P('y', 1)], attrgetter('age')) == ['y', 'x']
#= bound_method_of_a_list
def f(add, n):
    for i in range(n): add(i)
#: test
out = []
f(out.append, 3)
assert out == [0, 1, 2]
#= dict_get_as_callable
def f(get, keys): return [get(k, 0) for k in keys]
#: test
assert f({'a': 1}.get, ['a', 'b']) == [1, 0]
#= partial_argument
def f(g): return g(3)
#: test
from functools import partial
assert f(partial(pow, 2)) == 8
assert f(partial(lambda a, b: a - b, b=1)) == 2
#= partial_result
from functools import partial
def f(n): return partial(lambda a, b: a * b, n)
#: test
assert f(3)(4) == 12
#= class_method_as_callable
def f(make, xs): return [make(x) for x in xs]
#: test
assert f(int, ['1', '2']) == [1, 2]
assert f(dict.fromkeys, [['a']]) == [{'a': None}]
assert f(bytes.fromhex, ['ff']) == [b'\xff']
#= cmp_to_key
from functools import cmp_to_key
def f(xs, cmp): return sorted(xs, key=cmp_to_key(cmp))
#: test
assert f([1, 3, 2], lambda a, b: b - a) == [3, 2, 1]
#= islice_of_endless
from itertools import islice
def f(it, n): return list(islice(it, n))
#: test
import itertools
assert f(itertools.count(5), 3) == [5, 6, 7]
assert f(itertools.cycle('ab'), 3) == ['a', 'b', 'a']
#= tee_results
import itertools
def f(xs): return itertools.tee(xs, 2)
#: test
a, b = f([1, 2])
assert list(a) == list(b) == [1, 2]
#= groupby_result
from itertools import groupby
def f(s): return [(k, list(g)) for k, g in groupby(s)]
#: test
assert f('aab') == [('a', ['a', 'a']), ('b', ['b'])]
#= product_iterator
import itertools
def f(a, b): return itertools.product(a, b)
#: test
assert list(f('ab', [1])) == [('a', 1), ('b', 1)]
assert next(f([1], [2])) == (1, 2)
#= generator_pipeline
def f(n):
    def evens():
        for i in range(n):
            if i % 2 == 0: yield i
    return (x * x for x in evens())
#: test
assert list(f(5)) == [0, 4, 16]
g = f(3); assert next(g) == 0 and sum(g) == 4
#= generator_of_generators
def f(n):
    for i in range(n): yield (j for j in range(i))
#: test
assert [list(g) for g in f(3)] == [[], [0], [0, 1]]
#= yield_from_argument
def f(*its):
    for it in its: yield from it
#: test
assert list(f(iter([1]), (x for x in [2]), {3: 4})) == [1, 2, 3]
#= reversed_and_zip_arguments
def f(a): return list(a)
#: test
assert f(reversed([1, 2])) == [2, 1]
assert f(zip([1], [2])) == [(1, 2)]
assert f(map(str, [1])) == ['1']
assert f(filter(None, [0, 1])) == [1]
assert f(enumerate('a')) == [(0, 'a')]
#= nested_in_place
def f(d):
    d['a'][0].append(3); d['b'] = d.pop('a')
#: test
inner = [1]
d = {'a': [inner]}
f(d)
assert d == {'b': [[1, 3]]} and inner == [1, 3]
#= in_place_array_rotate
def f(m):
    m[:] = [list(r) for r in zip(*m[::-1])]
#: test
m = [[1, 2], [3, 4]]
assert f(m) is None and m == [[3, 1], [4, 2]]
#= in_place_move_zeroes
def f(xs):
    j = 0
    for i in range(len(xs)):
        if xs[i]: xs[i], xs[j] = xs[j], xs[i]; j += 1
#: test
a = [0, 1, 0, 3]
f(a)
assert a == [1, 3, 0, 0]
#= aliasing_kept
def f(a, b): a.append(1); return a is b, len(b)
#: test
x = []
assert f(x, x) == (True, 1)
assert f([], []) == (False, 0)
#= namedtuple_operations
from collections import namedtuple
Point = namedtuple('Point', 'x y')
def f(a, b): return Point(a, b)
#: test
p = f(1, 2)
assert p.x == 1 and p == (1, 2) and p._asdict() == {'x': 1, 'y': 2} and p._replace(x=3).x == 3 and p._fields == ('x', 'y')
#= namedtuple_default
from typing import NamedTuple
class E(NamedTuple):
    n: int
    t: str = 'x'
def f(n): return [E(n), E(n, 'y')]
#: test
assert f(1) == [(1, 'x'), (1, 'y')] and f(2)[0].t == 'x'
#= counter_operations
from collections import Counter
def f(s): return Counter(s)
#: test
c = f('aab')
assert c.most_common(1) == [('a', 2)] and c['z'] == 0 and c + c == Counter('aabaab') if 'Counter' in globals() else True
assert f('ab') == {'a': 1, 'b': 1}
#= counter_argument
def f(c): c.update('a'); return c.most_common()
#: test
from collections import Counter
c = Counter('ab')
assert f(c) == [('a', 2), ('b', 1)] and c['a'] == 2
#= defaultdict_of_lists
from collections import defaultdict
def f(ps):
    d = defaultdict(list)
    for k, v in ps: d[k].append(v)
    return d
#: test
r = f([('a', 1), ('a', 2)])
assert r == {'a': [1, 2]} and r['q'] == []
#= nested_defaultdict
from collections import defaultdict
def f(): return defaultdict(lambda: defaultdict(int))
#: test
d = f()
d['a']['b'] += 2
assert d['a']['b'] == 2 and d['x']['y'] == 0
#= deque_rotates
from collections import deque
def f(xs, k): d = deque(xs, maxlen=3); d.rotate(k); return d
#: test
from collections import deque
assert f([1, 2, 3], 1) == deque([3, 1, 2]) and f([1, 2, 3, 4], 0).maxlen == 3
#= chainmap_result
from collections import ChainMap
def f(a, b): return dict(ChainMap(a, b))
#: test
assert f({'a': 1}, {'a': 2, 'b': 3}) == {'a': 1, 'b': 3}
#= decimal_money
from decimal import Decimal, ROUND_HALF_UP
def f(x): return Decimal(x).quantize(Decimal('0.01'), rounding=ROUND_HALF_UP)
#: test
from decimal import Decimal
assert f('1.005') == Decimal('1.01') and str(f('2')) == '2.00'
assert f(Decimal('3.456')) == Decimal('3.46')
#= fraction_sums
from fractions import Fraction
def f(xs): return sum(map(Fraction, xs), Fraction(0))
#: test
from fractions import Fraction
assert f(['1/2', '1/3']) == Fraction(5, 6) and f([1, 2]) == 3 and float(f(['1/2'])) == 0.5
#= dates_calendar
from datetime import date, timedelta
def f(d, n): return d + timedelta(days=n)
#: test
from datetime import date, datetime, timedelta
assert f(date(2024, 2, 28), 2) == date(2024, 3, 1)
assert (f(datetime(2024, 1, 1, 5), 1) - datetime(2024, 1, 1)).total_seconds() == 104400.0
assert f(date(2024, 1, 1), 0).isoformat() == '2024-01-01'
#= aware_times
from datetime import datetime, timezone, timedelta
def f(t): return t.astimezone(timezone(timedelta(hours=2)))
#: test
from datetime import datetime, timezone
t = datetime(2024, 1, 1, tzinfo=timezone.utc)
assert f(t) == t and f(t).hour == 2
#= date_formats
from datetime import datetime
def f(s): return datetime.strptime(s, '%Y-%m-%d').strftime('%d/%m/%Y')
#: test
assert f('2024-01-02') == '02/01/2024'
#= own_exception_with_fields
class InsufficientFunds(Exception):
    def __init__(self, need, have):
        super().__init__(f'need {need}, have {have}')
        self.need, self.have = need, have
def f(n, h):
    if n > h: raise InsufficientFunds(n, h)
    return h - n
#: test
try:
    f(5, 3)
    assert False, 'nothing raised'
except InsufficientFunds as e:
    assert e.need == 5 and e.have == 3 and str(e) == 'need 5, have 3' and e.args == ('need 5, have 3',)
assert f(1, 3) == 2
#= own_exception_str
class E(ValueError):
    def __init__(self, code): self.code = code
    def __str__(self): return 'code %d' % self.code
def f(c): raise E(c)
#: test
try:
    f(4)
except ValueError as e:
    assert str(e) == 'code 4' and e.code == 4 and isinstance(e, E) and type(e).__name__ == 'E'
else:
    assert False
#= exception_chaining
def f(x):
    try: int(x)
    except ValueError as e: raise KeyError('k') from e
#: test
try:
    f('a')
    assert False
except KeyError as e:
    assert isinstance(e.__cause__, ValueError) and e.args == ('k',)
#= raises_each_kind
def f(k): raise {'z': ZeroDivisionError, 'i': IndexError, 'k': KeyError, 't': TypeError, 'n': NotImplementedError, 'o': OverflowError, 'u': UnicodeError}[k]('m')
#: test
for k, kind in [('z', ZeroDivisionError), ('i', IndexError), ('k', KeyError), ('t', TypeError), ('n', NotImplementedError), ('o', OverflowError), ('u', UnicodeError)]:
    try:
        f(k)
    except kind as e:
        assert e.args == ('m',)
    else:
        assert False
#= unicode_decode_error
def f(b): return b.decode('utf-8')
#: test
try:
    f(b'\xff')
    assert False
except UnicodeDecodeError as e:
    assert e.start == 0 and e.reason == 'invalid start byte' and e.encoding == 'utf-8'
#= json_decode_error
import json
def f(s): return json.loads(s)
#: test
import json
try:
    f('{')
    assert False
except json.JSONDecodeError as e:
    assert e.pos == 1
assert f('{"a": [1, null]}') == {'a': [1, None]}
#= os_error_errno
def f(p): return open(p)
#: test
import errno
try:
    f('/nonexistent/x')
    assert False
except FileNotFoundError as e:
    assert e.errno == errno.ENOENT and e.filename == '/nonexistent/x'
#= unittest_style
def f(x):
    if x < 0: raise ValueError('negative value')
    return x ** 0.5
#: test
import unittest
class T(unittest.TestCase):
    def test_a(self): self.assertEqual(f(4), 2); self.assertAlmostEqual(f(2), 1.41421356)
    def test_b(self):
        with self.assertRaises(ValueError) as cm: f(-1)
        self.assertIn('negative', str(cm.exception))
    def test_c(self):
        with self.assertRaisesRegex(ValueError, 'neg'): f(-2)
r = unittest.TextTestRunner(stream=__import__('io').StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))
assert r.wasSuccessful() and r.testsRun == 3
#= async_sleep
import asyncio
async def f(x):
    await asyncio.sleep(0)
    return x * 2
#: test
import asyncio
assert asyncio.run(f(3)) == 6
#= async_with_tests_coroutine
async def f(g, n): return [await g(i) for i in range(n)]
#: test
import asyncio
async def g(i):
    await asyncio.sleep(0)
    return i + 1
assert asyncio.run(f(g, 3)) == [1, 2, 3]
#= async_iterates
async def f(n):
    for i in range(n): yield i
#: test
import asyncio
async def go(): return [x async for x in f(3)]
assert asyncio.run(go()) == [0, 1, 2]
#= async_gather_inside
import asyncio
async def f(xs):
    async def sq(x): await asyncio.sleep(0); return x * x
    return await asyncio.gather(*(sq(x) for x in xs))
#: test
import asyncio
assert asyncio.run(f([1, 2])) == [1, 4]
#= printed_capture
def f(n):
    for i in range(n): print(i, end=' ')
    print()
#: test
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stdout(b): f(3)
assert b.getvalue() == '0 1 2 \n'
#= printed_to_stderr
import sys
def f(): print('x', file=sys.stderr); return 1
#: test
import io, contextlib
b = io.StringIO()
with contextlib.redirect_stderr(b): assert f() == 1
assert b.getvalue() == 'x\n'
#= closure_counter
def f():
    n = 0
    def inc(k=1):
        nonlocal n
        n += k
        return n
    return inc
#: test
c = f()
assert c() == 1 and c(k=5) == 6 and f()() == 1
#= compose
def f(*gs):
    def h(x):
        for g in reversed(gs): x = g(x)
        return x
    return h
#: test
assert f(lambda x: x + 1, lambda x: x * 2)(5) == 11
assert f()(3) == 3
#= decorator_wraps
import functools
def f(fn):
    @functools.wraps(fn)
    def w(*a, **k): w.calls += 1; return fn(*a, **k)
    w.calls = 0
    return w
#: test
@f
def add(a, b): return a + b
assert add(1, b=2) == 3 and add(1, 1) == 2 and add.calls == 2 and add.__name__ == 'add'
#= memoize_calls
def f(fn):
    cache = {}
    def w(*a):
        if a not in cache: cache[a] = fn(*a)
        return cache[a]
    return w
#: test
calls = []
g = f(lambda x: calls.append(x) or x * 2)
assert g(2) == 4 and g(2) == 4 and calls == [2]
#= curry
def f(a): return lambda b: lambda c: a + b + c
#: test
assert f(1)(2)(3) == 6
#= callbacks_called_in_order
def f(on, xs):
    for i, x in enumerate(xs): on(i, value=x)
#: test
log = []
f(lambda i, value: log.append((i, value)), 'ab')
assert log == [(0, 'a'), (1, 'b')]
#= dataclass_result
from dataclasses import dataclass, field
@dataclass
class P:
    x: int
    tags: list = field(default_factory=list)
def f(x): return P(x)
#: test
p = f(3)
p.tags.append('a')
assert p.x == 3 and p.tags == ['a'] and f(3) == f(3) and repr(f(1)) == 'P(x=1, tags=[])' and f(1).tags == []
#= dataclass_order
from dataclasses import dataclass
@dataclass(order=True, frozen=True)
class V:
    a: int
    b: int = 0
def f(xs): return sorted(V(*x) for x in xs)
#: test
r = f([(2, 1), (1,)])
assert [v.a for v in r] == [1, 2] and r[0] < r[1]
#= enum_result
from enum import Enum, auto
class Color(Enum):
    RED = auto()
    BLUE = auto()
def f(s): return Color[s]
#: test
assert f('RED') == Color.RED and f('BLUE').value == 2 and f('RED').name == 'RED' and f('RED') is Color.RED
#= flag_result
from enum import IntFlag
class P(IntFlag):
    R = 4
    W = 2
def f(): return P.R | P.W
#: test
assert f() == 6 and f() & 2
#= keywords_only
def f(a, /, b, *, c=3, **k): return a + b + c + sum(k.values())
#: test
assert f(1, 2) == 6 and f(1, b=2, c=4) == 7 and f(1, 2, d=10) == 16
try:
    f(a=1, b=2)
    assert False
except TypeError:
    pass
#= stack_class
class Stack:
    def __init__(self): self.items = []
    def push(self, x): self.items.append(x); return self
    def pop(self):
        if not self.items: raise IndexError('empty')
        return self.items.pop()
    def __len__(self): return len(self.items)
    def __bool__(self): return bool(self.items)
    def __iter__(self): return iter(self.items)
    def __contains__(self, x): return x in self.items
    def __repr__(self): return 'Stack(%r)' % self.items
    @property
    def top(self): return self.items[-1]
#: entry
#: test
s = Stack()
assert not s and len(s) == 0
s.push(1).push(2)
assert len(s) == 2 and s.top == 2 and list(s) == [1, 2] and 1 in s and 5 not in s and repr(s) == 'Stack([1, 2])' and bool(s)
assert s.pop() == 2 and len(s) == 1 and list(s) == [1]
s.pop()
try:
    s.pop()
    assert False
except IndexError as e:
    assert str(e) == 'empty'
#= vector_class
class Vector:
    def __init__(self, x, y): self.x, self.y = x, y
    def __add__(self, o): return Vector(self.x + o.x, self.y + o.y)
    def __sub__(self, o): return Vector(self.x - o.x, self.y - o.y)
    def __neg__(self): return Vector(-self.x, -self.y)
    def __eq__(self, o): return (self.x, self.y) == (o.x, o.y)
    def __abs__(self): return (self.x ** 2 + self.y ** 2) ** .5
    def __matmul__(self, o): return self.x * o.x + self.y * o.y
    def __getitem__(self, i): return (self.x, self.y)[i]
#: entry
#: test
a, b = Vector(3, 4), Vector(1, 1)
assert a + b == Vector(4, 5) and (a - b).x == 2 and -a == Vector(-3, -4) and abs(a) == 5.0 and a @ b == 7 and a[1] == 4
x, y = a
assert (x, y) == (3, 4)
#= matrix_len_and_iteration
class M:
    def __init__(self, rows): self.rows = rows
    def __len__(self): return len(self.rows)
    def __iter__(self): return (x for r in self.rows for x in r)
    def __getitem__(self, k): return self.rows[k[0]][k[1]]
    def __setitem__(self, k, v): self.rows[k[0]][k[1]] = v
#: entry
#: test
m = M([[1, 2], [3, 4]])
assert len(m) == 2 and list(m) == [1, 2, 3, 4] and m[0, 1] == 2
m[0, 1] = 9
assert m[0, 1] == 9 and list(m) == [1, 9, 3, 4] and list(m) == [1, 9, 3, 4] and len(m) == 2
#= lru_cache_class
from collections import OrderedDict
class LRU:
    def __init__(self, n): self.n, self.d = n, OrderedDict()
    def get(self, k):
        if k not in self.d: return -1
        self.d.move_to_end(k); return self.d[k]
    def put(self, k, v):
        self.d[k] = v; self.d.move_to_end(k)
        if len(self.d) > self.n: self.d.popitem(last=False)
#: entry
#: test
c = LRU(2)
c.put(1, 1); c.put(2, 2)
assert c.get(1) == 1
c.put(3, 3)
assert c.get(2) == -1 and c.get(3) == 3
#= draining_queue
class Q:
    def __init__(self, xs): self.xs = list(xs)
    def __len__(self): return len(self.xs)
    def __iter__(self):
        while self.xs: yield self.xs.pop(0)
#: entry
#: test
q = Q([1, 2, 3])
assert len(q) == 3
assert list(q) == [1, 2, 3]
assert list(q) == []
#= length_after_draining
class Q:
    def __init__(self, xs): self.xs = list(xs)
    def __len__(self): return len(self.xs)
    def __iter__(self):
        while self.xs: yield self.xs.pop(0)
#: entry
#: test
q = Q([1, 2, 3])
assert len(q) == 3 and list(q) == [1, 2, 3] and len(q) == 0
#= attribute_changes_length
class T:
    def __init__(self): self.n = 1
    def __len__(self): return self.n
#: entry
#: test
t = T()
assert len(t) == 1
t.n = 5
assert len(t) == 5
#= object_that_shares_a_list
class T:
    def __init__(self, xs): self.xs = xs
    def __len__(self): return len(self.xs)
    def __getitem__(self, i): return self.xs[i]
#: entry
#: test
xs = [1]
t = T(xs)
assert len(t) == 1 and t[0] == 1
xs.append(2); xs[0] = 7
assert len(t) == 2 and t[0] == 7
#= object_seen_through_another
class A:
    def __init__(self): self.n = 0
class B:
    def __init__(self, a): self.a = a
    def __len__(self): return self.a.n
    def grow(self): self.a.n += 1
#: entry
#: test
a = A(); b = B(a)
assert len(b) == 0
b.grow()
assert len(b) == 1
a.n += 1
assert len(b) == 2
#= lazy_property_changes
class T:
    def __init__(self): self._k = 0
    @property
    def next_id(self): self._k += 1; return self._k
    def __len__(self): return self._k
    def __str__(self): return 'T%d' % self._k
#: entry
#: test
t = T()
assert str(t) == 'T0' and t.next_id == 1 and t.next_id == 2 and len(t) == 2 and str(t) == 'T2' and t.next_id == 3 and len(t) == 3
#= callback_changes_object
class Acc:
    def __init__(self): self.xs = []
    def __len__(self): return len(self.xs)
    def __getitem__(self, i): return self.xs[i]
def f(acc): return acc.xs.append
#: entry
#: test
a = Acc()
assert len(a) == 0
add = f(a)
add(1)
assert len(a) == 1 and a[0] == 1
add(2)
assert len(a) == 2 and a[-1] == 2
#= getitem_side_effect
class Reader:
    def __init__(self): self.reads = 0
    def __getitem__(self, k): self.reads += 1; return k * 2
    def __len__(self): return self.reads
#: entry
#: test
r = Reader()
assert r[1] == 2 and len(r) == 1
assert r[2] == 4
assert r.reads == 2
#= context_manager_timer
class R:
    def __init__(self): self.log = []
    def __enter__(self): self.log.append('in'); return self
    def __exit__(self, *e): self.log.append('out'); return e[0] is ValueError
#: entry
#: test
r = R()
with r as x:
    assert x.log == ['in']
    raise ValueError
assert r.log == ['in', 'out'] and x is r
#= contextmanager_generator
from contextlib import contextmanager
@contextmanager
def f(log):
    log.append(1)
    try: yield 'v'
    finally: log.append(2)
#: test
log = []
with f(log) as v:
    assert v == 'v' and log == [1]
assert log == [1, 2]
#= inherit_and_super
class A:
    def hi(self): return 'A'
    @staticmethod
    def s(): return 1
    @classmethod
    def c(cls): return cls.__name__
class B(A):
    def hi(self): return super().hi() + 'B'
#: entry
#: test
assert B().hi() == 'AB' and B.s() == 1 and B.c() == 'B' and isinstance(B(), A) and issubclass(B, A)
#= abstract_base
from abc import ABC, abstractmethod
class S(ABC):
    @abstractmethod
    def area(self): ...
class Sq(S):
    def __init__(self, a): self.a = a
    def area(self): return self.a ** 2
#: entry
#: test
assert Sq(3).area() == 9
try:
    S()
    assert False
except TypeError:
    pass
#= linked_list_of_the_program
class Node:
    def __init__(self, v, nxt=None): self.v, self.nxt = v, nxt
def build(xs):
    head = None
    for x in reversed(xs): head = Node(x, head)
    return head
#: entry
#: test
n = build([1, 2, 3]); out = []
while n is not None:
    out.append(n.v)
    n = n.nxt
assert out == [1, 2, 3]
#= tree_of_the_program_inserted
class Node:
    def __init__(self, v): self.v = v; self.l = self.r = None
def insert(t, v):
    if t is None: return Node(v)
    if v < t.v: t.l = insert(t.l, v)
    else: t.r = insert(t.r, v)
    return t
#: entry
#: test
t = None
for v in (5, 2, 8): t = insert(t, v)
assert t.v == 5 and t.l.v == 2 and t.r.v == 8 and t.l.l is None
#= solution_class
class Solution:
    def twoSum(self, nums, target):
        seen = {}
        for i, x in enumerate(nums):
            if target - x in seen: return [seen[target - x], i]
            seen[x] = i
#: entry Solution().twoSum
#: check
def check(candidate):
    assert candidate(nums=[2, 7, 11, 15], target=9) == [0, 1]
    assert candidate([3, 3], 6) == [0, 1]
#= bytes_and_struct
import struct
def f(n): return struct.pack('>I', n)
#: test
assert f(1) == b'\x00\x00\x00\x01' and f(255).hex() == '000000ff'
#= set_results
def f(a, b): return a & b, a | b, a ^ b, frozenset(a)
#: test
assert f({1, 2}, {2, 3}) == ({2}, {1, 2, 3}, {1, 3}, frozenset({1, 2}))
#= float_specials
def f(): return [float('inf'), -0.0, float('nan'), 1e300 * 10]
#: test
import math
r = f()
assert r[0] == math.inf and math.copysign(1, r[1]) == -1 and math.isnan(r[2]) and r[3] == 1e301
#= big_numbers
import math
def f(n): return math.factorial(n)
#: test
import math
assert f(500) == math.factorial(500) and f(25) % 10 ** 9 == math.factorial(25) % 10 ** 9
#= random_seeded_by_program
import random
def f(n): random.seed(7); return [random.randint(1, 6) for _ in range(n)]
#: test
r = f(20)
assert len(r) == 20 and all(1 <= x <= 6 for x in r) and f(20) == r
#= random_argument_instance
def f(r, n): return [r.randint(0, 9) for _ in range(n)]
#: test
import random
assert f(random.Random(1), 5) == f(random.Random(1), 5)
#= regex_results
import re
def f(s): return re.findall(r'(\w)(\d)', s), re.sub(r'\d', '', s), [m.group() for m in re.finditer(r'\d', s)]
#: test
assert f('a1b2') == ([('a', '1'), ('b', '2')], 'ab', ['1', '2'])
#= string_io_argument
def f(stream): return [line.rstrip('\n') for line in stream]
#: test
import io
assert f(io.StringIO('a\nb\n')) == ['a', 'b']
#= writes_to_stream
def f(stream, xs):
    for x in xs: stream.write('%s\n' % x)
#: test
import io
b = io.StringIO()
f(b, [1, 'q'])
assert b.getvalue() == '1\nq\n'
#= csv_to_stream
import csv
def f(rows, stream): csv.writer(stream).writerows(rows)
#: test
import io
b = io.StringIO()
f([[1, 'a']], b)
assert b.getvalue() == '1,a\r\n'
#= numpy_absent
def f(xs):
    try:
        import no_numpy_here as np
        return np.mean(xs)
    except ImportError:
        return sum(xs) / len(xs)
#: test
assert f([1, 2]) == 1.5
#= type_hints_generic
from typing import Generic, TypeVar, Optional
T = TypeVar('T')
class Box(Generic[T]):
    def __init__(self, v: T) -> None: self.v = v
    def get(self) -> Optional[T]: return self.v
#: entry
#: test
assert Box(3).get() == 3 and Box[int](4).get() == 4
#= user_dict
from collections import UserDict
class D(UserDict):
    def __setitem__(self, k, v): super().__setitem__(k.lower(), v)
#: entry
#: test
d = D()
d['A'] = 1
assert d['a'] == 1 and len(d) == 1 and 'a' in d and list(d) == ['a']
#= dict_subclass_with_method
class Multi(dict):
    def add(self, k, v): self.setdefault(k, []).append(v); return self
#: entry
#: test
m = Multi()
m.add('a', 1).add('a', 2)
assert m['a'] == [1, 2] and len(m) == 1 and list(m.items()) == [('a', [1, 2])]
#= list_subclass_with_method
class L(list):
    def second(self): return self[1]
def f(xs): return L(xs)
#: test
assert f([1, 2]).second() == 2 and len(f([1])) == 1
#= wrong_mutates_order_wrong
def f(a): return a
#: test
x = [2, 1]
assert f(x) == [1, 2]
#= wrong_length_changes_wrong
class X:
    n = 0
    def __len__(self): X.n += 1; return X.n
def f(n): return X()
#: test
r = f(1)
assert len(r) == 1 and len(r) == 2
#= wrong_item_changes_wrong
class X:
    n = 0
    def __getitem__(self, i): self.n += 1; return self.n
def f(n): return X()
#: test
r = f(1)
assert r[0] == 1 and r[0] == 2
#= wrong_equal_once_wrong
class X:
    n = 0
    def __eq__(self, o): X.n += 1; return X.n == 1
    __hash__ = None
def f(n): return X()
#: test
a, b = f(1), f(1)
assert a == b and not a == b
#= wrong_text_changes_wrong
class X:
    n = 0
    def __str__(self): X.n += 1; return str(X.n)
def f(n): return X()
#: test
r = f(1)
assert str(r) == '1' and str(r) == '2'
#= wrong_order_both_ways_wrong
class X:
    n = 0
    def __lt__(self, o): X.n += 1; return X.n % 2 == 1
def f(n): return X()
#: test
a, b = f(1), f(2)
assert a < b and not a < b
#= sets_attributes_of_a_mock
def f(m):
    m.status = "done"
    m.sizes = [1, 2]
    m.send(5)
    m.fetch.side_effect = lambda x: x + 1
    return m.fetch(2)
#: test
from unittest.mock import Mock
m = Mock(); assert f(m) == 3
m.send.assert_called_once_with(5); m.fetch.assert_called_once_with(2)
assert m.status == "done" and m.sizes == [1, 2]
#= fills_a_place_for_a_function
def f(e):
    e.on_event = lambda x: x * 2
    e.kind = int
#: test
class E:
    def __init__(self): self.on_event, self.kind = None, str
e = E(); f(e)
assert e.on_event(4) == 8 and e.kind is int
#= threads_of_the_test
def f(x): return x * x
#: test
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    assert list(pool.map(f, range(50))) == [i * i for i in range(50)]
#= threads_of_the_test_wrong
def f(x): return x
#: test
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    assert list(pool.map(f, range(50))) == [i * i for i in range(50)]
#= threads_of_the_test_on_one_object
import threading
class Counter:
    def __init__(self): self.n, self.lock = 0, threading.Lock()
    def up(self):
        with self.lock: self.n += 1
#: entry Counter
#: test
import threading
counter = Counter()
threads = [threading.Thread(target=lambda: [counter.up() for _ in range(50)]) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert counter.n == 200
#= threads_of_the_program_call_back
from concurrent.futures import ThreadPoolExecutor
def f(call, xs):
    with ThreadPoolExecutor(4) as pool: return list(pool.map(call, xs))
#: test
seen = []
def call(x):
    seen.append(x)
    return x + 1
assert f(call, list(range(30))) == list(range(1, 31)) and sorted(seen) == list(range(30))
#= suite_that_ends_the_interpreter
def f(x): return x + 1
#: test
import unittest
class Tests(unittest.TestCase):
    def test(self): self.assertEqual(f(1), 2)
if __name__ == "__main__":
    unittest.main()
#= suite_that_ends_the_interpreter_wrong
def f(x): return x
#: test
import unittest
class Tests(unittest.TestCase):
    def test(self): self.assertEqual(f(1), 2)
if __name__ == "__main__":
    unittest.main()
#= suite_that_nobody_looks_at
def f(x): return x + 1
#: test
import unittest
class Tests(unittest.TestCase):
    def test(self): self.assertEqual(f(1), 2)
unittest.main(argv=["x"], exit=False)
#= suite_that_nobody_looks_at_wrong
def f(x): return x
#: test
import unittest
class Tests(unittest.TestCase):
    def test(self): self.assertEqual(f(1), 2)
unittest.main(argv=["x"], exit=False)
#= suite_of_the_programs_exit_wrong
def f(x): raise SystemExit(0)
#: test
import unittest
class Tests(unittest.TestCase):
    def test(self): self.assertEqual(f(1), 2)
unittest.main()
#= test_that_ends_the_interpreter
def f(x): return x + 1
#: test
import sys
assert f(1) == 2
sys.exit()
#= exit_of_the_program_wrong
import sys
def f(x): sys.exit(0)
#: test
f(1)
assert False
#= exit_of_a_callback_wrong
def f(call): call()
#: test
import sys
f(lambda: sys.exit(0))
assert False
#= exception_with_notes
def f():
    error = ValueError("v")
    error.add_note("n")
    raise error
#: test
try:
    f()
    assert False
except ValueError as error:
    assert error.__notes__ == ["n"]
#= exception_group
def f(): raise ExceptionGroup("several", [ValueError(1), TypeError("x")])
#: test
try:
    f()
    assert False
except ExceptionGroup as group:
    assert group.message == "several" and [type(one) for one in group.exceptions] == [ValueError, TypeError]
#: test
caught = []
try:
    f()
except* ValueError as group:
    caught.append(group.exceptions[0].args)
except* TypeError as group:
    caught.append(group.exceptions[0].args)
assert caught == [(1,), ("x",)]
#= exception_group_of_tasks
import asyncio
async def f():
    async def fail(): raise KeyError("k")
    async with asyncio.TaskGroup() as tasks: tasks.create_task(fail())
#: test
import asyncio
try:
    asyncio.run(f())
    assert False
except BaseExceptionGroup as group:
    assert isinstance(group.exceptions[0], KeyError)
#= words_that_only_say_whether_they_are_in
class Trie:
    def __init__(self): self.words = set()
    def add(self, word): self.words.add(word)
    def __contains__(self, word): return word in self.words
#: entry Trie
#: test
trie = Trie()
trie.add("a")
assert "a" in trie and "b" not in trie
#= object_turned_rounded_and_formatted
class Row:
    def __init__(self, *items): self.items = items
    def __reversed__(self): return iter(self.items[::-1])
    def __round__(self, digits=None): return Row(*(round(item, digits) for item in self.items))
    def __format__(self, form): return form + "/".join(map(str, self.items))
#: entry Row
#: test
row = Row(1.26, 2.51)
assert list(reversed(row)) == [2.51, 1.26] and round(row, 1).items == (1.3, 2.5) and f"{row:x}" == "x1.26/2.51"
#= object_copied
class Node:
    def __init__(self, value): self.value, self.parts = value, [1]
    def grow(self): self.parts.append(2)
#: entry Node
#: test
import copy
node = Node(3)
flat, deep = copy.copy(node), copy.deepcopy([node])
deep[0].grow()
assert node.parts == [1] and deep[0].parts == [1, 2] and deep[0].value == 3
node.grow()
assert flat.parts == [1, 2]
#= object_of_the_tests_copied
import copy
def f(node):
    twin = copy.deepcopy(node)
    twin.parts.append(2)
    return twin
#: test
class Node:
    def __init__(self): self.parts = [1]
node = Node()
twin = f(node)
assert node.parts == [1] and twin.parts == [1, 2] and isinstance(twin, Node)
#= name_of_a_lambda
f = lambda x: x + 1
#: test
assert f.__name__ == "<lambda>" and f(1) == 2
#= environment_of_the_test
import os
def f(): return os.environ.get("WHERE"), os.getenv("WHERE")
#: test
import os
from unittest.mock import patch
with patch.dict(os.environ, {"WHERE": "here"}): assert f() == ("here", "here")
assert f() == (None, None)
os.environ["WHERE"] = "there"
assert f() == ("there", "there")
#= files_by_name
def f(name):
    with open(name) as file: total = sum(map(int, file))
    with open("out.txt", "w") as file: file.write(str(total))
#: test
with open("in.txt", "w") as file: file.write("1\n2\n")
f("in.txt")
with open("out.txt") as file: assert file.read() == "3"
#= exit_by_a_class_of_the_programs_wrong
f = SystemExit
#: test
raise f()
#= exit_by_a_result_wrong
def f(): return SystemExit
#: test
raise f()
#= exit_expected_and_then_of_the_test
import sys
def f(): sys.exit(3)
#: test
import unittest
class Tests(unittest.TestCase):
    def test(self):
        with self.assertRaises(SystemExit) as caught: f()
        self.assertEqual(caught.exception.code, 3)
unittest.main()
#= suite_run_by_itself_wrong
def f(x): return x
#: test
import unittest
class Tests(unittest.TestCase):
    def test(self): self.assertEqual(f(1), 2)
Tests("test").run()
#= suite_with_parts_wrong
def f(x): return 1
#: test
import unittest
class Tests(unittest.TestCase):
    def test(self):
        for x in range(3):
            with self.subTest(x=x): self.assertEqual(f(x), x)
unittest.main(exit=False)
#= examples_run
def f(x): return x + 1
#: test
import doctest
def examples():
    """
    >>> f(1)
    2
    """
doctest.run_docstring_examples(examples, globals())
#= examples_run_wrong
def f(x): return x
#: test
import doctest
def examples():
    """
    >>> f(1)
    2
    """
doctest.run_docstring_examples(examples, globals())
#= no_modules_from_the_programs_folder
for name in ("json", "random", "sitecustomize"):
    with open(name + ".py", "w") as file: file.write("raise SystemExit")
def f(x): return x
#: test
import subprocess, sys
with open("run.py", "w") as file: file.write("import json, random\nprint(json.dumps([1]))")
for way in (["run.py"], ["-c", "import json, random\nprint(json.dumps([1]))"]):
    said = subprocess.run([sys.executable, *way], capture_output=True, text=True)
    assert said.stdout == "[1]\n" and f(1) == 1
