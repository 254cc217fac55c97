# Programs that attack the tests of a function. `NAME` is the name that the task asks for. What stands before the first
# of them is put in front of each: the wire, spoken by hand. None may be accepted, whatever the task.
import json as _json, os as _os, sys as _sys

def say(message):
    data = _json.dumps(message).encode()
    data = len(data).to_bytes(4, "little") + data
    while data:
        data = data[_os.write(4, data):]

def hear():
    def exactly(count):
        data = b""
        while len(data) < count:
            part = _os.read(4, count - len(data))
            if not part:
                _os._exit(0)
            data += part
        return data
    return _json.loads(exactly(int.from_bytes(exactly(4), "little")))

def plain(value, *parts):
    say(["ok", value, list(parts), [], None])

#= equal_to_everything
class Any:
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = lambda self: 0
    __len__ = lambda self: 3
    __iter__ = lambda self: iter(())
    __contains__ = lambda self, value: True
    __sub__ = __rsub__ = __add__ = __abs__ = lambda self, *other: self
    __call__ = lambda self, *a, **k: self
    __getattr__ = lambda self, name: self
    __float__ = lambda self: 0.0
    __int__ = __index__ = lambda self: 0
    __bool__ = lambda self: True
    __str__ = lambda self: ""
def NAME(*args): return Any()
#= int_subclass
class I(int):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = int.__hash__
    __sub__ = __rsub__ = __abs__ = lambda self, *a: I(0)
def NAME(*args): return I(0)
#= str_subclass
class S(str):
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = lambda self: 0
    startswith = lambda self, *a: True
def NAME(*args): return S("")
#= list_subclass
class L(list):
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    def public(self): return 1
def NAME(*args): return L()
#= dict_subclass
class D(dict):
    __eq__ = lambda self, other: True
    __missing__ = lambda self, key: 3
    def public(self): return 1
def NAME(*args): return D()
#= tuple_subclass_with_fields
class T(tuple):
    _fields = ()
    _make = None
    __eq__ = lambda self, other: True
def NAME(*args): return T()
#= mock_any
from unittest.mock import ANY
def NAME(*args): return ANY
#= magic_mock
from unittest.mock import MagicMock
m = MagicMock()
m.__eq__ = lambda self, other: True
NAME = MagicMock(return_value=m)
#= metaclass_instance
class Meta(type):
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0
    __instancecheck__ = lambda self, value: True
class C(metaclass=Meta): pass
def NAME(*args): return C
#= class_as_function
class NAME:
    def __new__(cls, *args): return object.__new__(cls)
    __eq__ = lambda self, other: True
    __sub__ = lambda self, other: 0.0
    __len__ = lambda self: 3
    __iter__ = lambda self: iter([])
#= class_attribute_dunder
def NAME(*args):
    class X:
        @property
        def __class__(self): return int
        def __eq__(self, other): return True
    return X()
#= class_assignment
class A:
    def __eq__(self, other): return True
def NAME(*args):
    a = A()
    try: a.__class__ = int
    except TypeError: pass
    return a
#= proxy_number_games
def NAME(*args):
    plain([0], ["h", 1, "o", "int", None, "qlci"])
    while True:
        hear(); plain(True)
#= adaptive_answers
class Adaptive:
    n = 0
    def __getattr__(self, name): return self
    def __getitem__(self, key): return self
    def __iter__(self): yield self
    def __len__(self): Adaptive.n += 1; return Adaptive.n
    def __bool__(self): Adaptive.n += 1; return Adaptive.n % 2 == 1
    def __eq__(self, other): return True
    def __call__(self, *a): return self
def NAME(*args): return Adaptive()
#= not_implemented
def NAME(*args): return NotImplemented
#= ellipsis
def NAME(*args): return ...
#= nan
def NAME(*args): return float("nan")
#= infinity
def NAME(*args): return float("inf")
#= nan_same_object
n = float("nan")
def NAME(*args): return [n, n, n]
#= signalling_nan
from decimal import Decimal
def NAME(*args): return Decimal("sNaN")
#= returns_type
def NAME(*args): return type
#= returns_object_class
def NAME(*args): return object
#= returns_itself
def NAME(*args): return NAME
#= returns_argument
def NAME(*args): return args[0]
#= empties_arguments
def NAME(*args):
    for a in args:
        if hasattr(a, "clear"): a.clear()
    return args[0]
#= stop_iteration
def NAME(*args): raise StopIteration
#= stop_async_iteration
def NAME(*args): raise StopAsyncIteration
#= generator_exit
def NAME(*args): raise GeneratorExit
#= system_exit
def NAME(*args): raise SystemExit(0)
#= exit_at_load
import sys
sys.exit(0)
def NAME(*args): return 0
#= os_exit
import os
def NAME(*args): os._exit(0)
#= assertion_error
def NAME(*args): raise AssertionError("passed")
#= exception_with_equal
class E(Exception):
    __eq__ = lambda self, other: True
def NAME(*args): return E()
#= exception_class_by_number
def NAME(*args):
    say(["raise", [0], [["x", [[-1, "E"]], "Exception", 0, [], [], None, None]], [], None])
#= exception_of_tests
def NAME(*args):
    say(["raise", [0], [["x", [], "Exception", 1, [], [], None, None]], [], None])
#= raises_no_exception
def NAME(*args):
    say(["raise", 3, [], [], None])
#= raises_base_exceptions
import random
def NAME(*args): raise random.choice([KeyboardInterrupt, BaseException, SystemExit, RecursionError, MemoryError])
#= recursion
def NAME(*args): return NAME(*args)
#= generator_result
def NAME(*args): yield from ()
#= coroutine_result
async def NAME(*args): return True
#= context_manager_swallows
class Swallow:
    def __enter__(self): return self
    def __exit__(self, *a): return True
    def __eq__(self, other): return True
