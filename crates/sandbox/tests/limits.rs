//! Programs that take more than they may, in every way that leaves the usual accounts; and programs that look like them
//! and are honest.
//!
//! What a program got is counted by itself (`limits/meter.py`): a letter on standard output for every MiB that it holds
//! and for every 20 ms of processor time that it has used. So no clock is raced, and no account of the sandbox's own is
//! believed.

mod started;

use serde::Deserialize;
use started::started;
use std::{
    fs,
    num::NonZeroUsize,
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tracelift_sandbox::{Ending, Level, Limits, Run, Sandbox, SandboxConfig};
use tracelift_testing::skipped;

/// The interpreter, where the usual one cannot be reached by another user.
const PYTHON: &str = "TRACELIFT_LIMITS_PYTHON";
/// One program only.
const ONLY: &str = "TRACELIFT_LIMITS";
const MEMORY: u64 = 64;
/// What may be held beyond the limit, MiB, until the next look on a machine that is as busy as can be: what is not counted
/// is held until the program ends by itself, and that is what the test is about.
const OVERSHOOT: usize = 256;
const CPU: Duration = Duration::from_millis(500);
/// 1.1 times the limit and 0.2 s, in letters of 20 ms.
const MOST_CPU: usize = 37;
/// What a program can tell of what was before it.
const NEXT: &str =
    "import os\nprint(os.nice(0), os.sched_getscheduler(0), len(os.sched_getaffinity(0)), os.listdir('.'))\n";
/// What a test may wait for a run's end beyond its limit, on a machine on which everything else is tested as well.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    file: String,
    kind: Kind,
    why: String,
    #[serde(default)]
    want: String,
    levels: Option<Vec<Level>>,
    machine: Option<String>,
    endings: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Memory,
    Cpu,
    Wall,
    Others,
    Ok,
}

fn limits(kind: Kind) -> Limits {
    let usual = Limits {
        cpu: Duration::from_secs(10),
        wall: Duration::from_secs(8),
        memory_bytes: 512 << 20,
        ..Limits::default()
    };
    match kind {
        Kind::Memory | Kind::Ok => Limits { memory_bytes: MEMORY << 20, ..usual },
        Kind::Cpu => Limits { cpu: CPU, ..usual },
        Kind::Wall => Limits { cpu: Duration::from_secs(3), wall: Duration::from_secs(1), ..usual },
        Kind::Others => usual,
    }
}

fn sandbox(level: Level) -> Option<Sandbox> {
    started(SandboxConfig {
        python: std::env::var_os(PYTHON).map_or("python3".into(), PathBuf::from),
        workers: NonZeroUsize::MIN,
        level: Some(level),
        require: level,
        ..SandboxConfig::default()
    })
}

/// What is wrong with a run, and what the program got, for people.
fn judge(case: &Case, level: Level, run: &Run, took: Duration) -> (Vec<String>, String) {
    let count = |letter: u8| run.stdout.iter().filter(|&&byte| byte == letter).count();
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let got = match case.kind {
        Kind::Memory => {
            let (held, most) = (count(b'm'), MEMORY as usize + OVERSHOOT);
            must(held <= most, format!("held {held} MiB, {most} are the most"));
            must(
                held <= MEMORY as usize || run.ending != Ending::Exited(0),
                format!("ended by itself with {held} MiB"),
            );
            format!("{held} MiB")
        }
        Kind::Cpu => {
            let used = count(b'c');
            must(used <= MOST_CPU, format!("used {} ms, {} are the most", used * 20, MOST_CPU * 20));
            must(run.ending == Ending::CpuLimit || used < 25, format!("ended by {:?}", run.ending));
            format!("{} ms, {:?} accounted for", used * 20, run.cpu)
        }
        Kind::Wall => {
            let ending = serde_json::to_value(run.ending).unwrap_or_default();
            let allowed = case.endings.clone().unwrap_or_else(|| vec!["wall_limit".into()]);
            must(
                allowed.iter().any(|name| ending == name.as_str()),
                format!("ended by {ending}: {}", String::from_utf8_lossy(&run.stderr)),
            );
            must(took < limits(Kind::Wall).wall + PATIENCE, format!("took {took:?}"));
            format!("{took:?}")
        }
        Kind::Others => {
            let said = String::from_utf8_lossy(&run.stdout).into_owned();
            // Below Landlock the runner's files are as open as their modes say, those in /proc among them.
            must(said.is_empty() || level < Level::L2 && case.file.contains("proc"), said.clone());
            must(
                matches!(run.ending, Ending::Exited(0)),
                format!("{:?}: {}", run.ending, String::from_utf8_lossy(&run.stderr)),
            );
            said
        }
        Kind::Ok => {
            let said = String::from_utf8_lossy(&run.stdout).into_owned();
            must(
                run.ending == Ending::Exited(0) && said == case.want,
                format!(
                    "{:?} {said} {} MiB {}",
                    run.ending,
                    run.peak_memory >> 20,
                    String::from_utf8_lossy(&run.stderr)
                ),
            );
            said
        }
    };
    (wrong, got)
}

