//! Examples as they stand in files: `prompt` and `completion`, or `messages`, as strings or as turns.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::path::Path;
use tracelift_datasets::values;
use tracelift_domain::prompt::{Message, Prompt, Role, Thinking};

/// What is given, and what is to be said then.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub prompt: Prompt,
    pub completion: String,
}

impl Said {
    /// What a user says in it: what may be a problem.
    pub fn asked(&self) -> impl Iterator<Item = &str> {
        let (text, turns): (_, &[Message]) = match &self.prompt {
            Prompt::Text(text) => (Some(text.as_str()), &[]),
            Prompt::Conversation { messages, .. } => (None, messages),
        };
        let turns = turns.iter().filter(|turn| turn.role == Role::User).map(|turn| turn.content.as_str());
        text.into_iter().chain(turns)
    }
}

/// The examples of a file, the first `limit` of them.
///
/// # Errors
/// Names the file and the line that is wrong.
pub(super) fn read(file: &Path, limit: Option<usize>) -> Result<Vec<Said>> {
    let mut all = Vec::new();
    for row in values(file)?.take(limit.unwrap_or(usize::MAX)) {
        let (line, row) = row?;
        all.push(said(&row).with_context(|| format!("{}:{line}", file.display()))?);
    }
    ensure!(!all.is_empty(), "{}: there are no examples", file.display());
    Ok(all)
}

fn said(row: &Value) -> Result<Said> {
    if let Some(messages) = row.get("messages") {
        let mut messages = turns("messages", messages)?;
        let last = messages.pop().filter(|last| last.role == Role::Assistant);
        let last =
            last.context("`messages` does not end with a turn of the assistant, which is what is learned")?;
        ensure!(!messages.is_empty(), "`messages` holds nothing before the assistant's turn");
        return Ok(Said { prompt: conversation(messages), completion: last.content });
    }
    let (Some(prompt), Some(completion)) = (row.get("prompt"), row.get("completion")) else {
        bail!("expected `prompt` and `completion`, or `messages`");
    };
    let prompt = match prompt {
        Value::String(text) => Prompt::Text(text.as_str().into()),
        turns => conversation(self::turns("prompt", turns)?),
    };
    let completion = match completion {
        Value::String(text) => text.clone(),
        given => match turns("completion", given)?.as_slice() {
            [Message { role: Role::Assistant, content }] => content.clone(),
            _ => bail!("`completion` is no text and not one turn of the assistant"),
        },
    };
    ensure!(!completion.is_empty(), "the completion is empty: there is nothing to learn");
    Ok(Said { prompt, completion })
}

fn conversation(messages: Vec<Message>) -> Prompt {
    Prompt::Conversation { messages, thinking: Thinking::Default, prefill: String::new() }
}

fn turns(key: &str, value: &Value) -> Result<Vec<Message>> {
    let turns = value.as_array().with_context(|| format!("`{key}` is no text and no list of turns"))?;
    turns
        .iter()
        .map(|turn| {
            let text = |part: &str| {
                turn.get(part)
                    .and_then(Value::as_str)
                    .with_context(|| format!("a turn of `{key}` has no text `{part}`"))
            };
            let role = match text("role")? {
                "system" => Role::System,
                "user" => Role::User,
                "assistant" => Role::Assistant,
                other => bail!(
                    "a turn of `{key}` has the role {other:?}, expected `system`, `user` or `assistant`"
                ),
            };
            Ok(Message { role, content: text("content")?.to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Said> {
        said(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_usual_shapes_are_read() {
        let text = of(r#"{"prompt": "2 + 2 = ", "completion": "4", "id": 7}"#).unwrap();
        assert_eq!(text, Said { prompt: Prompt::Text("2 + 2 = ".into()), completion: "4".into() });
        let turns = of(
            r#"{"prompt": [{"role": "user", "content": "2 + 2?"}], "completion": [{"role": "assistant", "content": "4"}]}"#,
        )
        .unwrap();
        let messages = of(
            r#"{"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]}"#,
        )
        .unwrap();
        assert_eq!(turns, messages);
        assert!(matches!(turns.prompt, Prompt::Conversation { messages, .. } if messages.len() == 1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("{}", "`messages`"),
            (r#"{"prompt": "x"}"#, "`completion`"),
            (r#"{"prompt": "x", "completion": ""}"#, "nothing to learn"),
            (r#"{"prompt": 3, "completion": "x"}"#, "`prompt`"),
            (r#"{"messages": []}"#, "does not end with"),
            (r#"{"messages": [{"role": "user", "content": "x"}]}"#, "does not end with"),
            (r#"{"messages": [{"role": "assistant", "content": "x"}]}"#, "nothing before"),
            (r#"{"messages": [{"role": "tool", "content": "x"}]}"#, "\"tool\""),
            (r#"{"messages": [{"role": "user", "content": null}]}"#, "`content`"),
            (r#"{"prompt": "x", "completion": [{"role": "user", "content": "x"}]}"#, "`completion`"),
        ] {
            let message = format!("{:#}", of(text).unwrap_err());
            assert!(message.contains(says), "{text}: {message}");
        }
    }
}
