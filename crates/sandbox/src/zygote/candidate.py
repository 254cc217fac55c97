# The process of a candidate: runs its source, then does what its tests ask: call this, read that. It sees the arguments
# of the calls and nothing else of the tests.


class serve_candidate:
    def __init__(self, arguments):
        candidate, channel, target = arguments
        loaded = json.loads(read_all(candidate))
        self.source = loaded["source"]
        write_source(target, self.source.encode("utf-8", "surrogatepass"))
        self.keep = [channel]

    def folder(self, zygote):
        return zygote.work

    def go(self, zygote):
        prepare_values()
        path = zygote.program
        sys.argv = [path]
        sys.path.insert(0, zygote.work)
        module = fresh_module("solution", path)
        source, self.source = self.source, None
        server = Server(Channel(4), module)
        try:
            exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
        except SystemExit as error:
            server.failure = error
        except BaseException as error:
            server.failure = error
        try:
            while True:
                server.channel.send(server.serve(server.channel.receive()))
        except Broken:
            pass
        os._exit(0)


class Server:
    """Does what the tests ask, on the candidate's own objects."""

    def __init__(self, channel, module):
        self.channel = channel
        self.module = module
        self.failure = None
        self.objects = []
        self.numbers = {}

    def keep(self, value):
        if type(value) is Elsewhere:
            return {"l": value._number}
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return {"h": self.numbers[id(value)]}

    def handle(self, tag, number):
        if tag == "h":
            return self.objects[number]
        return Elsewhere(self, number)

    def serve(self, message):
        try:
            return {"ok": self.perform(message)}
        except Broken:
            raise
        except BaseException as error:
            name = next((kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"), "Exception")
            return {"raised": name, "message": describe(error)}

    def perform(self, message):
        operation = message["op"]
        arguments = [decode(part, self.handle) for part in message.get("args", ())]
        if operation == "names":
            if self.failure is not None:
                raise self.failure
            return self.names()
        if operation == "define":
            exec(compile(arguments[0], "<setup>", "exec", dont_inherit=True), self.module.__dict__)
            return None
        if operation == "call":
            keywords = {key: decode(part, self.handle) for key, part in message.get("kwargs", {}).items()}
            return encode(arguments[0](*arguments[1:], **keywords), self.keep)
        return encode(OPERATIONS[operation](*arguments), self.keep)

    def names(self):
        found = {}
        for name, value in list(self.module.__dict__.items()):
            if not name.startswith("__"):
                try:
                    found[name] = encode(value, self.keep)
                except BaseException:
                    found[name] = self.keep(value)
        return found


class Elsewhere:
    """Something of the tests' that a candidate was given: a function to call."""

    def __init__(self, server, number):
        self._server, self._number = server, number

    def __call__(self, *args, **kwargs):
        server = self._server
        request = {
            "op": "call",
            "args": [{"l": self._number}] + [encode(part, server.keep) for part in args],
            "kwargs": {key: encode(part, server.keep) for key, part in kwargs.items()},
        }
        reply = server.channel.ask(request, server.serve)
        if "ok" in reply:
            return decode(reply["ok"], server.handle)
        raise raised(reply)


def raised(reply):
    """The exception that a reply reports: the built-in one of that name."""
    name, message = str(reply.get("raised")), str(reply.get("message"))
    kind = getattr(sys.modules["builtins"], name, None)
    if isinstance(kind, type) and issubclass(kind, Exception) and kind is not UnicodeDecodeError and kind is not UnicodeEncodeError:
        prefix = name + ": "
        try:
            return kind(message[len(prefix) :] if message.startswith(prefix) else message)
        except TypeError:
            pass
    return RuntimeError(message)


def import_operations():
    import operator

    def advance(value):
        return next(value)

    return {
        "getattr": getattr,
        "setattr": setattr,
        "iter": iter,
        "next": advance,
        "len": len,
        "getitem": operator.getitem,
        "setitem": operator.setitem,
        "delitem": operator.delitem,
        "contains": operator.contains,
        "bool": bool,
        "str": str,
        "repr": repr,
        "eq": operator.eq,
        "lt": operator.lt,
        "le": operator.le,
        "gt": operator.gt,
        "ge": operator.ge,
        "isinstance": isinstance,
    }


OPERATIONS = import_operations()