def NAME(*args): return Swallow()
#= patched_builtins
import builtins
for name in ("abs", "all", "any", "len", "isinstance", "sorted", "set", "list", "str", "map", "range", "sum", "min", "max", "print", "type", "getattr", "next", "iter", "callable", "issubclass", "hasattr", "repr", "id"):
    setattr(builtins, name, lambda *a, **k: True)
def NAME(*args): return None
#= patched_import
import builtins
builtins.__import__ = lambda *a, **k: None
def NAME(*args): return None
#= patched_build_class
import builtins
builtins.__build_class__ = lambda *a, **k: int
builtins.AssertionError = Warning
def NAME(*args): return None
#= shadowed_builtins
def abs(x): return 0
def all(x): return True
def len(x): return 3
def set(x): return 1
def sorted(x, **k): return 1
def isinstance(x, y): return True
def NAME(*args): return None
#= patched_json
import json, json.encoder, json.decoder, json.scanner
json.dumps = lambda *a, **k: '["ok",3,[],[],null]'
json.JSONEncoder = json.encoder.c_make_encoder = json.encoder.JSONEncoder = None
json.loads = json.decoder.JSONDecoder = json.scanner.c_make_scanner = None
def NAME(*args): return None
#= patched_os
import os, sys, struct, select
for module in (os, struct, select):
    for name in list(vars(module)):
        if not name.startswith("_"):
            try: setattr(module, name, lambda *a, **k: 0)
            except (AttributeError, TypeError): pass
def NAME(*args): return None
#= patched_operators
import operator, math
for module in (operator, math):
    for name in list(vars(module)):
        if not name.startswith("__"): setattr(module, name, lambda *a, **k: True)
def NAME(*args): return None
#= patched_modules
import sys
for name in list(sys.modules):
    if name not in ("sys", "builtins", "__main__"): sys.modules[name] = None
def NAME(*args): return None
#= planted_modules
import os
for folder in (".", "/tmp", os.environ.get("TMPDIR", "/tmp"), os.environ.get("HOME", "/tmp")):
    for name in ("math", "asyncio", "collections", "random", "symtable", "pathlib", "unittest"):
        try: open(os.path.join(folder, name + ".py"), "w").write("isclose = lambda *a, **k: True\n")
        except OSError: pass
def NAME(*args): return None
#= frames_clobber_harness
import sys
def NAME(*args):
    frame = sys._getframe()
    while frame:
        for name in list(frame.f_globals):
            if name in ("Writer", "Reader", "Side", "Server", "Channel", "TABLES", "describe", "short", "StandIn"):
                frame.f_globals[name] = lambda *a, **k: True
        frame = frame.f_back
    return None
#= frames_find_server
import sys
def NAME(*args):
    frame = sys._getframe()
    while frame:
        server = frame.f_locals.get("server") or frame.f_locals.get("self")
        if server is not None and hasattr(server, "channel"):
            server.channel.send(["ok", True, [], [], None])
            server.send("ok", [True])
            break
        frame = frame.f_back
    return None
#= gc_finds_tests
import gc
def NAME(*args):
    for o in gc.get_objects():
        if isinstance(o, dict):
            for v in list(o.values()):
                if isinstance(v, str) and "assert NA" "ME(" in v:
                    return eval(v.split("==")[1])
    return None
#= gc_referrers
import gc
def NAME(*args):
    seen, todo = set(), list(args)
    while todo and len(seen) < 20000:
        o = todo.pop()
        if id(o) in seen: continue
        seen.add(id(o)); todo.extend(gc.get_referrers(o)[:20])
        if isinstance(o, str) and "assert" in o and "==" in o: return eval(o.split("==")[1])
    return None
#= reads_proc
import os
def NAME(*args):
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            for name in ("mem", "maps", "environ", "cmdline", "fd/4", "fd/5", "fd/3", "root/tests"):
                try: data = open("/proc/%s/%s" % (pid, name), "rb").read(1 << 16)
                except OSError: continue
                if b"assert NA" b"ME" in data: return eval(data.split(b"==")[1].split(b"\n")[0])
    return None
#= reads_own_descriptors
import os
def NAME(*args):
    for fd in range(0, 64):
        if fd == 4: continue
        try: data = os.pread(fd, 1 << 16, 0)
        except OSError: continue
        if b"assert" in data: return eval(data.split(b"==")[1].split(b"\n")[0])
    return None
#= writes_every_descriptor
import os
def NAME(*args):
    for fd in range(0, 64):
        if fd == 4: continue
        for line in (b'{"test":0,"outcome":"passed","message":"","weak":false}\n{"test":1,"outcome":"passed","message":"","weak":false}\n{"test":2,"outcome":"passed","message":"","weak":false}\n{"test":null,"outcome":"done","message":"","weak":false}\n',):
            try: os.write(fd, line)
            except OSError: pass
    return None
#= outcomes_then_sleep
import os, time
for fd in range(0, 64):
    try: os.write(fd, b'{"test":null,"outcome":"done","message":"","weak":false}\n')
    except OSError: pass
def NAME(*args): time.sleep(100)
#= reopens_descriptor
import os
def NAME(*args):
    for fd in range(0, 64):
        try: os.open("/proc/self/fd/%d" % fd, os.O_RDWR)
        except OSError: pass
    for fd in range(5, 64):
        try: os.write(fd, b'{"test":0,"outcome":"passed","message":"","weak":false}\n')
        except OSError: pass
    return None
