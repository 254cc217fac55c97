//! The dialects of training frameworks, which know prompts and labels and not problems.
//!
//! The sure way is a label that names a registered problem (`{"problem_id": …}`) or holds one (`{"problem": {"statement", "gold"}}`).
//! A label that is a text or a number is the gold answer to what the prompt asks; without a label the prompt's question is looked
//! for among the registered problems.

pub(super) mod openrlhf;
pub(super) mod slime;
pub(super) mod trl;
pub(super) mod verl;

use super::asked::{Entry, Finish, Sample, check_size};
use super::problems::{self, Whose};
use super::service::{AGAIN, House, Said};
use crate::fault::ItemFault;
use crate::rubric::dialect::{completion::statement, kind};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use tracelift_reward::{Place, Unknown};

/// What is answered to a client that reads one number, where there is none. Who asked for what cannot be is not to ask again.
fn unanswerable(unknown: &Unknown) -> Said {
    let mut error = json!({ "code": "unknown", "message": unknown.message });
    error["cause"] = json!(unknown.cause);
    error["where"] = json!(unknown.place.name());
    if unknown.place == Place::Item {
        return Said { status: StatusCode::UNPROCESSABLE_ENTITY, body: json!({ "error": error }) };
    }
    error["retry_after_s"] = json!(AGAIN.as_secs());
    Said { status: StatusCode::SERVICE_UNAVAILABLE, body: json!({ "error": error }) }
}

/// What a sample is, for the reward.
fn sample(whose: Whose, completion: &str, finish: Option<&str>, house: &House) -> Result<Entry, ItemFault> {
    check_size(completion, house.item_bytes)?;
    let finish = match Finish::of(finish) {
        Ok(finish) => finish,
        Err(unknown) => return Ok(Entry::Unknown(unknown)),
    };
    let trace = house.reading.trace(completion, finish);
    Ok(Entry::Sample(Sample { whose, trace, finish, written: completion.to_owned(), readers: None }))
}

/// The problem that a label and a prompt mean.
fn whose(label: Option<Value>, prompt: Option<&str>) -> Result<Whose, ItemFault> {
    let label = match label {
        // Rows of some frameworks carry objects as texts.
        Some(Value::String(text)) if text.trim_start().starts_with('{') => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        Some(label) => label,
        None => Value::Null,
    };
    let asked = || asked_in(prompt);
    match label {
        Value::Null => Ok(Whose::Stated(asked()?.to_owned())),
        Value::String(answer) if answer.trim().is_empty() => Ok(Whose::Stated(asked()?.to_owned())),
        Value::String(answer) => answered(asked()?, &answer),
        Value::Number(answer) => answered(asked()?, &answer.to_string()),
        Value::Object(map) => described(map, asked),
        other => {
            let what = kind(&other);
            Err(ItemFault::Invalid(format!(
                "the label is {what}, not an answer and not an object with a problem"
            )))
        }
    }
}

/// The answer in a worked solution as data sets have it, which ends in `#### 42`; else all of it.
fn final_answer(gold: &str) -> &str {
    match gold.rsplit_once("####") {
        Some((_, answer)) if !answer.trim().is_empty() => answer.trim(),
        _ => gold,
    }
}

/// What names a row's problem and its gold, in the columns or fields that rows of data sets have for that, as one label.
fn gathered(mut take: impl FnMut(&str) -> Option<Value>) -> Map<String, Value> {
    let mut label = Map::new();
    for name in ["ground_truth", "label", "solution", "answer"] {
        match take(name).filter(|value| !value.is_null()) {
            Some(Value::Object(map)) => label.extend(map),
            Some(Value::String(text)) if text.trim_start().starts_with('{') => {
                match serde_json::from_str(&text) {
                    Ok(Value::Object(map)) => label.extend(map),
                    _ => drop(label.insert("answer".to_owned(), Value::String(text))),
                }
            }
            Some(value) => drop(label.insert("answer".to_owned(), value)),
            None => {}
        }
    }
    for (column, name) in [
        ("question", "statement"),
        ("statement", "statement"),
        ("problem", "problem"),
        ("problem_id", "problem_id"),
        ("gold", "gold"),
        ("tests", "tests"),
        ("function", "function"),
    ] {
        if let Some(value) = take(column).filter(|value| !value.is_null()) {
            label.insert(name.to_owned(), value);
        }
    }
    if let Some(tests) = paired(&label) {
        label.insert("tests".to_owned(), tests);
    }
    // Who brings his problem whole need not have registered it.
    let golds = ["gold", "answer", "tests", "function"];
    let stated = label.contains_key("problem") || label.contains_key("statement");
    if stated
        && golds.iter().any(|gold| label.contains_key(*gold))
        && let Some(id) = label.remove("problem_id")
    {
        label.insert("id".to_owned(), id);
    }
    label
}

/// Tests as verl has them: inputs and outputs in two lists.
fn paired(label: &Map<String, Value>) -> Option<Value> {
    let (inputs, outputs) = (label.get("inputs")?.as_array()?, label.get("outputs")?.as_array()?);
    let tests: Vec<Value> = inputs
        .iter()
        .zip(outputs)
        .map(|(stdin, stdout)| json!({ "stdin": stdin, "stdout": stdout }))
        .collect();
    (inputs.len() == outputs.len()).then_some(Value::Array(tests))
}

/// The problem that a row's label and its prompt mean.
fn whose_of(label: Map<String, Value>, prompt: Option<&str>) -> Result<Whose, ItemFault> {
    described(label, || asked_in(prompt))
}

