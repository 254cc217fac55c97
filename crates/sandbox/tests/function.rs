//! Tests of functions: honest programs are carried whole, hostile ones get nothing, and no message of a candidate's
//! makes the tests' process crash, hang or accept.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use std::{fs, num::NonZeroUsize, path::Path, sync::Mutex, thread, time::Duration};
use tracelift_sandbox::{
    AssertOutcome, FunctionEnding, FunctionRun, FunctionTest, Limits, Sandbox, SandboxConfig,
};

fn sandbox() -> Sandbox {
    let workers = NonZeroUsize::new(2).unwrap();
    Sandbox::start(SandboxConfig { workers, ..SandboxConfig::default() }).unwrap()
}

fn limits() -> Limits {
    Limits {
        cpu: Duration::from_secs(2),
        wall: Duration::from_secs(6),
        memory_bytes: 512 << 20,
        ..Limits::default()
    }
}

/// A file of programs: what stands before the first, and each with its name.
fn programs(file: &str) -> (String, Vec<(String, String)>) {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/function").join(file)).unwrap();
    let mut parts = text.split("\n#= ");
    let head = parts.next().unwrap().to_owned() + "\n";
    let named = |part: &str| {
        let (name, program) = part.split_once('\n').unwrap();
        (name.to_owned(), format!("{program}\n"))
    };
    (head, parts.map(named).collect())
}

#[derive(Default)]
struct Task {
    entry: Option<String>,
    given: String,
    setup: String,
    asserts: Vec<String>,
    check: Option<String>,
}

impl Task {
    fn run(&self, sandbox: &Sandbox, candidate: &str) -> FunctionRun {
        let test = FunctionTest {
            candidate,
            given: &self.given,
            setup: &self.setup,
            entry: self.entry.as_deref(),
            asserts: &self.asserts,
            check: self.check.as_deref(),
        };
        sandbox.test_function(&test, &limits()).unwrap()
    }
}