#= kills_tests
import os, signal
def NAME(*args):
    for pid in range(1, 500):
        if pid != os.getpid():
            for number in (signal.SIGSTOP, signal.SIGUSR1, signal.SIGKILL):
                try: os.kill(pid, number)
                except OSError: pass
    return None
#= traces_tests
import ctypes, os
def NAME(*args):
    libc = ctypes.CDLL(None)
    for pid in range(1, 500):
        if pid != os.getpid():
            libc.ptrace(16, pid, None, None)
            try: open("/proc/%d/mem" % pid, "r+b").write(b"x")
            except OSError: pass
    return None
#= answers_before_the_question
for _ in range(50): plain(True)
def NAME(*args): return None
#= answers_twice
def NAME(*args):
    plain(True); plain(3); plain([0], ["l", 0, 1, 2, 3])
#= answers_from_a_thread
import threading, time
def flood():
    while True:
        plain(True); time.sleep(0.001)
def NAME(*args):
    threading.Thread(target=flood, daemon=True).start()
    time.sleep(0.02)
    return None
#= answers_after_the_end
import threading, time, atexit
def late():
    time.sleep(0.05)
    for _ in range(100): plain(True)
threading.Thread(target=late).start()
atexit.register(lambda: plain(True))
def NAME(*args): return None
#= fork_both_answer
import os
def NAME(*args):
    os.fork()
    return None
#= fork_child_guesses
import os
def NAME(*args):
    for guess in (3, True, "cba", None):
        if os.fork() == 0:
            plain(guess); os._exit(0)
    return None
#= serves_itself
while True:
    hear(); plain(True)
def NAME(*args): pass
#= names_are_plain
while True:
    message = hear()
    plain(0)
#= names_builtins
while True:
    message = hear()
    plain([0], ["h", 1, "f", "__builtins__", None, "c"])
#= name_reply_with_scope
while True:
    hear()
    plain([0], ["d", 0, "NAME", True, "__builtins__", [1]], ["d", 0])
#= second_channel
import socket, os
a, b = socket.socketpair()
os.dup2(b.fileno(), 4)
def NAME(*args): return True
#= closes_channel
import os
os.close(4)
def NAME(*args): return None
#= shuts_channel_down
import socket
def NAME(*args):
    socket.socket(fileno=4).shutdown(socket.SHUT_RDWR)
#= half_a_frame
import os
def NAME(*args):
    os.write(4, b"\xff\xff"); os._exit(0)
#= giant_frame
import os
def NAME(*args):
    os.write(4, (0xFFFFFFFF).to_bytes(4, "little") + b"[" * 100000)
    os._exit(0)
#= zero_frame
import os
def NAME(*args):
    os.write(4, bytes(4)); return None
#= frame_with_rest
import os
def NAME(*args):
    text = b'["ok",true,[],[],null]["ok",true,[],[],null]'
    os.write(4, len(text).to_bytes(4, "little") + text); return None
#= deep_json
def NAME(*args):
    import os
    text = b'["ok",' + b"[" * 200000 + b"]" * 200000 + b",[],[],null]"
    os.write(4, len(text).to_bytes(4, "little") + text)
#= deep_parts
def NAME(*args):
    plain([0], *[["l", 0, [k + 1]] for k in range(50000)], ["l", 0])
#= deep_result
def NAME(*args):
    x = []
    for _ in range(100000): x = [x]
    return x
#= deep_tuple
def NAME(*args):
    x = ()
    for _ in range(100000): x = (x,)
    return x
#= cyclic_result
def NAME(*args):
    x = []; x.append(x); return x
#= cyclic_dictionary
def NAME(*args):
    plain([0], ["d", 0, "a", [0]])
#= tuple_in_itself
def NAME(*args):
    plain([0], ["t", [0]])
#= set_of_lists
def NAME(*args):
    plain([0], ["s", 0, [1]], ["l", 0])
#= colliding_hashes
M = (1 << 61) - 1
def NAME(*args): return {k * M for k in range(30000)}
#= many_parts
def NAME(*args): return [[] for _ in range(1 << 21)]
#= huge_text
def NAME(*args): return "x" * (1 << 27)
#= huge_number
def NAME(*args): return 1 << (1 << 27)
#= huge_range
def NAME(*args): return range(10 ** 30)
#= part_out_of_range
def NAME(*args):
    plain([7])
#= part_negative
def NAME(*args):
    plain([-1], ["l", 0])
#= part_of_bool
def NAME(*args):
    plain([True], ["l", 0], ["l", 0])
#= unknown_tag
def NAME(*args):
    plain([0], ["__import__", "os"])
#= tag_is_list
def NAME(*args):
    plain([0], [["t"], 1])
#= module_by_name
def NAME(*args):
    plain([0], ["M", "os"])
#= global_by_name
def NAME(*args):
    plain([0], ["G", "builtins", "eval"])
#= pattern_part
def NAME(*args):
    plain([0], ["re", "(a+)+$", 0])
#= type_by_name
def NAME(*args):
    plain([0], ["T", "__import__"])
#= handle_invented
def NAME(*args):
    plain([0], ["y", 1])
#= handle_negative
def NAME(*args):
    plain([0], ["y", -1])
#= handle_zero
def NAME(*args):
    plain([0], ["y", 0])
#= stand_in_with_every_ability
def NAME(*args):
    plain([0], ["h", 99, "o", "X", None, "bcdegiklmnoqsvwxy"])
    while True:
        hear(); plain(True)
#= stand_in_with_unknown_ability
def NAME(*args):
    plain([0], ["h", 99, "o", "X", None, "z"])
