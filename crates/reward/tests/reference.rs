//! A checkpoint that the published class saved, and what that class says of some texts; both were written by
//! `tools/check_reference.py --golden`.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use serde::Deserialize;
use std::path::{Path, PathBuf};
use tracelift_domain::{TaskDomain, prompt};
use tracelift_engine::Precision;
use tracelift_reward::{RewardModel, Shortened};

/// How far a score may be from the class's.
const BOUND: f64 = 1e-4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    problem: String,
    reasoning: String,
    task_name: String,
    task_type: String,
    tests: Option<String>,
    text: String,
    tokens: usize,
    score: f64,
    derived: f64,
    total: f64,
    dimensions: [f64; 5],
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/reference")
}

fn lines() -> Vec<Line> {
    let text = std::fs::read_to_string(dir().join("scores.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every score of the lines, by the class and by a model.
fn compared(model: &RewardModel) -> Vec<(f64, f64)> {
    let lines = lines();
    let inputs: Vec<Vec<u32>> =
        lines.iter().map(|line| model.tokenizer.encode(&line.text).unwrap()).collect();
    let mut all = Vec::new();
    for (line, found) in lines.iter().zip(model.score(&inputs)) {
        all.extend([(line.score, found.score), (line.derived, found.derived), (line.total, found.total)]);
        all.extend(line.dimensions.into_iter().zip(found.dimensions));
    }
    all
}

#[test]
fn scores_are_those_of_the_class_that_saved_the_checkpoint() {
    let model = RewardModel::load(&dir()).unwrap();
    assert_eq!((model.domain, model.max_tokens), (TaskDomain::Math, 1024));
    let all = compared(&model);
    assert_eq!(all.len(), 6 * 8);
    for (expected, found) in &all {
        assert!((expected - found).abs() <= BOUND, "{found} instead of {expected}");
    }
    let scores = all.iter().step_by(8).map(|(expected, _)| *expected);
    let (least, most) = scores.fold((1.0_f64, 0.0_f64), |(a, b), s| (a.min(s), b.max(s)));
    assert!(most - least > 0.01, "scores from {least} to {most} tell little");
}

#[test]
fn inputs_are_written_as_the_published_code_writes_them() {
    let model = RewardModel::load(&dir()).unwrap();
    assert!(lines().iter().any(|line| line.tests.is_some()));
    for line in lines() {
        let put = |problem: &str| {
            let Line { task_name, task_type, tests, reasoning, .. } = &line;
            prompt::reward_model_text(task_name, task_type, problem, tests.as_deref(), reasoning)
        };
        assert_eq!(put(&line.problem), line.text);
        let (tokens, shortened) = model.encode_within(model.max_tokens, &line.problem, put).unwrap();
        assert_eq!((tokens.len(), shortened), (line.tokens, Shortened::No));
    }
}

#[test]
fn what_we_save_of_it_scores_the_same() {
    let model = RewardModel::load(&dir()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let shorter = RewardModel { max_tokens: 700, ..model };
    shorter.save(scratch.path(), Precision::F32).unwrap();
    let again = RewardModel::load(scratch.path()).unwrap();
    assert_eq!((again.max_tokens, again.fingerprint()), (700, shorter.fingerprint()));
    for (expected, found) in compared(&again) {
        assert!((expected - found).abs() <= BOUND, "{found} instead of {expected}");
    }
}
