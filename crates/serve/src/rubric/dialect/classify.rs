//! `POST /classify`: vLLM's shape for discriminative reward models, as verl asks.
//!
//! It takes `{"model"?, "input": text | [text] | [token id] | [[token id]]}` or `{"messages": […]}` and answers with
//! `data[i].probs`, whose only entry is the score. A text (or what tokens stand for) is a prompt and a planner's completion:
//! in the form in which reward models are trained, where the completion is what follows the problem and its tests, or
//! a conversation as the template of the reward models made here or of a known family puts it. Of `messages` the last user message is the problem, the
//! last assistant message the completion. `truncate_prompt_tokens` says how many tokens are read (-1: as many as the
//! model reads); as on every route, the end of the problem is what is left out. The score is a blend that has no logit, so
//! `use_activation` changes nothing. Other fields are ignored, as vLLM does.

use super::{
    Asked, Dialect, Entry, ErrorTold, House, Outcome, check_count, completion, errors, kind, object,
    token_ids, turns, value,
};
use crate::fault::{Fault, ItemFault};
use crate::rubric::Item;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tracelift_domain::TaskDomain;
use tracelift_reward::conversation;

pub(crate) struct Classify;

impl Dialect for Classify {
    const PATH: &'static str = "/classify";
    /// The model's name as the caller knows it.
    type Context = Option<String>;

    fn read(body: Value, _query: &str, house: &House) -> Result<Asked<Option<String>>, Fault> {
        let mut map = object(body)?;
        let model = map.remove("model").and_then(|model| model.as_str().map(str::to_owned));
        let max_tokens = match map.remove("truncate_prompt_tokens") {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_i64() {
                Some(-1) => Some(house.card.max_tokens),
                Some(keep) if keep > 0 => Some(usize::try_from(keep).unwrap_or(usize::MAX)),
                _ => return Err(Fault::Invalid("`truncate_prompt_tokens` is neither -1 nor above 0".into())),
            },
        };
        let entries = match (map.remove("input"), map.remove("messages")) {
            (Some(input), None) => inputs(input, house)?,
            (None, Some(Value::Array(messages))) => {
                vec![messages_entry(&messages, house).unwrap_or_else(Entry::Invalid)]
            }
            (None, None) => return Err(Fault::Invalid("`input` is missing".into())),
            (Some(_), Some(_)) => return Err(Fault::Invalid("give `input` or `messages`, not both".into())),
            (None, Some(other)) => {
                return Err(Fault::Invalid(format!("`messages` is {}, not a list", kind(&other))));
            }
        };
        let entries = entries.into_iter().map(|entry| match entry {
            Entry::Score(item) => Entry::Score(Item { max_tokens, ..item }),
            entry => entry,
        });
        Ok(Asked { entries: entries.collect(), context: model })
    }

    fn write(model: &Option<String>, outcomes: &[Outcome], house: &House) -> Value {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let data = |(index, outcome): (usize, &Outcome)| match (outcome.reward(), outcome.fault()) {
            (Some(score), _) => Datum {
                index,
                label: Some("score"),
                probs: vec![score],
                num_classes: 1,
                defect: outcome.defect(),
                error: None,
            },
            (None, fault) => Datum {
                index,
                label: None,
                probs: Vec::new(),
                num_classes: 0,
                defect: None,
                error: fault.map(|fault| ErrorTold::of(index, fault)),
            },
        };
        let tokens: usize = outcomes
            .iter()
            .map(|outcome| if let Outcome::Scored(score) = outcome { score.tokens } else { 0 })
            .sum();
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let told = ClassifyResponse {
            id: format!("classify-{created}-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
            object: "list",
            created,
            model: model.as_deref().unwrap_or(&house.card.name),
            data: outcomes.iter().enumerate().map(data).collect(),
            usage: TokensTold { prompt_tokens: tokens, total_tokens: tokens, completion_tokens: 0 },
            errors: errors(outcomes),
        };
        value(&told)
    }
}

/// Scores, as vLLM tells classes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ClassifyResponse<'a> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    data: Vec<Datum>,
    usage: TokensTold,
    errors: Vec<ErrorTold>,
}

/// The score of one input.
#[derive(Serialize, JsonSchema)]
struct Datum {
    index: usize,
    label: Option<&'static str>,
    /// The score, alone; nothing where it is unknown.
    probs: Vec<f64>,
    num_classes: u32,
    defect: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorTold>,
}

/// What was read.
#[derive(Serialize, JsonSchema)]
struct TokensTold {
    prompt_tokens: usize,
    total_tokens: usize,
    completion_tokens: usize,
}

/// Inputs, or one conversation.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(crate) struct ClassifyRequest {
    model: Option<String>,
    /// Texts, or token ids.
    input: Option<Inputs>,
    messages: Option<Vec<Map<String, Value>>>,
    /// Tokens that are read at most; -1 for as many as the model reads.
    truncate_prompt_tokens: Option<i64>,
    /// It changes nothing: the score has no logit.
    use_activation: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "as `ClassifyRequest`")]
enum Inputs {
    Text(String),
    Tokens(Vec<u32>),
    Texts(Vec<String>),
    ManyTokens(Vec<Vec<u32>>),
}

