# The process of the tests: runs them against proxies of what the candidate defines, and writes what became of each to a
# pipe that the candidate's process does not have.


class run_tests:
    def __init__(self, arguments):
        tests, channel, results = arguments
        self.tests = json.loads(read_all(tests))
        self.keep = [channel, results]

    def folder(self, zygote):
        return "/"

    def go(self, zygote):
        prepare_values()
        sys.argv = ["tests"]
        candidate = Candidate(Channel(4))
        tests = [(source, None) for source in self.tests["asserts"]]
        if self.tests["check"] is not None:
            tests.append((self.tests["check"], self.tests["entry"]))
        note = ""
        try:
            scope = self.scope(candidate)
        except BaseException as error:
            note = describe(error)
            for index in range(len(tests)):
                self.report(index, "raised", note, False)
        else:
            for index, (source, entry) in enumerate(tests):
                candidate.weak = False
                outcome, message = one_test(source, entry, index, scope)
                self.report(index, outcome, message, candidate.weak)
        self.report(None, "done", note, False)
        os._exit(0)

    def scope(self, candidate):
        """What the tests see: the candidate's names as proxies, the interpreter's own modules, the setup's names."""
        module = fresh_module("__main__", "<tests>")
        scope = module.__dict__
        definitions, rest = split_setup(self.tests["setup"])
        found = candidate.ask("names")
        if definitions is not None:
            candidate.ask("define", definitions)
            found = candidate.ask("names")
        if not isinstance(found, dict):
            raise Broken("names that are none")
        called, opened = names_used(self.tests["asserts"] + [self.tests["check"] or "", self.tests["setup"]])
        entry = self.tests["entry"]
        if entry is not None and entry not in found:
            raise NameError("the function %r is not defined" % entry)
        for name, value in found.items():
            if self.may_come_in(name, found, called, opened):
                try:
                    scope[name] = decode(value, candidate.handle)
                except Broken:
                    continue
        for name in opened:
            # `math.isclose` in a test is the interpreter's, whatever the candidate made of its own `math`.
            if name in STANDARD and name != entry and name in found:
                scope[name] = __import__(name)
        exec(compile(rest, "<setup>", "exec", dont_inherit=True), scope)
        return scope

    def may_come_in(self, name, found, called, opened):
        """A candidate may not replace what the tests judge with: `abs`, `sorted`, `all`."""
        if name == self.tests["entry"]:
            return True
        if not hasattr(sys.modules["builtins"], name):
            return True
        others = [other for other in called if other in found and not hasattr(sys.modules["builtins"], other)]
        return self.tests["entry"] is None and not others and name in called

    def report(self, index, outcome, message, weak):
        line = json.dumps({"test": index, "outcome": outcome, "message": message, "weak": weak}) + "\n"
        write_all(5, line.encode())


def split_setup(source):
    """Setup code in two: classes and what they need, for the candidate's process, where their instances have to live;
    everything but the classes, for the tests."""
    import ast

    tree = ast.parse(source)
    if not any(isinstance(node, ast.ClassDef) for node in tree.body):
        return None, source
    shared = (ast.ClassDef, ast.FunctionDef, ast.Import, ast.ImportFrom)
    definitions = ast.Module([node for node in tree.body if isinstance(node, shared)], [])
    rest = ast.Module([node for node in tree.body if not isinstance(node, ast.ClassDef)], [])
    return ast.unparse(definitions), ast.unparse(rest)


def names_used(sources):
    """The names that tests call, and those whose attributes they use."""
    import ast

    called, opened = [], []
    for source in sources:
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except (SyntaxError, ValueError, RecursionError):
            continue
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called.append(node.func.id)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                opened.append(node.value.id)
    return called, opened


def one_test(source, entry, index, scope):
    try:
        exec(compile(source, "<test %d>" % index, "exec", dont_inherit=True), scope)
        if entry is not None:
            scope["check"](scope[entry])
    except Broken as error:
        return "raised", describe(error)
    except AssertionError as error:
        said = str(error) or "does not hold: " + failing_line(source, error)
        return "failed", said[:300]
    except BaseException as error:
        return "raised", describe(error)
    return "passed", ""


def failing_line(source, error):
    lines, trace, number = source.splitlines(), error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith("<test "):
            number = trace.tb_lineno
        trace = trace.tb_next
    return lines[number - 1].strip() if number is not None and number <= len(lines) else ""


