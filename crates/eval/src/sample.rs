//! Samples: what a planner and the frozen executor did with one problem, once. One line of `samples.jsonl` each.

use crate::EvalError;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};
use tracelift_domain::Fingerprint;

/// One planner, one problem, one seed. `None` is unknown or does not apply, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleRecord {
    /// The row that the sample belongs to: `no trace`, `base planner`, `exec-only`, `TraceLift`, …
    pub row: String,
    /// The problem; standard errors are clustered by it.
    pub problem_id: String,
    /// How difficult the problem is, where its world says so.
    pub level: Option<u32>,
    /// Which of the seeds, from 0.
    pub seed: u64,
    /// What the planner wrote, `None` in a row without traces.
    pub trace: Option<String>,
    /// How many tokens that was.
    pub trace_tokens: Option<u32>,
    /// The executor's completion.
    pub artifact: Option<String>,
    /// Whether the artifact is right; `None` is unscored.
    pub correct: Option<bool>,
    /// Success without any trace, `b`.
    pub baseline_success: Option<f64>,
    /// Success with the trace, `w`.
    pub with_success: Option<f64>,
    /// Whether an exact checker confirms every step of the trace; a completion that holds no trace is not confirmed.
    pub verified: Option<bool>,
    /// Whether the trace states the answer or contains a program.
    pub leaked: Option<bool>,
    /// The executor that made the artifact.
    pub executor: Fingerprint,
}

/// Writes `samples.jsonl`, atomically.
///
/// # Errors
/// When the disk refuses.
pub fn write_samples(path: &Path, samples: &[SampleRecord]) -> Result<(), EvalError> {
    let mut text = String::new();
    for sample in samples {
        let line =
            serde_json::to_string(sample).map_err(|source| EvalError::Encode { what: "a sample", source })?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(tracelift_files::write(path, text)?)
}

/// Reads `samples.jsonl`.
///
/// # Errors
/// When the file cannot be read, or a line is not a sample.
pub fn read_samples(path: &Path) -> Result<Vec<SampleRecord>, EvalError> {
    let text = fs::read_to_string(path).map_err(|source| EvalError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let parse = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|source| EvalError::BadSample {
            path: path.to_owned(),
            line: index + 1,
            source,
        })
    };
    text.trim_start_matches('\u{feff}').lines().enumerate().map(parse).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A sample of `row` on a problem, with nothing known but what the test is about to set.
    pub(crate) fn sample(row: &str, problem: usize, seed: u64) -> SampleRecord {
        SampleRecord {
            row: row.into(),
            problem_id: format!("p{problem}"),
            level: None,
            seed,
            trace: Some("a trace".into()),
            trace_tokens: None,
            artifact: None,
            correct: None,
            baseline_success: None,
            with_success: None,
            verified: None,
            leaked: None,
            executor: Fingerprint::of([("weights", b"1".as_slice())]),
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
        assert_eq!(read_samples(&path).unwrap(), samples);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let text = fs::read_to_string(&path).unwrap() + "{\"row\": 3}\n";
        fs::write(&path, text).unwrap();
        let message = read_samples(&path).unwrap_err().to_string();
        assert!(message.contains("samples.jsonl:3: not a sample"), "{message}");
    }
}