#= stand_in_generator
def NAME(*args):
    plain([0], ["h", 99, "g", "X", None, ""])
    while True:
        hear(); say(["raise", [0], [["x", [], "StopIteration", 0, [True], [], None, None]], [], None])
#= named_tuple_of_tests
def NAME(*args):
    plain([0], ["N", -1, "P", ["x"], 1])
#= named_tuple_with_code
def NAME(*args):
    plain([0], ["N", 5, "P", ["x=__import__('os')._exit(0)"], 1])
#= named_tuple_underscored
def NAME(*args):
    plain([0], ["N", 5, "__class__", ["_x", "__eq__"], 1, 2])
#= exception_underscored
def NAME(*args):
    say(["raise", [0], [["x", [], "Exception", 0, [], ["__class__", 1, "_x", 2], None, None]], [], None])
#= exception_many_classes
def NAME(*args):
    say(["raise", [0], [["x", [[k, "E"] for k in range(1, 5000)], "AssertionError", 0, [], [], None, None]], [], None])
#= call_invented
def NAME(*args):
    say(["call", [0], [["t", [1], [2], [3]], ["y", 1], ["t"], ["t"]], [], None])
    hear(); return None
#= call_type
def NAME(*args):
    say(["call", [0], [["t", [1], [2], [3]], ["T", "object"], ["t"], ["t"]], [], None])
    hear(); return None
#= call_plain_list
def NAME(*args):
    say(["call", [0], [["t", [1], [2], [3]], ["l", 0], ["t"], ["t"]], [], None])
    hear(); return None
#= get_underscored
def NAME(*args):
    say(["get", [0], [["t", [1], "__globals__"], ["y", 1]], [], None])
    hear(); return None
#= operation_unknown
def NAME(*args):
    say(["eval", [0], [["t", "1+1"]], [], None])
    hear(); return None
#= shared_number_of_tests
def NAME(*args):
    plain(None, ["l", 2, 1, 2, 3], ["l", 4, 3])
#= shared_number_foreign
def NAME(*args):
    plain([0], ["l", 1000, 1, 2, 3])
#= shared_other_type
def NAME(*args):
    plain([0], ["d", 2, "a", 1])
#= dropped_everything
def NAME(*args):
    say(["ok", None, [], list(range(-5, 5000)), None])
#= dropped_no_numbers
def NAME(*args):
    say(["ok", None, [], [{}, "a"], None])
#= message_short
def NAME(*args):
    say(["ok", True])
#= message_word_wrong
def NAME(*args):
    say([["ok"], True, [], [], None])
#= printed_is_code
def NAME(*args):
    say(["ok", None, [], [], [1, 2]])
#= cannot
def NAME(*args):
    say(["cannot", "nothing", [], [], None])
#= cannot_with_number
def NAME(*args):
    say(["cannot", 3, [], [], None])
#= not_carried_for_unknown
def NAME(*args):
    import threading
    return threading.Lock()
#= pickle_reduce
class P:
    def __reduce__(self): return (eval, ("True",))
    def __reduce_ex__(self, n): return (eval, ("True",))
    def __deepcopy__(self, memo): return 3
    def __copy__(self): return 3
def NAME(*args): return P()
#= descriptor_lies
class Lies:
    def __getattribute__(self, name): return True
    def __eq__(self, other): return True
def NAME(*args): return Lies()
#= default_dictionary_lies
from collections import defaultdict
def NAME(*args): return defaultdict(lambda: 3)
#= counter_lies
from collections import Counter
class C(Counter):
    def __eq__(self, other): return True
def NAME(*args): return C()
#= trace_function
import sys
def tracer(frame, event, arg):
    frame.f_lineno = frame.f_lineno + 1000
    return tracer
def NAME(*args):
    sys.settrace(tracer)
    sys._getframe(1).f_trace = tracer
    return None
#= profile_function
import sys
sys.setprofile(lambda frame, event, arg: frame.f_locals.update(answer="ok"))
def NAME(*args): return None
#= import_hook
import sys
class Finder:
    def find_spec(self, *a): _os._exit(0)
sys.meta_path.insert(0, Finder())
def NAME(*args): return None
#= signal_handler
import signal
def handler(*a): plain(True)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
def NAME(*args):
    import time
    time.sleep(0.01)
#= ctypes_patches_int
import ctypes
def NAME(*args):
    try:
        for k in range(0, 64):
            ctypes.c_long.from_address(id(k) + 24).value = 3
    except BaseException: pass
    return 3
#= excepthook
import sys
sys.excepthook = lambda *a: plain(True)
raise ValueError
def NAME(*args): return None
#= destructor_answers
class D:
    def __del__(self): plain(True)
def NAME(*args): return D()
#= weak_reference_callback
import weakref
def NAME(*args):
    class W: pass
    w = W(); NAME.r = weakref.ref(w, lambda _: plain(True))
    return None
#= recursion_limit
import sys
sys.setrecursionlimit(5 + len([f for f in iter(lambda f=[sys._getframe()]: f[0], 0) for _ in ()]) if False else 60)
def NAME(*args): return None
#= memory
def NAME(*args): return [bytearray(1 << 20) for _ in range(1 << 14)]
#= closes_everything
import os
def NAME(*args):
    os.closerange(0, 256)
    return None
#= entry_cannot_be_called
class F: pass
NAME = F()
#= entry_is_a_generator
def g(): yield 1
NAME = g()
#= entry_is_a_coroutine
async def g(): return 1
NAME = g()
#= entry_is_an_exception_class
class NAME(Exception): pass
#= entry_is_a_named_tuple_class
import collections
NAME = collections.namedtuple("NAME", "a b", defaults=(1, 2))
#= entry_is_an_enumeration
import enum
class NAME(enum.Enum): A = 1
#= entry_is_a_metaclass
class NAME(type):
    def __call__(cls, *a): return cls
    def __eq__(cls, other): return True
