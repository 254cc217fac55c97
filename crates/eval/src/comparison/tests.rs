use super::*;
use crate::{SampleRecord, write_samples};
use insta::assert_snapshot;
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tracelift_domain::{Fingerprint, Gold, Problem, Question, TaskDomain};
use tracelift_train::metrics::StepMetrics;
use tracelift_train::rollouts::{RolloutRecord, write_rollouts};
use tracelift_train::run::RunDescription;

const PROBLEMS: usize = 12;

fn executor(weights: &str) -> Fingerprint {
    Fingerprint::of([("weights", weights.as_bytes())])
}

/// Samples of a row that is right where a problem is less difficult than this.
fn samples(row: &str, able: usize, seed: u64, of: &Fingerprint) -> Vec<SampleRecord> {
    (0..PROBLEMS)
        .map(|problem| {
            let difficulty = (problem * 5 + seed as usize * 3) % PROBLEMS;
            let question = Question::new("tests", TaskDomain::Steps, format!("What is {problem}?"));
            let asked =
                Problem { id: format!("p{problem}"), question, gold: Gold::Answer(problem.to_string()) };
            let right = difficulty < able;
            SampleRecord {
                completion: (row != "no trace").then(|| "<reasoning>a</reasoning>".to_owned()),
                correct: Some(right),
                verified: (row != "no trace").then_some(right && difficulty % 4 != 1),
                baseline_success: Some(0.25),
                with_success: (row != "no trace").then_some(if right { 0.75 } else { 0.0 }),
                trace_tokens: (row != "no trace").then_some(30 + difficulty as u32),
                ..SampleRecord::of(row, &asked, 0, of)
            }
        })
        .collect()
}

/// What a run is made of.
struct Made<'m> {
    rule: &'m str,
    row: &'m str,
    seed: u64,
    able: usize,
    executor: Fingerprint,
    verifier: &'m str,
}

impl Default for Made<'_> {
    fn default() -> Self {
        Made {
            rule: "exec_only",
            row: "exec-only",
            seed: 1,
            able: 6,
            executor: executor("1"),
            verifier: "exact",
        }
    }
}

fn run(folder: &Path, made: &Made<'_>) {
    let Made { rule, row, seed, able, executor, verifier } = made;
    fs::create_dir_all(folder.join("rollouts")).unwrap();
    let config = format!(
        "out = \"x\"\nseed = {seed}\n[reward]\nrule = \"{rule}\"\n[verifier]\nanswers = \"{verifier}\"\n"
    );
    fs::write(folder.join("config.toml"), config).unwrap();
    let description = RunDescription::now("grpo", Seed(*seed), Map::new());
    fs::write(folder.join("run.json"), serde_json::to_string(&description).unwrap()).unwrap();
    let mut lines = String::new();
    for step in 1..=8_u64 {
        let mut metrics = StepMetrics::at(step, 0.0);
        metrics.set("executor/calls", 48.0).set("executor/tokens", 500.0).set("planner/tokens", 300.0);
        metrics.set("seconds/sample", 1.25).set("seconds/execute", 0.5);
        if step.is_multiple_of(2) {
            metrics.set("dev/accuracy", (*able as f64 + step as f64) / 24.0 + *seed as f64 / 100.0);
            metrics.set("dev/executor_calls", 10.0).set("seconds/dev", 0.75);
        }
        lines.push_str(&(metrics.to_line().unwrap() + "\n"));
        let rollouts: Vec<RolloutRecord> = (0..4_u64)
            .map(|at| {
                let (e, s) = (f64::from(u8::from(at % 2 == 0)), 0.97 + 0.002 * at as f64);
                let with_rubric = *rule == "tracelift";
                let reward = if with_rubric { 0.5 * e + 0.5 * s * (e - 0.25) } else { e };
                RolloutRecord {
                    step,
                    sample_index: at,
                    problem_id: "p".into(),
                    e: Some(e),
                    w: Some(e),
                    b: with_rubric.then_some(0.25),
                    u: with_rubric.then_some(e - 0.25),
                    s: with_rubric.then_some(s),
                    reward: Some(reward),
                    advantage: Some(reward - 0.5),
                    verified: Some(at == 0),
                    ..RolloutRecord::default()
                }
            })
            .collect();
        write_rollouts(&folder.join(format!("rollouts/step_{step:06}.parquet")), &rollouts).unwrap();
    }
    fs::write(folder.join("metrics.jsonl"), lines).unwrap();
    evaluated(&folder.join("evaluation/unseen"), &samples(row, *able, *seed, executor));
}

fn evaluated(folder: &Path, samples: &[SampleRecord]) {
    fs::create_dir_all(folder).unwrap();
    write_samples(&folder.join("samples.jsonl"), samples).unwrap();
}

