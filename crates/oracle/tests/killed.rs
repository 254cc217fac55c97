//! `kill -9` while calls are under way: nothing that was answered is lost or paid again.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod server;

use server::Server;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const COUNT: usize = 60;

/// The example that does the work; cargo builds it with the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().parent().unwrap().join("examples/grade_traces");
    assert!(folder.exists(), "{} is missing; `cargo test` builds it", folder.display());
    folder
}

/// How often each body was answered.
fn answers(log: &Path) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for line in std::fs::read_to_string(log).unwrap_or_default().lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

/// How many replies the ledger holds.
fn kept(ledger: &Path) -> usize {
    let text = std::fs::read_to_string(ledger).unwrap_or_default();
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n') && line.contains(r#""entry":"answered""#))
        .count()
}

#[test]
fn killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ledger) = (folder.path().join("log"), folder.path().join("ledger.jsonl"));
    let server = Server::start(&["--latency-ms", "15", "--log", log.to_str().unwrap()]);
    let start = |output: Stdio| {
        Command::new(program())
            .args([&server.url(), ledger.to_str().unwrap(), &COUNT.to_string()])
            .stdout(output)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut kills = 0;
    let mut repeated = 0;
    for goal in [5, 17, 30, 44] {
        let mut child = start(Stdio::null());
        while kept(&ledger) < goal {
            assert!(Instant::now() < deadline, "the work does not get on");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        // Let the server end what was under way.
        while server.count("concurrent") > 0 {
            assert!(Instant::now() < deadline, "the server does not come to an end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let total: usize = answers(&log).values().sum();
        repeated = total - kept(&ledger);
        assert!(repeated <= kills * 4, "at most the calls under way were lost: {repeated}");
    }
    let output = start(Stdio::piped()).wait_with_output().unwrap();
    assert!(output.status.success());
    let lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let expected: Vec<String> =
        (0..COUNT).map(|number| format!("{number} {}", if number % 2 == 0 { 10 } else { 0 })).collect();
    assert_eq!(lines, expected, "nothing is lost");
    let answers = answers(&log);
    assert_eq!((answers.len(), kept(&ledger)), (COUNT, COUNT), "every body is kept once");
    let total: usize = answers.values().sum();
    assert_eq!(total - COUNT, repeated, "only what was under way at a kill was asked again");
}
