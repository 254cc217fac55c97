# The candidate's process as the tests see it: a party that answers questions, in turn, with plain values.

class Uncarried(BaseException):
    """A test gives the candidate what cannot be carried. Nothing that a test can catch by accident."""


class Unreturned(BaseException):
    """The candidate's value cannot be carried."""


# What tests replace for a while to watch a program, or to feed it: replaced for the program as well.
WATCHED = (
    ("builtins", "input print open"),
    ("sys", "stdin"),
    ("time", "time sleep perf_counter monotonic"),
    ("random", "random randint randrange choice shuffle sample uniform"),
)


STEPS = {"next", "send", "throw", "close", "anext", "await"}
# What an object can be asked without anything being done to it: then it has one answer to each such question.
QUESTIONS = frozenset("len bool str repr format round hash eq lt le gt ge getitem".split())
# What is in an object, asked in several ways: nothing here says that the answers go together.
LOOKS = frozenset("len iter getitem".split())
# What is done to an object.
ACTS = frozenset("get set setitem delitem".split())
# Methods by which plain values say whether they are what a test looks for.
PREDICATES = {
    name
    for kind in (str, bytes, int, float, set, frozenset)
    for name in vars(kind)
    if name.startswith("is") or name in ("startswith", "endswith")
}


class Candidate(Side):
    asks_underscored = True

    def __init__(self, channel):
        super().__init__(channel, 2)
        self.operations = operations(self)
        self.handed_kinds = HANDED
        self.policies = {}
        # Whether the candidate's own code decided a comparison; whether it has said anything yet.
        self.weak, self.heard = False, False
        # Whether a test has wanted anything of what the candidate defines.
        self.questioned = False
        # Why the run is over; what could not be carried, from whom.
        self.broken, self.uncarried, self.unreturned = None, None, None
        self.known_before = None
        # What its objects have answered since anything was done; what of which of them a test has looked at.
        self.answered, self.looked = {}, {}
        # Those that a test has made itself, of a class of the candidate's; and those of them that it has done something
        # with since: what is tested there is the class.
        self.made, self.used = set(), set()
        # Exceptions of the candidate's that would end the interpreter; whether it has given out a class of them.
        self.exits, self.exits_by_class = [], False
        # The names that the tests use: what they mention, they expect.
        self.expected = frozenset()
        self.environment = dict(os.environ._data)
        self.watched = []
        for module, names in WATCHED:
            module = sys.modules.get(module)
            self.watched += [(module, name, getattr(module, name)) for name in names.split()]

    def ask(self, word, *values):
        with self.turn:
            return self.put(word, values)

    def put(self, word, values):
        if self.broken is not None:
            raise Broken(self.broken)
        self.questioned |= word not in ("name", "define")
        try:
            if self.depth == 0 and not self.channel.silent():
                raise Broken("the program spoke without being asked")
            answer = super().ask(word, *values)
            if word in QUESTIONS:
                self.hold_to(word, values, answer)
            else:
                self.answered.clear()
            if word == "call" and isinstance_of(answer, StandIn) and isinstance_of(values[0], StandIn) and values[0]._about[0] == "c":
                self.made.add(answer._number)
            if word in ACTS and isinstance_of(values[0], StandIn) and values[0]._number in self.made:
                self.used.add(values[0]._number)
            if word == "get" and values[1] in PREDICATES and isinstance_of(answer, StandIn):
                # What a test takes for a text or a set says itself whether it is the right one.
                self.weak = True
            if word in LOOKS:
                self.look(word, values[0])
            return answer
        except (StopIteration, StopAsyncIteration) as error:
            # `all(map(f, …))` ends well where `f` raises this: only what is gone through may, or what a test expects to.
            if word in STEPS or type(error).__name__ in self.expected:
                raise
            raise RuntimeError("the program raised %s" % type(error).__name__) from None
        except Broken as error:
            self.broken = str(error)
            raise
        except NotCarried as error:
            self.uncarried = str(error)
            raise Uncarried(self.uncarried) from None

    def hold_to(self, word, values, answer):
        """An object that gives two answers to one question, with nothing done in between, has none."""
        key, kinds = [word], (StandIn, *SCALARS)
        for value in (*values, answer):
            if not isinstance_of(value, kinds):
                return
            key.append(value._number if isinstance_of(value, StandIn) else (type(value), value))
        answer = key.pop()
        before = self.answered.setdefault(tuple(key), answer)
        # By what is written of it: not a number is no other than itself.
        if before != answer and repr(before) != repr(answer):
            self.unreturned = "an object of the program's gives two answers to one question"
            raise Unreturned(self.unreturned)

    def look(self, word, one):
        """An object's length need not be that of what it gives out, nor what it gives out twice the same: where a test
        looks twice, the program decides."""
        if not isinstance_of(one, StandIn) or one._about[0] != "o":
            return
        before = self.looked.setdefault(one._number, word)
        # Of another object of the class as well: `len(f(5)) == 5 and all(… for v in f(5))`.
        if before != word or self.looked.setdefault(type(one), word) != word:
            self.weak = True
        elif word == "iter":
            self.looked[one._number] = "again"

    def read(self, message):
        message = super().read(message)
        self.heard = True
        return message

    def not_carried(self, text):
        self.unreturned = "the program's value cannot be carried: %s" % (text if type(text) is str else "?")
        return Unreturned(self.unreturned)

    # --- questions of the candidate

    def serve(self, word, value, extra):
        """Answers a question about what a test handed over."""
        if type(value) is not tuple or not value:
            raise Broken("the program asked what nobody asks")
        target, arguments = value[0], value[1:]
        policy = self.policies.get(id(target))
        if policy is None or word not in self.operations:
            raise Broken("the program asked for what nobody gave to it")
        self.check(word, policy, arguments)
        # What it has of the tests may have changed, and its answers with that.
        self.answered.clear()
        before, self.known_before = self.known_before, set(self.shared.objects)
        try:
            try:
                self.allow(word, policy, target, arguments)
                answer, box = "ok", [self.operations[word](target, *arguments)]
            except Broken:
                raise
            except BaseException as error:
                answer, box = "raise", [error]
            try:
                self.send(answer, box)
            except NotCarried as error:
                self.send("raise", [TypeError(str(error))])
        finally:
            self.known_before = before

    def allow(self, word, policy, target, arguments):
        """Whether an object answers an operation; a list of attributes goes before what its classes say."""
        if word not in policy.operations:
            raise AttributeError(arguments[0]) if word == "get" else TypeError("this cannot be done to it")
        if word == "get" and not (can_be_read(target, arguments[0]) if policy.names is None else arguments[0] in policy.names):
            raise AttributeError(arguments[0])
        if word in ("set", "del") and not can_be_set(target, *arguments):
            raise AttributeError("%s is the tests' own" % arguments[0])
        if word == "binary" and isinstance_of(target, (str, bytes)) and arguments[:1] == ("mod",):
            raise TypeError("this cannot be done to it")
        if word == "call" and type(target).__module__ == "enum" and len(arguments[0]) + len(arguments[1]) // 2 != 1:
            raise TypeError("this cannot be done to it")

    def check(self, word, policy, arguments):
        """Of what form the arguments of an operation are."""
        if word in ("get", "set", "del"):
            name = arguments[0] if arguments else None
            if type(name) is not str or name.startswith("_"):
                raise Broken("the program asked for an attribute that nobody asks for")
        elif word == "call":
            if len(arguments) != 2 or type(arguments[0]) is not tuple or type(arguments[1]) is not tuple:
                raise Broken("the program made a call that is none")
            if len(arguments[1]) % 2 or any(type(name) is not str for name in arguments[1][::2]):
                raise Broken("the program made a call that is none")

    # --- messages

    def shares(self, word):
        return True

    def settle(self, word, writer, slot):
        if self.known_before is None or word not in ("ok", "raise"):
            before = len(writer.parts)
            self.write_changed(writer)
            if len(writer.parts) > before:
                self.answered.clear()
            return []
        shared = self.shared
        fresh = [number for number in shared.objects if number % 2 and number not in self.known_before]
        if shared.size() <= 1000:
            self.write_changed(writer)
        else:
            for number in fresh:
                value = shared.objects[number]
                if id(value) not in writer.places and shared.changed(number):
                    writer.mutable(value, type(value))
            writer.finish()
        # What the candidate gave to a test's function is the function's own from here on.
        for number in fresh:
            shared.drop(number)
        return fresh

    def extra(self, word, writer):
        out, err = sys.stdout is not sys.__stdout__, sys.stderr is not sys.__stderr__
        replaced = [
            (module.__name__, name, getattr(module, name, None))
            for module, name, value in self.watched
            if getattr(module, name, None) is not value
        ]
        if getattr(os.environ, "_data", None) != self.environment:
            replaced.append(("os", "environ", tuple(os.environ.items())))
        if not (out or err or replaced) or word in ("ok", "raise"):
            return None
        slot = writer.slot(tuple(replaced))
        writer.finish()
        return [out, err, slot]

    def read_extra(self, reader, extra):
        """What the program printed goes to where a test wants it."""
        if extra is None:
            return None
        out, err = extra
        if type(out) is not str or type(err) is not str:
            raise ValueError
        for text, stream, own in ((out, sys.stdout, sys.__stdout__), (err, sys.stderr, sys.__stderr__)):
            if text and stream is not own:
                try:
                    stream.write(text)
                except Exception:
                    pass
        return None

    def other(self, writer, value):
        number = self.known_theirs(value)
        if number is not None:
            return writer.part(value, ["y", number])
        kind = type(value)
        if issubclass(kind, BaseException):
            return writer.part(value, self.exception_part(writer, value))
        if issubclass(kind, type) and issubclass(value, BaseException):
            return writer.part(value, ["X", *self.exception_chain(value)])
        if kind is self.handed_kinds.pattern:
            return writer.part(value, ["re", writer.slot(value.pattern), value.flags])
        part = self.handed_kinds.by_name(value)
        if part is not None:
            return writer.part(value, part)
        policy = self.handed_kinds.policy(value)
        if policy is None:
            raise NotCarried("the test gives the program an object of %s.%s, which cannot be carried" % (kind.__module__, kind.__name__))
        self.policies[id(value)] = policy
        name, doc = None, None
        if policy.kind in "fc":
            name, doc = getattr(value, "__name__", None), getattr(value, "__doc__", None)
        elif policy.kind == "o":
            name, doc = kind.__name__, kind.__doc__
        able = abilities(kind) if policy.kind in "oi" else ABLE[policy.kind]
        name, doc = (text if type(text) is str else None for text in (name, doc))
        return writer.part(value, self.described(value, policy.kind, able, name, doc))

    def special(self, reader, tag, part):
        raise ValueError

    # --- exceptions

    def origin(self, error):
        if isinstance_of(error, (StopIteration, StopAsyncIteration)):
            return 0
        return self.hand(error)[0]

    def original(self, origin):
        """What a test's own function raised in the program comes back as the same exception."""
        if type(origin) is not int:
            raise ValueError
        if not origin:
            return None
        error = self.handed(origin)
        if not isinstance_of(error, BaseException):
            raise ValueError
        # It may be the end of a test now because the program let it through.
        self.mark(error, origin)
        return error

    def mark(self, error, origin):
        if isinstance_of(error, SystemExit):
            self.exits.append(error)

    def mark_class(self, kind):
        self.exits_by_class |= issubclass(kind, SystemExit)

    def ends_well(self, error):
        """Whether a test ends the interpreter itself, and without complaint, as `unittest.main()` does."""
        own = type(error) is SystemExit and not self.exits_by_class and not any(error is one for one in self.exits)
        return own and (error.code is None or type(error.code) in (bool, int) and error.code == 0)

    # --- what stand-ins do

    def equal(self, one, other):
        """Against a plain value an object of the candidate's is never equal, whatever it would say."""
        if not isinstance_of(other, StandIn) or "q" not in one._able + other._able:
            return False
        return self.decided("eq", one, other)

    def comparable(self, other):
        return isinstance_of(other, StandIn)

    def decided(self, word, *values):
        """The candidate's own code decides: a test that passes through this is weak."""
        self.weak = True
        answer = self.ask(word, *values)
        return answer if word == "bool" and type(answer) is bool else bool(answer)

    def contains(self, one, value):
        """By looking at what is in it, so that what a test looks for does not go to the program."""
        if not set("ing") & set(one._able):
            if one._number not in self.used:
                raise TypeError("an object of the program's that cannot be gone through says itself what is in it")
            return self.decided("contains", one, value)
        return any(part is value or part == value for part in one)

    def text(self, word, one, *form):
        answer = self.ask(word, one, *form)
        if type(answer) is not str:
            raise TypeError("a text that is none")
        return answer

    def number(self, word, one):
        answer = self.ask(word, one)
        if type(answer) is not int or answer < 0:
            raise TypeError("a length that is none")
        return answer

    def instance(self, one, value):
        if self.their_numbers.get(id(type(value))) == one._number:
            return True
        return self.known_theirs(value) is not None and self.decided("instance", one, value)

    def subclass(self, one, kind):
        return kind is one or self.known_theirs(kind) is not None and self.decided("subclass", one, kind)

    def hash(self, one):
        if "q" not in one._able:
            return hash((StandIn, one._number))
        answer = self.ask("hash", one)
        if type(answer) is not int:
            raise TypeError("a hash that is none")
        return answer


ABLE = {"f": "c", "c": "cilgk", "g": "", "a": "", "A": ""}
