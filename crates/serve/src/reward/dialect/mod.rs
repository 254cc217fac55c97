//! The dialects of training frameworks, which know prompts and labels and not problems.
//!
//! The sure way is a label that names a registered problem (`{"problem_id": …}`) or holds one (`{"problem": {"statement", "gold"}}`).
//! A label that is a text or a number is the gold answer to what the prompt asks; without a label the prompt's question is looked
//! for among the registered problems.

pub(super) mod openrlhf;
pub(super) mod slime;

use super::asked::{Entry, Finish, Sample, check_size};
use super::problems::{self, Whose};
use super::service::House;
use crate::fault::ItemFault;
use crate::rubric::dialect::{completion::statement, kind};
use serde_json::{Map, Value, json};

/// What a sample is, for the reward.
fn sample(
    prompt: Option<&str>,
    completion: &str,
    label: Option<Value>,
    finish: Option<&str>,
    house: &House,
) -> Result<Entry, ItemFault> {
    check_size(completion, house.item_bytes)?;
    let whose = whose(label, prompt)?;
    let finish = match Finish::of(finish) {
        Ok(finish) => finish,
        Err(unknown) => return Ok(Entry::Unknown(unknown)),
    };
    let trace = house.reading.trace(completion, finish);
    Ok(Entry::Sample(Sample { whose, trace, finish, written: completion.to_owned() }))
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
    let asked = || {
        prompt.map(statement).ok_or_else(|| {
            ItemFault::Invalid(
                "there is neither a prompt nor a label with a `problem` or `problem_id`".into(),
            )
        })
    };
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

fn answered(statement: &str, answer: &str) -> Result<Whose, ItemFault> {
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
        Some(json!({ named: label.remove(named) }))
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
}
