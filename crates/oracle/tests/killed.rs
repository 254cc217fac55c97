//! `kill -9` while calls are under way: nothing that was answered is lost or paid again.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    collections::HashMap,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tracelift_domain::TaskDomain;
use tracelift_oracle::{
    OracleConfig,
    rubric::{JudgeConfig, RubricJudge},
};
use tracelift_testing::{Server, until};

const COUNT: usize = 60;
/// Tells the process that grades where: URL, ledger and output, a line each.
const SETTINGS: &str = "TRACELIFT_TEST_GRADE";

/// Grades numbered traces where another test has started this one for that; it can be killed without harm to it.
#[test]
fn the_process_that_grades() {
    let Ok(settings) = std::env::var(SETTINGS) else { return };
    let [url, ledger, out] = settings.split('\n').collect::<Vec<_>>()[..] else { panic!("{settings}") };
    let oracle = OracleConfig {
        ledger: Some(PathBuf::from(ledger)),
        concurrency: NonZeroUsize::new(4).unwrap(),
        retries: 2,
        backoff_s: 0.01,
        ..OracleConfig::at(url, "silly")
    };
    let judge = RubricJudge::new(JudgeConfig { samples: NonZeroU32::MIN, oracle }).unwrap();
    let numbers: Vec<usize> = (0..COUNT).collect();
    let totals = judge.oracle().each(&numbers, |_, number| {
        let trace = format!("First {number} + 1 = {}.", number + 1 + number % 2);
        judge.judge(TaskDomain::Math, &format!("What follows {number}?"), &trace).unwrap().value.overall
    });
    let lines: Vec<String> =
        numbers.iter().zip(totals).map(|(number, total)| format!("{number} {total}")).collect();
    std::fs::write(out, lines.join("\n")).unwrap();
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
    let server = Server::prompted(&["--latency-ms", "15", "--log", log.to_str().unwrap()]);
    let out = folder.path().join("totals");
    let settings = [server.url(), ledger.display().to_string(), out.display().to_string()].join("\n");
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_grades", "--nocapture"])
            .env(SETTINGS, &settings)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut kills = 0;
    let mut repeated = 0;
    for goal in [5, 17, 30, 44] {
        let mut child = start();
        until("the work gets on", || kept(&ledger) >= goal);
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        // Let the server end what was under way.
        until("the server has ended it", || server.count("concurrent") == 0);
        let total: usize = answers(&log).values().sum();
        repeated = total - kept(&ledger);
        assert!(repeated <= kills * 4, "at most the calls under way were lost: {repeated}");
    }
    assert!(start().wait().unwrap().success());
    let text = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let expected: Vec<String> =
        (0..COUNT).map(|number| format!("{number} {}", if number % 2 == 0 { 10 } else { 0 })).collect();
    assert_eq!(lines, expected, "nothing is lost");
    let answers = answers(&log);
    assert_eq!((answers.len(), kept(&ledger)), (COUNT, COUNT), "every body is kept once");
    let total: usize = answers.values().sum();
    assert_eq!(total - COUNT, repeated, "only what was under way at a kill was asked again");
}