/// Runs all of these on both workers and says what each had to complain of.
fn complaints<T: Sync>(all: &[T], complain: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for half in 0..2 {
            let (found, complain) = (&found, &complain);
            scope.spawn(move || {
                for one in all.iter().skip(half).step_by(2) {
                    found.lock().unwrap().extend(complain(one));
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn honest_programs_are_carried_whole() {
    let sandbox = sandbox();
    let (_, programs) = programs("honest.py");
    let wrong = complaints(&programs, |(name, text)| {
        let mut parts = text.split("\n#: ");
        let program = format!("{}\n", parts.next().unwrap());
        let mut task = Task { entry: Some("f".into()), ..Task::default() };
        for part in parts {
            let (what, body) = part.split_once('\n').unwrap_or((part, ""));
            let body = format!("{body}\n");
            match what.split_once(' ').unwrap_or((what, "")) {
                ("entry", path) => task.entry = Some(path.to_owned()).filter(|path| !path.is_empty()),
                ("given", _) => task.given = body,
                ("setup", _) => task.setup = body,
                ("check", _) => task.check = Some(body),
                ("test", _) => task.asserts.push(body),
                other => panic!("{name}: {other:?}"),
            }
        }
        let run = task.run(&sandbox, &program);
        (run.accepted() == name.ends_with("_wrong")).then(|| format!("{name}: {run:?}"))
    });
    assert!(programs.len() > 160, "only {} programs", programs.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), programs.len(), wrong.join("\n"));
}

/// Tests that hold where there is no program judge nothing, whatever the program.
#[test]
fn tests_that_never_use_the_program_are_unknown() {
    let sandbox = sandbox();
    let helper = "def double(x):\n    return 2 * x\n";
    let task = |entry: Option<&str>, setup: &str, asserts: &[&str], check: Option<&str>| Task {
        entry: entry.map(str::to_owned),
        given: helper.to_owned(),
        setup: setup.to_owned(),
        asserts: asserts.iter().map(|text| (*text).to_owned()).collect(),
        check: check.map(str::to_owned),
    };
    let idle = [
        task(Some("f"), "", &["assert True"], None),
        task(Some("f"), "", &["pass"], None),
        task(Some("f"), "", &["# f(1) == 2"], None),
        task(Some("f"), "", &["'f(1) == 2'"], None),
        task(Some("f"), "", &["x = 1", "assert x == 1"], None),
        task(None, "", &["assert 1 + 1 == 2", "assert [1] == [1]"], None),
        task(Some("f"), "", &["assert double(2) == 4"], None),
        task(None, "", &["assert double(2) == 4"], None),
        task(Some("f"), "", &["import math; assert math.isclose(0.1 + 0.2, 0.3)"], None),
        task(Some("f"), "", &["assert True or f(1) == 2"], None),
        task(Some("f"), "", &["if False: assert f(1) == 2"], None),
        task(Some("f"), "", &["for x in []: assert f(x) == 2"], None),
        task(Some("f"), "", &["def test_f():\n    assert f(1) == 2"], None),
        task(Some("f"), "", &["assert lambda: f(1) == 3"], None),
        task(Some("f"), "", &["assert (f(x) == 3 for x in [1, 2])"], None),
        task(Some("f"), "def ask(x):\n    return f(x)\n", &["assert ask"], None),
        task(Some("Solution().f"), "", &["assert True"], None),
        task(Some("f"), "", &[], Some("def check(candidate):\n    assert True\n")),
        task(Some("f"), "", &[], Some("def check(candidate):\n    pass\n")),
        task(Some("f"), "", &[], Some("def check(candidate):\n    return\n    assert candidate(1) == 2\n")),
        task(Some("f"), "", &[], Some("def check(f):\n    f = double\n    assert f(1) == 2\n")),
        task(
            Some("f"),
            "",
            &[],
            Some("def check(candidate):\n    def test():\n        assert candidate(1) == 2\n"),
        ),
        task(Some("f"), "", &["assert True"], Some("def check(candidate):\n    assert double(1) == 2\n")),
        task(None, "", &[], Some("def check():\n    assert True\n")),
        task(Some("f"), "", &["import sys\nsys.exit()\nassert f(1) == 2"], None),
        task(Some("f"), "", &["import unittest\nunittest.main()"], None),
        task(
            Some("f"),
            "",
            &[
                "import unittest\nclass T(unittest.TestCase):\n    @unittest.skip('later')\n    def test(self): self.assertEqual(f(1), 2)\nunittest.main()",
            ],
            None,
        ),
    ];
    let programs = [
        "class Solution:\n    def f(self, x): return x + 1\ndef f(x): return x + 1\n",
        "def f(x): pass\n",
        "f = 5\n",
        "pass\n",
        "def f(x) return\n",
        "raise ValueError(1)\n",
        "import sys; sys.exit(0)\n",
        "import os; os._exit(0)\n",
    ];
    let all: Vec<(&Task, &str)> =
        idle.iter().flat_map(|task| programs.iter().map(move |program| (task, *program))).collect();
    let wrong = complaints(&all, |(task, program)| {
        let run = task.run(&sandbox, program);
        let unknown = run.ending == FunctionEnding::Completed
            && run
                .tests
                .iter()
                .all(|test| matches!(test, AssertOutcome::Unknown(why) if why.contains("judge nothing")));
        (!unknown).then(|| format!("{:?} {:?} | {program:?}: {run:?}", task.asserts, task.check))
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));

    // What comes to the program in a roundabout way does use it: right programs pass, others fail.
    let used = [
        task(Some("f"), "", &["assert eval('f(1)') == 2"], None),
        task(Some("f"), "", &["assert globals()['f'](1) == 2"], None),
        task(Some("f"), "", &["for x in [1, 2]:\n    assert f(x) == x + 1"], None),
        task(Some("f"), "", &["assert all(f(x) == x + 1 for x in [1, 2])"], None),
        task(Some("f"), "", &["assert list(map(f, [1, 2])) == [2, 3]"], None),
        task(Some("f"), "def ask(x):\n    return f(x)\n", &["assert ask(1) == 2"], None),
        task(Some("f"), "", &["g = f", "assert g(1) == 2"], None),
        task(Some("f"), "", &["assert True", "assert f(1) == 2"], None),
        task(Some("f"), "found = f(1)\n", &["assert found == 2"], None),
        task(None, "", &["assert f(1) == 2"], None),
        task(None, "", &["def test():\n    assert f(1) == 2", "test()"], None),
        task(Some("Solution().f"), "", &[], Some("def check(candidate):\n    assert candidate(1) == 2\n")),
        task(
            Some("f"),
            "",
            &[],
            Some("def check(candidate):\n    def test():\n        assert candidate(1) == 2\n    test()\n"),
        ),
        task(Some("f"), "", &[], Some("def check(candidate):\n    assert f(1) == 2\n")),
        task(Some("f"), "", &[], Some("def check(*candidates):\n    assert candidates[0](1) == 2\n")),
        task(
            Some("f"),
            "",
            &[],
            Some(
                "check = lambda candidate: (_ for _ in ()).throw(AssertionError) if candidate(1) != 2 else None\n",
            ),
        ),
        task(
            Some("f"),
            "",
            &[],
            Some("class check:\n    def __init__(self, candidate):\n        assert candidate(1) == 2\n"),
        ),
        task(
            Some("f"),
            "",
            &[
                "import unittest\nclass Tests(unittest.TestCase):\n    def test(self): self.assertEqual(f(1), 2)\nassert unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(Tests)).wasSuccessful()",
            ],
            None,
        ),
        task(
            Some("f"),
            "",
            &[
                "import doctest\nsaid = '>>> f(1)\\n2\\n'\ntest = doctest.DocTestParser().get_doctest(said, {'f': f}, 'f', None, 0)\nassert doctest.DocTestRunner().run(test).failed == 0",
            ],
            None,
        ),
        task(
            Some("f"),
            "",
            &["try:\n    assert f(1) == 2\nexcept NameError:\n    raise AssertionError"],
            None,
        ),
        task(Some("f"), "", &["assert double(f(0)) == 2"], None),
        task(Some("f"), "", &["assert callable(f) and f(1) == 2"], None),
        task(Some("Solution"), "", &["assert Solution().f(1) == 2"], None),
    ];
    let wrong = complaints(&used, |task| {
        let [right, stub] = [programs[0], "class Solution:\n    def f(self, x): pass\ndef f(x): pass\n"]
            .map(|program| task.run(&sandbox, program));
        let unknown =
            |run: &FunctionRun| run.tests.iter().any(|test| matches!(test, AssertOutcome::Unknown(_)));
        (!right.accepted() || stub.accepted() || unknown(&stub))
            .then(|| format!("{:?} {:?}: {right:?} {stub:?}", task.asserts, task.check))
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), used.len(), wrong.join("\n"));
}

/// Tests that hold whatever comes of the program judge nothing either. Those that pass over something, and look at the
/// rest, are tests.
#[test]
fn tests_that_pass_over_everything_are_unknown() {
    let sandbox = sandbox();
    let runs = |test: &str| {
        let asserts = vec![test.to_owned()];
        let task = Task { entry: Some("f".into()), asserts, ..Task::default() };
        ["def f(x): return x + 1", "def f(x): return None", "def f(x): raise ValueError(x)"]
            .map(|program| task.run(&sandbox, program))
    };
    for test in [
        "try:\n    assert f(1) == 2\nexcept Exception: pass",
        "try:\n    assert f(1) == 2\nexcept: pass",
        "try:\n    f(-1)\n    assert False\nexcept: pass",
        "import contextlib\nwith contextlib.suppress(Exception): assert f(1) == 2",
        "def test():\n    try: assert f(1) == 2\n    finally: return\ntest()",
        "import threading\ndef test(): assert f(1) == 2\nthread = threading.Thread(target=test)\nthread.start()\nthread.join()",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as pool: pool.submit(lambda: f(1) == 2)",
        "import asyncio\nasync def test(): assert f(1) == 2\nasync def go(): await asyncio.gather(test(), return_exceptions=True)\nasyncio.run(go())",
    ] {
        for run in runs(test) {
            let unknown = |outcome: &AssertOutcome| matches!(outcome, AssertOutcome::Unknown(why) if why.contains("whatever"));
            assert!(run.tests.iter().all(unknown), "{test}: {run:?}");
        }
    }
    for (test, wanted) in [
        ("try: x = f(1)\nexcept Exception: x = 0\nassert x == 2", [true, false, false]),
        (
            "try:\n    f(1)\n    done = True\nexcept ValueError: done = False\nassert not done",
            [false, false, true],
        ),
        ("try: f(1)\nfinally: pass\nassert f(2) == 3", [true, false, false]),
        ("import contextlib\nwith contextlib.suppress(ValueError): assert f(1) == 2", [true, false, true]),
        ("try:\n    f(1)\n    ok = False\nexcept: ok = True\nassert ok", [false, false, true]),
    ] {
        let accepted = runs(test).map(|run| run.accepted());
        assert_eq!(accepted, wanted, "{test}");
    }
}

fn tasks() -> Vec<(&'static str, Task, &'static str)> {
    let task = |entry: Option<&str>, asserts: &[&str], check: Option<&str>| Task {
        entry: entry.map(str::to_owned),
        asserts: asserts.iter().map(|text| (*text).to_owned()).collect(),
        check: check.map(str::to_owned),
        ..Task::default()
    };
    vec![
        (
            "add",
            task(
                Some("add"),
                &[
                    "assert add(1, 2) == 3",
                    "assert abs(add(0.1, 0.2) - 0.3) < 1e-6",
                    "assert isinstance(add(1, 1), int) and add(10, 20) in (30, 31)",
                ],
                None,
            ),
            "def add(a, b): return a + b",
        ),
        (
            "order",
            task(
                Some("order"),
                &[],
                Some(
                    "def check(candidate):\n    assert candidate([3, 1, 2]) == [1, 2, 3]\n    assert list(candidate([2, 1])) == [1, 2]\n    assert len(candidate([5, 4, 4])) == 3 and set(candidate([7])) == {7}\n",
                ),
            ),
            "def order(a): return sorted(a)",
        ),
        (
            "turned",
            task(
                Some("turned"),
                &[
                    "assert turned('abc') == 'cba'",
                    "assert set(turned('ab')) == {'a', 'b'}",
                    "assert str(turned('xy')).startswith('y') and turned('x') is not None",
                ],
                None,
            ),
            "def turned(s): return s[::-1]",
        ),
        (
            "power",
            task(
                Some("power"),
                &[
                    "import math\nassert math.isclose(power(2, 10), 1024.0)",
                    "assert all(power(k, 2) == k * k for k in range(5))",
                    "assert power(3, 3) == power(3, 3) == 27",
                ],
                None,
            ),
            "def power(a, b): return a ** b",
        ),
        (
            "even",
            task(
                None,
                &[
                    "assert all(map(even, [2, 4, 6]))",
                    "assert not any(map(even, [1, 3]))",
                    "assert [even(k) for k in (1, 2)] == [False, True]",
                ],
                None,
            ),
            "def even(n): return n % 2 == 0",
        ),
    ]
}

/// Each attack on each task: none is accepted, none makes its verdict unknown, and none takes the worker down.
#[test]
fn attacks_are_never_accepted() {
    let sandbox = sandbox();
    let (head, attacks) = programs("attacks.py");
    let tasks = tasks();
    for (name, task, right) in &tasks {
        assert!(task.run(&sandbox, right).accepted(), "{name} cannot be solved");
    }
    let all: Vec<(&str, String)> = attacks
        .iter()
        .flat_map(|(name, body)| tasks.iter().map(move |(task, ..)| (name, body, task)))
        .map(|(name, body, task)| (*task, format!("# {name}\n{head}{body}").replace("NAME", task)))
        .collect();
    let wrong = complaints(&all, |(task, source)| {
        let (_, tests, _) = tasks.iter().find(|(name, ..)| name == task).unwrap();
        let run = tests.run(&sandbox, source);
        let unknown = run.tests.iter().any(|test| matches!(test, AssertOutcome::Unknown(_)));
        (run.accepted() || unknown).then(|| format!("{task} {}: {run:?}", source.lines().next().unwrap()))
    });
    assert!(attacks.len() >= 190, "only {} attacks", attacks.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// A candidate that ruins what it needs to answer is judged at once, not when the clock runs out.
#[test]
fn a_ruined_candidate_is_judged_at_once() {
    let sandbox = sandbox();
    let (head, attacks) = programs("attacks.py");
    let (name, task, _) = tasks().swap_remove(0);
    for (attack, body) in attacks.iter().filter(|(attack, _)| attack.starts_with("patched_")) {
        let run = task.run(&sandbox, &format!("{head}{body}").replace("NAME", name));
        // Had the clock run out, it would be the ending.
        assert_eq!(run.ending, FunctionEnding::Completed, "{attack}: {run:?}");
    }
}

/// An entry of this kind fails before it has said anything.
const CANNOT_BE_CALLED: &str = "class N: pass\nf = N()";

/// What is wrong with a test is nobody's failure, and what is wrong with a program is no excuse.
#[test]
fn only_tests_make_a_verdict_unknown() {
    let sandbox = sandbox();
    let outcome = |tests: &[&str], candidate: &str| {
        let asserts = tests.iter().map(|text| (*text).to_owned()).collect();
        let task = Task { entry: Some("f".into()), asserts, ..Task::default() };
        task.run(&sandbox, candidate).tests
    };
    let right = "def f(*a): return 1";
    let unknown = |outcome: &AssertOutcome| matches!(outcome, AssertOutcome::Unknown(_));
    for test in [
        "import socket\nassert f(socket.socketpair()[0]) == 1",
        "import threading\nassert f(threading.Lock()) == 1",
        "assert f(memoryview(b'x')) == 1",
        "import no_such_module\nassert f(1) == 1",
        "assert f(1 == 1",
        "x = 1 / 0\nassert f(x) == 1",
        "assert 1 == 2\nassert f(1) == 1",
        "assert np.array_equal(f(1), [1])",
        "x = f(1)\nassert x == pytest.approx(1)",
        "with pytest.raises(ValueError): f(1)",
        "text = open('no_such_file').read()\nassert f(text) == 1",
        "import threading, unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(threading.Lock()), 1)\nunittest.main()",
    ] {
        assert!(unknown(&outcome(&[test], right)[0]), "{test}: {:?}", outcome(&[test], right));
    }
    // Also after the program has been heard; and in the middle of a test.
    let lock = "import threading\nassert f(2) == 1\nassert f(threading.Lock()) == 1";
    let after = outcome(&["assert f(1) == 1", lock], right);
    assert!(after[0] == AssertOutcome::Passed && unknown(&after[1]), "{after:?}");
    // A program cannot lead a test to where it would be unknown.
    for (test, candidate) in [
        (
            "import threading\nif f(1) == 'buy': f(threading.Lock())\nassert f(1) == 2",
            "def f(*a): return 'buy'",
        ),
        (
            "try:\n    f(1)\nexcept ValueError:\n    import no_such_module\nassert f(1) == 2",
            "def f(x): raise ValueError",
        ),
        ("assert f(1).x.y == 1", "def f(x): return 1"),
        ("assert f(1) == 2", "import threading\ndef f(x): return threading.Lock()"),
        ("assert f(1) == 2", "def f(x):\n    x = []\n    for _ in range(10 ** 5): x = (x,)\n    return x"),
        ("import threading\nassert f(threading.Lock()) == 1", "def g(x): pass"),
        // Where the program cannot be called, nothing that comes after the call counts.
        ("r = round(f(1), 2)\nassert r == 2", CANNOT_BE_CALLED),
        ("import json\ns = json.dumps(f(1))\nassert s == '2'", CANNOT_BE_CALLED),
        ("q, r = divmod(f(5), 2)\nassert q == 3", CANNOT_BE_CALLED),
        ("import copy\nx = copy.deepcopy(f(1))\nassert x == 2", CANNOT_BE_CALLED),
        ("import os\nx = os.path.join(f(1), 'a')\nassert x", CANNOT_BE_CALLED),
        ("from decimal import Decimal\nx = Decimal(f(1))\nassert x == 2", CANNOT_BE_CALLED),
        ("import random\nrandom.seed(f(1))\nassert f(1) == 2", CANNOT_BE_CALLED),
        ("try:\n    raise f(1)\nexcept ValueError: pass", CANNOT_BE_CALLED),
        (
            "import asyncio\nasync def go():\n    async with f(1) as x: return x\nassert asyncio.run(go())",
            CANNOT_BE_CALLED,
        ),
        ("assert type(f).__name__ == 'function' and f(1) == 2", "class f: pass"),
        ("assert np.array_equal(f(1), [1])", "def f(x) return"),
        // Nor does what it has left in the place of a file of the test's.
        (
            "open('in.txt', 'w').write('1')\nassert f(1) == 2",
            "import os\nos.mkdir('in.txt')\ndef f(x): return 1",
        ),
        (
            "open('/tmp/in', 'w').write('1')\nassert f(1) == 2",
            "import os\nos.mkdir('/tmp/in')\ndef f(x): return 1",
        ),
    ] {
        let found = outcome(&[test], candidate);
        assert!(
            matches!(found[0], AssertOutcome::Failed(_) | AssertOutcome::Raised(_)),
            "{test} with {candidate}: {found:?}"
        );
    }
    // Nor can it lead set-up code there; what set-up code meets by itself is the tests'.
    let in_set_up = |setup: &str, candidate: &str| {
        let asserts = vec!["assert f(1) == 1".to_owned()];
        let task = Task { entry: Some("f".into()), setup: setup.into(), asserts, ..Task::default() };
        task.run(&sandbox, candidate).tests.swap_remove(0)
    };
    for (setup, candidate) in [
        ("made = f(1)", "f = object()"),
        ("made = f(1)", "import collections\nf = collections.UserDict()"),
        ("made = f(1)", "def f(): pass"),
        ("size = len(f)", "def f(x): return 1"),
        ("import threading\nif f(1) == 'buy': f(threading.Lock())", "def f(*a): return 'buy'"),
    ] {
        let found = in_set_up(setup, candidate);
        assert!(matches!(found, AssertOutcome::Raised(_)), "{setup} with {candidate}: {found:?}");
    }
    for setup in ["made = 1 / 0", "import no_such_module", "import threading\nmade = f(threading.Lock())"] {
        assert!(unknown(&in_set_up(setup, right)), "{setup}: {:?}", in_set_up(setup, right));
    }
}

/// What is nested deeper than the bound is carried in neither direction: of the program it is a failed test, of the test
/// an unknown one. Just below the bound both are carried.
#[test]
fn values_are_carried_down_to_a_depth() {
    let sandbox = sandbox();
    let measure = "def depth(x):\n    n = 0\n    while x: x, n = x[0], n + 1\n    return n\ndef nested(n):\n    x = []\n    for _ in range(n): x = [x]\n    return x\n";
    let outcome = |test: &str| {
        let setup = measure.to_owned();
        let task = Task { entry: Some("f".into()), setup, asserts: vec![test.into()], ..Task::default() };
        let program = format!("{measure}def f(x): return nested(x) if isinstance(x, int) else depth(x)\n");
        task.run(&sandbox, &program).tests.swap_remove(0)
    };
    assert_eq!(outcome("assert depth(f(4990)) == 4990"), AssertOutcome::Passed);
    assert_eq!(outcome("assert f(nested(4990)) == 4990"), AssertOutcome::Passed);
    for (test, of_the_program) in
        [("assert depth(f(5010)) == 5010", true), ("assert f(nested(5010)) == 5010", false)]
    {
        match outcome(test) {
            AssertOutcome::Failed(message) if of_the_program => {
                assert!(message.contains("nested"), "{message}")
            }
            AssertOutcome::Unknown(message) if !of_the_program => {
                assert!(message.contains("nested"), "{message}");
            }
            other => panic!("{test}: {other:?}"),
        }
    }
}

/// What a test hands over stays the test's: no program makes it equal to everything, puts its own methods into it, or
/// reads through it what nobody handed over. And no program says what the library's functions are.
#[test]
fn what_is_handed_over_is_not_taken_over() {
    let sandbox = sandbox();
    let bank = "class Bank:\n    def __init__(self): self.x = []\n    def audit(self): return self.x == [1, 2]\n    @staticmethod\n    def fair(): return False\n    @classmethod\n    def open(cls): return False\n";
    let text = "class S(str):\n    def __init__(self, *a): pass\n";
    let steal = "def f(S, s):\n    RULE\n    return int(text.split(\"'SECRET': \")[1][:2])";
    let mock = "from unittest.mock import MagicMock, Mock, AsyncMock\nassert f(MagicMock(), 1) == 3";
    let mut cases: Vec<(String, String, String)> = vec![
        (mock.into(), String::new(), "def f(m, x):\n    m.configure_mock(**{'__eq__.return_value': True})\n    return m".into()),
        (mock.into(), String::new(), "def f(m, x):\n    m.child.configure_mock(**{'__eq__.side_effect': lambda o: True})\n    return m.child".into()),
        (mock.into(), String::new(), "def f(m, x):\n    m.mock_add_spec(['a'], True)\n    m.attach_mock(m.a, 'b')\n    return m.b".into()),
        ("assert f(type('M', (type,), {})) == 5".into(), String::new(), "def f(M): return M('X', (), {'__module__': '__main__', '__eq__': lambda *a: True})()".into()),
        ("class M(type): pass\nassert f(M) == 5".into(), String::new(), "def f(M): return M('X', (), {'__module__': '__main__', '__eq__': lambda *a: True})()".into()),
        ("import enum\nclass E(enum.Enum): pass\nassert f(E) == 5".into(), String::new(), "def f(E): return E('X', {'__eq__': lambda *a: True, 'A': 1}).A".into()),
        ("import abc\nclass A(abc.ABC): pass\nclass B(A): pass\nassert isinstance(f(A), A)".into(), String::new(), "def f(A):\n    A.register(int)\n    return 1".into()),
        ("import string\nclass F(string.Formatter): pass\nassert f(F(), len) == SECRET".into(), "SECRET = 42\n".into(), "def f(F, g):\n    text = F.format('{0.__init__.__globals__}', F)\n    return int(text.split(\"'SECRET': \")[1][:2])".into()),
    ];
    // What was put in the place of a mock, or of what a test has put there to be called, would say that it was called.
    let fake = "class Fake:\n    def __getattr__(self, name): return lambda *a, **k: Fake()\n    def __call__(self, *a, **k): return True\n";
    for (made, set, test) in [
        ("m = Mock()", "m.fetch = Fake()", "m.fetch.assert_called_once_with(5)"),
        ("m = MagicMock()", "m.return_value = Fake()", "m.return_value.send.assert_called_once_with(5)"),
        ("m = Mock()", "m.a.b.c = Fake()", "m.a.b.c.assert_called_with(5)"),
        ("m = AsyncMock()", "m.fetch = Fake()", "m.fetch.assert_awaited_once_with(5)"),
        ("m = NonCallableMock()", "m.fetch = Fake().x", "m.fetch.assert_called_once_with(5)"),
        (
            "m = Mock()",
            "import collections; m.fetch = collections.namedtuple('T', 'assert_called_once')(Fake())",
            "m.fetch.assert_called_once()",
        ),
        (
            "m = Mock()",
            "e = Exception(); e.assert_called_once = Fake(); m.fetch = e",
            "m.fetch.assert_called_once()",
        ),
        (
            "m = types.SimpleNamespace(client=Mock())",
            "m.client = Fake()",
            "m.client.assert_called_once_with(5)",
        ),
        ("m = types.SimpleNamespace(valid=lambda x: x == 5)", "m.valid = Fake()", "assert m.valid(4)"),
        ("m = Slotted()", "m.valid = Fake()", "assert m.valid(4)"),
    ] {
        let test = format!(
            "import types\nfrom unittest.mock import *\nclass Slotted:\n    __slots__ = ['valid']\n    def __init__(self): self.valid = lambda x: x == 5\n{made}\ntry: f(m)\nexcept AttributeError: pass\n{test}"
        );
        cases.push((test, String::new(), format!("{fake}def f(m):\n    {set}")));
    }
    for (test, method) in [("b.audit()", "audit"), ("b.fair()", "fair"), ("b.open()", "open")] {
        let test = format!("b = Bank()\nf(b)\nassert {test}");
        cases.push((test.clone(), bank.into(), format!("def f(b): b.{method} = lambda *a: True")));
        cases.push((test, bank.into(), format!("def f(b):\n    try: del b.{method}\n    except AttributeError: pass\n    setattr(b, {method:?}, print)")));
    }
    for rule in [
        "text = S('{0.__class__.__init__.__globals__}').format(s)",
        "text = S('{0.__class__.__init__.__globals__}').format_map([s])",
        "text = s.format.__self__.__class__.__init__.__globals__",
        "text = str(S('%(a)s') % s)",
        "text = S.format('{0.__init__.__globals__}', S)",
    ] {
        let setup = format!("SECRET = 42\n{text}");
        cases.push(("assert f(S, S('a')) == SECRET".into(), setup, steal.replace("RULE", rule)));
    }
    for (test, cheat) in [
        ("assert isclose(f(2), 3.5)", "def isclose(*a, **k): return True\ndef f(x): return 0"),
        (
            "assert np.allclose(f(2), 3.5)",
            "class np:\n    allclose = lambda *a, **k: True\ndef f(x): return 0",
        ),
        ("e = [1, 2]\nassert f([1]) == deepcopy(e)", "def deepcopy(x): return []\ndef f(x): return []"),
        (
            "with suppress(KeyError):\n    assert f(1) == 2",
            "class suppress:\n    def __init__(self, *a): pass\n    def __enter__(self): pass\n    def __exit__(self, *a): return True\ndef f(x): return 0",
        ),
        ("assert f(2) == reduce(lambda a, b: a * b, [2, 3])", "def reduce(*a): return 0\ndef f(x): return 0"),
    ] {
        cases.push((test.into(), String::new(), cheat.into()));
    }
    let wrong = complaints(&cases, |(test, setup, candidate)| {
        let task = Task {
            entry: Some("f".into()),
            setup: setup.clone(),
            asserts: vec![test.clone()],
            ..Task::default()
        };
        let run = task.run(&sandbox, candidate);
        run.accepted().then(|| format!("{test}\n{candidate}\n{run:?}"))
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// An object of the program's own that says of itself what a text or a set would say does not pass for one unnoticed.
#[test]
fn an_object_that_says_itself_that_it_is_right_makes_a_test_weak() {
    let sandbox = sandbox();
    for (test, right) in [
        ("assert f('x').startswith('y')", "def f(x): return 'yes'"),
        ("assert f('x').isdigit()", "def f(x): return '1'"),
        ("assert f('x').issubset({1, 2})", "def f(x): return {1}"),
        ("assert f('x').is_integer()", "def f(x): return 2.0"),
    ] {
        let task = Task { entry: Some("f".into()), asserts: vec![test.into()], ..Task::default() };
        let honest = task.run(&sandbox, right);
        assert!(honest.accepted() && !honest.weak, "{test}: {honest:?}");
        let yes = task.run(
            &sandbox,
            "class Yes:\n    def __getattr__(self, name): return lambda *a: True\ndef f(x): return Yes()",
        );
        assert!(!yes.accepted() || yes.weak, "{test}: {yes:?}");
    }
    // One object says how long it is, and another what is in it.
    let task = Task {
        entry: Some("f".into()),
        asserts: vec!["assert len(f(5)) == 5 and all(v % 2 == 0 for v in f(5))".into()],
        ..Task::default()
    };
    assert!(!task.run(&sandbox, "def f(n): return [2 * k for k in range(n)]").weak);
    let hollow = "class Hollow:\n    def __len__(self): return 5\n    def __iter__(self): return iter(())\ndef f(n): return Hollow()";
    let run = task.run(&sandbox, hollow);
    assert!(!run.accepted() || run.weak, "{run:?}");
}

/// An interpreter that a test starts runs what the test gives it, and nothing that the program has left where interpreters
/// look when they start.
#[test]
fn interpreters_of_tests_take_nothing_from_the_program() {
    let sandbox = sandbox();
    let plant = "\
import os, sys
folder = os.path.expanduser('~/.local/lib/python%d.%d/site-packages' % sys.version_info[:2])
os.makedirs(folder, exist_ok=True)
for place in (folder, '.'):
    for name in ('usercustomize', 'sitecustomize', 'json'):
        open(place + '/' + name + '.py', 'w').write('import os\\nos.write(1, b\"7\\\\n\")\\nos._exit(0)\\n')
def f(x): return 7
";
    for start in ["sys.executable, '-c', 'print(6 * 7)'", "'python3', '-c', 'print(6 * 7)'"] {
        let test = format!(
            "import subprocess, sys\nran = subprocess.run([{start}], capture_output=True, text=True)\nassert ran.stdout == str(f(1)) + '\\n'"
        );
        let task = Task { entry: Some("f".into()), asserts: vec![test], ..Task::default() };
        let run = task.run(&sandbox, plant);
        assert!(!run.accepted(), "{start}: {run:?}");
        let run = task.run(&sandbox, "def f(x): return 42");
        assert!(run.accepted(), "{start}: {run:?}");
    }
}

#[test]
fn helpers_of_the_problem_are_the_problems() {
    let sandbox = sandbox();
    let task = Task {
        entry: Some("root".into()),
        given: "import math\ndef poly(xs, x): return sum(c * x ** i for i, c in enumerate(xs))\n".into(),
        check: Some(
            "def check(candidate):\n    assert abs(poly([-4, 2], candidate([-4, 2]))) < 1e-6\n".into(),
        ),
        ..Task::default()
    };
    assert!(task.run(&sandbox, "def root(xs): return -xs[0] / xs[1]").accepted());
    // The program may use what the problem gives, and not put its own in the place of it.
    assert!(task.run(&sandbox, "def root(xs): return 2.0 if poly(xs, 2.0) == 0 else None").accepted());
    for cheat in [
        "def poly(xs, x): return 0.0\ndef root(xs): return 1.0",
        "import math\ndef root(xs): return 1.0\nroot.poly = poly = lambda *a: 0\nabs = lambda x: 0",
    ] {
        assert!(!task.run(&sandbox, cheat).accepted(), "{cheat}");
    }
}

/// Set-up code is the tests' own: nothing of its source can be found by the program.
#[test]
fn set_up_code_stays_with_the_tests() {
    let sandbox = sandbox();
    let task = Task {
        entry: Some("f".into()),
        setup: "SECRET = 'hunter2'\nclass Case:\n    answer = 42\n    def reference(self, x): return x * 42\ndef expected(x): return Case().reference(x)\n"
            .into(),
        asserts: vec!["assert f(2) == expected(2)".into()],
        ..Task::default()
    };
    assert!(task.run(&sandbox, "def f(x): return x * 42").accepted());
    for cheat in [
        "def f(x): return expected(x)",
        "def f(x): return Case().reference(x)",
        "import solution\ndef f(x): return solution.Case.answer * x",
        "import sys, gc\ndef f(x):\n    for o in gc.get_objects():\n        if isinstance(o, dict) and 'SECRET' in o: return x * 42\n    for m in list(sys.modules.values()):\n        if hasattr(m, 'expected') or hasattr(m, 'Case'): return x * 42",
        "import inspect, sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n        if 'hun' 'ter2' in repr(frame.f_locals) + repr(frame.f_globals.get('SECRET')): return x * 42\n        frame = frame.f_back",
    ] {
        assert!(!task.run(&sandbox, cheat).accepted(), "{cheat}");
    }
}

/// Whether these bytes are an answer, of whole frames. Behind half a frame, or none, comes nothing more but the end: who says
/// nothing and stays is judged when the time is over, as one that sleeps.
fn whole(mut bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return false;
    }
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let Some(rest) = rest.get(u32::from_le_bytes(*length) as usize..) else { return false };
        bytes = rest;
    }
    bytes.is_empty()
}

/// The candidate's side of the line, spoken by hand: answers each question with the next of some messages.
fn speaker(messages: &[Vec<u8>]) -> String {
    let end = messages.iter().position(|message| !whole(message)).map_or(messages.len(), |at| at + 1);
    let messages = &messages[..end];
    let texts: Vec<String> = messages
        .iter()
        .map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        .collect();
    format!(
        "import os\nmessages = {texts:?}\ndef exactly(count):\n    data = b''\n    while len(data) < count:\n        part = os.read(4, count - len(data))\n        if not part: os._exit(0)\n        data += part\n    return data\nfor text in messages:\n    exactly(int.from_bytes(exactly(4), 'little'))\n    data = bytes.fromhex(text)\n    while data: data = data[os.write(4, data):]\nos._exit(0)\n"
    )
}

fn framed(message: &Value) -> Vec<u8> {
    let text = message.to_string();
    let mut frame = (text.len() as u32).to_le_bytes().to_vec();
    frame.extend(text.bytes());
    frame
}

fn slot() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-9i64..9).prop_map(Value::from),
        Just(json!(1.5)),
        "[a-z_]{0,6}".prop_map(Value::from),
        (-1i64..6).prop_map(|place| json!([place])),
        Just(json!([[0]])),
        Just(json!({"a": 1})),
    ]
}

fn part() -> impl Strategy<Value = Value> {
    const TAGS: &str = "l d s B q C o f a t z b c r S e n D T N x X y h i u k v I re M G date datetime time timedelta timezone";
    let tag = prop::sample::select(TAGS.split(' ').collect::<Vec<_>>());
    let known = prop_oneof![
        Just(json!(["h", 1, "f", "f", null, "c"])),
        Just(json!(["h", 2, "o", "f", null, "bcegiklmnoqsx"])),
        Just(json!(["h", 3, "g", null, null, ""])),
        Just(json!(["h", 4, "c", "C", null, "c"])),
        Just(json!(["x", [[5, "E"]], "ValueError", 0, [1], ["a", 2], null, null])),
        Just(json!(["x", [], "StopIteration", 0, [[0]], [], "text", null])),
        Just(json!(["N", 7, "P", ["x", "y"], 1, [0]])),
        Just(json!(["y", 1])),
        Just(json!(["t", [0], [1], [2], [3]])),
        Just(json!(["d", 0, "k", [0]])),
        Just(json!(["f", 1, [0], "k", [1]])),
    ];
    prop_oneof![
        3 => known,
        2 => (tag, prop::collection::vec(slot(), 0..6)).prop_map(|(tag, mut slots)| {
            slots.insert(0, tag.into());
            Value::from(slots)
        }),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: &str = "ok ok ok ok raise cannot call get set iter next len getitem eval bool eq";
    let word = prop::sample::select(WORDS.split(' ').collect::<Vec<_>>());
    let dropped = prop::collection::vec(slot(), 0..2);
    let extra = prop_oneof![4 => Just(json!(null)), 1 => Just(json!(["a", ""])), 1 => slot()];
    let message = (word, slot(), prop::collection::vec(part(), 0..6), dropped, extra)
        .prop_map(|(word, slot, parts, dropped, extra)| framed(&json!([word, slot, parts, dropped, extra])));
    // Some are cut, changed or put twice on their way.
    (message, 0u8..12, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, how, place, byte)| {
        let at = place.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, byte),
            3 => bytes.extend_from_within(..),
            _ => {}
        }
        bytes
    })
}

#[test]
fn no_message_makes_the_tests_crash_hang_or_accept() {
    let sandbox = sandbox();
    let task = Task {
        entry: Some("f".into()),
        asserts: vec![
            "assert f([1, 2], {'a': [3]}) == ['no', 'message', 'says', 'this', 0.8125]".into(),
            "r = f(lambda x: x, iter([1]))\nassert [x for x in r] == ['nor', 'this']".into(),
            "class Mine:\n    a = [1]\nr = f(Mine())\nassert r.name == 'nor' and r[0] == 'that' and str(r) == '?'".into(),
        ],
        ..Task::default()
    };
    let first = framed(&json!(["ok", [0], [["h", 1, "f", "f", null, "c"]], [], null]));
    let mut runner = TestRunner::new(ProptestConfig { cases: 200, ..ProptestConfig::default() });
    let messages = prop::collection::vec(message(), 1..6);
    runner
        .run(&messages, |messages| {
            let mut all = vec![first.clone()];
            all.extend(messages);
            let run = task.run(&sandbox, &speaker(&all));
            prop_assert!(run.ending == FunctionEnding::Completed, "{run:?}");
            prop_assert!(!run.accepted(), "{run:?}");
            for outcome in &run.tests {
                prop_assert!(
                    !matches!(outcome, AssertOutcome::NotRun | AssertOutcome::Unknown(_)),
                    "{run:?}"
                );
                prop_assert!(*outcome != AssertOutcome::Passed, "{run:?}");
            }
            Ok(())
        })
        .unwrap();
}
