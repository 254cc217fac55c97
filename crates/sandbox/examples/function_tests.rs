//! Runs published function-mode test sets in the sandbox:
//! `cargo run --release --example function_tests -- humaneval|mbpp FILE [canonical|none] [LEVEL]`
//! The file is JSON lines, not compressed.

use std::{num::NonZeroUsize, sync::Mutex, time::Instant};
use tracelift_sandbox::{FunctionTest, Level, Limits, Sandbox, SandboxConfig};

struct Task {
    id: String,
    candidate: String,
    given: String,
    setup: String,
    entry: Option<String>,
    asserts: Vec<String>,
    check: Option<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [format, file, rest @ ..] = arguments.as_slice() else {
        return Err("say which format, and the file".into());
    };
    let stub = rest.first().is_some_and(|which| which == "none");
    let level = rest.get(1).map(|level| level.parse::<Level>()).transpose()?;
    let tasks: Vec<Task> = std::fs::read_to_string(file)?
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line)?;
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            Ok(if format == "humaneval" {
                let body = if stub { "    return None\n".to_owned() } else { text("canonical_solution") };
                Task {
                    id: text("task_id"),
                    candidate: text("prompt") + &body,
                    given: String::new(),
                    setup: String::new(),
                    entry: Some(text("entry_point")),
                    asserts: Vec::new(),
                    check: Some(text("test")),
                }
            } else {
                let asserts = row["test_list"].as_array().into_iter().flatten();
                Task {
                    id: row["task_id"].to_string(),
                    candidate: text("code"),
                    given: String::new(),
                    setup: text("test_setup_code"),
                    entry: None,
                    asserts: asserts.filter_map(|test| test.as_str().map(str::to_owned)).collect(),
                    check: None,
                }
            })
        })
        .collect::<Result<_, serde_json::Error>>()?;
    let workers = NonZeroUsize::new(2).ok_or("two is not zero")?;
    let sandbox = Sandbox::start(SandboxConfig { workers, level, ..SandboxConfig::default() })?;
    eprintln!("{}", sandbox.observed());
    let started = Instant::now();
    let queue = Mutex::new(tasks.iter());
    let results = Mutex::new((0, 0, 0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(task) = queue.lock().ok().and_then(|mut tasks| tasks.next()) {
                    let test = FunctionTest {
                        candidate: &task.candidate,
                        given: &task.given,
                        setup: &task.setup,
                        entry: task.entry.as_deref(),
                        asserts: &task.asserts,
                        check: task.check.as_deref(),
                    };
                    let run = sandbox.test_function(&test, &Limits::default());
                    let Ok(mut results) = results.lock() else { return };
                    match run {
                        Ok(run) if run.accepted() => {
                            results.0 += 1;
                            results.2 += usize::from(run.weak);
                            if run.weak {
                                println!("{} weak", task.id);
                            }
                        }
                        Ok(run) => {
                            results.1 += 1;
                            if !stub {
                                println!(
                                    "{} {:?} {}/{} {}",
                                    task.id, run.ending, run.passed, run.total, run.message
                                );
                            }
                        }
                        Err(fault) => println!("{} fault {fault}", task.id),
                    }
                }
            });
        }
    });
    let (accepted, rejected, weak) = *results.lock().map_err(|_| "a thread panicked")?;
    println!(
        "{} tasks: {accepted} accepted ({weak} weak), {rejected} rejected, {:.1} s",
        tasks.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