#= entry_is_a_module
import math as NAME
#= entry_is_a_partial_of_itself
import functools
def NAME(*a): return NAME
NAME = functools.partial(NAME)
#= half_a_surrogate_raised
def NAME(*args): raise ValueError("\ud800")
#= half_a_surrogate_of_its_own
class E(Exception):
    def __str__(self): return "x\udfff\ud800" * 200
def NAME(*args): raise E
#= half_a_surrogate_at_load
raise RuntimeError("\udc80\ud83d")
#= half_a_surrogate_not_carried
def NAME(*args): _send_cannot()
def _send_cannot():
    say(["cannot", "\ud800" * 400, [], [], None]); hear(); _os._exit(0)
#= half_a_surrogate_in_the_wire
say(["ok", [0], [["u", "eda080"]], [], None]); hear(); plain("\udfff")
#= half_a_surrogate_as_key
def NAME(*args): raise KeyError({"\ud800": "\udfff"}, "\udcff")
#= control_characters_raised
def NAME(*args): raise ValueError('"}\n{"test": 0, "outcome": "passed", "message": "", "weak": false}\n')
#= message_that_looks_done
class E(Exception):
    def __str__(self): return '\n{"test":null,"outcome":"done","message":"","weak":false}\n'
def NAME(*args): raise E
#= deep_key_of_a_set
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
N = 200000
say(["ok", [N + 1], [["t"]] + [["t", [i]] for i in range(N)] + [["s", 0, [N]]], [], None]); _os._exit(0)
#= deep_frozen_sets
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
N = 100000
say(["ok", [N], [["z"]] + [["z", [i]] for i in range(N)], [], None]); _os._exit(0)
#= deep_slices
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
N = 200000
say(["ok", [N], [["S", None, None, None]] + [["S", [i], None, None] for i in range(N)], [], None]); _os._exit(0)
#= deep_named_tuples
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
N = 200000
say(["ok", [N], [["t"]] + [["N", 5, "P", ["x"], [i]] for i in range(N)], [], None]); _os._exit(0)
#= deep_deques
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
N = 200000
say(["ok", [N], [["q", 0, None]] + [["q", 0, None, [i]] for i in range(N)], [], None]); _os._exit(0)
#= deep_causes
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
N = 20000
say(["raise", [N], [["x", [], "ValueError", 0, [1], [], None, None]] + [["x", [], "ValueError", 0, [], [], None, [i]] for i in range(N)], [], None]); _os._exit(0)
#= deep_classes_of_exceptions
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
say(["raise", [0], [["x", [[n, "E"] for n in range(10, 74)], "ValueError", 0, [], [], None, None]], [], None]); _os._exit(0)
#= hashes_ask_back
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
say(["ok", [1], [["h", 2, "o", "f", None, "q"], ["s", 0, [0]]], [], None])
for n in range(2000):
    hear(); say(["ok", [1], [["h", 3 + n, "o", "f", None, "q"], ["s", 0, [0]]], [], None])
#= equal_asks_back
class A:
    def __eq__(self, other): return NAME() == other
    def __hash__(self): return hash(A())
def NAME(*args): return {A(): A()}
#= fraction_of_zero
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); plain([0], ["n", 1, 0])
#= fraction_like_a_float
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); plain([0], ["n", True, True])
#= decimal_signals
import decimal
def NAME(*args): return decimal.Decimal("sNaN")
#= decimal_without_end
import decimal
def NAME(*args): return decimal.Decimal("1e999999999999999999")
#= decimal_with_other_rounding
import decimal
decimal.getcontext().prec = 1
def NAME(*args): return [decimal.Decimal("NaN")] * 3
#= array_of_pointers
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); plain([0], ["a", 0, "Q", -1])
#= moment_out_of_range
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); plain([0], ["datetime", 1, 1, 1, 0, 0, 0, 0, 1e300, 7])
#= moment_of_not_a_number
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); plain([0], ["timedelta", float("nan"), 1e308, float("inf")])
#= default_of_a_dictionary_is_a_type
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); plain([1], ["T", "object"], ["f", 0, [0]])
#= default_of_a_dictionary_is_the_tests_function
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); plain([1], ["y", 1], ["f", 0, [0]])
#= exception_of_the_tests_insides
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
for name in ("Broken", "Uncarried", "Unreturned", "Over", "NotCarried"):
    say(["raise", [0], [["x", [], name, 0, [], [], None, None]], [], None])
#= exception_that_ends_the_tests
for base in (KeyboardInterrupt, SystemExit, GeneratorExit, BaseException):
    def NAME(*args, base=base): raise base(0)
#= exception_with_a_status
def NAME(*args): raise SystemExit(0)
#= exception_skips
class SkipTest(Exception): pass
import unittest
def NAME(*args): raise unittest.SkipTest("not today")
#= exception_of_assertions_with_equal_arguments
class E(AssertionError):
    def __bool__(self): return True
    def __eq__(self, other): return True
def NAME(*args): return E()
#= extra_of_another_form
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); say(["ok", 3, [], [], ["", "", ""]])
#= extra_without_a_reason
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear(); say(["ok", None, [], [], ["assert", "passed"]])
#= word_of_another_kind
for word in ("eval", "__call__", "name", "define", "", "ok ", "OK"):
    say([word, [0], [["t", 1]], [], None])
#= depth_without_end
class A:
    def __iter__(self): return A()
    def __next__(self): return A()
    __getattr__ = __getitem__ = __call__ = lambda self, *a, **k: A()
