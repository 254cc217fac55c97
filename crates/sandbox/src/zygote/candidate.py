# The process of a candidate: runs its source, then does what its tests ask: call this, read that. It sees the arguments
# of the calls and what the tests hand over, and nothing else of them. Nothing here is believed by the tests' process.


class serve_candidate:
    def __init__(self, arguments):
        candidate, channel, target = arguments
        loaded = json.loads(read_all(candidate))
        self.source, self.given = loaded["source"], loaded["given"]
        write_source(target, self.source.encode("utf-8", "surrogatepass"))
        self.keep = [channel]

    def go(self, zygote):
        path = zygote.program
        sys.argv = [path]
        sys.path.insert(0, zygote.work)
        module = fresh_module("solution", path)
        server = SERVER
        server.module = module
        leave = os._exit
        source, given, self.source, self.given = self.source, self.given, None, None
        gc.enable()
        try:
            try:
                if given:
                    exec(compile(given, "<given>", "exec", dont_inherit=True), module.__dict__)
                exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
            except BaseException as error:
                server.failure = error
            while True:
                server.serve(*server.read(server.channel.receive()))
        finally:
            # Whatever went wrong here is the candidate's doing: the tests hear at once that nobody answers.
            leave(0)


class Server(Side):
    """Does what the tests ask, on the candidate's own objects."""

    asks_underscored = False

    def __init__(self, channel):
        super().__init__(channel, 1)
        self.module, self.failure = None, None
        self.operations = operations(self)
        self.operations["name"], self.operations["define"] = self.name, self.define
        self.count = sys.getrefcount
        self.types = TYPES
        self.printed = None
        self.spare_graph, self.spare_held = 0, 0
        self.measure()

    def serve(self, word, value, extra):
        """Answers one question. What it leaves behind of it is what the candidate keeps."""
        changed = None if extra is None else self.stage(extra)
        try:
            try:
                answer, box = "ok", [self.operations[word](*value)]
            except Broken:
                raise
            except BaseException as error:
                answer, box = "raise", [error]
            value = None
            # A thread of the program's may be in the middle of a question of its own.
            with self.turn:
                try:
                    self.send(answer, box)
                except (NotCarried, RecursionError, MemoryError) as error:
                    self.send("cannot", [describe(error)])
        finally:
            if changed is not None:
                self.unstage(changed)

    def name(self, name):
        if self.failure is not None:
            raise self.failure
        names = self.module.__dict__
        if name not in names:
            raise NameError("%r is not defined" % name)
        return names[name]

    def define(self, name, value):
        """A class of records that the tests let programs use: where the program has none of that name."""
        self.module.__dict__.setdefault(name, value)

    # --- what is shared, and for how long

    def shares(self, word):
        return word not in ("ok", "raise", "cannot")

    def settle(self, word, writer, slot):
        """Says what was changed; shares what the candidate keeps of what it returns; lets go of what it no longer has."""
        shared = self.shared
        if self.shares(word):
            if shared.size() <= 1000:
                self.write_changed(writer)
            return []
        self.write_changed(writer)
        root = slot[0] if type(slot) is list else None
        for place, part in enumerate(writer.parts):
            if part[0] in TABLES.shells and not part[1]:
                value = writer.alive[place]
                inside = writer.count.get(place, 1) - (place == root)
                if self.count(value) - inside > self.spare_graph and len(value) <= LARGEST_KEPT:
                    part[1] = shared.own(value)
                    shared.note(part[1])
        value = None
        writer.alive.clear()
        return self.let_go()

    def let_go(self):
        shared, dropped = self.shared, []
        for number in list(shared.objects):
            value = shared.objects[number]
            if self.count(value) <= self.spare_held or len(value) > LARGEST_KEPT:
                shared.drop(number)
                dropped.append(number)
        return dropped

    def measure(self):
        """How many references what nobody keeps has where they are counted: it differs between interpreters."""
        writer = Writer(self, self.shared, False)
        slot = writer.slot([[]])
        writer.finish()
        for place, part in enumerate(writer.parts):
            value = writer.alive[place]
            inside = writer.count.get(place, 1) - (place == slot[0])
            self.spare_graph = self.count(value) - inside
        value = None
        self.shared.own([])
        for number in list(self.shared.objects):
            value = self.shared.objects[number]
            self.spare_held = self.count(value)
            self.shared.drop(number)

    # --- printed text, and what the tests have put in the place of built-in functions

    def read_extra(self, reader, extra):
        if extra is None:
            return None
        out, err, replaced = extra
        return out, err, reader.value(replaced)

    def stage(self, extra):
        out, err, replaced = extra
        changed = []
        put = lambda place, name, value: (changed.append((place, name, getattr(place, name))), setattr(place, name, value))
        before = self.printed
        self.printed = streams = [None, None]
        for index, (wanted, name) in enumerate(((out, "stdout"), (err, "stderr"))):
            if wanted and getattr(sys, name) is getattr(sys, "__%s__" % name):
                streams[index] = self.types.text_stream(self.types.byte_stream(), encoding="utf-8", write_through=True)
                put(sys, name, streams[index])
        for module, name, value in replaced:
            if name == "environ":
                value = dict(value)
            if module in sys.modules:
                put(sys.modules[module], name, value)
        return before, changed

    def unstage(self, staged):
        self.printed, changed = staged
        for place, name, value in reversed(changed):
            setattr(place, name, value)

    def extra(self, word, writer):
        if self.printed is None:
            return None
        said = []
        for stream in self.printed:
            text = ""
            if stream is not None and not stream.closed:
                stream.flush()
                text = stream.buffer.getvalue().decode("utf-8", "replace")
                stream.buffer.seek(0)
                stream.buffer.truncate()
            said.append(text)
        return said

    # --- stand-ins of the tests' objects

    def equal(self, one, other):
        return "q" in one._able and self.ask("eq", one, other)

    def comparable(self, other):
        return True

    def decided(self, word, *values):
        return self.ask(word, *values)

    text = number = decided

    def contains(self, one, value):
        return self.ask("contains", one, value)

    def instance(self, one, value):
        return self.known_theirs(value) is not None and self.ask("instance", one, value)

    def subclass(self, one, kind):
        return kind is one

    def hash(self, one):
        return self.ask("hash", one) if "q" in one._able else one._number

    def not_carried(self, text):
        return TypeError(text)

    def origin(self, error):
        return vars(error).get("_origin", 0)

    def original(self, origin):
        return None

    def mark(self, error, origin):
        if origin:
            error._origin = origin

    def mark_class(self, kind):
        pass

    def special(self, reader, tag, part):
        """What only tests send: patterns, modules, and what modules hold."""
        if tag == "re":
            return self.types.pattern(reader.value(part[1]), part[2])
        value = __import__(part[1], None, None, ["*"])
        for name in part[2].split(".") if tag == "G" else ():
            value = getattr(value, name)
        return value

    # --- the candidate's objects

    def other(self, writer, value):
        number = self.known_theirs(value)
        if number is not None:
            return writer.part(value, ["y", number])
        kind, types = type(value), self.types
        if issubclass(kind, BaseException):
            return writer.part(value, self.exception_part(writer, value))
        if issubclass(kind, type):
            return self.class_part(writer, value, kind)
        for plain, content in types.plain:
            # What is derived from a plain type is taken as that: whatever it says about itself is left out.
            if issubclass(kind, plain):
                return writer.slot(content(value))
        if kind.__flags__ & types.heap and hasattr(kind, "dtype") and getattr(value, "shape", None) == ():
            return writer.slot(value.item())
        for plain, content in types.containers:
            if issubclass(kind, plain) and not self.has_more(kind, value):
                return writer.slot(content(value))
        if kind is types.generator or kind is types.coroutine or kind is types.later:
            letter = {types.generator: "g", types.coroutine: "a", types.later: "A"}[kind]
            return writer.part(value, self.described(value, letter, "", named(value)))
        if kind in types.functions:
            return writer.part(value, self.described(value, "f", "c", named(value), documented(value)))
        able = abilities(kind)
        return writer.part(value, self.described(value, "i" if "n" in able else "o", able, kind.__name__, documented(value)))

    def class_part(self, writer, value, kind):
        if issubclass(value, BaseException):
            return writer.part(value, ["X", *self.exception_chain(value)])
        able = "".join(letter for letter in abilities(kind) if letter in "cilgk")
        if "g" not in able and hasattr(value, "__class_getitem__"):
            able += "g"
        return writer.part(value, self.described(value, "c", able, value.__name__, documented(value)))

    def has_more(self, kind, value):
        """Whether an object of a class derived from a list, say, has more to it than the list."""
        for base in kind.__mro__:
            if base in self.types.known:
                return False
            names = type.__getattribute__(base, "__dict__")
            if any(not name.startswith("_") or name in ("__call__", "__enter__") for name in names):
                return True
        return False


