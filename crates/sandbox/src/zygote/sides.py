# What both ends of the line have in common: numbers for objects that stay where they are, messages, and exceptions.

MOST_OBJECTS = 1 << 20
DEEPEST = 400
MOST_CLASSES = 1000


class Side:
    """One end. `mine` are objects of this process that the other may name by number, `theirs` stand for objects of the other."""

    def __init__(self, channel, first):
        self.channel = channel
        self.shared = Shared(first)
        self.mine, self.my_numbers = [None], {}
        self.theirs, self.their_numbers, self.named = {}, {}, {}
        self.depth = 0
        # One question at a time: threads of tests and of programs ask as well.
        self.turn = threading.RLock()
        self.loop = None

    # --- messages

    def ask(self, word, *values):
        """Puts a question; serves those that come back before the answer does."""
        with self.turn:
            self.depth += 1
            try:
                if self.depth > DEEPEST:
                    raise RecursionError("calls between program and tests are nested too deep")
                self.send(word, [values])
                while True:
                    word, value, extra = self.read(self.channel.receive())
                    if word == "ok":
                        return value
                    if word == "raise":
                        if not isinstance_of(value, BaseException):
                            raise Broken("the program raised what is no exception")
                        raise value
                    if word == "cannot":
                        raise self.not_carried(value)
                    self.serve(word, value, extra)
                    value = None
            finally:
                self.depth -= 1

    def send(self, word, box):
        """Sends what is in the box, and leaves it empty: nothing here may keep alive what nobody else does."""
        writer = Writer(self, self.shared, self.shares(word))
        slot = writer.slot(box.pop())
        parts = writer.finish()
        dropped = self.settle(word, writer, slot)
        self.channel.send([word, slot, parts, dropped, self.extra(word, writer)])

    def write_changed(self, writer):
        """What was changed here since the other side last heard of it goes with the message."""
        shared = self.shared
        if not shared.objects:
            return
        for number, value in list(shared.objects.items()):
            if id(value) not in writer.places and shared.changed(number):
                writer.mutable(value, type(value))
        writer.finish()

    def read(self, message):
        if len(message) != 5:
            raise Broken("the program sent what is no message")
        word, slot, parts, dropped, extra = message
        if type(word) is not str or type(dropped) is not list:
            raise Broken("the program sent what is no message")
        reader = Reader(self, self.shared, parts)
        try:
            value = reader.value(slot)
            extra = self.read_extra(reader, extra)
        except (ValueError, TypeError):
            raise Broken("the program sent a value that is none") from None
        for number in dropped:
            if type(number) is not int:
                raise Broken("the program sent what is no message")
            self.shared.drop(number)
        return word, value, extra

    # --- objects

    def hand(self, value):
        number = self.my_numbers.get(id(value))
        if number is None:
            if len(self.mine) > MOST_OBJECTS:
                raise Broken("more objects are named than anybody needs")
            number = len(self.mine)
            self.mine.append(value)
            self.my_numbers[id(value)] = number
            return number, True
        return number, False

    def handed(self, number):
        if not 0 < number < len(self.mine):
            raise Broken("the program named an object that nobody gave to it")
        return self.mine[number]

    def described(self, value, kind, able, name=None, doc=None):
        number, new = self.hand(value)
        if not new:
            return ["h", number]
        return ["h", number, kind, name, doc if doc is None or len(doc) < 10_000 else doc[:10_000], able]

    def stand_in(self, part):
        number = part[1]
        if type(number) is not int or number < 1:
            raise ValueError
        known = self.theirs.get(number)
        if known is not None:
            return known
        _, _, kind, name, doc, able = part
        if kind not in KINDS or type(able) is not str or not set(able) <= ABILITIES.keys() or len(set(able)) != len(able):
            raise ValueError
        if any(text is not None and type(text) is not str for text in (name, doc)):
            raise ValueError
        if name is not None and not (name.isidentifier() or name == "<lambda>"):
            name = None
        return self.keep_theirs(number, stand_in(self, number, kind, name, doc, able))

    def keep_theirs(self, number, value):
        if len(self.theirs) > MOST_OBJECTS:
            raise Broken("more objects are named than anybody needs")
        self.theirs[number] = value
        self.their_numbers[id(value)] = number
        return value

    def copied(self, one, deep):
        """A copy of an object of the other side, made there. Functions and classes are their own."""
        return one if one._about[0] in ("f", "c") else self.ask("copy", one, deep)

    def known_theirs(self, value):
        """The number of what stands for an object of the other side; None for anything else."""
        if isinstance_of(value, StandIn):
            return value._number
        return self.their_numbers.get(id(value))

    # --- classes of named tuples and exceptions

    def class_number(self, kind):
        number = self.their_numbers.get(id(kind))
        return self.hand(kind)[0] if number is None else -number

    def named_class(self, number, name, fields):
        if number < 0:
            kind = self.handed(-number)
            if not isinstance_of(kind, type) or not issubclass(kind, tuple) or getattr(kind, "_fields", None) != fields:
                raise ValueError
            return kind
        kind = self.named.get(number)
        if kind is None:
            if len(self.named) > MOST_CLASSES or number == 0:
                raise ValueError
            kind = self.named[number] = TABLES.collections.namedtuple(name, fields, module="solution")
            self.their_numbers[id(kind)] = number
        if kind._fields != fields:
            raise ValueError
        return kind

    def exception_chain(self, kind):
        """Own classes of an exception, nearest first, as number and name; and the nearest that both sides know."""
        own = []
        for base in kind.__mro__:
            if base in TABLES.exception_names:
                return own, TABLES.exception_names[base]
            if issubclass(base, BaseException):
                own.append([self.class_number(base), base.__name__])
        return own, "Exception"

    def exception_class(self, own, base):
        kind = TABLES.exceptions[base]
        if type(own) is not list or len(own) > 64:
            raise ValueError
        for number, name in reversed(own):
            if type(number) is not int or type(name) is not str or not name.isidentifier():
                raise ValueError
            if number < 0:
                kind = self.handed(-number)
            elif number in self.theirs:
                kind = self.theirs[number]
            else:
                kind = self.keep_theirs(number, type(name, (kind,), dict(REBUILT)))
            if not isinstance_of(kind, type) or not issubclass(kind, BaseException):
                raise ValueError
        return kind

    def class_said(self, own, base):
        kind = self.exception_class(own, base)
        self.mark_class(kind)
        return kind

    def exception_part(self, writer, error):
        """Its classes, its arguments and public attributes, what it says where a class of its own says that, its cause."""
        own, base = self.exception_chain(type(error))
        arguments = error.args if type(error.args) is tuple else ()
        if base in GROUPS:
            # Of what can be built before lists are filled.
            arguments = error.message, tuple(error.exceptions)
        told = [self.told(writer, argument) for argument in arguments]
        attributes, text, cause = [], None, error.__cause__
        notes = vars(error).get("__notes__")
        if type(notes) is list:
            attributes += ["__notes__", self.told(writer, tuple(notes))]
        for name, value in list(vars(error).items()):
            if type(name) is str and not name.startswith("_"):
                attributes += [name, self.told(writer, value)]
        for kind, names in TOLD_BESIDE.items():
            if isinstance_of(error, kind):
                attributes += [part for name in names for part in (name, self.told(writer, getattr(error, name, None)))]
        if type(error).__str__ not in TABLES.said_by:
            text = describe(error).partition(": ")[2]
        return ["x", own, base, self.origin(error), told, attributes, text, None if cause is None else writer.slot(cause)]

    def told(self, writer, value):
        try:
            return writer.slot(value)
        except NotCarried:
            return writer.slot(describe(value))

    def exception(self, reader, part):
        _, own, base, origin, arguments, attributes, text, cause = part
        if type(arguments) is not list or type(attributes) is not list or type(base) is not str:
            raise ValueError
        if text is not None and type(text) is not str:
            raise ValueError
        original = self.original(origin)
        if original is not None:
            return original
        kind = self.exception_class(own, base)
        arguments = tuple(map(reader.value, arguments))
        try:
            error = kind.__new__(kind, *arguments)
            if kind.__module__ == "builtins":
                kind.__init__(error, *arguments)
        except Exception:
            error = kind.__new__(kind)
        error.args = arguments
        held = vars(error)
        beside = [name for kind, names in TOLD_BESIDE.items() if isinstance_of(error, kind) for name in names]
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if type(name) is not str or name.startswith("_") and name != "__notes__":
                raise ValueError
            value = reader.value(value)
            if name == "__notes__":
                held[name] = [note for note in value if type(note) is str] if type(value) is tuple else []
            elif name in beside:
                # Of a plain type: what these are shown by has no other in mind.
                setattr(error, name, value if type(value) in SCALARS else None)
            else:
                held[name] = value
        if text is not None:
            held["_text"] = text
        self.mark(error, origin)
        cause = reader.value(cause)
        if isinstance_of(cause, BaseException):
            error.__cause__ = cause
        return error

    # --- coroutines

    def run(self, awaitable):
        """Runs to its end what was awaited on the other side; also where a loop is running here."""
        import asyncio

        if self.loop is None:
            self.loop = asyncio.new_event_loop()

        async def wait():
            return await awaitable

        running = asyncio._get_running_loop()
        loop = self.loop if not self.loop.is_running() else asyncio.new_event_loop()
        asyncio._set_running_loop(None)
        try:
            return loop.run_until_complete(wait())
        finally:
            asyncio._set_running_loop(running)


