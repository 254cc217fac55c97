//! Conversations: messages as clients send them, as the model's chat template takes them.

use super::fields::Fields;
use super::refusal::Refusal;
use serde_json::Value;
use tracelift_domain::Prompt;
use tracelift_domain::prompt::{Message, Role, Thinking};

/// The conversation that a request holds. What others said in it is text to the model: a control token there does not end a turn.
pub(super) fn conversation(fields: &mut Fields) -> Result<Prompt, Refusal> {
    let messages = match fields.take("messages") {
        None => return Err(Refusal::of("messages", "`messages` is missing")),
        Some(Value::Array(messages)) => messages,
        Some(other) => return Err(fields.wrong("messages", &other, "a list of messages")),
    };
    if messages.is_empty() {
        return Err(Refusal::of("messages", "`messages` is empty"));
    }
    let mut messages =
        messages.into_iter().enumerate().map(message).collect::<Result<Vec<Message>, Refusal>>()?;
    let continues = fields.flag("continue_final_message")?.unwrap_or(false);
    let generates = fields.flag("add_generation_prompt")?.unwrap_or(!continues);
    let prefill = match (continues, generates) {
        (false, true) => String::new(),
        (true, false) => match messages.pop() {
            Some(Message { role: Role::Assistant, content }) => content,
            _ => {
                let message = "`continue_final_message` goes on from what the assistant said, but the last message is not the \
                     assistant's";
                return Err(Refusal::of("continue_final_message", message));
            }
        },
        (true, true) => {
            let message = "`add_generation_prompt` and `continue_final_message` exclude each other";
            return Err(Refusal::of("add_generation_prompt", message));
        }
        (false, false) => {
            let message =
                " as false without `continue_final_message`: the model would write somebody else's turn";
            return Err(Refusal::unsupported("add_generation_prompt", message));
        }
    };
    let mut thinking = Thinking::Default;
    if let Some(mut template) = fields.object("chat_template_kwargs")? {
        thinking = match template.flag("enable_thinking")? {
            None => Thinking::Default,
            Some(true) => Thinking::On,
            Some(false) => Thinking::Off,
        };
        template.end()?;
    }
    Ok(Prompt::Conversation { messages, thinking, prefill })
}

fn message((index, value): (usize, Value)) -> Result<Message, Refusal> {
    let place = format!("messages[{index}]");
    let Value::Object(mut map) = value else {
        return Err(Refusal::of(&place, format!("`{place}` is not an object with `role` and `content`")));
    };
    let role = match map.remove("role").as_ref().and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some(other @ ("tool" | "function")) => {
            return Err(Refusal::unsupported(&format!("{place}.role"), &format!(" as `{other}`")));
        }
        _ => {
            let message = format!("`{place}.role` must be system, developer, user or assistant");
            return Err(Refusal::of(&format!("{place}.role"), message));
        }
    };
    let content = match map.remove("content") {
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => {
            let parts: Result<Vec<String>, Refusal> =
                parts.into_iter().enumerate().map(|part| text_of(&place, part)).collect();
            parts?.concat()
        }
        _ => {
            let message = format!("`{place}.content` must be a string, or a list of parts of type `text`");
            return Err(Refusal::of(&format!("{place}.content"), message));
        }
    };
    let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    // What a reply of this server, or of another, holds beside its text.
    if let Some((name, _)) = map.iter().find(|(_, value)| !empty(value)) {
        let name: String = name.chars().take(100).collect();
        return Err(Refusal::unsupported(&format!("{place}.{name}"), " here; leave it out"));
    }
    Ok(Message { role, content })
}

fn text_of(place: &str, (index, part): (usize, Value)) -> Result<String, Refusal> {
    let place = format!("{place}.content[{index}]");
    match (part.get("type").and_then(Value::as_str), part.get("text").and_then(Value::as_str)) {
        (Some("text"), Some(text)) => Ok(text.to_owned()),
        (Some("text"), None) => Err(Refusal::of(&place, format!("`{place}` has no `text`"))),
        (kind, _) => {
            let kind = kind.unwrap_or("none").chars().take(40).collect::<String>();
            Err(Refusal::unsupported(&place, &format!(" of type `{kind}`: the model reads text alone")))
        }
    }
}