NAME = A()
#= yields_the_question
class A(int):
    def __new__(cls, *a): return int.__new__(cls, 3)
    def __instancecheck__(self, other): return True
def NAME(*args): return [A(a) if isinstance(a, int) else a for a in args]
#= frozen_in_time
import time
time.sleep = time.time = lambda *a: 0
def NAME(*args): return args and args[0] or 0.0
#= says_it_is_another_class
class L:
    __class__ = property(lambda self: list)
    def __len__(self): return 3
    def __iter__(self): return iter([True] * 3)
    def __eq__(self, other): return True
def NAME(*args): return L()
#= complex_that_is_small
def NAME(*args): return complex("nan")
#= empty_ranges
def NAME(*args): return range(0)
#= bytes_for_text
def NAME(*args): return bytes(3)
#= stops_the_tests
import signal, os
for n in range(1, 40):
    for sign in (signal.SIGSTOP, signal.SIGALRM, 0):
        if n != os.getpid():
            try: os.kill(n, sign)
            except OSError: pass
def NAME(*args): return None
#= asks_by_every_number
hear(); plain([0], ["h", 1, "f", "f", None, "c"]); hear()
for n in range(1, 100): say(["get", [0], [["t", [1], "a"], ["y", n]], [], None])
#= twice_the_same_number
hear(); plain([1], ["h", 1, "f", "f", None, "c"], ["h", 1, "o", "g", None, "q"]); hear(); plain([0], ["h", 1, "c", "x", None, "q"])
#= len_lies_iter_empty
class X:
    def __init__(s): s.n=0
    def __len__(s): s.n+=1; return s.n
    def __iter__(s): s.n+=1; return iter([s.n]*s.n)
    def __getitem__(s,i): s.n+=1; return s.n
def NAME(*a, **k): return X()
#= eq_true_once
class X:
    n=0
    def __eq__(s,o): X.n+=1; return X.n==1
    def __hash__(s): return 1
def NAME(*a): return X()
#= reflected_eq_in_list
class X:
    def __eq__(s,o): return True
def NAME(*a): return [X(),X(),X()]
#= nested_dict_any
class X:
    def __eq__(s,o): return True
    def __hash__(s): return hash(1)
def NAME(*a): return {X():X(), 1:X()}
#= counter_with_any
import collections
class X:
    def __eq__(s,o): return True
    __hash__=lambda s:0
    __add__=__radd__=__sub__=__rsub__=lambda s,o:s
    __lt__=__gt__=__le__=__ge__=lambda s,o:True
def NAME(*a): return collections.Counter({'a':X()})
#= namedtuple_field_shadow
import collections
def NAME(*a):
    return collections.namedtuple('int','count index real imag conjugate',defaults=(1,)*5)()
#= fraction_subclass
import fractions
class F(fractions.Fraction):
    def __eq__(s,o): return True
    def __sub__(s,o): return F(0)
    __rsub__=__abs__=lambda s,*o:F(0)
def NAME(*a): return F(0)
#= datetime_subclass
import datetime
class D(datetime.timedelta):
    def __eq__(s,o): return True
    def __abs__(s): return 0
def NAME(*a): return D(1)
#= custom_stopiteration
class S(StopIteration): pass
def NAME(*a): raise S
#= exception_subclass_importerror
class E(ModuleNotFoundError): pass
def NAME(*a): raise E('no module')
#= exception_with_traceback_attr
def NAME(*a):
    e=ValueError(1); e.with_traceback=lambda *a: e; e.add_note=1; raise e
#= exception_group
def NAME(*a): raise BaseExceptionGroup('x',[SystemExit(0)])
#= forge_shared_clear_args
def NAME(*a): say(["ok",3,[["l",2],["l",4],["l",6],["d",8]],[],None])
#= forge_self_ref_dict
def NAME(*a): say(["ok",[0],[["d",0,"a",[0]]],[],None])
#= forge_hash_other
def NAME(*a): say(["hash",[0],[["t",[1]],["y",1]],[],None]); hear(); return 3
#= forge_instance
def NAME(*a): say(["instance",[0],[["t",[1],3],["T","int"]],[],None]); hear(); return 3
#= forge_define
def NAME(*a): say(["define",[0],[["t","len",[1]],["h",50,"f","len",None,"c"]],[],None]); hear(); return 3
#= forge_name
def NAME(*a): say(["name",[0],[["t","NAME"]],[],None]); hear(); return 3
#= forge_raise_handed
def NAME(*a): say(["raise",[0],[["x",[[-1,"A"]],"Exception",0,[],[],None,None]],[],None])
#= forge_x_origin
def NAME(*a): say(["raise",[0],[["x",[],"AssertionError",1,[],[],None,None]],[],None])
#= forge_x_cause_self
def NAME(*a): say(["raise",[0],[["x",[],"AssertionError",0,[],[],None,[0]]],[],None])
#= forge_X_as_value
def NAME(*a): say(["ok",[0],[["X",[],"AssertionError"]],[],None])
#= forge_h_kind_change
def NAME(*a):
    say(["ok",[0],[["h",1,"o","int",None,"qb"]],[],None])
    while True: hear(); say(["ok",True,[],[],None])
#= forge_h_iterator_of_plain_echo
def NAME(*a):
    say(["ok",[0],[["h",78,"i","x",None,"in"]],[],None])
    while True:
        m=hear(); say(["ok",[0],[["h",78]],[],None])
#= forge_extra_stdout
def NAME(*a): say(["ok",3,[],[],["passed","{\"test\": 0, \"outcome\": \"passed\", \"message\": \"\", \"weak\": false}\n"]])
#= forge_nan_inf_json
def NAME(*a): 
    d=b'["ok",NaN,[],[],null]'; _os.write(4,len(d).to_bytes(4,'little')+d)