#[test]
fn limits_count_everything() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/limits");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let cases: Vec<Case> =
        read("manifest.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let meter = read("meter.py");
    let only = std::env::var(ONLY).unwrap_or_default();
    let mut wrong = Vec::new();
    for level in [Level::L3, Level::L2, Level::L1] {
        let Some(sandbox) = sandbox(level) else { continue };
        let first = sandbox.run(NEXT, b"", &limits(Kind::Ok)).unwrap().stdout;
        for case in cases.iter().filter(|case| case.file.contains(&only)) {
            let here = case.machine.as_deref().is_none_or(|machine| machine == std::env::consts::ARCH)
                && case.levels.as_ref().is_none_or(|levels| levels.contains(&level))
                // What L1 does not count is said in docs/sandbox.md.
                && (level > Level::L1 || case.kind != Kind::Memory);
            if !here {
                continue;
            }
            let source = format!("{meter}\nRUNNER = {}\n{}", std::process::id(), read(&case.file));
            let start = Instant::now();
            let run = sandbox.run(&source, b"1 2 3\n", &limits(case.kind)).unwrap();
            let (complaints, got) = judge(case, level, &run, start.elapsed());
            println!(
                "{level} {:<42} {:?} {} (wall {:?}, cpu {:?}, peak {} MiB)",
                case.file,
                run.ending,
                got.trim(),
                run.wall,
                run.cpu,
                run.peak_memory >> 20
            );
            wrong.extend(
                complaints
                    .into_iter()
                    .map(|complaint| format!("{level} {} ({}): {complaint}", case.file, case.why)),
            );
            // The next run finds the worker as it was.
            let next = sandbox.run(NEXT, b"", &limits(Kind::Ok)).unwrap();
            if (next.ending, &next.stdout) != (Ending::Exited(0), &first) {
                wrong.push(format!("{level} {}: the next run is not clean: {next:?}", case.file));
            }
        }
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whatever lets the zygote look in time, its programs have the runner's priority, and the class that everybody has: with
/// less, they would wait on a busy machine until their time on the clock is over.
#[test]
fn programs_have_the_runners_priority() {
    for priority in [-7, 0, 3] {
        // Of a thread, and of the processes that it starts.
        let found = std::thread::spawn(move || {
            rustix::process::setpriority_process(None, priority).ok()?;
            let sandbox = sandbox(Level::L2)?;
            let ask = "import os\nif os.fork(): os.wait()\nprint(os.nice(0), os.sched_getscheduler(0), flush=True)\n";
            Some(sandbox.run(ask, b"", &limits(Kind::Ok)).unwrap().stdout)
        });
        let Some(said) = found.join().unwrap() else {
            skipped(format_args!("no priority of {priority} to be had"));
            continue;
        };
        assert_eq!(String::from_utf8_lossy(&said), format!("{priority} 0\n").repeat(2));
    }
}

/// Where no file system of a run's own bounds its files, they are looked for; also in folders that nobody may read.
#[test]
fn files_in_closed_folders_count() {
    let Some(sandbox) = sandbox(Level::L2) else { return };
    let program = "\
import os, time
for k in range(40):
    os.mkdir(f'd{k}', 0o700)
    open(f'd{k}/f', 'wb').write(bytes(1 << 20))
    os.chmod(f'd{k}', 0o300)
    os.mkdir(f'e{k}', 0o300)
    open(f'e{k}/f', 'wb').write(bytes(1 << 20))
time.sleep(2)
";
    let limits = Limits { file_bytes: 16 << 20, ..limits(Kind::Others) };
    let run = sandbox.run(program, b"", &limits).unwrap();
    assert_eq!(run.ending, Ending::Signalled(libc::SIGXFSZ), "{run:?}");
    // What is closed and within the limit is nobody's business.
    let honest = "import os\nos.mkdir('d', 0o300)\nopen('d/f', 'w').write('x')\nimport time\ntime.sleep(0.5)\nprint('done')\n";
    let run = sandbox.run(honest, b"", &limits).unwrap();
    assert_eq!((run.ending, run.stdout.as_slice()), (Ending::Exited(0), b"done\n".as_slice()), "{run:?}");
}

/// A runner that is root gives each worker a user of its own. This is what holds where it cannot.
#[test]
fn limits_count_everything_for_a_runner_without_privileges() {
    let python = Path::new("/usr/bin/python3");
    if !rustix::process::geteuid().is_root() || !python.exists() {
        skipped("not root, or no interpreter that everybody can reach");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "limits_count_everything", "--nocapture"])
        .env("TMPDIR", folder.path())
        .env(PYTHON, python)
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .status();
    match status {
        Ok(status) => assert!(status.success(), "{status} ({:?})", status.signal()),
        Err(error) => skipped(format_args!("the test cannot be reached by another user: {error}")),
    }
}
