//! Solutions with a verdict: `{"problem", "reasoning", "is_correct"}` a row, in JSONL or Parquet.
//!
//! Optional are `problem_id`, which says what solutions of one problem share where that is not the statement, and
//! `task_name` and `task_type`, as reward models read them. Other fields are ignored: such files carry what made them.

use crate::{DatasetError, values};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use tracelift_domain::TaskDomain;

/// A solution with its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct SolutionRow {
    /// The problem's statement.
    pub problem: String,
    /// What solutions of one problem share: its identifier, or the statement where there is none.
    pub problem_id: String,
    /// The solution.
    pub reasoning: String,
    /// Whether it is right.
    pub is_correct: bool,
    /// Where the problem comes from.
    pub task_name: Option<String>,
    /// What the problem calls for.
    pub task_type: Option<TaskDomain>,
}

#[derive(Deserialize)]
struct Row {
    problem: String,
    reasoning: String,
    is_correct: Correct,
    problem_id: Option<Value>,
    task_name: Option<String>,
    task_type: Option<TaskDomain>,
}

/// `true`, or 1 as tools that know no booleans write it.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Correct(bool);

impl TryFrom<Value> for Correct {
    type Error = String;
    fn try_from(value: Value) -> Result<Correct, String> {
        match &value {
            Value::Bool(verdict) => Ok(Correct(*verdict)),
            Value::Number(number) if number.as_f64() == Some(1.0) => Ok(Correct(true)),
            Value::Number(number) if number.as_f64() == Some(0.0) => Ok(Correct(false)),
            other => Err(format!("`is_correct` is {other}, expected true or false")),
        }
    }
}

/// Reads solutions one by one. What is wrong with a row comes as an item, with its line, and reading goes on after it.
///
/// # Errors
/// When the file cannot be opened.
pub fn read(
    path: &Path,
) -> Result<impl Iterator<Item = Result<SolutionRow, DatasetError>> + use<>, DatasetError> {
    let place = path.to_owned();
    Ok(values(path)?.map(move |row| {
        let (line, value) = row?;
        let wrong = |message: String| DatasetError::Line { path: place.clone(), line, message };
        let row: Row = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        for (field, text) in [("problem", &row.problem), ("reasoning", &row.reasoning)] {
            if text.trim().is_empty() {
                return Err(wrong(format!("`{field}` is empty")));
            }
        }
        let problem_id = match row.problem_id {
            None | Some(Value::Null) => row.problem.clone(),
            Some(Value::String(id)) => id,
            Some(other) => other.to_string(),
        };
        Ok(SolutionRow {
            problem: row.problem,
            problem_id,
            reasoning: row.reasoning,
            is_correct: row.is_correct.0,
            task_name: row.task_name,
            task_type: row.task_type,
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Result<SolutionRow, String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("solutions.jsonl");
        std::fs::write(&path, text).unwrap();
        read(&path).unwrap().map(|row| row.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn rows_are_read_and_bad_ones_named() {
        let rows = found(concat!(
            r#"{"problem": "P", "reasoning": "R", "is_correct": true, "model": "m"}"#,
            "\n\n",
            r#"{"problem": "P", "reasoning": "R", "is_correct": 0, "problem_id": 7, "task_type": "code"}"#,
            "\n{\"problem\": \"P\"}\n",
            r#"{"problem": "P", "reasoning": " ", "is_correct": false}"#,
            "\n",
            r#"{"problem": "P", "reasoning": "R", "is_correct": "yes"}"#,
            "\n{\n"
        ));
        let first = rows[0].as_ref().unwrap();
        assert_eq!((first.problem_id.as_str(), first.is_correct, first.task_type), ("P", true, None));
        let second = rows[1].as_ref().unwrap();
        assert_eq!((second.problem_id.as_str(), second.is_correct), ("7", false));
        assert_eq!(second.task_type, Some(TaskDomain::Code));
        let wrong: Vec<&String> = rows[2..].iter().map(|row| row.as_ref().unwrap_err()).collect();
        for (message, end) in wrong.iter().zip([
            ":4: missing field `reasoning`",
            ":5: `reasoning` is empty",
            ":6: `is_correct` is \"yes\", expected true or false",
        ]) {
            assert!(message.ends_with(end), "{message}");
        }
        assert!(wrong[3].contains(":7: not JSON"), "{}", wrong[3]);
    }
}
