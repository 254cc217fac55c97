//! What a sandbox says about itself, at every level that the machine gives; and how it starts, or refuses to.

mod started;

use started::started;
use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tracelift_sandbox::{
    Access, Ending, Fault, FunctionTest, Level, Limits, MemoryBound, ProcessBound, Sandbox, SandboxConfig,
    SandboxError, Watch,
};
use tracelift_testing::{skipped, until};

const SUM: &str = "print(sum(map(int, input().split())))\n";

fn config(level: Level) -> SandboxConfig {
    SandboxConfig {
        workers: NonZeroUsize::MIN,
        level: Some(level),
        require: level,
        accept_no_sandbox: true,
        ..SandboxConfig::default()
    }
}

/// The interpreters of this machine that are not the same.
fn interpreters() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("python3")];
    found.extend([PathBuf::from("/usr/bin/python3")].into_iter().filter(|path| path.exists()));
    found
}

#[test]
fn every_interpreter_runs_at_every_level() {
    for python in interpreters() {
        for level in Level::STRONGEST_FIRST {
            let Some(sandbox) = started(SandboxConfig { python: python.clone(), ..config(level) }) else {
                continue;
            };
            println!("{}: {}", python.display(), sandbox.observed());
            let run = sandbox.run(SUM, b"1 2 3\n", &Limits::default()).unwrap();
            assert_eq!(
                (run.ending, run.stdout.as_slice()),
                (Ending::Exited(0), b"6\n".as_slice()),
                "{run:?}"
            );
            let asserts = ["assert add(1, 2) == 3".to_owned()];
            let test = FunctionTest {
                candidate: "def add(a, b): return a + b",
                given: "",
                setup: "",
                entry: None,
                asserts: &asserts,
                check: None,
            };
            assert!(sandbox.test_function(&test, &Limits::default()).unwrap().accepted());
        }
    }
}

