//! Programs under the real `python3`: every way to end, and nothing left behind.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    collections::BTreeSet,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tracelift_domain::{FailureKind, Gold, IoTest, Problem, TaskDomain, Verdict};
use tracelift_verify::{Artifact, ProgramConfig, Verifier, VerifierConfig};

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
        source: "test".into(),
        domain: TaskDomain::Code,
        statement: "…".into(),
        gold: Gold::Tests(tests.iter().map(test).collect()),
    }
}

fn judge(source: &str, stdin: &str, stdout: &str) -> Verdict {
    verifier(|_| {}).judge(&problem(&[(stdin, stdout)]), source).verdict
}

fn failed(kind: FailureKind) -> Verdict {
    Verdict::Failed { kind }
}

#[test]
fn programs_that_pass() {
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
        (
            "import os\nprint(os.listdir('.'), os.environ.get('CARGO'), __file__[-10:])",
            "",
            "[] None program.py",
        ),
        ("```python\nprint(2)\n```", "", "2"),
        (
            "import concurrent.futures as c\nwith c.ThreadPoolExecutor(4) as p: print(*p.map(abs, [-1]))",
            "",
            "1",
        ),
    ] {
        let head: String = source.chars().take(60).collect();
        assert_eq!(judge(source, stdin, stdout), Verdict::Passed, "{head}");
    }
}

#[test]
fn programs_that_fail() {
    use FailureKind::*;
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
        assert_eq!(judge(source, "", "1"), failed(kind), "{source}");
    }
}

#[test]
fn time_is_limited_whatever_the_program_does() {
    let verifier = verifier(|programs| programs.time_limit_s = 1.0);
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
        assert!(start.elapsed() < Duration::from_secs(15), "{source}: {:?}", start.elapsed());
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
fn files_and_descriptors_are_limited() {
    let big = "with open('f', 'wb') as f:\n    for _ in range(100): f.write(bytes(10**6))";
    assert_eq!(judge(big, "", "1"), failed(FailureKind::RuntimeError));
    assert_eq!(judge("x = [open('f', 'w') for _ in range(300)]", "", "1"), failed(FailureKind::RuntimeError));
    let core = "import resource\nprint(resource.getrlimit(resource.RLIMIT_CORE))";
    assert_eq!(judge(core, "", "(0, 0)"), Verdict::Passed);
    let session = "import os\nprint(os.getsid(0) == os.getpid() == os.getpgid(0))";
    assert_eq!(judge(session, "", "True"), Verdict::Passed);
    // 0, 1, 2 and the one that lists.
    assert_eq!(judge("import os\nprint(len(os.listdir('/proc/self/fd')))", "", "4"), Verdict::Passed);
}

#[test]
fn processes_are_limited_unless_root_runs_them() {
    use std::os::unix::fs::MetadataExt;
    let source =
        "import os, time\nfor _ in range(200):\n    if os.fork() == 0:\n        time.sleep(100)\nprint(1)";
    let verdict = verifier(|programs| programs.processes = 20).judge(&problem(&[("", "1")]), source).verdict;
    // The kernel does not apply RLIMIT_NPROC to root, and the documentation says so.
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    assert_eq!(verdict, if root { Verdict::Passed } else { failed(FailureKind::RuntimeError) });
}

#[test]
fn string_hashes_are_not_random() {
    // The same program in a process that certainly has hash seed 0 says the same.
    let mut python = std::process::Command::new("python3");
    let output =
        python.args(["-S", "-c", "print(hash('tracelift'))"]).env("PYTHONHASHSEED", "0").output().unwrap();
    let expected = String::from_utf8(output.stdout).unwrap();
    assert_eq!(judge("print(hash('tracelift'))", "", &expected), Verdict::Passed);
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
    let source = "import sys, time\nif sys.stdin.read(): time.sleep(15)\nprint(1)";
    assert_eq!(verifier(|_| {}).judge(&tests, source).verdict, failed(FailureKind::WrongAnswer));
    assert!(start.elapsed() < Duration::from_secs(14));
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
    assert!(missing.probe().is_err());
    assert!(unscorable(&verifier(|_| {}), &problem(&[])).contains("no tests"));

    // An interpreter that breaks before the program: the model is not to blame.
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken-python");
    let script =
        "#!/bin/sh\nif [ \"$1\" = -I ]; then echo \"$0\"; else echo 'lost my libraries' >&2; exit 1; fi\n";
    fs::write(&broken, script).unwrap();
    let mut permissions = fs::metadata(&broken).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(&broken, permissions).unwrap();
    let broken = verifier(|programs| programs.python = broken);
    let why = unscorable(&broken, &one);
    assert!(why.contains("lost my libraries") && why.contains("status 1"), "{why}");
    assert!(verifier(|_| {}).probe().is_ok());
}

/// Whether a process is there and not merely waiting to be reaped.
fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what} is not so after ten seconds");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_daemon_of_the_group_dies_with_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let source = "import os, time\nnote = input()\nif os.fork() == 0:\n    with open(note + '.new', 'w') as f: \
                  f.write(str(os.getpid()))\n    os.rename(note + '.new', note)\n    time.sleep(100)\n\
                  while not os.path.exists(note): time.sleep(0.01)\nprint(1)\n";
    let start = Instant::now();
    let verdict = verifier(|_| {}).judge(&problem(&[(note.to_str().unwrap(), "1")]), source).verdict;
    assert_eq!(verdict, Verdict::Passed);
    assert!(
        start.elapsed() < Duration::from_secs(18),
        "the daemon held the pipes open for the whole time limit"
    );
    let pid: u32 = fs::read_to_string(&note).unwrap().parse().unwrap();
    wait_until("the daemon's death", || !alive(pid));
}

