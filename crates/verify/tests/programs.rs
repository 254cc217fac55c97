//! Programs in the sandbox under the real `python3`: every way to end, and what is said of it. That nothing gets out of the
//! sandbox or stays behind is tested where the sandbox is.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};
use tracelift_domain::{FailureKind, FunctionTests, Gold, IoTest, Problem, Question, TaskDomain, Verdict};
use tracelift_verify::{
    Artifact, ProgramConfig, Verifier, VerifierConfig,
    config::LimitOverrides,
    programs::{Comparison, Extent, ProgramReport, ProgramVerdict, Runner, Tests},
};

fn verifier(change: impl FnOnce(&mut ProgramConfig)) -> Verifier {
    // Wide enough for a busy machine; the tests of the time limit narrow it.
    let mut programs = ProgramConfig { time_limit_s: 20.0, ..ProgramConfig::default() };
    change(&mut programs);
    Verifier::new(VerifierConfig { programs, ..VerifierConfig::default() }).unwrap()
}

fn problem(tests: &[(&str, &str)]) -> Problem {
    let test = |&(stdin, stdout): &(&str, &str)| IoTest { stdin: stdin.into(), stdout: stdout.into() };
    Problem {
        id: "p".into(),
        question: Question::new("test", TaskDomain::Code, "…"),
        gold: Gold::Tests(tests.iter().map(test).collect()),
    }
}

fn judge(verifier: &Verifier, source: &str, stdin: &str, stdout: &str) -> Verdict {
    verifier.judge(&problem(&[(stdin, stdout)]), source).verdict
}

fn failed(kind: FailureKind) -> Verdict {
    Verdict::Failed { kind }
}

#[test]
fn programs_that_pass() {
    let verifier = verifier(|_| {});
    for (source, stdin, stdout) in [
        ("print(sum(map(int, input().split())))", "1 2 3\n", "6\n"),
        ("import sys\nprint(len(sys.stdin.read()))", &"x\n".repeat(500_000), "1000000"),
        ("import os\nprint(len(os.read(0, os.fstat(0).st_size)))", "abc", "3"),
        ("for line in open(0):\n    print(line[::-1], end='')", "ab\ncd\n", "\nba\ndc"),
        ("s = input()\nprint(s, len(s))", "αβ中😀\n", "αβ中😀 4"),
        ("# -*- coding: latin-1 -*-\nprint(1)", "", "1"),
        ("from __future__ import annotations\ndef f(x: Missing): return x\nprint(f(1))", "", "1"),
        (
            "if __name__ == '__main__':\n    print('main', flush=True)\n    exit()\n    print('no')",
            "",
            "main",
        ),
        ("print(1)\nquit(0)", "", "1"),
        ("import sys\nprint(1)\nsys.exit(0)", "", "1"),
        (
            "import sys\nsys.setrecursionlimit(10**5)\nf = lambda n: n and 1 + f(n - 1)\nprint(f(5000))",
            "",
            "5000",
        ),
        ("import sys\nfor _ in range(3000): print('d' * 1000, file=sys.stderr)\nprint(1)", "", "1"),
        ("print(1)", &"never read ".repeat(400_000), "1"),
        ("import os\nprint(os.listdir('.'), os.environ.get('CARGO'))", "", "[] None"),
        ("```python\nprint(2)\n```", "", "2"),
        (
            "import concurrent.futures as c\nwith c.ThreadPoolExecutor(4) as p: print(*p.map(abs, [-1]))",
            "",
            "1",
        ),
    ] {
        let head: String = source.chars().take(60).collect();
        assert_eq!(judge(&verifier, source, stdin, stdout), Verdict::Passed, "{head}");
    }
}

