# The process of the tests: runs them against stand-ins of what the candidate defines, and writes what became of each to
# a pipe that the candidate's process does not have.


IDLE = "the tests judge nothing: they hold where there is no program"
PASSED_OVER = "the tests judge nothing: they hold whatever a program does"


def prepare_function_tests():
    """Makes once what both sides of every run need, and inherit from the zygote: it costs more than most programs.

    The two ends of the line are made here as well. Every run is forked from here, and has them as they are now.
    """
    global TABLES, TYPES, HANDED, ENTRY, PASSES_OVER, CANDIDATE, SERVER
    import ast
    import re

    TABLES = Tables()
    TYPES, HANDED = Types(), Handed()
    ENTRY = re.compile(r"[^\W\d]\w*(\(\))?(\.[^\W\d]\w*(\(\))?)*")
    # What lets a test go on, or end well, after something in it has failed.
    PASSES_OVER = re.compile(r"\b(except|finally|suppress|[Tt]hread|threading|gather|Pool\w*|submit)\b")
    # The first tree makes the types of them all.
    ast.parse("f(x)")
    practise()
    CANDIDATE, SERVER = Candidate(Channel(CHANNEL)), Server(Channel(CHANNEL))


class run_tests:
    def __init__(self, arguments):
        tests, channel, results = arguments
        self.tests = json.loads(read_all(tests))
        self.keep = [channel, results]

    def go(self, zygote):
        self.box = zygote.box
        sys.argv = ["tests"]
        sys.setrecursionlimit(5000)
        candidate = CANDIDATE
        # An interpreter that a test starts takes no modules from the folder, nor from the one of the user, which it is.
        os.environ.update({"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"})
        candidate.environment = dict(os.environ._data)
        tests = [(source, False) for source in self.tests["asserts"]]
        if self.tests["check"] is not None:
            tests.append((self.tests["check"], True))
        note = self.run(candidate, tests)
        self.report(None, "done", note, False)
        os._exit(0)

    def run(self, candidate, tests):
        try:
            plan = Plan(self.tests, tests)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return self.all("unknown", len(tests), "the tests cannot be read: %s" % describe(error))
        # Tests that nothing in their sources connects with a program are gone through before it is asked for anything.
        if not plan.names_program and Without().hold(plan):
            return self.all("unknown", len(tests), IDLE)
        try:
            scope = plan.scope(candidate)
        except BaseException as error:
            if Without().hold(plan):
                return self.all("unknown", len(tests), IDLE)
            outcome = "raised"
            kind = Uncarried if candidate.uncarried is not None else type(error)
            # What set-up code meets with is the candidate's failure where it would not be met without the candidate.
            if candidate.uncarried is not None:
                own = Rehearsal().meets_in_set_up(plan, kind)
            else:
                own = self.unheard(candidate) and not isinstance(error, (Broken, Unreturned)) and Without().fails(plan, -1, kind)
            if own:
                outcome = "unknown"
            return self.all(outcome, len(tests), self.said(error))
        for index in range(len(tests)):
            candidate.weak, candidate.uncarried, candidate.unreturned = False, None, None
            candidate.answered.clear()
            candidate.looked.clear()
            outcome, message = self.one(plan, index, scope, candidate)
            self.report(index, outcome, message, candidate.weak)
            if candidate.broken is not None:
                return self.all("raised", len(tests), candidate.broken, index)
        # They may mention it and never come to it. What they ask for first, no program decides.
        if not candidate.questioned and Without().hold(plan):
            return self.all("unknown", len(tests), IDLE)
        # They may pass over whatever comes of it.
        if plan.passes_over and all(nothing().hold(plan) for nothing in (Refusing, Nonsensical)):
            return self.all("unknown", len(tests), PASSED_OVER)
        return ""

    def one(self, plan, index, scope, candidate):
        outcome, message = "passed", ""
        suites = plan.unsuccessful = []
        try:
            plan.execute(index, scope, candidate)
        except AssertionError as error:
            outcome, message = "failed", (describe(error).partition(": ")[2] or "does not hold: " + plan.failing_line(index, error))[:300]
            if self.unheard(candidate) and Without().fails(plan, index, AssertionError):
                outcome, message = "unknown", "the test fails by itself: " + message
        except (Broken, Unreturned) as error:
            outcome, message = "failed", str(error)[:300]
        except (Uncarried, ImportError) as error:
            outcome, message = "raised", self.said(error)
            if Rehearsal().meets(plan, index, type(error)):
                outcome = "unknown"
        except BaseException as error:
            outcome, message = "raised", describe(error)
            # An entry that cannot be called fails before it is heard, and is the candidate's all the same.
            if self.unheard(candidate) and not isinstance(error, (NameError, SystemExit)) and Without().fails(plan, index, type(error)):
                outcome, message = "unknown", "the test fails by itself: " + message
        # What a test caught by accident is no less true: nor may anything be left over that nobody has asked for.
        if candidate.broken is None and not candidate.channel.silent():
            candidate.broken = "the program spoke without being asked"
        if candidate.broken is not None:
            return "raised", candidate.broken
        if candidate.uncarried is not None and outcome != "unknown":
            return "unknown" if Rehearsal().meets(plan, index, Uncarried) else "raised", candidate.uncarried
        if outcome == "passed" or suites and outcome == "raised":
            if candidate.unreturned is not None:
                return "failed", candidate.unreturned
            if suites:
                return "failed", suites[0]
        return outcome, message

    def unheard(self, candidate):
        """Whether the candidate has neither said anything nor left a file that a test could come upon."""
        try:
            return not candidate.heard and not any(os.listdir(self.box + name) for name in ("/work", "/tmp", "/shm"))
        except OSError:
            # It has taken a folder away.
            return False

    def said(self, error):
        return str(error)[:300] if isinstance(error, (Uncarried, Unreturned, Broken)) else describe(error)

    def all(self, outcome, count, message, start=0):
        for index in range(start, count):
            self.report(index, outcome, message, False)
        return message

    def report(self, index, outcome, message, weak):
        # Half a pair of surrogates is text for Python, and for nobody else.
        message = message.encode("utf-8", "backslashreplace").decode("utf-8")
        line = json.dumps({"test": index, "outcome": outcome, "message": message, "weak": weak}) + "\n"
        write_all(5, line.encode())