/// Whether a process of this user may have its turn at once.
fn turn_at_once() -> bool {
    let ask = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))";
    let status = Command::new("python3").args(["-c", ask]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn what_is_observed_is_what_the_level_promises() {
    for level in [Level::L3, Level::L2] {
        let Some(sandbox) = started(config(level)) else { continue };
        let observed = sandbox.observed();
        assert_eq!(observed.level, level);
        for access in [observed.files, observed.net, observed.kill, observed.survivors, observed.descriptors]
        {
            assert_eq!(access, Access::Blocked, "{observed}");
        }
        assert!(matches!(observed.procs, ProcessBound::Limited(_)), "{observed}");
        assert_eq!(observed.memory, MemoryBound::Watched, "{observed}");
        assert_eq!(observed.watch == Watch::AtOnce, turn_at_once(), "{observed}");
        let line = observed.to_string();
        assert!(
            line.starts_with(&format!(
                "sandbox: {level} files=blocked net=blocked kill=blocked procs=limited("
            ))
        );
        let json = serde_json::to_value(observed).unwrap();
        assert_eq!(json["level"], level.to_string());
        assert_eq!(json["files"], "blocked");
    }
}

#[test]
fn a_level_below_the_required_one_is_refused() {
    let weak = SandboxConfig { level: Some(Level::L1), require: Level::L2, ..config(Level::L1) };
    assert!(matches!(Sandbox::start(weak), Err(SandboxError::TooWeak { required: Level::L2, .. })));
}

#[test]
fn no_sandbox_has_to_be_accepted() {
    let silent = SandboxConfig { accept_no_sandbox: false, ..config(Level::L0) };
    assert!(matches!(Sandbox::start(silent), Err(SandboxError::NotAccepted { .. })));
}

#[test]
fn an_interpreter_that_is_none_is_an_error_that_names_it() {
    for python in ["/nowhere/python3", "/bin/cat"] {
        let error = Sandbox::start(SandboxConfig { python: python.into(), ..config(Level::L2) }).unwrap_err();
        assert!(matches!(error, SandboxError::Interpreter { .. }), "{error:?}");
        assert!(error.to_string().contains(python), "{error}");
    }
}

#[test]
fn a_virtual_environment_brings_its_packages() {
    let folder = tempfile::tempdir().unwrap();
    let made =
        Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(folder.path().join("v")).status();
    if !made.is_ok_and(|status| status.success()) {
        skipped("no virtual environment can be made here");
        return;
    }
    std::os::unix::fs::chown(folder.path(), None, None).unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let library = std::fs::read_dir(folder.path().join("v/lib")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(library.join("site-packages/tl_package.py"), "VALUE = 41\n").unwrap();
    for level in [Level::L3, Level::L2] {
        let python = folder.path().join("v/bin/python");
        let Some(sandbox) = started(SandboxConfig { python, ..config(level) }) else { continue };
        let run =
            sandbox.run("import tl_package\nprint(tl_package.VALUE + 1)", b"", &Limits::default()).unwrap();
        assert_eq!(run.stdout, b"42\n", "{level} {}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn further_files_can_be_read_when_they_are_named_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let file = folder.path().join("words.txt");
    std::fs::write(&file, "words").unwrap();
    let read = format!("print(open({:?}).read())", file.display().to_string());
    let write = format!("open({:?}, 'a').write('more')", file.display().to_string());
    for level in [Level::L3, Level::L2] {
        let named = SandboxConfig { read_only: vec![folder.path().to_owned()], ..config(level) };
        let (Some(with), Some(without)) = (started(named), started(config(level))) else { continue };
        assert_eq!(with.run(&read, b"", &Limits::default()).unwrap().stdout, b"words\n");
        assert_eq!(with.run(&write, b"", &Limits::default()).unwrap().ending, Ending::Exited(1));
        assert_eq!(without.run(&read, b"", &Limits::default()).unwrap().ending, Ending::Exited(1));
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "words");
}

#[test]
fn many_threads_share_few_workers() {
    let workers = NonZeroUsize::new(2).unwrap();
    let Some(sandbox) = started(SandboxConfig { workers, runs_per_worker: 7, ..config(Level::L3) })
        .or_else(|| started(SandboxConfig { workers, runs_per_worker: 7, ..config(Level::L2) }))
    else {
        return;
    };
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for number in 0..10 {
                    let run = sandbox
                        .run(SUM, format!("{thread} {number}\n").as_bytes(), &Limits::default())
                        .unwrap();
                    assert_eq!(run.stdout, format!("{}\n", thread + number).as_bytes());
                }
            });
        }
    });
    assert_eq!(sandbox.idle_workers().len(), 2);
}

#[test]
fn a_worker_that_dies_is_replaced_and_the_run_done_again() {
    let Some(sandbox) = started(config(Level::L3)).or_else(|| started(config(Level::L2))) else { return };
    for _ in 0..2 {
        let worker = sandbox.idle_workers()[0];
        assert!(Command::new("kill").args(["-9", &worker.to_string()]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(50));
        let run = sandbox.run(SUM, b"1 2 3\n", &Limits::default()).unwrap();
        assert_eq!((run.ending, run.stdout.as_slice()), (Ending::Exited(0), b"6\n".as_slice()));
        assert_ne!(sandbox.idle_workers()[0], worker);
    }
}

#[test]
fn dropping_the_sandbox_ends_its_workers_and_removes_its_folder() {
    let Some(sandbox) = started(config(Level::L3)).or_else(|| started(config(Level::L2))) else { return };
    let workers = sandbox.idle_workers();
    drop(sandbox);
    for worker in workers {
        assert!(!Path::new(&format!("/proc/{worker}")).exists());
    }
}

#[test]
fn limits_are_told_apart() {
    let Some(sandbox) = started(config(Level::L3)).or_else(|| started(config(Level::L2))) else { return };
    let limits = Limits {
        cpu: Duration::from_millis(400),
        wall: Duration::from_secs(3),
        memory_bytes: 128 << 20,
        output_bytes: 1000,
        ..Limits::default()
    };
    for (source, ending) in [
        ("while True: pass", Ending::CpuLimit),
        ("import time; time.sleep(60)", Ending::WallLimit),
        (
            "import os, time\nb = bytearray(200 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\ntime.sleep(9)",
            Ending::MemoryLimit,
        ),
        ("print('x' * 1001)", Ending::OutputLimit),
        ("print('x' * 999)", Ending::Exited(0)),
        ("raise SystemExit(7)", Ending::Exited(7)),
        ("import os; os.kill(os.getpid(), 9)", Ending::Signalled(9)),
    ] {
        let run = sandbox.run(source, b"", &limits).unwrap();
        assert_eq!(run.ending, ending, "{source}: {}", String::from_utf8_lossy(&run.stderr));
        assert!(run.stdout.len() <= 1000);
    }
}

#[test]
fn an_error_shows_the_lines_of_the_program() {
    let Some(sandbox) = started(config(Level::L3)).or_else(|| started(config(Level::L2))) else { return };
    let run = sandbox.run("def f():\n    return 1 // 0\nf()\n", b"", &Limits::default()).unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.ending, Ending::Exited(1));
    assert!(said.contains("line 3, in <module>") && said.contains("return 1 // 0"), "{said}");
    assert!(!said.contains("<sandbox>"), "frames of the zygote are shown: {said}");
}

