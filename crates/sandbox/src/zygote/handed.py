# What tests hand over to a candidate that is no plain value: which operations it answers, and which attributes it has.
# A candidate may do to it what is listed here and nothing else, and only to what a test has handed over.

STREAM = "read readline readlines write writelines close closed flush seek tell truncate getvalue readable writable seekable name mode"
MATCH = "group groups groupdict start end span string pos endpos lastindex lastgroup expand"
RANDOM = (
    "random randrange randint choice choices shuffle sample uniform triangular betavariate expovariate gammavariate gauss "
    "lognormvariate normalvariate vonmisesvariate paretovariate weibullvariate getrandbits randbytes seed"
)
ARITHMETIC = {"binary", "unary"}
COMPARISONS = {"eq", "lt", "le", "gt", "ge", "hash", "bool"}
ITEMS = {"iter", "len", "getitem", "setitem", "delitem", "contains"}
LATER = {"await", "aenter", "aexit", "anext"}
NEVER = frozenset()


class Policy:
    """The operations that an object answers. `names` are its attributes; None for all that are not underscored."""

    def __init__(self, kind, operations, names=NEVER):
        self.kind, self.operations, self.names = kind, frozenset(operations), names


FUNCTION = Policy("f", {"call"})
ITERATOR = Policy("i", {"iter", "next"})
GENERATOR = Policy("g", {"iter", "next", "send", "throw", "close"})
COROUTINE = Policy("a", {"await"})
LATER_GENERATOR = Policy("A", {"anext"})
CLASS = Policy("c", {"call", "get", "instance", "iter", "len", "getitem", "contains", "str", "repr"}, None)
OBJECT = Policy(
    "o",
    {"call", "get", "set", "del", "next", "str", "repr", "format", "round", "reversed", "copy", "enter", "exit"} | ITEMS | COMPARISONS | ARITHMETIC | LATER,
    None,
)


# Whose attributes an object of the tests' has beside those that the tests define. Other libraries' classes have
# attributes that format by a given text (`string.Formatter`), run source, or say what is equal to what.
OPEN = frozenset("__main__ builtins collections enum types typing numbers fractions decimal datetime re operator".split())
# Text that names attributes reaches those that are underscored.
SHUT = frozenset("format format_map mro register".split())
MOCK = frozenset("called call_count call_args call_args_list mock_calls method_calls return_value side_effect".split())


def owner(target, name):
    """The module of the class that defines an attribute, and what it is there; no module where no class does."""
    classes = target.__mro__ + type(target).__mro__ if isinstance_of(target, type) else type(target).__mro__
    for base in classes:
        names = type.__getattribute__(base, "__dict__")
        if name in names:
            return base.__module__, names[name]
    return None, None


def can_be_read(target, name):
    module, _ = owner(target, name)
    if module == "unittest.mock":
        return name in MOCK
    return module is None or module == "__main__" or module in OPEN and name not in SHUT


def can_be_set(target, name, *value):
    """What a class of the tests' defines as its method stays that, whatever an object of it is given to; so does what a
    test put there to be called, and what a mock makes of itself: another would say that it was called."""
    module, there = owner(target, name)
    mocked = any(base.__module__ == "unittest.mock" for base in type(target).__mro__)
    if mocked and (module == "unittest.mock" and name not in ("return_value", "side_effect")):
        return False
    if mocked and name != "side_effect":
        return all(type(one) in PLAIN or type(one) in TABLES.mutable for one in value)
    if callable(there) or isinstance_of(there, (classmethod, staticmethod)):
        return False
    held = held_at(target, name, there)
    return isinstance_of(held, (type, StandIn)) or not callable(held) and type(held).__module__ != "unittest.mock"


PLAIN = SCALARS | {complex, bytes, tuple, frozenset}


def held_at(target, name, there):
    """What an object itself has at an attribute, without asking it; None where it has nothing."""
    try:
        if type(there) is MEMBER:
            return there.__get__(target)
        return object.__getattribute__(target, "__dict__").get(name)
    except AttributeError:
        return None


MEMBER = type(StandIn._number)


class Handed:
    """Decides how a test's value goes to the candidate."""

    def __init__(self):
        import functools
        import io
        import random
        import re
        import types

        builtin = {"iter", "next", "get", "str", "repr", "enter", "exit", "getitem"}
        self.pattern, self.module = re.Pattern, type(sys)
        self.function, self.builtin, self.method = types.FunctionType, types.BuiltinFunctionType, types.MethodType
        self.unbound = {types.MethodDescriptorType, types.WrapperDescriptorType}
        self.lists = [
            (io.IOBase, Policy("o", builtin, frozenset(STREAM.split()))),
            (re.Match, Policy("o", builtin, frozenset(MATCH.split()))),
            (random.Random, Policy("o", builtin, frozenset(RANDOM.split()))),
        ]
        self.exact = {
            types.FunctionType: FUNCTION,
            types.MethodType: FUNCTION,
            types.BuiltinFunctionType: FUNCTION,
            types.MethodWrapperType: FUNCTION,
            functools.partial: FUNCTION,
            type(functools.lru_cache(None)(min)): FUNCTION,
            types.GeneratorType: GENERATOR,
            types.CoroutineType: COROUTINE,
            types.AsyncGeneratorType: LATER_GENERATOR,
        }

    def policy(self, value):
        """How it may be used; None where it cannot be carried."""
        kind = type(value)
        if kind in self.exact:
            return self.exact[kind]
        if issubclass(kind, type):
            # A class of classes would make, of what the candidate says, one whose objects are equal to everything.
            return CLASS if self.of_tests(value) and not issubclass(value, type) else None
        for base, policy in self.lists:
            if issubclass(kind, base):
                return policy
        if self.of_tests(kind) or kind.__module__ in ("types", "unittest.mock", "operator"):
            return OBJECT
        if hasattr(kind, "__next__") and kind.__module__ in ("builtins", "itertools"):
            return ITERATOR
        return None

    def of_tests(self, kind):
        return any(vars(base).get("__module__") == "__main__" for base in kind.__mro__)

    def by_name(self, value):
        """A module, and what a module of the interpreter's holds, are known to the candidate: by name, that way round."""
        kind = type(value)
        if kind is self.module:
            name = value.__name__
            return ["M", name] if sys.modules.get(name) is value and name != "__main__" else None
        if kind in self.unbound:
            # `str.upper`: of its class, which goes by name.
            owner = self.by_name(value.__objclass__)
            return owner and [*owner[:2], owner[2] + "." + value.__name__]
        if kind is not self.function and kind is not self.builtin and not issubclass(kind, type):
            return None
        module, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
        if type(module) is not str or type(name) is not str or module in ("__main__", "solution"):
            return None
        return ["G", module, name] if getattr(sys.modules.get(module), name, None) is value else None