/// What a prompt asks.
fn asked_in(prompt: Option<&str>) -> Result<&str, ItemFault> {
    prompt.map(statement).ok_or_else(|| {
        ItemFault::Invalid("there is neither a prompt nor a label with a `problem` or `problem_id`".into())
    })
}

fn answered(statement: &str, answer: &str) -> Result<Whose, ItemFault> {
    let answer = final_answer(answer);
    let problem = problems::problem(json!({ "statement": statement, "gold": { "answer": answer } }))?;
    Ok(Whose::Given(problem.into()))
}

/// A label that is an object. Other fields of it are the framework's.
fn described<'p>(
    mut label: Map<String, Value>,
    asked: impl FnOnce() -> Result<&'p str, ItemFault>,
) -> Result<Whose, ItemFault> {
    match label.remove("problem_id") {
        None | Some(Value::Null) => {}
        Some(Value::String(id)) => return Ok(Whose::Registered(id)),
        Some(other) => {
            return Err(ItemFault::Invalid(format!(
                "`problem_id` of the label is {}, not a string",
                kind(&other)
            )));
        }
    }
    let statement = match label.remove("problem").or_else(|| label.remove("statement")) {
        None | Some(Value::Null) => asked()?.to_owned(),
        Some(Value::String(statement)) => statement,
        Some(problem) => return Ok(Whose::Given(problems::problem(problem)?.into())),
    };
    let gold = label.remove("gold").or_else(|| {
        let named = ["answer", "tests", "function"].into_iter().find(|kind| label.contains_key(*kind))?;
        let gold = match label.remove(named) {
            Some(Value::String(answer)) => json!(final_answer(&answer)),
            Some(Value::Number(answer)) => json!(answer.to_string()),
            other => json!(other),
        };
        Some(json!({ named: gold }))
    });
    let Some(gold) = gold.filter(|gold| !gold.is_null()) else { return Ok(Whose::Stated(statement)) };
    let mut problem = Map::from_iter([("statement".to_owned(), json!(statement)), ("gold".to_owned(), gold)]);
    for field in ["id", "source", "domain", "form", "entry", "tests_shown"] {
        if let Some(value) = label.remove(field) {
            problem.insert(field.to_owned(), value);
        }
    }
    // As reward models of the house are told their task.
    if let Some(task) = label.remove("task_name") {
        problem.entry("source").or_insert(task);
    }
    Ok(Whose::Given(problems::problem(Value::Object(problem))?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Gold;

    const PROMPT: &str = "<problem> 1 + 1? </problem>";

    fn given(label: Value) -> (String, Gold) {
        match whose(Some(label), Some(PROMPT)).unwrap() {
            Whose::Given(problem) => (problem.question.statement.clone(), problem.gold.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_label_says_what_is_asked_and_by_what_it_is_judged() {
        let answer = |statement: &str, answer: &str| (statement.to_owned(), Gold::Answer(answer.into()));
        assert_eq!(given(json!("2")), answer("1 + 1?", "2"));
        assert_eq!(given(json!(2)), answer("1 + 1?", "2"));
        assert_eq!(given(json!({"answer": "2", "other": 1})), answer("1 + 1?", "2"));
        assert_eq!(given(json!({"problem": "2 + 2?", "gold": {"answer": "4"}})), answer("2 + 2?", "4"));
        assert_eq!(
            given(json!({"problem": {"statement": "2 + 2?", "gold": {"answer": "4"}}})),
            answer("2 + 2?", "4")
        );
        assert_eq!(given(json!("{\"problem\": \"2 + 2?\", \"answer\": \"4\"}")), answer("2 + 2?", "4"));
        for (label, wanted) in
            [(Some(json!({"problem_id": "p"})), "Registered"), (None, "Stated"), (Some(json!({})), "Stated")]
        {
            let found = format!("{:?}", whose(label, Some(PROMPT)).unwrap());
            assert!(found.starts_with(wanted), "{found}");
        }
        for wrong in [json!([1]), json!({"problem_id": 3}), json!({"problem": {"statement": "?"}})] {
            assert!(whose(Some(wrong.clone()), Some(PROMPT)).is_err(), "{wrong}");
        }
        assert!(whose(None, None).is_err());
    }

    #[test]
    fn rows_of_data_sets_name_their_gold_in_several_ways() {
        let tests = json!([{"stdin": "1", "stdout": "2"}]);
        for (row, wanted) in [
            (json!({"answer": "so 2.\n#### 2"}), json!({"answer": "so 2.\n#### 2"})),
            (json!({"ground_truth": "2", "question": "q"}), json!({"answer": "2", "statement": "q"})),
            (json!({"solution": 2}), json!({"answer": 2})),
            (json!({"label": {"problem_id": "p"}}), json!({"problem_id": "p"})),
            (
                json!({"problem_id": "p", "statement": "q", "answer": "2"}),
                json!({"id": "p", "statement": "q", "answer": "2"}),
            ),
            (
                json!({"ground_truth": "{\"inputs\": [\"1\"], \"outputs\": [\"2\"]}"}),
                json!({"inputs": ["1"], "outputs": ["2"], "tests": tests}),
            ),
            (json!({"domain": "algebra", "id": 3}), json!({})),
        ] {
            let found = gathered(|name| row.get(name).cloned());
            assert_eq!(Value::Object(found), wanted, "{row}");
        }
        assert_eq!(given(json!("He has 4 and 4.\n#### 8")).1, Gold::Answer("8".into()));
        assert_eq!(given(json!({"answer": "He has 4 and 4.\n#### 8"})).1, Gold::Answer("8".into()));
        assert_eq!(final_answer("####"), "####");
    }
}
