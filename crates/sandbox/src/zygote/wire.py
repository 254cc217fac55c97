# The line between a candidate and its tests: frames of a length and one JSON array, and plain values in them.
#
# A value is a scalar of JSON (None, bool, int, float, str), or `[n]`: part n of the message's list of parts. A part is
# `[tag, …]`. Parts refer to each other by number, so that depth costs no recursion and a cycle is no special case.
# Lists, dictionaries and sets can be *shared*: both sides know such a one by a number, and whoever changed it says so
# with its next message. docs/sandbox.md says what the two sides may say, and when.
#
# The candidate owns its side of the line. `Reader` therefore takes nothing on trust: what is not exactly of the form
# below is `Broken`, and nothing is looked up, imported, called or built by a name that came in.

# What is defined from here on keeps the interpreter's own functions, whatever a candidate makes of `builtins`.
__builtins__ = dict(vars(sys.modules["builtins"]))

# Where each process has its end of the line.
CHANNEL = 4
LONGEST_FRAME = 32 << 20
MOST_PARTS = 1 << 21
MOST_SHARED = 1 << 16
# Python itself compares and prints nothing that is nested more than about a thousand deep; what is deeper only costs.
DEEPEST_VALUE = 5_000
# What is larger is written back after the call it was given to, but not followed from call to call.
LARGEST_KEPT = 10_000
# Whole numbers of JSON; longer ones are parts, for which no limit on digits holds.
SHORT_INT = 1 << 62


class Broken(BaseException):
    """The other process is gone, or says what nobody says: the end of the run."""


class NotCarried(Exception):
    """A value that cannot be carried."""


def refuse(value):
    raise NotCarried("no plain value")


