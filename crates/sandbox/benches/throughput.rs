//! Programs a second on one core, against an interpreter started anew for each (`reference.py`), in turns and with the
//! same interpreter: `cargo bench -p tracelift-sandbox --bench throughput [-- --rounds N --python PATH]`.
//!
//! What counts is the ratio: both sides see the same machine. Everything runs on one core, the runner included.

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};
use tracelift_sandbox::{Ending, Level, Limits, Sandbox, SandboxConfig};

const TINY: &str = "print(sum(map(int, input().split())))\n";
const HEADER: &str = "import sys, os, math, re, heapq, bisect, collections, itertools, functools, string, random, operator, copy, json, fractions, decimal, datetime, statistics, typing\n";
/// Runs of one side before the other has its turn.
const TIMES: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    let rounds: usize = value("--rounds").map_or(Ok(15), |rounds| rounds.parse())?;
    let python = value("--python").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let core = pin()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    let mut reference = Command::new(&python)
        .arg(folder.join("reference.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut asked = reference.stdin.take().ok_or("no way to ask the reference")?;
    let mut answers = BufReader::new(reference.stdout.take().ok_or("no way to hear the reference")?);
    let mut table = Vec::new();
    for level in [Level::L3, Level::L2] {
        let sandbox = Sandbox::start(SandboxConfig {
            python: python.clone(),
            workers: NonZeroUsize::MIN,
            level: Some(level),
            require: level,
            ..SandboxConfig::default()
        });
        let sandbox = match sandbox {
            Ok(sandbox) => sandbox,
            Err(error) => {
                println!("{level}: not here: {error}");
                continue;
            }
        };
        println!("{} (core {core})", sandbox.observed());
        for (name, source) in [("tiny", TINY.to_owned()), ("usual imports", format!("{HEADER}{TINY}"))] {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for round in 0..=rounds {
                let started = Instant::now();
                for _ in 0..TIMES {
                    let run = sandbox.run(&source, b"1 2 3\n", &Limits::default())?;
                    assert_eq!((run.ending, run.stdout.as_slice()), (Ending::Exited(0), b"6\n".as_slice()));
                }
                let own = started.elapsed().as_secs_f64() / f64::from(TIMES);
                let job = serde_json::json!({ "source": source, "stdin": "1 2 3\n", "want": "6\n", "times": TIMES });
                writeln!(asked, "{job}")?;
                let mut answer = String::new();
                answers.read_line(&mut answer)?;
                // The first round warms both.
                if round > 0 {
                    ours.push(own);
                    theirs.push(answer.trim().parse::<f64>()?);
                }
            }
            let (own, other) = (quartiles(&mut ours), quartiles(&mut theirs));
            table.push((level, name, own, other));
        }
    }
    drop(asked);
    reference.wait()?;
    println!("\n{rounds} rounds of {TIMES} runs; milliseconds a run: median (quartiles)");
    println!("| level | program | sandbox | runs/s | an interpreter each | runs/s | ratio of medians |");
    println!("|---|---|---|---|---|---|---|");
    for (level, name, own, other) in table {
        let cell = |q: [f64; 3]| format!("{:.2} ({:.2}-{:.2})", q[1] * 1e3, q[0] * 1e3, q[2] * 1e3);
        let ratio = other[1] / own[1];
        println!(
            "| {level} | {name} | {} | {:.0} | {} | {:.0} | {ratio:.1} |",
            cell(own),
            1.0 / own[1],
            cell(other),
            1.0 / other[1]
        );
    }
    Ok(())
}

/// Puts this process, and all that it starts, on one core.
fn pin() -> Result<usize, Box<dyn Error>> {
    let allowed = rustix::thread::sched_getaffinity(None)?;
    let core =
        (0..rustix::thread::CpuSet::MAX_CPU).rev().find(|&core| allowed.is_set(core)).ok_or("no core")?;
    let mut one = rustix::thread::CpuSet::new();
    one.set(core);
    rustix::thread::sched_setaffinity(None, &one)?;
    Ok(core)
}

fn quartiles(times: &mut [f64]) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| times[(times.len() - 1) * quarter / 4])
}
