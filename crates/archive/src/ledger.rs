//! Logs of a reward server: lines of JSON, or tables.

use crate::{ArchiveError, parquet_columns::Columns};
use serde_json::Value;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

/// Bytes at the end of a log of lines that are read: the latest items are what one looks for.
const TAIL: u64 = 8 << 20;

/// An item that was rewarded. `None` is unknown, or does not apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LedgerEntry {
    /// When, in seconds since 1970.
    pub at: Option<f64>,
    /// The problem.
    pub problem_id: Option<String>,
    /// Its statement.
    pub question: Option<String>,
    /// What was to be rewarded.
    pub completion: Option<String>,
    /// The trace in it, where it is usable.
    pub trace: Option<String>,
    /// Why there is none.
    pub defect: Option<String>,
    /// What the executor wrote with the trace.
    pub completions: Vec<Option<String>>,
    /// What the verifier says of that.
    pub verdicts: Vec<Option<String>>,
    /// What the executor wrote without any.
    pub baseline_completions: Vec<Option<String>>,
    /// What the verifier says of that.
    pub baseline_verdicts: Vec<Option<String>>,
    /// `e`, `w`, `b`, `u`, `s` and the reward.
    pub numbers: [Option<f64>; 6],
    /// Why it is unknown.
    pub unknown: Option<String>,
}

/// The names of [`LedgerEntry::numbers`].
const NUMBERS: [&str; 6] = ["e", "w", "b", "u", "s", "reward"];

/// The latest items of a log, the newest first, at most so many; beyond them is said that there are more.
///
/// # Errors
/// When the file cannot be read.
pub fn read_ledger(path: &Path, most: usize) -> Result<(Vec<LedgerEntry>, bool), ArchiveError> {
    if path.extension().is_some_and(|extension| extension == "parquet") {
        table(path, most)
    } else {
        lines(path, most)
    }
}

fn lines(path: &Path, most: usize) -> Result<(Vec<LedgerEntry>, bool), ArchiveError> {
    let mut file = File::open(path).map_err(ArchiveError::read(path))?;
    let length = file.metadata().map_err(ArchiveError::read(path))?.len();
    let from = length.saturating_sub(TAIL);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from)).map_err(ArchiveError::read(path))?;
    file.take(TAIL).read_to_end(&mut bytes).map_err(ArchiveError::read(path))?;
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if from > 0 && !lines.is_empty() {
        // The first one lacks its beginning.
        lines.remove(0);
    }
    let rows = lines.into_iter().rev().filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut rows = rows.filter(Value::is_object);
    let entries: Vec<LedgerEntry> = rows.by_ref().take(most).map(|row| of_line(&row)).collect();
    Ok((entries, from > 0 || rows.next().is_some()))
}

fn of_line(row: &Value) -> LedgerEntry {
    let text = |pointer: &str| row.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let texts = |pointer: &str, field: Option<&str>| {
        let list = row.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let of = |value: &Value| {
            let value = field.map_or(Some(value), |field| value.get(field))?;
            value.as_str().map(str::to_owned)
        };
        list.map(of).collect::<Vec<Option<String>>>()
    };
    LedgerEntry {
        at: row.pointer("/at").and_then(Value::as_f64),
        problem_id: text("/problem_id"),
        question: text("/problem/statement"),
        completion: text("/completion"),
        trace: text("/trace"),
        defect: text("/defect"),
        completions: texts("/executor_completions", None),
        verdicts: texts("/runs", Some("verdict")),
        baseline_completions: texts("/baseline_completions", None),
        baseline_verdicts: texts("/baseline", Some("verdict")),
        numbers: NUMBERS.map(|name| row.get(name).and_then(Value::as_f64)),
        unknown: text("/unknown/message").or_else(|| text("/unknown/cause")),
    }
}

fn table(path: &Path, most: usize) -> Result<(Vec<LedgerEntry>, bool), ArchiveError> {
    let columns = Columns::open(path)?;
    let all = columns.rows();
    let rows = all.saturating_sub(most)..all;
    let text = |name: &str| columns.texts(name, &rows).map(Vec::into_iter);
    let list = |name: &str| columns.lists(name, &rows).map(Vec::into_iter);
    let (mut ids, mut questions, mut completions) =
        (text("problem_id")?, text("question")?, text("completion")?);
    let (mut traces, mut defects, mut unknown) = (text("trace")?, text("defect")?, text("unknown_message")?);
    let (mut written, mut verdicts) = (list("executor_completions")?, list("verdicts")?);
    let (mut baselines, mut judged) = (list("baseline_completions")?, list("baseline_verdicts")?);
    let times = columns.numbers("at", &rows)?;
    let mut numbers = Vec::new();
    for name in NUMBERS {
        numbers.push(columns.numbers(name, &rows)?);
    }
    let mut entries: Vec<LedgerEntry> = (0..rows.len())
        .map(|at| LedgerEntry {
            at: times.get(at).copied().flatten(),
            problem_id: ids.next().flatten(),
            question: questions.next().flatten(),
            completion: completions.next().flatten(),
            trace: traces.next().flatten(),
            defect: defects.next().flatten(),
            completions: written.next().unwrap_or_default(),
            verdicts: verdicts.next().unwrap_or_default(),
            baseline_completions: baselines.next().unwrap_or_default(),
            baseline_verdicts: judged.next().unwrap_or_default(),
            numbers: std::array::from_fn(|name| numbers[name].get(at).copied().flatten()),
            unknown: unknown.next().flatten(),
        })
        .collect();
    entries.reverse();
    Ok((entries, rows.start > 0))
}

/// Whether a table is one of rewards.
pub(crate) fn is_table(path: &Path) -> bool {
    Columns::open(path).is_ok_and(|columns| columns.title() == "rewards")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_latest_items_come_first_and_a_torn_line_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rewards.jsonl");
        let line = |at: u64| {
            json!({
                "at": at, "problem_id": format!("p{at}"), "problem": { "statement": "How many?" }, "completion": "c",
                "executor_completions": ["x", null], "runs": [{ "verdict": "passed" }, { "verdict": null }],
                "e": 1.0, "reward": null, "unknown": { "cause": "timeout" },
            })
            .to_string()
        };
        std::fs::write(&path, format!("{}\n{}\n{}\n{{\"at\": 4, \"pro", line(1), line(2), line(3))).unwrap();
        let (entries, more) = read_ledger(&path, 2).unwrap();
        assert_eq!(
            (entries.iter().map(|entry| entry.at).collect::<Vec<_>>(), more),
            (vec![Some(3.0), Some(2.0)], true)
        );
        let first = &entries[0];
        assert_eq!(first.completions, [Some("x".to_owned()), None]);
        assert_eq!((first.numbers[0], first.numbers[5]), (Some(1.0), None));
        assert_eq!(first.unknown.as_deref(), Some("timeout"));
        assert!(!read_ledger(&path, 5).unwrap().1);
    }
}