class Missing:
    """In the place of a library that tests name without importing it, and that is not to be had here."""

    def __init__(self, candidate, name):
        vars(self).update(candidate=candidate, name=name)

    def __getattr__(self, attribute):
        self.candidate.uncarried = "the tests use %s, which is not there" % self.name
        raise Uncarried(self.candidate.uncarried)


# The library's own functions, in the place of which are put some that note what fails.
LOOKED_AT = {}


class Plan:
    """The tests as code, and the names that they need of the candidate. Made before the candidate has said anything."""

    def __init__(self, case, tests):
        self.tests, self.setup, self.given = tests, case["setup"], case["given"]
        self.entry = case["entry"]
        names = Names()
        for source, _ in tests:
            names.add(source)
        names.add(self.setup)
        self.mentioned = frozenset(names.used)
        sources = [self.setup, *(source for source, _ in tests)]
        self.passes_over = any(PASSES_OVER.search(source) for source in sources)
        # What failed in suites that the tests have run, whether or not they look at it themselves.
        self.unsuccessful = []
        self.suites = [name for name in ("unittest", "doctest") if any(name in source for source in sources)]
        self.records = record_classes(self.setup)
        self.codes = [self.compiled(source, index) for index, (source, _) in enumerate(tests)]
        self.setup_code = compile(self.setup, "<setup>", "exec", dont_inherit=True)
        builtin = vars(sys.modules["builtins"])
        self.root = None
        if self.entry is not None:
            if not ENTRY.fullmatch(self.entry):
                raise ValueError("the entry %r is neither a name nor a path of names" % self.entry)
            self.root = self.entry.replace("(", ".").partition(".")[0]
        self.names_program = self.root in names.used or names.checks
        wanted = names.used - names.bound - builtin.keys() - {self.root}
        if self.entry is None and not wanted:
            found = builtin_under_test([source for source, _ in tests])
            wanted |= {found} & builtin.keys() - names.bound
        given = Names()
        if self.given:
            given.add(self.given)
        # Helpers of the problem's own are the problem's, whatever the candidate has made of them.
        self.given_code = None
        if wanted & given.bound:
            self.given_code = compile(self.given, "<given>", "exec", dont_inherit=True)
        wanted -= given.bound
        self.modules = sorted(wanted & STANDARD)
        self.kinds = sorted(name for name in wanted & TABLES.kinds.keys() if name not in builtin)
        wanted -= STANDARD | set(self.kinds)
        # Where no entry is named and nothing else is asked for, such a name is the function under test.
        self.library = {name: LIBRARY[name] for name in wanted & LIBRARY.keys()}
        if self.root is None and not wanted - self.library.keys() - ALIASES.keys():
            self.library = {}
        self.aliases = sorted(wanted & ALIASES.keys())
        self.wanted = sorted(wanted - self.library.keys() - set(self.aliases))
        self.names_program = self.names_program or bool(self.wanted)

    def compiled(self, source, index):
        # The second flag: tests may await at their top level.
        return compile(source, "<test %d>" % index, "exec", 0x2000, dont_inherit=True)

    def scope(self, candidate):
        scope = fresh_module("__main__", "<tests>").__dict__
        candidate.expected = self.mentioned
        self.unsuccessful = []
        if self.suites:
            self.look_at_suites()
        if self.given_code is not None:
            exec(self.given_code, scope)
        for name in self.modules:
            scope[name] = __import__(name)
        for name in self.aliases:
            try:
                scope[name] = __import__(ALIASES[name], None, None, ["*"])
            except ImportError:
                # Not to be had here, for nobody: what a program calls so is no library.
                scope[name] = Missing(candidate, ALIASES[name])
        for name, module in self.library.items():
            scope[name] = getattr(__import__(module, None, None, ["*"]), name)
        for name in self.kinds:
            scope[name] = TABLES.kinds[name]
        # Constants that set-up code makes are there before the program is asked for anything.
        if self.root is not None:
            scope[self.root] = self.named(candidate, self.root)
        for name in self.wanted:
            try:
                scope[name] = self.named(candidate, name)
            except NameError:
                pass
        exec(self.setup_code, scope)
        for name in self.records:
            heard = candidate.heard
            candidate.ask("define", name, scope[name])
            candidate.heard = heard
        return scope

    def named(self, candidate, name):
        heard = candidate.heard
        value = candidate.ask("name", name)
        if candidate.known_theirs(value) is not None:
            candidate.heard = heard
        return value

    def target(self, scope):
        """What `entry` names: a function, a class, a method of a fresh object."""
        value = None
        for place, step in enumerate(self.entry.split(".")):
            name = step.removesuffix("()")
            value = scope[name] if place == 0 else getattr(value, name)
            if name != step:
                value = value()
        return value

    def execute(self, index, scope, candidate):
        try:
            result = eval(self.codes[index], scope)
            if result is not None:
                candidate.run(result)
            if self.tests[index][1]:
                check = scope["check"]
                if self.entry is None:
                    check()
                else:
                    check(self.target(scope))
        except SystemExit as error:
            if not candidate.ends_well(error):
                raise

    def look_at_suites(self):
        """What a suite has found counts, whatever the test makes of it."""
        if "unittest" in self.suites:
            result = __import__("unittest").TestResult
            for name in ("addError", "addFailure", "addSubTest", "addUnexpectedSuccess"):
                setattr(result, name, self.noting(LOOKED_AT.setdefault(name, getattr(result, name))))
        if "doctest" in self.suites:
            runner = __import__("doctest").DocTestRunner
            run = LOOKED_AT.setdefault("run", runner.run)

            def run_and_note(runner, *arguments, **names):
                results = run(runner, *arguments, **names)
                if results.failed:
                    self.unsuccessful.append("%d of %d examples" % results[:2])
                return results

            runner.run = run_and_note

    def noting(self, add):
        def add_and_note(result, *details):
            error = details[-1]
            if type(error) is tuple:
                text = describe(error[1])
                self.unsuccessful.append(text.partition(": ")[2] if isinstance(error[1], AssertionError) else text)
            elif error is not None:
                self.unsuccessful.append("a test that should fail holds")
            return add(result, *details)

        return add_and_note

    def failing_line(self, index, error):
        lines, trace, number = self.tests[index][0].splitlines(), error.__traceback__, None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<test %d>" % index:
                number = trace.tb_lineno
            trace = trace.tb_next
        return lines[number - 1].strip() if number is not None and number <= len(lines) else ""
