//! `POST /classify`: vLLM's shape for discriminative reward models, as verl asks.
//!
//! It takes `{"model"?, "input": text | [text] | [token id] | [[token id]]}` or `{"messages": […]}` and answers with
//! `data[i].probs`, whose only entry is the score. Texts are read as they are, so they should have the form in which the
//! model was trained; `messages` are put into it: the last user message is the problem, the last assistant message the
//! completion. A text that is too long is refused unless `truncate_prompt_tokens` says how much of its end to keep (-1:
//! as much as the model reads). The score is a blend that has no logit, so `use_activation` changes nothing. Other
//! fields are ignored, as vLLM does.

use super::{
    Asked, Dialect, Entry, House, Outcome, check_count, check_size, completion, errors, kind, object,
};
use crate::fault::{Fault, ItemFault};
use crate::rubric::Input;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) struct Classify;

impl Dialect for Classify {
    const PATH: &'static str = "/classify";
    /// The model's name as the caller knows it.
    type Context = Option<String>;

    fn read(body: Value, _query: &str, house: &House) -> Result<Asked<Option<String>>, Fault> {
        let mut map = object(body)?;
        let model = map.remove("model").and_then(|model| model.as_str().map(str::to_owned));
        let keep_end = match map.remove("truncate_prompt_tokens") {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_i64() {
                Some(-1) => Some(house.card.max_tokens),
                Some(keep) if keep > 0 => Some(usize::try_from(keep).unwrap_or(usize::MAX)),
                _ => return Err(Fault::Invalid("`truncate_prompt_tokens` is neither -1 nor above 0".into())),
            },
        };
        let entries = match (map.remove("input"), map.remove("messages")) {
            (Some(input), None) => inputs(input, keep_end, house)?,
            (None, Some(Value::Array(messages))) => {
                vec![messages_entry(&messages, house).unwrap_or_else(Entry::Invalid)]
            }
            (None, None) => return Err(Fault::Invalid("`input` is missing".into())),
            (Some(_), Some(_)) => return Err(Fault::Invalid("give `input` or `messages`, not both".into())),
            (None, Some(other)) => {
                return Err(Fault::Invalid(format!("`messages` is {}, not a list", kind(&other))));
            }
        };
        Ok(Asked { entries, context: model })
    }

    fn write(model: &Option<String>, outcomes: &[Outcome], house: &House) -> Value {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let data = |(index, outcome): (usize, &Outcome)| match (outcome.reward(), outcome.fault()) {
            (Some(score), _) => {
                json!({ "index": index, "label": "score", "probs": [score], "num_classes": 1 })
            }
            (None, fault) => json!({
                "index": index, "label": null, "probs": [], "num_classes": 0,
                "error": fault.map(|fault| fault.to_json(index)),
            }),
        };
        let tokens: usize = outcomes
            .iter()
            .map(|outcome| if let Outcome::Scored(score) = outcome { score.tokens } else { 0 })
            .sum();
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        json!({
            "id": format!("classify-{created}-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
            "object": "list",
            "created": created,
            "model": model.as_deref().unwrap_or(&house.card.name),
            "data": outcomes.iter().enumerate().map(data).collect::<Vec<_>>(),
            "usage": { "prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0 },
            "errors": errors(outcomes),
        })
    }
}

fn inputs(input: Value, keep_end: Option<usize>, house: &House) -> Result<Vec<Entry>, Fault> {
    let inputs = match input {
        // A flat list of numbers is one input.
        Value::Array(list) if list.first().is_some_and(Value::is_number) => vec![Value::Array(list)],
        Value::Array(list) => list,
        text @ Value::String(_) => vec![text],
        other => return Err(Fault::Invalid(format!("`input` is {}, not texts or token ids", kind(&other)))),
    };
    check_count(house, inputs.len())?;
    let entry = |input| match one(input, keep_end, house) {
        Ok(input) => Entry::Score(input),
        Err(fault) => Entry::Invalid(fault),
    };
    Ok(inputs.into_iter().map(entry).collect())
}

fn one(input: Value, keep_end: Option<usize>, house: &House) -> Result<Input, ItemFault> {
    match input {
        Value::String(text) => {
            check_size(house, &[Some(&text)])?;
            Ok(Input::Text { text, keep_end })
        }
        Value::Array(list) => {
            let ids: Option<Vec<u32>> =
                list.iter().map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok())).collect();
            let wrong = || ItemFault::Invalid("the input is a list, but not one of token ids".into());
            Ok(Input::Tokens { ids: ids.ok_or_else(wrong)?, keep_end })
        }
        other => Err(ItemFault::Invalid(format!("the input is {}, not a text or token ids", kind(&other)))),
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
