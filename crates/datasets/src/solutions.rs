//! Solutions with a verdict: `{"problem", "reasoning", "is_correct"}` a row, in JSONL or Parquet; or step by step, as ProcessBench and
//! PRM800K publish them.
//!
//! | shape | fields that are read |
//! |---|---|
//! | ours | `problem`, `reasoning`, `is_correct`, and below |
//! | ProcessBench | `problem`, `steps`, `label`: the place of the first wrong step from 0, −1 where none is |
//! | PRM800K | `question.problem`, and of `label`: `finish_reason`, `steps` with `completions` (`text`, `rating`), `chosen_completion`, `human_completion` |
//!
//! A solution step by step is right where no step is wrong. Of PRM800K, what its labellers gave up or found to be a bad problem is refused,
//! and a solution goes on by the completion that was chosen, up to the first one rated −1.
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
    /// The solution step by step, where its first error is known.
    pub steps: Option<Steps>,
}

/// A solution step by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The steps; at least one.
    pub texts: Vec<String>,
    /// The first wrong one, from 0; `None` where all are right.
    pub first_error: Option<usize>,
}

/// ProcessBench's row.
#[derive(Deserialize)]
struct ProcessBench {
    problem: String,
    steps: Vec<String>,
    label: i64,
}

/// PRM800K's row.
#[derive(Deserialize)]
struct Prm800k {
    question: PrmQuestion,
    label: PrmLabel,
}

#[derive(Deserialize)]
struct PrmQuestion {
    problem: String,
}

#[derive(Deserialize)]
struct PrmLabel {
    steps: Vec<PrmStep>,
    finish_reason: String,
}

#[derive(Deserialize)]
struct PrmStep {
    completions: Option<Vec<PrmCompletion>>,
    human_completion: Option<PrmCompletion>,
    chosen_completion: Option<usize>,
}

#[derive(Deserialize)]
struct PrmCompletion {
    text: String,
    rating: Option<i64>,
}

impl TryFrom<ProcessBench> for (String, Steps) {
    type Error = String;

    fn try_from(row: ProcessBench) -> Result<(String, Steps), String> {
        let count = row.steps.len();
        let first_error = match (row.label, usize::try_from(row.label)) {
            (-1, _) => None,
            (_, Ok(label)) if label < count => Some(label),
            (label, _) => {
                return Err(format!("`label` is {label}, expected -1 or one of the {count} steps, from 0"));
            }
        };
        Ok((row.problem, Steps { texts: row.steps, first_error }))
    }
}

impl TryFrom<Prm800k> for (String, Steps) {
    type Error = String;

    fn try_from(row: Prm800k) -> Result<(String, Steps), String> {
        let finish = row.label.finish_reason.as_str();
        if !["solution", "found_error"].contains(&finish) {
            return Err(format!(
                "`label.finish_reason` is {finish:?}: nobody said whether the solution is right"
            ));
        }
        let mut steps = Steps { texts: Vec::new(), first_error: None };
        for step in row.label.steps {
            let completions = step.completions.unwrap_or_default();
            let wrong = |completion: &PrmCompletion| completion.rating == Some(-1);
            let chosen =
                step.chosen_completion.and_then(|at| completions.get(at)).or(step.human_completion.as_ref());
            let Some(taken) = chosen.or_else(|| completions.iter().find(|one| wrong(one))) else {
                break;
            };
            steps.texts.push(taken.text.clone());
            if wrong(taken) {
                steps.first_error = Some(steps.texts.len() - 1);
                break;
            }
        }
        if finish == "found_error" && steps.first_error.is_none() {
            return Err("`label.finish_reason` is \"found_error\", and no step is rated -1".to_owned());
        }
        Ok((row.question.problem, steps))
    }
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
        let stepwise = stepwise(&value).map_err(&wrong)?;
        if let Some((problem, steps)) = stepwise {
            if problem.trim().is_empty() || steps.texts.iter().all(|text| text.trim().is_empty()) {
                return Err(wrong("its problem or its steps are empty".to_owned()));
            }
            return Ok(SolutionRow {
                problem_id: problem.clone(),
                problem,
                reasoning: steps.texts.join("\n\n"),
                is_correct: steps.first_error.is_none(),
                task_name: None,
                task_type: None,
                steps: Some(steps),
            });
        }
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
            steps: None,
        })
    }))
}

/// A row that tells a solution step by step; `None` of ours.
fn stepwise(row: &Value) -> Result<Option<(String, Steps)>, String> {
    let read = |error: serde_json::Error| error.to_string();
    if row.get("steps").is_some() && row.get("label").is_some() {
        return ProcessBench::deserialize(row).map_err(read)?.try_into().map(Some);
    }
    if row.get("question").is_some_and(Value::is_object) && row.pointer("/label/steps").is_some() {
        return Prm800k::deserialize(row).map_err(read)?.try_into().map(Some);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: impl AsRef<str>) -> Vec<Result<SolutionRow, String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("solutions.jsonl");
        std::fs::write(&path, text.as_ref()).unwrap();
        read(&path).unwrap().map(|row| row.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn process_bench_and_prm800k_say_where_the_first_error_is() {
        let rows = found(concat!(
            r#"{"id": "gsm8k-0", "generator": "m", "problem": "P", "steps": ["a", "b", "c"], "final_answer_correct": false, "label": 1}"#,
            "\n",
            r#"{"id": "gsm8k-1", "problem": "P", "steps": ["a"], "final_answer_correct": true, "label": -1}"#,
            "\n",
            r#"{"problem": "P", "steps": ["a"], "label": 1}"#,
            "\n",
            r#"{"labeler": "x", "question": {"problem": "Q", "ground_truth_answer": "7"}, "label": {"finish_reason": "found_error", "total_time": 9,
               "steps": [{"completions": [{"text": "a", "rating": 1, "flagged": false}, {"text": "a2", "rating": 0}], "human_completion": null, "chosen_completion": 0},
               {"completions": [{"text": "b", "rating": -1, "flagged": false}], "human_completion": null, "chosen_completion": null}]}}"#,
            "\n",
            r#"{"question": {"problem": "Q"}, "label": {"finish_reason": "solution", "steps": [{"completions": null, "human_completion": {"text": "h", "rating": null}, "chosen_completion": null},
               {"completions": [{"text": "x", "rating": -1}, {"text": "y", "rating": 1}], "human_completion": null, "chosen_completion": 1}]}}"#,
            "\n",
            r#"{"question": {"problem": "Q"}, "label": {"finish_reason": "give_up", "steps": []}}"#,
        ).replace("\n               ", " ").as_str());
        let steps = |at: usize| {
            let row = rows[at].as_ref().unwrap();
            (row.steps.clone().unwrap(), row.is_correct, row.reasoning.clone())
        };
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            steps(0),
            (Steps { texts: texts(&["a", "b", "c"]), first_error: Some(1) }, false, "a\n\nb\n\nc".into())
        );
        assert_eq!(steps(1).0.first_error, None);
        assert!(rows[2].as_ref().unwrap_err().contains("`label` is 1, expected -1 or one of the 1 steps"));
        assert_eq!(
            steps(3),
            (Steps { texts: texts(&["a", "b"]), first_error: Some(1) }, false, "a\n\nb".into())
        );
        assert_eq!(steps(4), (Steps { texts: texts(&["h", "y"]), first_error: None }, true, "h\n\ny".into()));
        assert!(rows[5].as_ref().unwrap_err().contains("\"give_up\""));
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