/// Two arms with three seeds each, what they begin with, and a cell that is not trained.
fn experiment() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut cells = Vec::new();
    for seed in 1..=3 {
        for (rule, row, able) in [("exec_only", "exec-only", 6), ("tracelift", "TraceLift", 8)] {
            let name = format!("{rule}_seed-{seed}");
            let able = able + seed as usize % 2;
            run(&dir.path().join("cells").join(&name), &Made { rule, row, seed, able, ..Made::default() });
            cells.push(serde_json::json!({
                "name": name, "arm": rule, "seed": seed, "start": format!("seed-{seed}"), "trained": true,
                "state": "finished",
            }));
        }
        let mut both = samples("no trace", 3, seed, &executor("1"));
        both.extend(samples("base planner", 5, seed, &executor("1")));
        evaluated(&dir.path().join(format!("starts/seed-{seed}/evaluation/unseen")), &both);
    }
    cells.push(serde_json::json!({
        "name": "no_uplift_seed-1", "arm": "no_uplift", "seed": 1, "start": "seed-1", "trained": false, "state": "failed",
    }));
    let record = serde_json::json!({ "version": 1, "cells": cells });
    fs::write(dir.path().join("experiment.json"), record.to_string()).unwrap();
    dir
}

fn compared(folders: &[&Path]) -> Comparison {
    let folders = folders.iter().map(|folder| (*folder).to_owned()).collect();
    Comparison::of(&Request { folders, against: Vec::new(), seed: Seed(18) }).unwrap()
}

#[test]
fn a_terminal_shows() {
    assert_snapshot!(compared(&[experiment().path()]).written(Format::Text).unwrap());
}

#[test]
fn markdown_shows() {
    assert_snapshot!(compared(&[experiment().path()]).written(Format::Markdown).unwrap());
}

#[test]
fn latex_shows() {
    assert_snapshot!(compared(&[experiment().path()]).written(Format::Latex).unwrap());
}

#[test]
fn csv_holds() {
    assert_snapshot!(compared(&[experiment().path()]).written(Format::Csv).unwrap());
}

/// Numbers to six digits: the last ones are those of a machine's mathematical library.
fn rounded(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let short: f64 = format!("{:.5e}", number.as_f64().unwrap()).parse().unwrap();
            *value = Value::from(short);
        }
        Value::Array(values) => values.iter_mut().for_each(rounded),
        Value::Object(fields) => fields.values_mut().for_each(rounded),
        _ => {}
    }
}

#[test]
fn json_holds() {
    let text = compared(&[experiment().path()]).written(Format::Json).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    rounded(&mut value);
    assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

/// What is said of two runs that must not be compared.
fn refused(one: &Made<'_>, other: &Made<'_>) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    run(&a, one);
    run(&b, other);
    let found = compared(&[&a, &b]);
    assert!(found.tests.iter().all(|test| test.contrasts.is_empty()));
    found.tests.into_iter().flat_map(|test| test.refused).collect()
}

#[test]
fn what_must_not_be_compared_is_not_and_said() {
    let ours = Made::default();
    let other = || Made { rule: "tracelift", row: "TraceLift", ..Made::default() };
    let told = refused(&ours, &Made { executor: executor("2"), ..other() });
    assert!(told[0].contains("with seed 1 their executors differ"), "{told:?}");
    let told = refused(&ours, &Made { verifier: "native", ..other() });
    // The verifier differs, so that the arms are named by it, too.
    assert!(told[0].contains("judged by different verifiers"), "{told:?}");
    let told = refused(&ours, &Made { seed: 2, ..other() });
    assert!(told[0].contains("they have no seed in common"), "{told:?}");
}

#[test]
fn other_problems_are_no_pairs() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    run(&a, &Made::default());
    run(&b, &Made { rule: "tracelift", row: "TraceLift", ..Made::default() });
    let mut others = samples("TraceLift", 8, 1, &executor("1"));
    others[3].question = "What else?".into();
    evaluated(&b.join("evaluation/unseen"), &others);
    let found = compared(&[&a, &b]);
    assert!(found.tests[0].refused[0].contains("their problems differ (11 are the same, of 12 and 12)"));
}

#[test]
fn runs_by_themselves_are_named_by_what_they_differ_in_and_one_seed_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for (rule, row, able) in [("exec_only", "exec-only", 6), ("tracelift", "TraceLift", 8)] {
        run(&dir.path().join(rule), &Made { rule, row, able, ..Made::default() });
    }
    let found = compared(&[dir.path()]);
    let arms: Vec<&str> = found.tests[0].arms.iter().map(|arm| arm.arm.as_str()).collect();
    assert_eq!(arms, ["exec_only", "tracelift"]);
    let text = found.written(Format::Text).unwrap();
    assert!(text.contains("With one seed the error is that of the problems"), "{text}");
    // The same run twice is no second seed.
    run(&dir.path().join("again"), &Made::default());
    let found = compared(&[dir.path()]);
    assert!(found.notes[0].contains("as another run has"), "{:?}", found.notes);
}

#[test]
fn an_evaluation_by_itself_is_compared_row_by_row() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = samples("base planner", 5, 1, &executor("1"));
    all.extend(samples("exec-only", 6, 1, &executor("1")));
    all.extend(samples("TraceLift", 8, 1, &executor("1")));
    evaluated(dir.path(), &all);
    let found = compared(&[dir.path()]);
    assert_eq!((found.tests[0].arms.len(), found.curves.len()), (3, 0));
    assert!(found.tests[0].contrasts.iter().any(|one| one.arm == "exec-only" && one.against == "TraceLift"));
}

#[test]
fn a_folder_without_results_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let request = Request { folders: vec![dir.path().to_owned()], against: Vec::new(), seed: Seed(1) };
    assert!(matches!(Comparison::of(&request), Err(EvalError::NothingToCompare { .. })));
}
