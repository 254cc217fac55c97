# A conversation of both sides, held in the zygote before anything is forked from it. An interpreter makes code that it has
# run a few times faster, in place; what has been made so here, every fork has from its start, on pages that it shares.

PRACTISED = 5
PRACTICE = """
assert f(1) == 1 and f("a", 2) == "a" and f(1.5) < 2 and f(None) is None
assert f([1, 2, 3]) == [1, 2, 3] and f((1, 2), x=3) == (1, 2) and f([[1], ["a"]]) == [[1], ["a"]]
assert f({"a": [1, 2]}) == {"a": [1, 2]} and f([1, 2.5]) == [1, 2.5]
"""
CHECK = "def check(candidate):\n    assert candidate(1) == 1\n    assert candidate([0.5], 'a') == [0.5]\n"


class PractisingChannel(Channel):
    """The tests' end, where the candidate's side is in the same process: it has its turn when an answer is waited for."""

    def __init__(self, descriptor, server):
        super().__init__(descriptor)
        self.server = server

    def receive(self):
        server = self.server
        server.serve(*server.read(server.channel.receive()))
        return super().receive()


def practise():
    main = sys.modules["__main__"]
    here, there = socket.socketpair()
    try:
        for _ in range(PRACTISED):
            server = Server(Channel(there.fileno()))
            server.module = fresh_module("solution", "<practice>")
            server.module.f = lambda value, *more, **names: value
            candidate = Candidate(PractisingChannel(here.fileno(), server))
            tests = [(PRACTICE, False), (CHECK, True)]
            plan = Plan({"entry": "f", "given": "", "setup": ""}, tests)
            scope = plan.scope(candidate)
            for index in range(len(tests)):
                plan.execute(index, scope, candidate)
    finally:
        here.close()
        there.close()
        sys.modules["__main__"] = main
        sys.modules.pop("solution", None)