def named(value):
    name = getattr(value, "__name__", None)
    return name if type(name) is str else None


def documented(value):
    text = getattr(value, "__doc__", None)
    return text if type(text) is str else None


class Types:
    """What a candidate's objects can be, found before its source runs."""

    def __init__(self):
        import functools
        import io
        import re
        import types

        collections = TABLES.collections
        self.text_stream, self.byte_stream, self.pattern = io.TextIOWrapper, io.BytesIO, re.compile
        self.generator, self.coroutine, self.later = types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType
        self.functions = {types.FunctionType, types.MethodType, types.BuiltinFunctionType, type(len), type([].append)}
        self.functions |= {types.MethodWrapperType, types.WrapperDescriptorType, types.MethodDescriptorType, functools.partial}
        self.functions.add(type(functools.lru_cache(None)(min)))
        self.heap = 1 << 9
        self.known = set(TABLES.mutable) | {tuple, frozenset, object}
        self.plain = [
            (int, int.__int__),
            (float, float.__float__),
            (complex, lambda v: complex(complex.__getattribute__(v, "real"), complex.__getattribute__(v, "imag"))),
            (str, str.__str__),
            (bytes, lambda v: b"".join((v,))),
        ]
        self.containers = [
            (list, lambda v: list(list.__iter__(v))),
            (tuple, lambda v: tuple(tuple.__iter__(v))),
            (set, lambda v: set(set.__iter__(v))),
            (frozenset, lambda v: frozenset(frozenset.__iter__(v))),
            (bytearray, lambda v: bytearray(bytearray.__iter__(v))),
            (collections.deque, lambda v: collections.deque(collections.deque.__iter__(v))),
            (dict, lambda v: dict(dict.items(v))),
        ]
