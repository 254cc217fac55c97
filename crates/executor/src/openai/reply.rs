//! What comes back, and whether it is a whole reply.
//!
//! A reply that is not exactly what the protocol promises says nothing about the model. So it is read strictly: objects
//! where objects belong (serde would also take a list for a struct, field by field), no field twice, one choice for the
//! one that was asked for, a text where a text belongs. What is read like this still counts as a completion only if it is
//! [`whole`].

use super::config::{Api, Settings};
use crate::call::{CallFailure, Completion};
use serde::de::{IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::{fmt, marker::PhantomData};

/// A JSON object, and nothing else.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

#[derive(Deserialize)]
struct Reply {
    /// `error` where there is one and the status does not say so.
    #[serde(default)]
    object: Option<Value>,
    #[serde(default)]
    choices: Option<Vec<Object<Choice>>>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Object<Tokens>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
    /// Of Azure: what its filters found in each prompt.
    #[serde(default)]
    prompt_filter_results: Option<Value>,
    /// Of some servers, how the request as a whole went.
    #[serde(default)]
    status: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    message: Option<Object<Message>>,
    #[serde(default)]
    finish_reason: Option<String>,
    /// Of routers: what went wrong behind them, beside whatever came before it.
    #[serde(default)]
    error: Option<IgnoredAny>,
    /// Of Azure: what its filters found.
    #[serde(default)]
    content_filter_results: Option<Value>,
    /// Of routers: how the completion ended behind them, in whatever words are used there.
    #[serde(default)]
    native_finish_reason: Option<Value>,
    /// Of some servers: the token or the text that ended it, or in a word why it ended.
    #[serde(default)]
    stop_reason: Option<Value>,
    /// The same, as an object with a `type`.
    #[serde(default)]
    finish_details: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    function_call: Option<IgnoredAny>,
    /// Of routers: what went wrong while it was written.
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: Option<u32>,
    #[serde(default)]
    completion_tokens: Option<u32>,
}

/// What a reply says, whole or not.
pub(super) struct Said {
    pub(super) text: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) calls_tool: bool,
    pub(super) finish_reason: Option<String>,
    pub(super) model: Option<String>,
    pub(super) prompt_tokens: Option<u32>,
    pub(super) completion_tokens: Option<u32>,
}