fn inputs(input: Value, house: &House) -> Result<Vec<Entry>, Fault> {
    let inputs = match input {
        // A flat list of numbers is one input.
        Value::Array(list) if list.first().is_some_and(Value::is_number) => vec![Value::Array(list)],
        Value::Array(list) => list,
        text @ Value::String(_) => vec![text],
        other => return Err(Fault::Invalid(format!("`input` is {}, not texts or token ids", kind(&other)))),
    };
    check_count(house, inputs.len())?;
    Ok(inputs.into_iter().map(|input| one(input, house).unwrap_or_else(Entry::Invalid)).collect())
}

fn one(input: Value, house: &House) -> Result<Entry, ItemFault> {
    match input {
        Value::String(text) => text_entry(&text, house),
        Value::Array(list) => text_entry(&house.scorer.text(&token_ids(&list)?)?, house),
        other => Err(ItemFault::Invalid(format!("the input is {}, not a text or token ids", kind(&other)))),
    }
}

fn text_entry(text: &str, house: &House) -> Result<Entry, ItemFault> {
    if let Some(Put { task_name, task_type, problem, tests, completion }) = put(text, house.card.domain) {
        let fields = [("task_name", task_name), ("task_type", task_type), ("tests", tests)];
        let given = fields.into_iter().chain([("problem", Some(problem))]);
        let label = given.filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?.to_owned()))));
        return Ok(completion::entry(None, completion, Some(Value::Object(label.collect())), house));
    }
    if let Some(made) = conversation::divided(text) {
        let made = made.map_err(|changed| ItemFault::Invalid(changed.to_string()))?;
        return Ok(completion::entry(Some(made.prompt), made.completion, None, house));
    }
    let said = turns::divided(text).ok_or_else(|| {
        let message = "the text is neither `<problem>`, its problem, `</problem>` and a completion, as reward \
                       models read it, nor a conversation with an assistant turn; send `messages` instead";
        ItemFault::Invalid(message.into())
    })?;
    Ok(completion::entry(Some(said.prompt), said.completion, None, house))
}

/// A text in the form in which reward models read it.
struct Put<'t> {
    task_name: Option<&'t str>,
    task_type: Option<&'t str>,
    problem: &'t str,
    tests: Option<&'t str>,
    completion: &'t str,
}

/// Reads that form. What ends a part is the first that does: nothing that a planner wrote later can move it. Tests are the last
/// part before the completion, so that a planner could write some where a caller has none: they are taken for programs alone,
/// where a caller without tests says so by an empty part.
fn put(text: &str, domain: TaskDomain) -> Option<Put<'_>> {
    let element = |text: &'_ str, name: &str| -> Option<(usize, usize, usize)> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let start = text.len() - text.trim_start().len();
        let inside = text[start..].strip_prefix(open.as_str())?;
        let from = start + open.len();
        let to = from + inside.find(close.as_str())?;
        Some((from, to, to + close.len()))
    };
    let mut rest = text;
    let mut taken = |name: &str| {
        let (from, to, end) = element(rest, name)?;
        let inside = &rest[from..to];
        rest = &rest[end..];
        Some(inside)
    };
    let (task_name, task_type) = (taken("task"), taken("type"));
    let problem = taken("problem")?;
    let tests = match domain {
        TaskDomain::Code => taken("tests").map(inside).filter(|tests| !tests.is_empty()),
        TaskDomain::Math | TaskDomain::Steps => None,
    };
    Some(Put { task_name, task_type, problem: inside(problem), tests, completion: rest })
}

/// What stands in an element: without the line breaks of the form, or, in one line, without the spaces.
fn inside(text: &str) -> &str {
    match text.strip_prefix('\n') {
        Some(rest) => rest.strip_suffix('\n').unwrap_or(rest),
        None => text.trim(),
    }
}

fn messages_entry(messages: &[Value], house: &House) -> Result<Entry, ItemFault> {
    let problem = completion::conversation(messages)?;
    let last = messages.last().filter(|last| last.get("role").and_then(Value::as_str) == Some("assistant"));
    let said = last.and_then(|last| last.get("content")).and_then(Value::as_str);
    let said = said.ok_or_else(|| {
        ItemFault::Invalid("the conversation does not end with an assistant message that is a string".into())
    })?;
    let label = Map::from_iter([("problem".to_owned(), Value::String(problem))]);
    Ok(completion::entry(None, said, Some(Value::Object(label)), house))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, domain: TaskDomain) -> Option<(&str, Option<&str>, &str)> {
        put(text, domain).map(|put| (put.problem, put.tests, put.completion))
    }

    #[test]
    fn a_planner_adds_no_tests() {
        let wrote = "<tests>\neasy\n</tests>\n<reasoning>r</reasoning>";
        let without = format!("<task>t</task>\n<problem>\nq\n</problem>\n{wrote}");
        for domain in [TaskDomain::Math, TaskDomain::Steps] {
            assert_eq!(parts(&without, domain), Some(("q", None, &*format!("\n{wrote}"))));
        }
        for (of_the_caller, tests) in [("<tests></tests>", None), ("<tests>\na\n</tests>", Some("a"))] {
            let text = format!("<problem>\nq\n</problem>\n{of_the_caller}\n{wrote}");
            assert_eq!(parts(&text, TaskDomain::Code), Some(("q", tests, &*format!("\n{wrote}"))));
        }
    }
}
