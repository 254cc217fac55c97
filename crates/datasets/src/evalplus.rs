//! EvalPlus's rows: HumanEval and MBPP with many more inputs, whose outputs the set's own solution says.

use crate::Row;
use crate::published::{first, made, text};
use serde_json::{Value, json};
use tracelift_domain::{FunctionTests, Gold, Problem, Question, TaskDomain};

/// What compares a program with the set's own.
const HARNESS: &str = include_str!("evalplus.py");

/// Whether a row has EvalPlus's inputs.
pub(crate) fn has_inputs(row: &Value) -> bool {
    row.get("plus_input").is_some_and(Value::is_array) && row.get("base_input").is_some_and(Value::is_array)
}

/// A row of HumanEvalPlus.jsonl or MbppPlus.jsonl.
pub(crate) fn row(row: &Value, source: &str, line: usize) -> Result<Row, String> {
    let task = first(row, &["task_id"])?;
    let raw = |key: &str| row[key].as_str().map(str::to_owned).ok_or(format!("has no text in `{key}`"));
    let (prompt, body, entry) = (raw("prompt")?, raw("canonical_solution")?, first(row, &["entry_point"])?);
    // HumanEval's prompt is the beginning of the program; MBPP's is prose in a string, which is one, too.
    let reference = format!("{prompt}{body}");
    let told = json!({
        "entry": entry,
        "reference": reference,
        "base": row["base_input"],
        "plus": row["plus_input"],
        "assertion": text(row, "assertion"),
        "atol": row["atol"].as_f64(),
    });
    // A text of JSON in JSON is a text of Python, too.
    let encoded = serde_json::to_string(&told.to_string()).map_err(|error| error.to_string())?;
    let check = format!("import json\nTASK = json.loads({encoded})\n{HARNESS}");
    let question =
        Question { entry: Some(entry.clone()), ..Question::new(source, TaskDomain::Code, prompt.trim()) };
    let gold = Gold::Function(FunctionTests {
        given: FunctionTests::given_by(&prompt, &entry),
        entry: Some(entry),
        check: Some(check),
        ..FunctionTests::default()
    });
    let mut made = made(line, Problem { id: task, question, gold }, Some(reference));
    made.origin.insert("task_id".to_owned(), row["task_id"].clone());
    if source == "humaneval" {
        made.opening = Some(prompt);
    }
    Ok(made)
}
