# A test that gives the candidate what cannot be carried is unknown, and only the test may bring that about. So the tests
# are gone through once more without the candidate: what they meet then, they meet whatever a candidate does.


class Over(BaseException):
    """A rehearsal that has gone on for long enough."""


class Anything:
    """In the place of whatever a candidate defines or returns."""

    def __init__(self, rehearsal):
        vars(self)["rehearsal"] = rehearsal

    def answer(self, *arguments, **names):
        self.rehearsal.ask("call", arguments, names)
        return self

    def over(self, *arguments):
        # Where it would decide how the test goes on, nothing is known without a candidate.
        raise Over

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.answer()

    __call__ = __getitem__ = __enter__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = answer
    __bool__ = __contains__ = __len__ = __index__ = __int__ = __float__ = __iter__ = __next__ = over
    __str__ = __repr__ = __hash__ = __instancecheck__ = __subclasscheck__ = __mro_entries__ = __format__ = over

    def __setitem__(self, key, value):
        self.answer()

    def __exit__(self, *details):
        return False

    def __await__(self):
        return self.answer()
        yield


for _name in BINARY:
    setattr(Anything, "__%s__" % _name, Anything.answer)
    setattr(Anything, "__r%s__" % _name, Anything.answer)
for _name in UNARY:
    setattr(Anything, "__%s__" % _name, Anything.answer)


class Nobody:
    """In the place of whatever a candidate defines, where there is none: whoever wants anything of it is told of."""

    def __init__(self, rehearsal):
        object.__setattr__(self, "rehearsal", rehearsal)

    def wanted(self, *arguments, **names):
        object.__getattribute__(self, "rehearsal").wanted = True
        raise Over

    __getattribute__ = __setattr__ = __delattr__ = __call__ = wanted


for _name in (
    "bool contains len index int float complex iter next reversed str repr hash format bytes dir instancecheck subclasscheck "
    "mro_entries getitem setitem delitem enter exit aenter aexit await aiter anext eq ne lt le gt ge round trunc floor ceil fspath"
).split():
    setattr(Nobody, "__%s__" % _name, Nobody.wanted)
for _name in BINARY:
    for _form in "", "r", "i":
        setattr(Nobody, "__%s%s__" % (_form, _name), Nobody.wanted)
for _name in UNARY:
    setattr(Nobody, "__%s__" % _name, Nobody.wanted)


class Without(Candidate):
    """The tests where there is no candidate."""

    def __init__(self):
        super().__init__(None)
        self.wanted = False

    def ask(self, word, *values):
        if word == "name":
            return Nobody(self)
        if word != "define":
            self.wanted = True
            raise Over
        return None

    def hold(self, plan):
        """Whether all tests hold, and none of them wanted anything of a candidate: such tests judge nothing."""
        try:
            scope = plan.scope(self)
            for index, (_, checks) in enumerate(plan.tests):
                result = eval(plan.codes[index], scope)
                if result is not None:
                    self.run(result)
                if checks:
                    scope["check"](*(() if plan.entry is None else (Nobody(self),)))
        except BaseException:
            return False
        return not self.wanted


class Rehearsal(Candidate):
    def __init__(self):
        super().__init__(None)
        self.left = 20_000

    def ask(self, word, *values):
        self.left -= 1
        if self.left < 0:
            raise Over
        writer = Writer(self, self.shared, False)
        try:
            writer.slot(values)
            writer.finish()
        except NotCarried as error:
            self.uncarried = str(error)
            raise Uncarried(self.uncarried) from None
        return Anything(self)

    def other(self, writer, value):
        return writer.part(value, ["e", True]) if type(value) is Anything else super().other(writer, value)

    def meets(self, plan, last, kind):
        """Whether a test up to and with the last meets with what ended it, whatever the candidate."""
        try:
            scope = plan.scope(self)
            if "check" in scope:
                del scope["check"]
            for index in range(last + 1):
                code = compile(lenient(plan.tests[index][0]), "<rehearsal>", "exec", 0x2000, dont_inherit=True)
                met = self.met(code, scope, plan, index)
                if met is not None and issubclass(met, kind):
                    return True
        except BaseException:
            return False
        return False

    def meets_in_set_up(self, plan, kind):
        """Whether set-up code meets with what ended it, whatever the candidate."""
        try:
            plan.scope(self)
        except BaseException as error:
            return issubclass(type(error), kind)
        return False

    def met(self, code, scope, plan, index):
        try:
            result = eval(code, scope)
            if result is not None:
                self.run(result)
            if plan.tests[index][1]:
                scope["check"](*(() if plan.entry is None else (Anything(self),)))
        except Over:
            raise
        except BaseException as error:
            return type(error)
        return Uncarried if self.uncarried is not None else None


def lenient(source):
    """A test's tree in which each assertion is passed over where it does not hold."""
    import ast

    class PassOver(ast.NodeTransformer):
        def visit_Assert(self, node):
            handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
            return ast.Try([ast.Expr(node.test)], [handler], [], [])

    return ast.fix_missing_locations(PassOver().visit(ast.parse(source)))
