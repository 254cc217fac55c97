//! Samples: what a planner and the frozen executor did with one problem, once. One line of `samples.jsonl` each.

use crate::{EvalError, ExecutionRecord, RubricRecord};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tracelift_domain::{Fingerprint, Problem, TaskDomain};

/// One planner, one problem, one seed. `None` is unknown or does not apply, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleRecord {
    /// The row that the sample belongs to: `no trace`, `base planner`, `exec-only`, `TraceLift`, …
    pub row: String,
    /// The problem; standard errors are clustered by it.
    pub problem_id: String,
    /// The benchmark of the suite, where one was evaluated.
    #[serde(default)]
    pub benchmark: Option<String>,
    /// Where it comes from.
    pub source: String,
    /// Which rubric and artifact it calls for.
    pub domain: TaskDomain,
    /// Its statement.
    pub question: String,
    /// What artifacts are judged against, as text.
    pub gold: String,
    /// How difficult the problem is, where its world says so.
    pub level: Option<u32>,
    /// Which of the seeds, from 0.
    pub seed: u64,
    /// The SHA-256 of the planner's prompt, `None` in a row without traces.
    pub planner_prompt_sha256: Option<Fingerprint>,
    /// The SHA-256 of the executor's prompt, where it was asked.
    pub executor_prompt_sha256: Option<Fingerprint>,
    /// What the planner wrote, tags and all; `None` in a row without traces.
    pub completion: Option<String>,
    /// The trace in it, where it is usable.
    pub trace: Option<String>,
    /// How many tokens the planner wrote.
    pub trace_tokens: Option<u32>,
    /// Whether the token budget cut them off.
    pub truncated: Option<bool>,
    /// Why the completion holds no usable trace, if so.
    pub defect: Option<String>,
    /// The executor's completions, the primary one first; `None` where a call failed.
    pub executor_completions: Vec<Option<String>>,
    /// What the verifier found in each.
    pub artifacts: Vec<Option<String>>,
    /// What it says of each.
    pub verdicts: Vec<Option<String>>,
    /// How many executor calls the sample took, failed ones among them; none where it was not asked.
    #[serde(default)]
    pub executor_calls: Option<u32>,
    /// How many tokens the executor read in them, as far as it says.
    #[serde(default)]
    pub executor_prompt_tokens: Option<u32>,
    /// How many it wrote.
    #[serde(default)]
    pub executor_tokens: Option<u32>,
    /// How many of its completions the token budget cut off.
    #[serde(default)]
    pub executor_truncated: Option<u32>,
    /// Its share of the wall time of what was worked on with it, in seconds.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// Causes of what is unknown; one may come several times.
    pub unknown_because: Vec<String>,
    /// Whether the primary artifact is right; `None` is unscored.
    pub correct: Option<bool>,
    /// Success without any trace, `b`.
    pub baseline_success: Option<f64>,
    /// Success with the trace, `w`.
    pub with_success: Option<f64>,
    /// Whether an exact checker confirms every step of the trace; a completion that holds no trace is not confirmed.
    pub verified: Option<bool>,
    /// Whether the trace states the answer or contains a program.
    pub leaked: Option<bool>,
    /// What a reader of traces says, where one was asked.
    pub rubric: Option<RubricRecord>,
    /// How far a procedure was carried out, where the problem is one.
    #[serde(default)]
    pub execution: Option<ExecutionRecord>,
    /// The executor that made the artifact.
    pub executor: Fingerprint,
}

impl SampleRecord {
    /// A sample of a row on a problem of which nothing is known yet.
    #[must_use]
    pub fn of(row: &str, problem: &Problem, seed: u64, executor: &Fingerprint) -> SampleRecord {
        SampleRecord {
            row: row.to_owned(),
            problem_id: problem.id.clone(),
            benchmark: None,
            source: problem.question.source.clone(),
            domain: problem.question.domain,
            question: problem.question.statement.clone(),
            gold: problem.gold.text(),
            level: None,
            seed,
            planner_prompt_sha256: None,
            executor_prompt_sha256: None,
            completion: None,
            trace: None,
            trace_tokens: None,
            truncated: None,
            defect: None,
            executor_completions: Vec::new(),
            artifacts: Vec::new(),
            verdicts: Vec::new(),
            executor_calls: None,
            executor_prompt_tokens: None,
            executor_tokens: None,
            executor_truncated: None,
            seconds: None,
            unknown_because: Vec::new(),
            correct: None,
            baseline_success: None,
            with_success: None,
            verified: None,
            leaked: None,
            rubric: None,
            execution: None,
            executor: executor.clone(),
        }
    }
}