# Fields of the interpreter's exceptions that are neither in their arguments nor among their attributes.
TOLD_BESIDE = {
    OSError: ("filename", "filename2"),
    ImportError: ("name", "path"),
    NameError: ("name",),
    AttributeError: ("name",),
}
# Exceptions that hold others.
GROUPS = {"BaseExceptionGroup", "ExceptionGroup"}
# What a rebuilt class of exceptions has of its own.
REBUILT = {
    "__module__": "solution",
    "__init__": lambda *args, **names: None,
    "__str__": lambda self: vars(self)["_text"] if "_text" in vars(self) else BaseException.__str__(self),
}
KINDS = {"o", "f", "c", "i", "g", "a", "A"}


def isinstance_of(value, kind):
    """By the type alone: `isinstance` also asks the object."""
    return issubclass(type(value), kind)


def leave_with(value, error):
    kind = None if error is None else type(error)
    return type(value).__exit__(value, kind, error, None)


def copied(value, deep):
    import copy

    return copy.deepcopy(value) if deep else copy.copy(value)


def operations(side):
    """What may be asked of an object, and how it is answered."""
    import operator

    def binary(value, name, other):
        reflected = name not in BINARY
        function = getattr(operator, {"and": "and_", "or": "or_"}.get(name[reflected:], name[reflected:]))
        if name[reflected:] not in BINARY:
            raise TypeError("no such operator")
        return function(other, value) if reflected else function(value, other)

    def unary(value, name):
        if name not in UNARY:
            raise TypeError("no such operator")
        return getattr(operator, name)(value)

    def attribute(value, name):
        return getattr(value, name)

    return {
        "call": lambda value, arguments, names: value(*arguments, **dict(zip(names[::2], names[1::2]))),
        "get": attribute,
        "set": setattr,
        "del": delattr,
        "iter": iter,
        "next": lambda value: next(value),
        "send": lambda value, item: value.send(item),
        "throw": lambda value, error: value.throw(error),
        "close": lambda value: value.close(),
        "len": len,
        "getitem": operator.getitem,
        "setitem": operator.setitem,
        "delitem": operator.delitem,
        "contains": operator.contains,
        "bool": bool,
        "str": str,
        "repr": repr,
        "format": format,
        "round": round,
        "reversed": reversed,
        "copy": copied,
        "eq": operator.eq,
        "lt": operator.lt,
        "le": operator.le,
        "gt": operator.gt,
        "ge": operator.ge,
        "binary": binary,
        "unary": unary,
        "hash": hash,
        "instance": lambda value, other: isinstance(other, value),
        "subclass": lambda value, other: issubclass(other, value),
        "enter": lambda value: type(value).__enter__(value),
        "exit": leave_with,
        "await": side.run,
        "aenter": lambda value: side.run(type(value).__aenter__(value)),
        "aexit": lambda value, error: side.run(type(value).__aexit__(value, error and type(error), error, None)),
        "anext": lambda value: side.run(type(value).__anext__(value)),
    }