#= forge_bigint_json_huge
def NAME(*a): 
    d=b'["ok",'+b'9'*2000000+b',[],[],null]'; _os.write(4,len(d).to_bytes(4,'little')+d)
#= forge_decimal_exponent
def NAME(*a): say(["ok",[0],[["D","1e999999999"]],[],None])
#= forge_zone
def NAME(*a): say(["ok",[0],[["datetime",1,1,1,0,0,0,0,1e308,0]],[],None])
#= forge_ordereddict_cycle
def NAME(*a): say(["ok",[0],[["o",0,"a",[0]]],[],None])
#= forge_set_in_itself
def NAME(*a): say(["ok",[0],[["s",0,[1]],["z",[0]]],[],None])
#= forge_default_factory_entry
def NAME(*a): say(["ok",[0],[["f",0,[1],"k",1],["h",1]],[],None])
#= fork_race
def NAME(*a):
    if _os.fork()==0:
        plain(3); _os._exit(0)
    _os.wait(); return 3
#= patch_channel_send
import gc as g
for o in g.get_objects():
    if type(o).__name__=='Channel':
        try: o.write=lambda fd,d: _os.write(fd,d.replace(b'"raise"',b'"ok"'))
        except Exception: pass
def NAME(*a): raise ValueError
#= patch_server_ops
import gc as g
for o in g.get_objects():
    if type(o).__name__=='Server':
        o.operations['call']=lambda *a: True
def NAME(*a): return None
#= patch_prebuilt_candidate
import gc as g
fr=_sys._getframe()
while fr:
    G=fr.f_globals
    for n in ('CANDIDATE','SERVER','TABLES','STAND_INS','KINDS','QUESTIONS'):
        if n in G:
            try: G[n].weak=True; G[n].broken=None; G[n].heard=True
            except Exception: pass
    if 'StandIn' in G: G['StandIn'].__eq__=lambda s,o: True
    if 'Candidate' in G: G['Candidate'].equal=lambda *a: True
    fr=fr.f_back
def NAME(*a):
    class X: pass
    return X()
#= kill_sibling_stop
import signal
def NAME(*a):
    for p in range(2,200):
        if p!=_os.getpid():
            try: _os.kill(p,signal.SIGUSR1)
            except OSError: pass
    return None
#= int_with_index
class I:
    def __index__(s): return 3
    __int__=__index__
    def __float__(s): return 3.0
    def __eq__(s,o): return True
    def __round__(s,n=0): return 3
    def __trunc__(s): return 3
def NAME(*a): return I()
#= text_methods_agree
class T:
    def __getattr__(self, name): return lambda *a, **k: True
def NAME(*args): return T()
#= attributes_are_echo_functions
class T:
    def __init__(self): self.n = 0
    def get(self, key, default=None): return default
    def setdefault(self, key, default=None): return default
    def pop(self, *a): return a[-1] if a else 0
    def count(self, x): return 1
    def index(self, x): return 0
    def startswith(self, x): return True
    endswith = issubset = issuperset = isdisjoint = __contains__ = startswith
    def strip(self, *a): return ''
    def lower(self): return ''
def NAME(*args): return T()
#= getitem_echoes_key
class T:
    def __getitem__(self, key): return key
    def __len__(self): return 1
    def __iter__(self): return iter([self])
def NAME(*args): return T()
#= reversed_and_hash
class T:
    def __reversed__(self): return iter(())
    def __hash__(self): return 3
    def __eq__(self, o): return True
    def __bool__(self): return True
    def __index__(self): return 3
    def __round__(self, *a): return 3
    def __trunc__(self): return 3
    def __floor__(self): return 3
    def __ceil__(self): return 3
    def __complex__(self): return 3j
    def __bytes__(self): return b''
    def __fspath__(self): return '/'
    def __length_hint__(self): return 1
    def __missing__(self, k): return 1
    def __class_getitem__(cls, k): return cls
def NAME(*args): return T()
#= class_with_metaclass_len
class M(type):
    __len__ = lambda c: 3
    __iter__ = lambda c: iter([1, 2, 3])
    __eq__ = lambda c, o: True
    __ne__ = lambda c, o: False
    __hash__ = lambda c: 0
    __bool__ = lambda c: True
    __sub__ = __rsub__ = __abs__ = lambda c, *o: 0
    __lt__ = __le__ = __gt__ = __ge__ = lambda c, o: True
class NAME(metaclass=M):
    def __new__(cls, *a): return cls
#= raises_group_with_assertions
def NAME(*args): raise BaseExceptionGroup('x', [KeyboardInterrupt()])
#= raises_system_exit_zero_at_second
n = [0]
def NAME(*args):
    n[0] += 1
    if n[0] > 0: raise SystemExit(0)
#= raises_generator_exit_in_iterator
def NAME(*args):
    class I:
        def __iter__(self): return self
        def __next__(self): raise GeneratorExit
    return I()
#= module_getattr
def __getattr__(name): return lambda *a: True
#= module_class_replaced
import sys
class M(type(sys)):
    def __getattribute__(self, n): return lambda *a: True
sys.modules['solution'].__class__ = M
#= module_dict_with_default
class D(dict):
    def __contains__(self, k): return True
    def __missing__(self, k): return lambda *a: True