#[test]
fn more_than_can_be_run_is_said_to_be_and_nothing_is_run() {
    let Some(sandbox) = started(config(Level::L2)) else { return };
    let long = "#".repeat((16 << 20) + 1);
    assert!(matches!(sandbox.run(&long, b"", &Limits::default()), Err(Fault::Request(_))));
}

#[test]
fn a_program_does_the_same_in_every_run_at_every_worker() {
    let config = |level| SandboxConfig { runs_per_worker: 1, ..config(level) };
    let Some(sandbox) = started(config(Level::L3)).or_else(|| started(config(Level::L2))) else { return };
    let source = "import random\nprint(random.random(), hash('x'), list({'a', 'b', 'c', 'd'}))";
    let first = sandbox.run(source, b"", &Limits::default()).unwrap();
    let worker = sandbox.idle_workers();
    let second = sandbox.run(source, b"", &Limits::default()).unwrap();
    assert_ne!(sandbox.idle_workers(), worker, "a worker that has done its runs is replaced");
    assert_eq!(first.stdout, second.stdout);
}

const HOLD: &str = "TRACELIFT_HOLD_A_SANDBOX";

/// Not a test of its own: what the next one kills.
#[test]
fn holds_a_sandbox_where_it_is_asked_to() {
    if std::env::var_os(HOLD).is_none() {
        return;
    }
    let sandbox = started(config(Level::L3)).or_else(|| started(config(Level::L2)));
    println!("\n{}", if sandbox.is_some() { "up" } else { "none" });
    // Until it is killed; nobody waits for this.
    let _ = sandbox.map(|sandbox| {
        sandbox.run(
            "import time; open('x', 'w'); time.sleep(600)",
            b"",
            &Limits::with_cpu(Duration::from_secs(600)),
        )
    });
}

#[test]
fn a_runner_that_is_killed_leaves_no_folder() {
    use std::io::{BufRead as _, BufReader};
    for signal in ["-TERM", "-INT", "-KILL"] {
        let folder = tempfile::tempdir().unwrap();
        let mut runner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "holds_a_sandbox_where_it_is_asked_to", "--nocapture"])
            .env(HOLD, "1")
            .env("TMPDIR", folder.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(runner.stdout.take().unwrap());
        let said = said.lines().map_while(Result::ok).find(|line| line == "up" || line == "none").unwrap();
        if said == "none" {
            skipped("no sandbox here");
            runner.wait().unwrap();
            return;
        }
        let left = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left(), 1);
        assert!(Command::new("kill").args([signal, &runner.id().to_string()]).status().unwrap().success());
        assert!(!runner.wait().unwrap().success());
        until(format_args!("{signal}: the folder goes"), || left() == 0);
    }
}

#[test]
fn why_no_worker_starts_is_said_with_the_next_step() {
    let nowhere = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_sandbox_where_it_is_asked_to", "--nocapture"])
        .env(HOLD, "1")
        .env("TMPDIR", "/nowhere/at/all")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&nowhere.stderr) + String::from_utf8_lossy(&nowhere.stdout);
    assert!(said.contains("/nowhere/at/all") && said.contains("set TMPDIR"), "{said}");
}