/// Samples as `samples.jsonl` has them.
///
/// # Errors
/// When one cannot be written as JSON.
pub fn sample_lines(samples: &[SampleRecord]) -> Result<String, EvalError> {
    let mut text = String::new();
    for sample in samples {
        let line =
            serde_json::to_string(sample).map_err(|source| EvalError::Encode { what: "a sample", source })?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// Writes `samples.jsonl`, atomically.
///
/// # Errors
/// When the disk refuses.
pub fn write_samples(path: &Path, samples: &[SampleRecord]) -> Result<(), EvalError> {
    Ok(tracelift_files::write(path, sample_lines(samples)?)?)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::{collections::BTreeMap, fs};
    use tracelift_domain::{Gold, Question};

    /// A sample of `row` on a problem, with nothing known but what the test is about to set.
    pub(crate) fn sample(row: &str, problem: usize, seed: u64) -> SampleRecord {
        let problem = Problem {
            id: format!("p{problem}"),
            question: Question::new("tests", TaskDomain::Steps, "What is asked?"),
            gold: Gold::Answer("7".into()),
        };
        SampleRecord {
            completion: Some("<reasoning>a trace</reasoning>".into()),
            trace: Some("a trace".into()),
            ..SampleRecord::of(row, &problem, seed, &Fingerprint::of([("weights", b"1".as_slice())]))
        }
    }

    #[test]
    fn samples_survive_their_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples.jsonl");
        let mut known = sample("TraceLift", 1, 0);
        known.correct = Some(true);
        known.with_success = Some(1.0 / 3.0);
        let samples = [known, sample("TraceLift", 1, 1)];
        write_samples(&path, &samples).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let read = text.lines().map(|line| serde_json::from_str(line).unwrap());
        assert_eq!(read.collect::<Vec<SampleRecord>>(), samples);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// A field as the document describes it: its type, and whether it may be null.
    type Described = BTreeMap<String, (String, bool)>;

    /// The table of samples in the document on run folders.
    fn documented() -> Described {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/runs.md");
        let text = fs::read_to_string(path).unwrap();
        let table = text.split("## Samples").nth(1).expect("the document has a section on samples");
        let rows = table.lines().skip_while(|line| !line.starts_with("| field")).skip(2);
        rows.take_while(|line| line.starts_with('|'))
            .map(|line| {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                let [name, kind, _, null] = cells[..] else { panic!("not four cells: {line}") };
                (name.trim_matches('`').to_owned(), (kind.to_owned(), null != "never"))
            })
            .collect()
    }

    #[test]
    fn the_document_says_what_the_fields_are() {
        let nothing = SampleRecord { completion: None, trace: None, ..sample("no trace", 1, 0) };
        let print = Fingerprint::of_text("x");
        let texts = vec![Some("x".to_owned())];
        let everything = SampleRecord {
            level: Some(3),
            planner_prompt_sha256: Some(print.clone()),
            executor_prompt_sha256: Some(print),
            trace_tokens: Some(2),
            truncated: Some(false),
            defect: Some("x".into()),
            executor_completions: texts.clone(),
            artifacts: texts.clone(),
            verdicts: texts,
            benchmark: Some("gsm8k".into()),
            executor_calls: Some(3),
            executor_prompt_tokens: Some(30),
            executor_tokens: Some(9),
            executor_truncated: Some(1),
            seconds: Some(0.5),
            unknown_because: vec!["timeout".into()],
            rubric: Some(RubricRecord {
                score: None,
                dimensions: None,
                unknown_because: Some("refused".into()),
            }),
            execution: Some(ExecutionRecord {
                look_back: 1,
                operations: "+".parse().unwrap(),
                numbers: tracelift_worlds::procedure::Numbers::Integers,
                extent: tracelift_worlds::Extent::Exact,
                expected: 2,
                executed: 2,
                confirmed: 2,
                first_flaw: None,
                first_answer: true,
                any_answer: true,
                empty: false,
            }),
            correct: Some(true),
            baseline_success: Some(0.5),
            with_success: Some(0.5),
            verified: Some(true),
            leaked: Some(false),
            ..sample("TraceLift", 1, 0)
        };
        let [nothing, everything] = [nothing, everything].map(|sample| serde_json::to_value(sample).unwrap());
        let kind = |value: &serde_json::Value| match value {
            serde_json::Value::String(_) => "string",
            serde_json::Value::Bool(_) => "bool",
            serde_json::Value::Number(number) if number.is_f64() => "number",
            serde_json::Value::Number(_) => "integer",
            serde_json::Value::Array(_) => "list of strings",
            serde_json::Value::Object(_) => "object",
            other => panic!("{other} has no type in the document"),
        };
        let found: Described = everything
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), (kind(value).to_owned(), nothing[name].is_null())))
            .collect();
        assert_eq!(found, documented());
    }
}
