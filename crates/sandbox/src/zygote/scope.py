# Which names the tests see, found in the tests' own sources before the candidate has said anything.

# Modules that tests may use without importing them, as programs often do it for them: the tests' process takes its own.
STANDARD = frozenset(PRELOADED) | frozenset(
    "argparse asyncio csv difflib errno gc glob hashlib inspect locale logging os pathlib pickle platform pprint secrets "
    "shutil signal socket subprocess sys tempfile threading timeit uuid".split()
)

# Functions of the library that tests compare or prepare with, often without importing them: the tests take their own, so
# that no program says what is close to what. Names that programs have for helpers of their own are not among them.
LIBRARY = {
    name: module
    for module, names in {
        "math": "isclose isnan isinf isfinite ceil floor sqrt pi inf nan fsum",
        "copy": "deepcopy",
        "functools": "reduce partial cmp_to_key",
        "itertools": "chain permutations combinations combinations_with_replacement islice zip_longest",
        "operator": "itemgetter attrgetter methodcaller",
        "contextlib": "redirect_stdout redirect_stderr suppress",
        "io": "StringIO BytesIO",
        "unittest.mock": "patch Mock MagicMock",
    }.items()
    for name in names.split()
}
ALIASES = {"np": "numpy", "numpy": "numpy", "pd": "pandas", "scipy": "scipy", "sympy": "sympy", "pytest": "pytest", "mock": "unittest.mock"}


class Names:
    """The names of some sources: those that they bind at their top level, and those that they use and nothing there binds."""

    def __init__(self):
        self.bound, self.used = set(), set()
        # Whether a `check` does anything with what it is given.
        self.checks = False

    def add(self, source):
        # What the module `symtable` wraps: its objects for each symbol take three times as long as the compiler.
        self.table(_symtable.symtable(source, "<tests>", "exec"), True)

    def table(self, table, top):
        for name, flags in table.symbols.items():
            scope = flags >> _symtable.SCOPE_OFF & _symtable.SCOPE_MASK
            if top:
                if flags & (_symtable.DEF_LOCAL | _symtable.DEF_IMPORT):
                    self.bound.add(name)
                elif flags & _symtable.USE:
                    self.used.add(name)
            elif scope == _symtable.GLOBAL_EXPLICIT:
                (self.bound if flags & _symtable.DEF_LOCAL else self.used).add(name)
            elif scope == _symtable.GLOBAL_IMPLICIT:
                self.used.add(name)
        for inner in table.children:
            if top and inner.name == "check":
                self.checks |= any(
                    flags & _symtable.DEF_PARAM and (flags & _symtable.USE or flags >> _symtable.SCOPE_OFF & _symtable.SCOPE_MASK == _symtable.CELL)
                    for flags in inner.symbols.values()
                )
            self.table(inner, False)


def record_classes(source):
    """Classes of set-up code that are records and nothing else: methods with two underscores, and of those that make an
    object only assignments of what was given or of constants. Programs may build such objects, as `ListNode(1)`."""
    import ast

    plain = (ast.Name, ast.Constant, ast.IfExp, ast.BoolOp, ast.Compare, ast.List, ast.Dict, ast.Load)
    plain += (ast.Or, ast.And, ast.Is, ast.IsNot, ast.Not, ast.UnaryOp)
    found = []
    for node in ast.parse(source).body if "class " in source else ():
        if not isinstance(node, ast.ClassDef) or node.bases or node.keywords:
            continue
        dataclass = [getattr(item, "id", getattr(item, "attr", None)) for item in node.decorator_list] == ["dataclass"]
        if node.decorator_list and not dataclass:
            continue
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                targets = [step.targets if isinstance(step, ast.Assign) else [getattr(step, "target", None)] for step in item.body]
                attributes = all(
                    isinstance(part, ast.Attribute) for each in targets for one in each for part in getattr(one, "elts", [one])
                )
                values = [part for step in item.body if hasattr(step, "value") for part in (getattr(step.value, "elts", None) or [step.value])]
                if not attributes or not all(isinstance(part, plain) for value in values for part in ast.walk(value)):
                    break
            elif isinstance(item, ast.FunctionDef):
                if not (item.name.startswith("__") and item.name.endswith("__")):
                    break
            elif not (isinstance(item, (ast.Pass, ast.AnnAssign)) or isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)):
                break
        else:
            found.append(node.name)
    return found


def builtin_under_test(sources):
    """The one name of a built-in function that every test calls: a task may ask for a function of such a name."""
    import ast

    common = None
    for source in sources:
        called = {node.func.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        common = called if common is None else common & called
    return common.pop() if common is not None and len(common) == 1 else None