#[test]
fn programs_that_fail() {
    use FailureKind::*;
    let verifier = verifier(|_| {});
    for (source, kind) in [
        ("print(2)", WrongAnswer),
        ("", NoArtifact),
        ("pass", WrongAnswer),
        ("import os\nprint(1)\nos._exit(0)", WrongAnswer),
        ("import os\nos.write(1, bytes([255, 254]))", WrongAnswer),
        ("import sys\nprint(1)\nsys.exit(3)", RuntimeError),
        ("print(1)\nraise ValueError", RuntimeError),
        ("print(1", RuntimeError),
        ("print(1)\n\tx", RuntimeError),
        ("x = '\0'", RuntimeError),
        ("print(input())", RuntimeError),
        ("import os\nprint(1, flush=True)\nos.kill(os.getpid(), 9)", RuntimeError),
        ("import os\nprint(1, flush=True)\nos.abort()", RuntimeError),
        ("import json_that_is_not_there", RuntimeError),
        ("x = bytearray(10**11)", MemoryLimit),
        ("x = []\nwhile True: x.append(bytes(10**7))", MemoryLimit),
        ("while True: print('x' * 1000)", OutputLimit),
    ] {
        assert_eq!(judge(&verifier, source, "", "1"), failed(kind), "{source}");
    }
}

#[test]
fn time_is_limited_whatever_the_program_does() {
    let verifier = verifier(|programs| {
        programs.time_limit_s = 0.5;
        programs.wall_limit_s = Some(2.0);
    });
    for source in [
        "while True: pass",
        "import time\ntime.sleep(100)",
        "import signal, time\nfor s in (1, 2, 15, 24): signal.signal(s, signal.SIG_IGN)\nwhile True: time.sleep(1)",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()\nprint(1)",
        "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(100)",
        "import sys\nwhile True: print('x', file=sys.stderr)",
        "sum(range(10**11))",
    ] {
        let start = Instant::now();
        let verdict = verifier.judge(&problem(&[("", "1")]), source).verdict;
        assert_eq!(verdict, failed(FailureKind::TimeLimit), "{source}");
        assert!(start.elapsed() < Duration::from_secs(30), "{source}: {:?}", start.elapsed());
    }
}

#[test]
fn the_output_cap_grows_with_the_expected_output() {
    let verifier = verifier(|programs| programs.output_limit_kib = 1);
    let expected = "x".repeat(100_000);
    let tests = problem(&[("", expected.as_str())]);
    assert_eq!(verifier.judge(&tests, "print('x' * 100000)").verdict, Verdict::Passed);
    assert_eq!(
        verifier.judge(&tests, "print('x' * 500000)").verdict,
        failed(FailureKind::OutputLimit),
        "also when it fits into the pipe at once"
    );
}

#[test]
fn string_hashes_are_not_random() {
    // The same program in a process that certainly has hash seed 0 says the same.
    let mut python = std::process::Command::new("python3");
    let output =
        python.args(["-S", "-c", "print(hash('tracelift'))"]).env("PYTHONHASHSEED", "0").output().unwrap();
    let expected = String::from_utf8(output.stdout).unwrap();
    assert_eq!(judge(&verifier(|_| {}), "print(hash('tracelift'))", "", &expected), Verdict::Passed);
}

#[test]
fn all_tests_scores_the_share_that_passed() {
    let tests = problem(&[("1", "1"), ("2", "0"), ("3", "3"), ("x", "0")]);
    let source = "print(int(input()))";
    let all = verifier(|programs| programs.all_tests = true).judge(&tests, source);
    assert_eq!(all.verdict, failed(FailureKind::WrongAnswer));
    assert_eq!(all.score.map(|score| score.get()), Some(0.5));
    assert_eq!(all.artifact, Some(Artifact::Program(source.into())));
    let first = verifier(|_| {}).judge(&tests, source);
    assert_eq!(first.score.map(|score| score.get()), Some(0.0));
}