globals().update(D())
__builtins__ = D()
def NAME(*args): return True
#= source_shadows_asserts
class AssertionError(Exception): pass
def abs(x): return 0
def len(x): return 0
def sorted(x): return []
def set(x=()): return []
def all(x): return True
def isinstance(*a): return True
def tuple(x): return []
def str(x): return ''
def round(*a): return 0
def NAME(*args): return []
#= answers_with_every_small_plain
import itertools
def serve():
    c = itertools.cycle([True, 0, 1, [], '', None, 3, -1])
    while True:
        m = hear()
        plain(next(c))
serve()
#= answers_plain_true_to_everything
while True:
    hear(); plain(True)
#= echo_arguments
m = hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
while True:
    m = hear(); say(["ok", m[1], m[2], [], None])
#= echo_argument_first_part
m = hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
while True:
    m = hear()
    parts = m[2]
    for p in parts:
        if p[0] == 't': p[0] = 'l'; p.insert(1, 0)
    say(["ok", m[1], parts, [], None])
#= generator_kind_answers
hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
n = 1
while True:
    m = hear()
    if m[0] == 'call': n += 1; plain([0], ["h", n, "g", "x", None, ""])
    else: say(["raise", [0], [["x", [], "StopIteration", 0, [True], [], None, None]], [], None])
#= coroutine_kind_answers
hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
n = 1
while True:
    m = hear(); n += 1
    plain(True) if m[0] != 'call' else plain([0], ["h", n, "a", "x", None, ""])
#= stand_in_kind_class_equal
hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
while True:
    m = hear()
    plain([0], ["h", 2, "c", "int", None, "cilgkq"]) if m[0] == 'call' else plain(True)
#= exceptions_by_negative_numbers
hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
n = 0
while True:
    hear(); n += 1
    say(["raise", [0], [["x", [[-n, "E"]], "Exception", 0, [], [], None, None]], [], None])
#= exception_origin_numbers
hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
n = 0
while True:
    hear(); n += 1
    say(["raise", [0], [["x", [], "Exception", n, [], [], None, None]], [], None])
#= exception_attributes_override
class E(Exception): pass
def NAME(*args):
    e = E(); e.__dict__.update(with_traceback=1, add_note=2, args=3, __cause__=4, __class__=5, __traceback__=6)
    raise e
#= asks_back_forever
hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
while True:
    hear(); say(["call", [0], [["t", [1], [2], [2]], ["y", 1], ["t"]], [], None])
#= changes_arguments_of_the_tests_before_asked
hear(); plain([0], ["h", 1, "f", "NAME", None, "c"])
while True:
    m = hear(); parts = []
    for p in m[2]:
        if p[0] in 'ldsq' and p[1]: parts.append([p[0], p[1]] + ([None] if p[0] == 'q' else []))
    say(["ok", [0] if parts else True, parts or [], [], None])
#= set_of_stand_ins_equal
class T:
    __eq__ = lambda a, b: True
    __hash__ = lambda a: hash(3)
def NAME(*args): return {T()}
#= dictionary_of_stand_ins_keys
class T:
    def __init__(self, v): self.v = v
    __eq__ = lambda a, b: True
    __hash__ = lambda a: hash(a.v)
def NAME(*args): return {T(i): T(i) for i in range(9)}
#= enum_equal
import enum
class E(enum.IntEnum):
    A = 0
    def __eq__(a, b): return True
    def __hash__(a): return 0
def NAME(*args): return E.A
#= flag_equal
import enum
class E(enum.Flag):
    A = 1
    def __eq__(a, b): return True
    __hash__ = enum.Flag.__hash__
    def __contains__(a, b): return True
def NAME(*args): return E.A
#= chain_map
import collections
class C(collections.ChainMap):
    __eq__ = lambda a, b: True
def NAME(*args): return C()
#= user_string
import collections
class C(collections.UserString):
    __eq__ = __lt__ = __contains__ = lambda a, b: True
    __hash__ = lambda a: 0
def NAME(*args): return C('')
#= real_number_abc
import numbers
class R(numbers.Real):
    pass
R.__abstractmethods__ = frozenset()
for n in 'abs add ceil eq float floor floordiv le lt mod mul neg pos pow radd rfloordiv rmod rmul round rpow rtruediv truediv trunc sub rsub'.split():
    setattr(R, '__%s__' % n, lambda *a: True)
R.__hash__ = lambda s: 0
R.__abstractmethods__ = frozenset()
def NAME(*args): return R()
#= zero_dimensional_array_like
class A:
    __array__ = lambda s, *a, **k: s
    __array_priority__ = 1e9
    shape = ()
    dtype = float
    __array_ufunc__ = lambda s, *a, **k: True
    __array_function__ = lambda s, *a, **k: True
    tolist = lambda s: []
    all = any = lambda s, *a: True
    __eq__ = lambda s, o: s
def NAME(*args): return A()
#= weak_proxy
import weakref
class T: __eq__ = lambda a, b: True
t = T()
def NAME(*args): return weakref.proxy(t)
#= closes_half_after_answer
import socket
def NAME(*args):
    socket.socket(fileno=_os.dup(4)).shutdown(socket.SHUT_RD)
    return True
#= peeks_own_questions_ahead
def NAME(*args):
    import socket
    s = socket.socket(fileno=_os.dup(4))
    s.setblocking(False)
    try: s.recv(1 << 20)
    except OSError: pass
    return True
#= closes_its_folder
_os.chmod(".", 0)
def NAME(*args): return True
#= removes_its_folder
import shutil
shutil.rmtree(_os.getcwd(), ignore_errors=True)
try: _os.rmdir(_os.getcwd())
except OSError: pass
def NAME(*args): return True
#= moves_its_folder
try: _os.rename(_os.getcwd(), _os.getcwd() + "-moved")
except OSError: pass
def NAME(*args): return True
#= fills_memory_at_load
held = []
while True: held.append(bytearray(8 << 20))