#[test]
fn late_output_of_an_orphan_does_not_count() {
    let source = "import os, time\nif os.fork() == 0:\n    time.sleep(0.3)\n    os.write(1, b'2')\n    os._exit(0)\n\
                  print(1)\n";
    assert_eq!(judge(source, "", "1"), Verdict::Passed);
}

fn run_directories() -> BTreeSet<PathBuf> {
    let ours = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("tracelift-run-")
    };
    fs::read_dir(std::env::temp_dir()).unwrap().flatten().map(|e| e.path()).filter(|p| ours(p)).collect()
}

#[test]
fn awkward_directories_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("place");
    for mess in [
        "os.makedirs('a/b/c'); os.chmod('a/b', 0); os.chmod('a', 0)",
        "[(os.mkdir('d'), os.chdir('d')) for _ in range(3000)]",
        "os.symlink('/', 'root'); os.mkfifo('pipe'); open('x\\n y', 'w').close()",
        "os.mkdir('moved-1'); os.makedirs('z/moved-1/moved-2'); os.chmod('../work', 0o500)",
    ] {
        let verifier = verifier(|_| {});
        let source = format!("import os\nopen(input(), 'w').write(os.getcwd())\n{mess}\nprint(1)");
        let judgement = verifier.judge(&problem(&[(note.to_str().unwrap(), "1")]), &source);
        assert_eq!(judgement.verdict, Verdict::Passed, "{mess}");
        let place = PathBuf::from(fs::read_to_string(&note).unwrap());
        assert!(!place.parent().unwrap().exists(), "{mess}");
        assert_eq!(verifier.leftovers(), Vec::<PathBuf>::new());
    }
}

#[test]
fn fifty_at_once_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let config = VerifierConfig {
        jobs: NonZeroUsize::new(8),
        programs: ProgramConfig { time_limit_s: 3.0, ..ProgramConfig::default() },
        ..VerifierConfig::default()
    };
    let verifier = Verifier::new(config).unwrap();
    let problems: Vec<Problem> = (0..50)
        .map(|i| {
            problem(&[(&format!("{}\n{i}", folder.path().join(i.to_string()).display()), &i.to_string())])
        })
        .collect();
    let report = "import os\nwith open(input(), 'w') as f: print(os.getpid(), os.getcwd(), file=f)\n";
    let sources: Vec<String> = (0..50)
        .map(|i| match i % 5 {
            0 => format!("{report}while True: pass"),
            1 => format!("{report}raise SystemExit(1)"),
            _ => format!("{report}print(int(input()))"),
        })
        .collect();
    let items: Vec<(&Problem, &str)> = problems.iter().zip(sources.iter().map(String::as_str)).collect();
    let judgements = verifier.judge_all(&items);
    for (i, judgement) in judgements.iter().enumerate() {
        let expected = match i % 5 {
            0 => failed(FailureKind::TimeLimit),
            1 => failed(FailureKind::RuntimeError),
            _ => Verdict::Passed,
        };
        assert_eq!(judgement.verdict, expected, "program {i}");
        let note = fs::read_to_string(folder.path().join(i.to_string())).unwrap();
        let (pid, place) = note.trim().split_once(' ').unwrap();
        assert!(!alive(pid.parse().unwrap()), "program {i} is alive");
        assert!(!run_directories().contains(Path::new(place).parent().unwrap()), "{place} is left");
    }
    assert_eq!(verifier.leftovers(), Vec::<PathBuf>::new());
}

#[test]
fn answers_and_programs_mix() {
    let code = problem(&[("", "1")]);
    let math = Problem { domain: TaskDomain::Math, gold: Gold::Answer("#### 7".into()), ..code.clone() };
    let items = [(&math, "7"), (&code, "print(1)"), (&math, "8"), (&code, "print(2)")];
    let verdicts: Vec<Verdict> = verifier(|_| {}).judge_all(&items).into_iter().map(|j| j.verdict).collect();
    let wrong = failed(FailureKind::WrongAnswer);
    assert_eq!(verdicts, [Verdict::Passed, Verdict::Passed, wrong.clone(), wrong]);
}