class Channel:
    """Frames over a socket. Holds on to everything that it needs, so that nobody can take it away by patching a module."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.buffer = b""
        self.read, self.write = os.read, os.write
        text = json.encoder.c_make_encoder(None, refuse, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, True)
        scan = json.scanner.c_make_scanner(json.JSONDecoder())
        self.text, self.scan = text, scan
        self.join = "".join
        self.invalid = (ValueError, RecursionError, StopIteration)
        self.poll = select.poll()
        self.poll.register(descriptor, select.POLLIN)

    def send(self, message):
        data = self.join(self.text(message, 0)).encode("ascii")
        if len(data) > LONGEST_FRAME:
            raise NotCarried("a value of %d bytes is too large to be carried" % len(data))
        data = len(data).to_bytes(4, "little") + data
        try:
            sent = self.write(self.descriptor, data)
            while sent < len(data):
                sent += self.write(self.descriptor, data[sent : sent + (1 << 20)])
        except OSError:
            raise Broken("the program's process ended") from None

    def receive(self):
        data = self.buffer or self.some(65536)
        if len(data) < 4:
            self.buffer = data
            data = self.exactly(4)
        else:
            self.buffer = data[4:]
        length = int.from_bytes(data[:4], "little")
        if not 2 <= length <= LONGEST_FRAME:
            raise Broken("the program sent a frame of %d bytes" % length)
        data = self.buffer
        if len(data) == length:
            # As it is nearly always: one frame, read whole.
            self.buffer = b""
        else:
            data = self.exactly(length)
        try:
            text = data.decode("ascii")
            message, end = self.scan(text, 0)
        except self.invalid:
            raise Broken("the program sent what cannot be read") from None
        if end != length or type(message) is not list:
            raise Broken("the program sent what is no message")
        return message

    def exactly(self, count):
        data = self.buffer
        if len(data) < count:
            parts, size = [data], len(data)
            while size < count:
                parts.append(self.some(max(65536, min(count - size, 1 << 20))))
                size += len(parts[-1])
            data = b"".join(parts)
        self.buffer = data[count:]
        return data[:count]

    def some(self, most):
        """Bytes, as many as there are, up to so many; waits for the first."""
        try:
            data = self.read(self.descriptor, most)
        except OSError:
            data = b""
        if not data:
            raise Broken("the program's process ended")
        return data

    def silent(self):
        """Whether nothing has come in that nobody has asked for."""
        return not self.buffer and not self.poll.poll(0)


class Tables:
    """The types that are copied, by exact type for writing and by tag for reading. Made once, before anything is forked."""

    def __init__(self):
        import array
        import collections
        import datetime
        import decimal
        import fractions
        import operator

        self.same = operator.is_
        self.collections = collections
        # What both sides can hold, and change.
        self.shells = {
            "l": list,
            "d": dict,
            "s": set,
            "B": bytearray,
            "q": collections.deque,
            "C": collections.Counter,
            "o": collections.OrderedDict,
            "f": collections.defaultdict,
            "a": array.array,
        }
        self.mutable = {kind: tag for tag, kind in self.shells.items()}
        self.pairs = {"d", "C", "o", "f"}
        self.codes = set(array.typecodes) - {"u", "w"}
        self.array = array.array
        self.datetime, self.decimal, self.fractions = datetime, decimal, fractions
        kinds = [bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, range, slice, object, type(None)]
        kinds += [collections.deque, collections.Counter, collections.OrderedDict, collections.defaultdict]
        kinds += [fractions.Fraction, decimal.Decimal, datetime.date, datetime.datetime, datetime.time, datetime.timedelta]
        self.kinds = {kind.__name__: kind for kind in kinds}
        self.names = {kind: name for name, kind in self.kinds.items()}
        views = {}
        self.views = {"k": type(views.keys()), "v": type(views.values()), "I": type(views.items())}
        self.view_tags = {kind: tag for tag, kind in self.views.items()}
        self.exceptions = {}
        for module in (sys.modules["builtins"], json.decoder, decimal, struct, collections, sys.modules.get("queue"), sys.modules.get("asyncio.exceptions")):
            for name, kind in list(vars(module).items()) if module is not None else ():
                if isinstance(kind, type) and issubclass(kind, BaseException) and kind.__name__ == name:
                    self.exceptions.setdefault(name, kind)
        self.exception_names = {kind: name for name, kind in self.exceptions.items()}
        self.said_by = {kind.__str__ for kind in self.exception_names}

TABLES = None


class Shared:
    """What both sides hold, by number. Each side makes numbers of its own parity."""

    def __init__(self, first):
        self.next = first
        self.parity = first % 2
        self.objects = {}
        self.numbers = {}
        self.seen = {}

    def add(self, number, value):
        if len(self.objects) >= MOST_SHARED:
            raise Broken("more is shared than anybody needs")
        self.objects[number] = value
        self.numbers[id(value)] = number

    def own(self, value):
        number, self.next = self.next, self.next + 2
        self.add(number, value)
        return number

    def note(self, number):
        """Both sides now know what is in it."""
        value = self.objects[number]
        kind = type(value)
        if kind is bytearray or kind is TABLES.array:
            self.seen[number] = bytes(value)
        elif isinstance(value, dict):
            self.seen[number] = (list(value), list(value.values()))
        else:
            self.seen[number] = list(value)

    def changed(self, number):
        value, seen, same = self.objects[number], self.seen.get(number), TABLES.same
        kind = type(value)
        if seen is None:
            return True
        if kind is bytearray or kind is TABLES.array:
            return bytes(value) != seen
        if isinstance(value, dict):
            keys, values = seen
            return not (len(keys) == len(value) and all(map(same, keys, value)) and all(map(same, values, value.values())))
        return not (len(seen) == len(value) and all(map(same, seen, value)))

    def drop(self, number):
        value = self.objects.pop(number, None)
        self.seen.pop(number, None)
        if value is not None:
            self.numbers.pop(id(value), None)

    def size(self):
        return sum(map(len, self.objects.values()))


class Writer:
    """One message's values as parts. `side` says what stands for an object that is not copied."""

    __slots__ = "side shared sharing parts places alive todo count depth".split()

    def __init__(self, side, shared, sharing):
        self.side, self.shared, self.sharing = side, shared, sharing
        self.parts, self.places, self.alive, self.todo, self.count, self.depth = [], {}, [], [], {}, 0

    def slot(self, value):
        kind = type(value)
        if kind is str:
            return value if value.isascii() else self.text(value)
        if kind is int:
            return value if -SHORT_INT < value < SHORT_INT else self.part(value, ["i", hex(value)])
        if value is None or kind is bool or kind is float:
            return value
        place = self.places.get(id(value))
        if place is not None:
            self.count[place] = self.count.get(place, 1) + 1
            return [place]
        if kind in TABLES.mutable:
            return self.mutable(value, kind)
        return self.fixed(value, kind)

    def text(self, value):
        try:
            value.encode("utf-8")
            return value
        except UnicodeEncodeError:
            return self.part(value, ["u", value.encode("utf-8", "surrogatepass").hex()])

    def part(self, value, part):
        self.parts.append(part)
        if len(self.parts) > MOST_PARTS:
            raise NotCarried("a value of more than %d parts is too large to be carried" % MOST_PARTS)
        self.places[id(value)] = place = len(self.parts) - 1
        self.alive.append(value)
        return [place]

    def mutable(self, value, kind):
        number = self.shared.numbers.get(id(value))
        if number is None:
            number = self.shared.own(value) if self.sharing else 0
        slot = self.part(value, [TABLES.mutable[kind], number])
        if self.depth >= DEEPEST_VALUE:
            raise NotCarried("a value that is nested more than %d deep is not carried" % DEEPEST_VALUE)
        self.todo.append((slot[0], value, self.depth + 1))
        return slot

    def finish(self):
        """Writes what is in the lists, sets and dictionaries that were met."""
        todo, slot = self.todo, self.slot
        while todo:
            place, value, self.depth = todo.pop()
            part = self.parts[place]
            tag = part[0]
            if tag == "l" or tag == "s" or tag == "q":
                if tag == "q":
                    part.append(value.maxlen)
                items = list(value)
                part.extend(items if short(items) else map(slot, items))
            elif tag in TABLES.pairs:
                if tag == "f":
                    part.append(slot(value.default_factory))
                for key, item in list(value.items()):
                    part.append(slot(key))
                    part.append(slot(item))
            elif tag == "B":
                part.append(bytes(value).hex())
            else:
                part.append(value.typecode)
                part.extend(value.tolist())
            if part[1]:
                self.shared.note(part[1])
        return self.parts

    def fixed(self, value, kind):
        slot, tables = self.slot, TABLES
        if kind is tuple:
            part = ["t", *(value if short(value) else map(slot, value))]
        elif issubclass(kind, StandIn):
            part = ["y", value._number]
        elif kind is bytes:
            part = ["b", value.hex()]
        elif kind is frozenset:
            part = ["z", *map(slot, value)]
        elif kind is complex:
            part = ["c", value.real, value.imag]
        elif kind is range:
            part = ["r", slot(value.start), slot(value.stop), slot(value.step)]
        elif kind is slice:
            part = ["S", slot(value.start), slot(value.stop), slot(value.step)]
        elif value is Ellipsis or value is NotImplemented:
            part = ["e", value is Ellipsis]
        elif kind is tables.fractions.Fraction:
            part = ["n", slot(value.numerator), slot(value.denominator)]
        elif kind is tables.decimal.Decimal:
            part = ["D", str(value)]
        elif kind is type and value in tables.names:
            part = ["T", tables.names[value]]
        elif kind in tables.view_tags:
            tag = tables.view_tags[kind]
            part = [tag, *map(slot, [part for pair in value for part in pair] if tag == "I" else list(value))]
        else:
            part = self.dated(value, kind) or self.named(value, kind)
        if part is None:
            return self.side.other(self, value)
        return self.part(value, part)

    def dated(self, value, kind):
        datetime = TABLES.datetime
        zone = lambda: None if value.utcoffset() is None else value.utcoffset() / datetime.timedelta(seconds=1)
        if kind is datetime.timedelta:
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if kind is datetime.date:
            return ["date", value.year, value.month, value.day]
        if kind is datetime.datetime:
            parts = value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
            return ["datetime", *parts, zone(), value.fold]
        if kind is datetime.time:
            return ["time", value.hour, value.minute, value.second, value.microsecond, zone(), value.fold]
        if kind is datetime.timezone:
            return ["timezone", value.utcoffset(None) / datetime.timedelta(seconds=1)]
        return None

    def named(self, value, kind):
        """A named tuple: its class by number, name and fields."""
        if not issubclass(kind, tuple):
            return None
        fields = getattr(kind, "_fields", None)
        if type(fields) is not tuple or len(fields) != tuple.__len__(value) or not hasattr(kind, "_make"):
            return None
        number, items = self.side.class_number(kind), list(tuple.__iter__(value))
        return ["N", number, kind.__name__, list(fields), *map(self.slot, items)]