class Candidate:
    """The candidate's process, as the tests see it."""

    def __init__(self, channel):
        self.channel = channel
        self.weak = False
        self.local = []

    def ask(self, operation, *args, **kwargs):
        request = {"op": operation, "args": [encode(part, self.keep) for part in args]}
        if kwargs:
            request["kwargs"] = {key: encode(part, self.keep) for key, part in kwargs.items()}
        reply = self.channel.ask(request, self.serve)
        if "ok" in reply:
            if operation == "names":
                return reply["ok"]
            return decode(reply["ok"], self.handle)
        if reply.get("raised") == "StopIteration":
            raise StopIteration
        raise raised(reply)

    def serve(self, message):
        """The candidate calls a function that a test gave to it."""
        try:
            if message.get("op") != "call":
                raise Broken("a request that tests do not serve")
            arguments = [decode(part, self.handle) for part in message["args"]]
            keywords = {key: decode(part, self.handle) for key, part in message.get("kwargs", {}).items()}
            function = arguments[0]
            return {"ok": encode(function(*arguments[1:], **keywords), self.keep)}
        except Broken:
            raise
        except Exception as error:
            return {"raised": type(error).__name__, "message": describe(error)}

    def keep(self, value):
        if type(value) is Proxy:
            return {"h": object.__getattribute__(value, "_number")}
        for number, known in enumerate(self.local):
            if known is value:
                return {"l": number}
        if not callable(value):
            raise TypeError("a test gives the candidate an object of %s, which cannot be copied" % type(value).__name__)
        self.local.append(value)
        return {"l": len(self.local) - 1}

    def handle(self, tag, number):
        if tag == "h":
            return Proxy(self, number)
        if not 0 <= number < len(self.local):
            raise Broken("a function that no test gave away")
        return self.local[number]


class Proxy:
    """An object that lives in the candidate's process."""

    __slots__ = ("_candidate", "_number")

    def __init__(self, candidate, number):
        object.__setattr__(self, "_candidate", candidate)
        object.__setattr__(self, "_number", number)

    def __call__(self, *args, **kwargs):
        return self._candidate.ask("call", self, *args, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__") and name not in ("__name__", "__doc__"):
            raise AttributeError(name)
        return self._candidate.ask("getattr", self, name)

    def __setattr__(self, name, value):
        self._candidate.ask("setattr", self, name, value)

    def __iter__(self):
        # Itself where it is one already: each step is asked for when it is needed.
        return self._candidate.ask("iter", self)

    def __next__(self):
        return self._candidate.ask("next", self)

    def __getitem__(self, key):
        return self._candidate.ask("getitem", self, key)

    def __setitem__(self, key, value):
        self._candidate.ask("setitem", self, key, value)

    def __delitem__(self, key):
        self._candidate.ask("delitem", self, key)

    def __len__(self):
        return int(self.decided("len"))

    def __contains__(self, value):
        return bool(self.decided("contains", value))

    def __bool__(self):
        return bool(self.decided("bool"))

    def __str__(self):
        return str(self.decided("str"))

    def __repr__(self):
        return "<an object of the candidate's>"

    def __hash__(self):
        return self._number

    def __eq__(self, other):
        # Against a plain value an object of the candidate's own is never equal, whatever it would say.
        if type(other) is not Proxy:
            return NotImplemented
        return self._number == other._number or bool(self.decided("eq", other))

    def __ne__(self, other):
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __lt__(self, other):
        return bool(self.decided("lt", other)) if type(other) is Proxy else NotImplemented

    def __le__(self, other):
        return bool(self.decided("le", other)) if type(other) is Proxy else NotImplemented

    def __gt__(self, other):
        return bool(self.decided("gt", other)) if type(other) is Proxy else NotImplemented

    def __ge__(self, other):
        return bool(self.decided("ge", other)) if type(other) is Proxy else NotImplemented

    def __instancecheck__(self, value):
        return type(value) is Proxy and bool(self.decided("isinstance", value, swap=True))

    def decided(self, operation, *args, swap=False):
        """The candidate's own code decides: a test that passes through this is weak."""
        self._candidate.weak = True
        parts = (*args, self) if swap else (self, *args)
        return self._candidate.ask(operation, *parts)
