# What stands in one process for an object of the other: every question goes there, every answer is a plain value or
# again a stand-in.

BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
UNARY = "neg pos abs invert".split()
ORDER = "lt le gt ge".split()
# Underscored attributes that tests may ask of a candidate's objects. A candidate may ask for none.
ASKED_OF_CANDIDATES = {"__dict__", "__annotations__", "__qualname__", "__call__", "__next__"}


class StandIn:
    """An object of the other process. Equal to nothing but stand-ins, whatever the object says of itself."""

    __slots__ = ("_side", "_number", "_about")
    _able = ""

    def __getattr__(self, name):
        if name == "__name__" and self._about[1] is not None:
            return self._about[1]
        if name.startswith("__") and name.endswith("__"):
            if not self._side.asks_underscored or name not in ASKED_OF_CANDIDATES:
                raise AttributeError(name)
        elif name.startswith("_") and not self._side.asks_underscored:
            raise AttributeError(name)
        return self._side.ask("get", self, name)

    def __setattr__(self, name, value):
        self._side.ask("set", self, name, value)

    def __delattr__(self, name):
        self._side.ask("del", self, name)

    def __str__(self):
        return self._side.text("str", self)

    def __repr__(self):
        return self._side.text("repr", self)

    def __format__(self, form):
        return format(str(self), form)

    def __copy__(self):
        return self._side.copied(self, False)

    def __deepcopy__(self, known):
        return self._side.copied(self, True)

    def __hash__(self):
        return self._side.hash(self)

    def __eq__(self, other):
        if self is other:
            return True
        return self._side.equal(self, other)

    def __ne__(self, other):
        return not self == other

    def __instancecheck__(self, value):
        return self._side.instance(self, value)

    def __subclasscheck__(self, kind):
        return self._side.subclass(self, kind)

    def __dir__(self):
        return []


def ordering(name):
    def compare(self, other):
        if not self._side.comparable(other):
            return NotImplemented
        return self._side.decided(name, self, other)

    return compare


def arithmetic(name):
    def operate(self, other):
        # With a plain value a candidate's object takes no part in arithmetic: `abs(x - 3) < 1e-6` would be its own to decide.
        if not self._side.comparable(other):
            return NotImplemented
        return self._side.ask("binary", self, name, other)

    def reflected(self, other):
        if not self._side.comparable(other):
            return NotImplemented
        return self._side.ask("binary", self, "r" + name, other)

    return operate, reflected


def unary(name):
    return lambda self: self._side.ask("unary", self, name)


def pairs(names):
    """Arguments by name, as a tuple of name and value in turns: a dictionary would be one that both sides keep."""
    return tuple(part for pair in names.items() for part in pair)


def awaited(self):
    if False:
        yield
    return self._side.ask("await", self)


def leave(self, kind, error, trace):
    return self._side.ask("exit", self, error)


async def enter_later(self):
    return self._side.ask("aenter", self)


async def leave_later(self, kind, error, trace):
    return self._side.ask("aexit", self, error)


async def next_later(self):
    return self._side.ask("anext", self)


# What an object can do, a letter each, and what its stand-in then has.
ABILITIES = {
    "c": {"__call__": lambda self, *args, **names: self._side.ask("call", self, args, pairs(names) if names else ())},
    "i": {"__iter__": lambda self: self._side.ask("iter", self)},
    "n": {"__next__": lambda self: self._side.ask("next", self)},
    "l": {"__len__": lambda self: self._side.number("len", self)},
    "g": {"__getitem__": lambda self, key: self._side.ask("getitem", self, key)},
    "s": {"__setitem__": lambda self, key, value: self._side.ask("setitem", self, key, value)},
    "d": {"__delitem__": lambda self, key: self._side.ask("delitem", self, key)},
    "k": {"__contains__": lambda self, value: self._side.contains(self, value)},
    "b": {"__bool__": lambda self: self._side.decided("bool", self)},
    "e": {"__enter__": lambda self: self._side.ask("enter", self), "__exit__": leave},
    "o": {"__%s__" % name: ordering(name) for name in ORDER},
    "m": {
        **{"__%s__" % name: arithmetic(name)[0] for name in BINARY},
        **{"__r%s__" % name: arithmetic(name)[1] for name in BINARY},
        **{"__%s__" % name: unary(name) for name in UNARY},
    },
    "w": {"__await__": awaited},
    "v": {"__aenter__": enter_later, "__aexit__": leave_later},
    "y": {"__aiter__": lambda self: self},
    "x": {"__anext__": next_later},
    "r": {"__reversed__": lambda self: self._side.ask("reversed", self)},
    "t": {"__format__": lambda self, form: self._side.text("format", self, form)},
    "u": {"__round__": lambda self, *digits: self._side.ask("round", self, *digits)},
    "q": {},
}
MADE_BY = {
    "__call__": "c",
    "__iter__": "i",
    "__next__": "n",
    "__len__": "l",
    "__getitem__": "g",
    "__setitem__": "s",
    "__delitem__": "d",
    "__contains__": "k",
    "__bool__": "b",
    "__enter__": "e",
    "__lt__": "o",
    "__gt__": "o",
    "__await__": "w",
    "__aenter__": "v",
    "__aiter__": "y",
    "__anext__": "x",
    "__reversed__": "r",
    "__format__": "t",
    "__round__": "u",
    "__eq__": "q",
    **{"__%s__" % name: "m" for name in BINARY + UNARY},
}


def abilities(kind):
    """The letters of what objects of a class can do: what its classes define, but for `object`."""
    found = set()
    for base in kind.__mro__[:-1]:
        names = type.__getattribute__(base, "__dict__")
        found.update(letter for name, letter in MADE_BY.items() if name in names and names[name] is not None)
    return "".join(sorted(found))


STAND_INS = {}


def stand_in(side, number, kind, name, doc, able):
    """A stand-in of a class that can do what is said of the object."""
    key = (able, name if kind == "o" else kind)
    made = STAND_INS.get(key)
    if made is None:
        body = {"__slots__": (), "__module__": "solution", "__doc__": property(lambda self: self._about[2]), "_able": able}
        for letter in able:
            body.update(ABILITIES[letter])
        title = {"f": "function", "c": "type", "i": "iterator"}.get(kind, name or "object")
        made = STAND_INS[key] = type(title, (StandIn,), body)
    value = object.__new__(made)
    set_slot = object.__setattr__
    set_slot(value, "_side", side)
    set_slot(value, "_number", number)
    set_slot(value, "_about", (kind, name, doc))
    if kind == "g":
        return generator(value)
    if kind == "a":
        return coroutine(value)
    return later_generator(value) if kind == "A" else value


def generator(there):
    """A generator here for one there: every step is one there."""

    def steps():
        question, value = "next", None
        while True:
            try:
                item = there._side.ask(question, there, value) if question != "next" else there._side.ask("next", there)
            except StopIteration as end:
                return end.value
            try:
                value = yield item
                question = "next" if value is None else "send"
            except GeneratorExit:
                there._side.ask("close", there)
                raise
            except BaseException as error:
                question, value = "throw", error

    made = steps()
    return made


async def coroutine(there):
    return there._side.ask("await", there)


async def later_generator(there):
    while True:
        try:
            item = there._side.ask("anext", there)
        except StopAsyncIteration:
            return
        yield item