def short(items):
    """Whether all of them are scalars that go into a message as they are."""
    kinds = set(map(type, items))
    if not kinds <= SCALARS:
        return False
    if int in kinds:
        numbers = items if len(kinds) == 1 else [item for item in items if type(item) is int]
        if not (max(numbers) < SHORT_INT and min(numbers) > -SHORT_INT):
            return False
    if str in kinds:
        texts = items if len(kinds) == 1 else [item for item in items if type(item) is str]
        return "".join(texts).isascii()
    return True


SCALARS = {type(None), bool, int, float, str}
READ_AS_THEY_ARE = {type(None), bool, int, float, str}
UNREAD = object()
MOMENTS = {"timedelta", "date", "datetime", "time", "timezone"}


class Reader:
    """The values of one message, out of its parts. `side` says what a number of an object stands for."""

    __slots__ = "side shared values".split()

    def __init__(self, side, shared, parts):
        self.side, self.shared = side, shared
        if type(parts) is not list or len(parts) > MOST_PARTS:
            raise Broken("the program sent no list of parts")
        self.values = values = []
        try:
            later = [self.shell(part) for part in parts]
            for place, part in enumerate(parts):
                if values[place] is UNREAD:
                    values[place] = self.fixed(part)
            for place in later:
                if place is not None:
                    self.fill(values[place], parts[place])
        except (TypeError, ValueError, IndexError, KeyError, ArithmeticError, AttributeError, RecursionError, MemoryError) as error:
            raise Broken("the program sent a value that is none: %s" % type(error).__name__) from None

    def shell(self, part):
        """An empty list, set or dictionary for a part that is one: others may be in it, and it in them."""
        tag = part[0]
        kind = TABLES.shells.get(tag) if type(tag) is str else None
        place = len(self.values)
        if kind is None:
            self.values.append(UNREAD)
            return None
        number = part[1]
        if type(number) is not int or number < 0:
            raise ValueError
        value = self.shared.objects.get(number)
        if value is None:
            if tag == "q":
                value = kind((), self.size(part[2]))
            elif tag == "a":
                if part[2] not in TABLES.codes:
                    raise ValueError
                value = kind(part[2])
            else:
                value = kind()
            if number:
                if number % 2 == self.shared.parity:
                    raise ValueError
                self.shared.add(number, value)
        elif type(value) is not kind:
            raise ValueError
        self.values.append(value)
        return place

    def size(self, value):
        if value is not None and (type(value) is not int or value < 0):
            raise ValueError
        return value

    def value(self, slot):
        kind = type(slot)
        if kind is list:
            (place,) = slot
            if type(place) is not int or not 0 <= place < len(self.values):
                raise ValueError
            value = self.values[place]
            if value is UNREAD:
                raise ValueError
            return value
        if kind is dict:
            raise ValueError
        return slot

    def several(self, slots):
        return slots if set(map(type, slots)) <= READ_AS_THEY_ARE else list(map(self.value, slots))

    def fill(self, value, part):
        tag, number = part[0], part[1]
        if tag == "l":
            value[:] = self.several(part[2:])
        elif tag == "s":
            items = self.several(part[2:])
            value.clear()
            value.update(items)
        elif tag == "q":
            value.clear()
            value.extend(self.several(part[3:]))
        elif tag == "B":
            value[:] = bytes.fromhex(part[2])
        elif tag == "a":
            fresh = TABLES.array(part[2], part[3:])
            if fresh.typecode != value.typecode:
                raise ValueError
            value[:] = fresh
        else:
            start = 2
            if tag == "f":
                factory = self.value(part[2])
                if factory is not None and not callable(factory):
                    raise ValueError
                value.default_factory = factory
                start = 3
            items = self.several(part[start:])
            if len(items) % 2:
                raise ValueError
            dict.clear(value) if tag != "o" else value.clear()
            for place in range(0, len(items), 2):
                value[items[place]] = items[place + 1]
        if number:
            self.shared.note(number)

    def fixed(self, part):
        tag = part[0]
        if tag == "t":
            return tuple(self.several(part[1:]))
        if tag == "y":
            return self.side.handed(*self.exact(part, int))
        if tag == "h":
            return self.side.stand_in(part)
        if tag == "i":
            return int(*self.exact(part, str), 16)
        if tag == "u":
            return bytes.fromhex(*self.exact(part, str)).decode("utf-8", "surrogatepass")
        if tag == "b":
            return bytes.fromhex(*self.exact(part, str))
        if tag == "z":
            return frozenset(self.several(part[1:]))
        if tag == "c":
            return complex(*self.exact(part, float, float))
        if tag == "r":
            return range(*self.bounds(part))
        if tag == "S":
            return slice(*self.bounds(part))
        if tag == "e":
            return Ellipsis if self.exact(part, bool)[0] else NotImplemented
        if tag == "n":
            numerator, denominator = self.several(part[1:])
            if type(numerator) is not int or type(denominator) is not int:
                raise ValueError
            return TABLES.fractions.Fraction(numerator, denominator)
        if tag == "D":
            return TABLES.decimal.Decimal(*self.exact(part, str))
        if tag == "T":
            return TABLES.kinds[self.exact(part, str)[0]]
        if tag == "N":
            return self.tuple_with_names(part)
        if tag == "x":
            return self.side.exception(self, part)
        if tag == "X":
            return self.side.class_said(*part[1:])
        return self.view(tag, part) if tag in TABLES.views else self.moment(tag, part)

    def exact(self, part, *kinds):
        found = part[1:]
        if len(found) != len(kinds) or any(type(item) is not kind for item, kind in zip(found, kinds)):
            raise ValueError
        return found

    def bounds(self, part):
        found = self.several(part[1:])
        if len(found) != 3:
            raise ValueError
        return found

    def view(self, tag, part):
        items = self.several(part[1:])
        if tag == "k":
            return dict.fromkeys(items).keys()
        if tag == "v":
            return dict(enumerate(items)).values()
        return dict(zip(items[::2], items[1::2], strict=True)).items()

    def moment(self, tag, part):
        if tag not in MOMENTS:
            return self.side.special(self, tag, part)
        datetime = TABLES.datetime
        numbers = part[1:]
        if any(type(number) not in (int, float, type(None)) for number in numbers):
            raise ValueError
        zone = lambda seconds: None if seconds is None else datetime.timezone(datetime.timedelta(seconds=seconds))
        if tag == "timedelta":
            return datetime.timedelta(*numbers)
        if tag == "date":
            return datetime.date(*numbers)
        if tag == "datetime":
            *numbers, seconds, fold = numbers
            return datetime.datetime(*numbers, zone(seconds), fold=fold)
        if tag == "time":
            *numbers, seconds, fold = numbers
            return datetime.time(*numbers, zone(seconds), fold=fold)
        return zone(*numbers)

    def tuple_with_names(self, part):
        _, number, name, fields, *items = part
        if type(number) is not int or type(name) is not str or type(fields) is not list:
            raise ValueError
        if any(type(field) is not str for field in fields) or len(fields) != len(items):
            raise ValueError
        kind = self.side.named_class(number, name, tuple(fields))
        return tuple.__new__(kind, self.several(items))


def describe(error):
    """A short line about an exception, whatever the exception does when it is asked."""
    try:
        text = str(error)
    except BaseException:
        text = "?"
    name = type(error).__name__
    return ("%s: %s" % (name, text) if text else name)[:300]