#[test]
fn the_first_failure_ends_it() {
    let start = Instant::now();
    let tests = problem(&[("", "no"), ("slow", "1"), ("slow", "1")]);
    let source = "import sys, time\nif sys.stdin.read(): time.sleep(600)\nprint(1)";
    assert_eq!(verifier(|_| {}).judge(&tests, source).verdict, failed(FailureKind::WrongAnswer));
    // Each of the others would have waited for the limit of 65 s.
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn our_faults_are_not_the_models() {
    let unscorable = |verifier: &Verifier, tests: &Problem| {
        let judgement = verifier.judge(tests, "print(1)");
        assert_eq!(judgement.score, None);
        match judgement.verdict {
            Verdict::Unscorable { why } => why,
            other => panic!("{other:?}"),
        }
    };
    let one = problem(&[("", "1")]);
    let missing = verifier(|programs| programs.python = "python3-that-is-not-there".into());
    assert!(unscorable(&missing, &one).contains("python3-that-is-not-there"));
    assert!(missing.probe([&one]).unwrap_err().to_string().contains("python3-that-is-not-there"));
    assert!(missing.probe([]).unwrap().is_none(), "nothing to run, nothing missing");
    assert!(unscorable(&verifier(|_| {}), &problem(&[])).contains("no tests"));
    assert!(verifier(|_| {}).probe([&one]).unwrap().is_some());
}

fn functions(tests: FunctionTests) -> Problem {
    Problem { gold: Gold::Function(tests), ..problem(&[]) }
}

#[test]
fn functions_are_called_from_another_process() {
    use FailureKind::*;
    let asserts = vec!["assert add(1, 2) == 3".to_owned(), "assert add(-1, 1) == 0".to_owned()];
    let tests = functions(FunctionTests { entry: Some("add".into()), asserts, ..FunctionTests::default() });
    let verifier = verifier(|programs| programs.time_limit_s = 2.0);
    for (completion, expected) in [
        ("def add(a, b):\n    return a + b", Verdict::Passed),
        (
            "Sure:\n```python\ndef add(a, b):\n    return a + b\n```\nUse it so:\n```python\nadd(1, 2)\n```",
            Verdict::Passed,
        ),
        ("def add(a, b):\n    return a - b", failed(WrongAnswer)),
        ("def add(a, b):\n    return a // 0", failed(RuntimeError)),
        ("def plus(a, b):\n    return a + b", failed(RuntimeError)),
        ("import sys\ndef add(a, b):\n    sys.exit(0)", failed(RuntimeError)),
        ("import os\nos._exit(0)", failed(RuntimeError)),
        (
            "class Yes(int):\n    def __eq__(self, other): return True\ndef add(a, b): return Yes()",
            failed(WrongAnswer),
        ),
        ("def add(a, b):\n    while True: pass", failed(TimeLimit)),
    ] {
        let verdict = verifier.judge(&tests, completion).verdict;
        // Whether a program that defines nothing useful failed a test or broke is for people; that it failed counts.
        match expected {
            Verdict::Failed { kind: TimeLimit } | Verdict::Passed => {
                assert_eq!(verdict, expected, "{completion}")
            }
            _ => assert_eq!(verdict.success(), Some(false), "{completion}: {verdict:?}"),
        }
    }
}

#[test]
fn a_check_function_is_called_with_the_entry() {
    let check =
        "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 9\n".to_owned();
    let tests = functions(FunctionTests {
        entry: Some("square".into()),
        check: Some(check),
        ..FunctionTests::default()
    });
    let verifier = verifier(|_| {});
    assert_eq!(verifier.judge(&tests, "def square(x): return x * x").verdict, Verdict::Passed);
    assert_eq!(
        verifier.judge(&tests, "def square(x): return x + 2").verdict,
        failed(FailureKind::WrongAnswer)
    );
}

#[test]
fn set_up_runs_after_the_program() {
    let tests = functions(FunctionTests {
        setup: "limit = bound + 1".into(),
        asserts: vec!["assert below(limit) is False".into(), "assert below(bound) is True".into()],
        ..FunctionTests::default()
    });
    let source = "bound = 5\ndef below(x):\n    return x <= bound";
    assert_eq!(verifier(|_| {}).judge(&tests, source).verdict, Verdict::Passed);
}

fn runner() -> Runner {
    Runner::new(ProgramConfig::default(), NonZeroUsize::MIN)
}

fn run(runner: &Runner, source: &str, tests: Tests, extent: Extent) -> ProgramReport {
    runner.run(source, &tests, &LimitOverrides::default(), extent)
}

fn io(tests: &[(&str, &str)], comparison: Comparison, checker: Option<&str>) -> Tests {
    let test = |&(stdin, stdout): &(&str, &str)| IoTest { stdin: stdin.into(), stdout: stdout.into() };
    Tests::Io { tests: tests.iter().map(test).collect(), comparison, checker: checker.map(str::to_owned) }
}

#[test]
fn a_checker_decides_where_there_is_one() {
    let checker = "import json, sys\ncase = json.load(sys.stdin)\n\
                   total = sum(map(int, case['actual'].split()))\nsys.exit(total != int(case['expected']))";
    let runner = runner();
    let verdict = |source: &str, checker: &str| {
        run(&runner, source, io(&[("", "10")], Comparison::Tokens, Some(checker)), Extent::All).verdict
    };
    assert_eq!(verdict("print(3, 7)", checker), ProgramVerdict::Accepted);
    assert_eq!(verdict("print(3, 8)", checker), ProgramVerdict::WrongAnswer);
    assert_eq!(verdict("raise SystemExit(2)", checker), ProgramVerdict::RuntimeError);
    // A checker that breaks has not said no.
    assert_eq!(verdict("print('x')", checker), ProgramVerdict::Infrastructure);
    assert_eq!(verdict("print(10)", "import sys\nsys.exit(3)"), ProgramVerdict::Infrastructure);
}

#[test]
fn reports_tell_every_test() {
    let tests = || io(&[("1", "1"), ("2", "0"), ("x", "0"), ("4", "4")], Comparison::Exact, None);
    let source = "print(int(input()), end='')";
    let runner = runner();
    let all = run(&runner, source, tests(), Extent::All);
    let verdicts: Vec<ProgramVerdict> = all.tests.iter().map(|test| test.verdict).collect();
    use ProgramVerdict::*;
    assert_eq!(verdicts, [Accepted, WrongAnswer, RuntimeError, Accepted]);
    assert_eq!((all.verdict, all.passed, all.total), (WrongAnswer, 2, 4));
    assert!(all.tests[2].message.as_ref().unwrap().contains("ValueError"), "{:?}", all.tests[2]);
    let first = run(&runner, source, tests(), Extent::ToFirstFailure);
    assert_eq!((first.verdict, first.tests.len(), first.total), (WrongAnswer, 2, 4));
}

#[test]
fn limits_of_a_case_take_the_place_of_the_configured_ones() {
    let runner = runner();
    let tests = io(&[("", "1")], Comparison::Tokens, None);
    let limits = LimitOverrides { time_s: Some(0.3), ..LimitOverrides::default() };
    let start = Instant::now();
    let report = runner.run("while True: pass", &tests, &limits, Extent::All);
    assert_eq!(report.verdict, ProgramVerdict::TimeLimit);
    assert!(report.tests[0].cpu_s.unwrap() < 2.0, "{:?} after {:?}", report.tests[0], start.elapsed());
    let limits = LimitOverrides { memory_mib: Some(1), ..LimitOverrides::default() };
    let report = runner.run("print(1)", &tests, &limits, Extent::All);
    assert_eq!(
        report.verdict,
        ProgramVerdict::Infrastructure,
        "a limit that cannot be honoured is not the program's fault"
    );
    assert!(report.why().contains("`memory_mib` is 1"), "{}", report.why());
}

#[test]
fn fifty_at_once() {
    let config = VerifierConfig {
        jobs: NonZeroUsize::new(8),
        programs: ProgramConfig { time_limit_s: 1.0, ..ProgramConfig::default() },
        ..VerifierConfig::default()
    };
    let verifier = Verifier::new(config).unwrap();
    let problems: Vec<Problem> = (0..50).map(|i| problem(&[(&i.to_string(), &i.to_string())])).collect();
    let sources: Vec<&str> = (0..50)
        .map(|i| match i % 5 {
            0 => "while True: pass",
            1 => "raise SystemExit(1)",
            _ => "print(int(input()))",
        })
        .collect();
    let items: Vec<(&Problem, &str)> = problems.iter().zip(sources).collect();
    for (i, judgement) in verifier.judge_all(&items).iter().enumerate() {
        let expected = match i % 5 {
            0 => failed(FailureKind::TimeLimit),
            1 => failed(FailureKind::RuntimeError),
            _ => Verdict::Passed,
        };
        assert_eq!(judgement.verdict, expected, "program {i}");
    }
}

#[test]
fn answers_and_programs_mix() {
    let code = problem(&[("", "1")]);
    let math = Problem {
        question: Question::new("test", TaskDomain::Math, "…"),
        gold: Gold::Answer("7".into()),
        ..code.clone()
    };
    let items = [(&math, "7"), (&code, "print(1)"), (&math, "8"), (&code, "print(2)")];
    let verdicts: Vec<Verdict> = verifier(|_| {}).judge_all(&items).into_iter().map(|j| j.verdict).collect();
    let wrong = failed(FailureKind::WrongAnswer);
    assert_eq!(verdicts, [Verdict::Passed, Verdict::Passed, wrong.clone(), wrong]);
}
