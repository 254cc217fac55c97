//! Ten thousand runs at full concurrency, one hostile program in ten, and whether anything is left behind:
//! `cargo bench -p tracelift-sandbox --bench soak [-- --runs N --workers N --level L]`.
//!
//! Prints the runner's memory over time; ends with an error if processes, descriptors, mounts or files are left, if a
//! harmless program got a wrong verdict, or if memory grew.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tracelift_sandbox::{Ending, Level, Limits, Sandbox, SandboxConfig};

const TINY: &str = "print(sum(map(int, input().split())))\n";
/// Set where the soak has its temporary directory.
const OWN: &str = "TRACELIFT_SOAK";
/// How much larger the runner may be at the end than after the first tenth of the runs.
const GROWTH: u64 = 8 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Machine {
    processes: usize,
    descriptors: usize,
    mounts: usize,
    files: usize,
    shared_memory: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    // A temporary directory of its own, so that what is left in it is this sandbox's and nobody else's.
    if std::env::var_os(OWN).is_none() {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let status = std::process::Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env("TMPDIR", folder.path())
            .env(OWN, "1")
            .status()?;
        return if status.success() { Ok(()) } else { Err(format!("the soak ended with {status}").into()) };
    }
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    let runs: usize = value("--runs").map_or(Ok(10_000), |runs| runs.parse())?;
    let workers: NonZeroUsize = match value("--workers") {
        Some(workers) => workers.parse()?,
        None => std::thread::available_parallelism()?.saturating_mul(NonZeroUsize::MIN.saturating_add(1)),
    };
    let level = value("--level").map_or(Ok(Level::L3), |level| level.parse())?;
    let hostile = hostile()?;
    let before = machine();
    let started = Instant::now();
    let sandbox = Sandbox::start(SandboxConfig {
        workers,
        level: Some(level),
        require: level,
        ..SandboxConfig::default()
    })?;
    println!("{}; {workers} workers, {runs} runs, {} hostile programs", sandbox.observed(), hostile.len());
    let running = machine();
    let limits = Limits {
        cpu: Duration::from_millis(300),
        wall: Duration::from_millis(1500),
        memory_bytes: 256 << 20,
        output_bytes: 1 << 20,
        ..Limits::default()
    };
    let roomy = Limits::default();
    let (next, endings) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<String, usize>::new()));
    let wrong = Mutex::new(Vec::new());
    let sizes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers.get() {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return;
                    }
                    let attack = (number % 10 == 9).then(|| &hostile[number / 10 % hostile.len()]);
                    let run = match attack {
                        Some((_, source)) => sandbox.run(source, b"1 2 3\n", &limits),
                        None => sandbox.run(TINY, format!("{number} 1\n").as_bytes(), &roomy),
                    };
                    let kind = match (&run, attack) {
                        (Err(fault), attack) => {
                            let name = attack.map_or("a harmless program", |(name, _)| name);
                            note(&wrong, format!("{name}: {fault}"));
                            "fault".to_owned()
                        }
                        (Ok(run), None) => {
                            let right = run.ending == Ending::Exited(0)
                                && run.stdout == format!("{}\n", number + 1).as_bytes();
                            if !right {
                                let said = String::from_utf8_lossy(&run.stderr).into_owned();
                                note(&wrong, format!("run {number}: {:?} {said}", run.ending));
                            }
                            "harmless".to_owned()
                        }
                        (Ok(run), Some(_)) => match run.ending {
                            Ending::Exited(_) => "hostile: exited".to_owned(),
                            Ending::Signalled(_) => "hostile: signalled".to_owned(),
                            other => format!("hostile: {other:?}"),
                        },
                    };
                    if let Ok(mut endings) = endings.lock() {
                        *endings.entry(kind).or_default() += 1;
                    }
                    if number % (runs / 10).max(1) == (runs / 10).max(1) - 1 {
                        let rss = resident();
                        println!(
                            "{:6} runs {:7.1} s  runner {:.1} MiB, {} descriptors",
                            number + 1,
                            started.elapsed().as_secs_f64(),
                            rss as f64 / f64::from(1 << 20),
                            machine().descriptors
                        );
                        if let Ok(mut sizes) = sizes.lock() {
                            sizes.push(rss);
                        }
                    }
                }
            });
        }
    });
    let took = started.elapsed().as_secs_f64();
    for (kind, count) in endings.lock().map_err(|_| "a thread panicked")?.iter() {
        println!("{count:6} {kind}");
    }
    println!("{:.1} s, {:.0} runs/s", took, runs as f64 / took);
    std::thread::sleep(Duration::from_millis(100));
    let after = machine();
    println!("before {before:?}\nrunning {running:?}\nafter  {after:?}");
    let mut wrong = wrong.into_inner().map_err(|_| "a thread panicked")?;
    if after != running {
        wrong.push("the machine is not as it was when the workers had started".to_owned());
    }
    drop(sandbox);
    let ended = machine();
    if ended != before {
        wrong.push(format!("the machine is not as it was before: {ended:?}"));
    }
    let sizes = sizes.into_inner().map_err(|_| "a thread panicked")?;
    if let (Some(first), Some(last)) = (sizes.first(), sizes.last())
        && *last > first + GROWTH
    {
        wrong.push(format!("the runner grew from {first} to {last} bytes"));
    }
    for complaint in wrong.iter().take(20) {
        println!("WRONG {complaint}");
    }
    if wrong.is_empty() {
        println!("nothing was left behind");
        return Ok(());
    }
    Err(format!("{} complaints", wrong.len()).into())
}

fn note(list: &Mutex<Vec<String>>, complaint: String) {
    if let Ok(mut list) = list.lock() {
        list.push(complaint);
    }
}

/// The programs of the project's own corpus that read standard input.
fn hostile() -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut found = Vec::new();
    for line in fs::read_to_string(folder.join("manifest.jsonl"))?.lines() {
        let case: serde_json::Value = serde_json::from_str(line)?;
        let name = case["file"].as_str().ok_or("a case without a file")?;
        if case["mode"] == "stdio" && !name.starts_with("ok_") {
            let source = fs::read_to_string(folder.join(name))?;
            // Aimed at nothing: what they reach is looked at by the tests.
            found.push((
                name.to_owned(),
                source.replace("CANARY", "'/tmp/tl_soak'").replace(", PORT)", ", 9)"),
            ));
        }
    }
    Ok(found)
}

fn entries(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn machine() -> Machine {
    let temporary = std::env::temp_dir();
    let mut files = 0;
    for name in &entries(&temporary.to_string_lossy()) {
        files += 1 + entries(&temporary.join(name).to_string_lossy()).len();
    }
    Machine {
        processes: family(),
        descriptors: entries("/proc/self/fd").len(),
        mounts: fs::read_to_string("/proc/self/mountinfo").map_or(0, |mounts| mounts.lines().count()),
        files,
        shared_memory: entries("/dev/shm").iter().filter(|name| name.starts_with("tl_")).count(),
    }
}

/// Processes below this one.
fn family() -> usize {
    let mut parents = Vec::new();
    for process in entries("/proc").iter().filter_map(|name| name.parse::<u32>().ok()) {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let parent =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (process, parent)));
    }
    let mut found = vec![std::process::id()];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        at += 1;
    }
    found.len() - 1
}

fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