/// Reads the body of a successful reply.
///
/// # Errors
/// Whatever the protocol does not promise.
pub(super) fn read(api: Api, endpoint: &str, body: &[u8]) -> Result<Said, CallFailure> {
    let malformed = |detail: String| CallFailure::Malformed {
        endpoint: endpoint.to_owned(),
        detail: format!("{detail} in {:?}", excerpt(body)),
    };
    // What serde passes over it does not check.
    let body = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let Object(reply) =
        serde_json::from_str::<Object<Reply>>(body).map_err(|error| malformed(error.to_string()))?;
    let errored =
        || CallFailure::Errored { endpoint: endpoint.to_owned(), excerpt: excerpt(body.as_bytes()) };
    if reply.error.is_some() || reply.object.as_ref().is_some_and(|object| object == "error") {
        return Err(errored());
    }
    if let Some(part) =
        reply.object.as_ref().and_then(Value::as_str).filter(|object| object.ends_with(".chunk"))
    {
        return Err(malformed(format!("{part:?} instead of a whole reply")));
    }
    let mut choices = reply.choices.ok_or_else(|| malformed("`choices` is missing".into()))?.into_iter();
    let Some(Object(choice)) = choices.next() else {
        return Err(CallFailure::Empty { endpoint: endpoint.to_owned() });
    };
    match choices.len() {
        0 => {}
        more => return Err(malformed(format!("{} choices, of which one was asked for,", more + 1))),
    }
    if let Some(index) = choice.index.filter(|index| *index != 0) {
        return Err(malformed(format!(
            "`choices[0].index` is {index}, of the one choice that was asked for,"
        )));
    }
    let failed = choice.message.as_ref().is_some_and(|Object(message)| message.error.is_some());
    if choice.error.is_some() || failed {
        return Err(errored());
    }
    let (text, message) = match api {
        Api::Completions => (choice.text, None),
        Api::Chat => match choice.message {
            Some(Object(message)) => (None, Some(message)),
            None => return Err(malformed("`choices[0].message` is missing".into())),
        },
    };
    let (text, refusal, calls_tool) = match message {
        None => (text, None, false),
        Some(message) => {
            if let Some(role) = message.role.filter(|role| role != "assistant") {
                return Err(malformed(format!("a message of {role:?} instead of the assistant's")));
            }
            let calls = message.tool_calls.is_some_and(|calls| !calls.is_empty());
            let refusal = message.refusal.filter(|refusal| !refusal.trim().is_empty());
            (message.content, refusal, calls || message.function_call.is_some())
        }
    };
    let (prompt_tokens, completion_tokens) =
        reply.usage.map_or((None, None), |Object(usage)| (usage.prompt_tokens, usage.completion_tokens));
    // What a filter took away is filtered, whatever it ends with.
    let in_prompts = reply.prompt_filter_results.as_ref().and_then(Value::as_array).into_iter().flatten();
    let filtered = in_prompts
        .filter_map(|prompt| prompt.get("content_filter_results"))
        .chain(&choice.content_filter_results)
        .any(has_filtered);
    // A `finish_reason` of `stop` beside another word that says what it was really.
    let details = choice.finish_details.as_ref().and_then(|details| details.get("type"));
    let trouble = [&choice.native_finish_reason, &choice.stop_reason, &reply.status]
        .into_iter()
        .flatten()
        .chain(details)
        .filter_map(Value::as_str)
        .find(|word| tells_of_trouble(word));
    let finish_reason = match trouble {
        _ if filtered => Some("content_filter".to_owned()),
        Some(word) => Some(word.to_owned()),
        None => choice.finish_reason,
    };
    let model = reply.model;
    Ok(Said { text, refusal, calls_tool, finish_reason, model, prompt_tokens, completion_tokens })
}

/// Whether a word for how a completion ended says that it was kept from its end.
fn tells_of_trouble(word: &str) -> bool {
    const TROUBLE: [&str; 12] = [
        "filter",
        "safety",
        "block",
        "prohibit",
        "recitation",
        "refus",
        "error",
        "abort",
        "cancel",
        "fail",
        "incomplete",
        "spii",
    ];
    let word = word.to_ascii_lowercase();
    // A stop text is longer than any of the words that servers have for this.
    word.len() <= 40 && TROUBLE.iter().any(|part| word.contains(part))
}

/// Whether a filter says that it took something away: `{"hate": {"filtered": true, …}, …}`.
fn has_filtered(results: &Value) -> bool {
    let found = |result: &Value| result.get("filtered") == Some(&Value::Bool(true));
    results.as_object().is_some_and(|results| results.values().any(found))
}

/// The completion in a reply, if the model that was asked wrote it, and wrote it to an end.
///
/// # Errors
/// What keeps the reply from counting.
pub(super) fn whole(settings: &Settings, endpoint: &str, said: Said) -> Result<Completion, CallFailure> {
    settings.names.check(endpoint, said.model.as_deref())?;
    let endpoint = endpoint.to_owned();
    if let Some(refusal) = said.refusal {
        return Err(CallFailure::Refusal { endpoint, excerpt: excerpt(refusal.as_bytes()) });
    }
    if said.calls_tool {
        return Err(CallFailure::ToolCall { endpoint });
    }
    let reason = match said.finish_reason {
        Some(reason) if settings.finished.contains(&reason) => reason,
        reason => {
            let whole = settings.finished.clone();
            return Err(CallFailure::Unfinished { endpoint, reason, whole });
        }
    };
    let Some(text) = said.text else {
        return Err(CallFailure::NoContent { endpoint, reason });
    };
    Ok(Completion {
        text,
        prompt_tokens: said.prompt_tokens,
        completion_tokens: said.completion_tokens,
        truncated: reason == "length",
    })
}

/// The beginning of a body, on one line.
pub(super) fn excerpt(body: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * LONGEST)]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut excerpt: String = words.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if excerpt.len() < words.len() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests;
