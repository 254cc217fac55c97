//! Prompts as they are handed to a model, and what a reward model reads.
//!
//! What planners and executors are *told* is data and stands in a room of its own, `prompt`. Nothing can see gold: it is no
//! part of a [`Question`](crate::Question).

pub mod rubric;
mod text;

pub use rubric::{RUBRIC_TAGS, reward_model_text};
pub use text::Text;

use crate::fingerprint::{Fingerprint, canonical};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions.
    System,
    /// The problem.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name in templates and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Whether a chat template is asked to let the model think aloud first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// As the template has it.
    Default,
    /// Not (`enable_thinking` is off).
    Off,
    /// It is (`enable_thinking` is on).
    On,
}

/// A prompt, as far as it can be written down without the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A text to go on from.
    Text(Text),
    /// A conversation that the model's chat template lays out.
    Conversation {
        /// What is said.
        messages: Vec<Message>,
        /// What the template is told about thinking aloud.
        thinking: Thinking,
        /// The beginning of the reply, which the model goes on from; often empty.
        prefill: String,
    },
}

impl Prompt {
    /// The SHA-256 of what is said: of the text, or of the conversation as canonical JSON, a beginning of the reply as its last
    /// turn.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Prompt::Text(text) => Fingerprint::of_text(text),
            Prompt::Conversation { messages, prefill, .. } => {
                let mut turns = json!(messages);
                if let (false, Some(turns)) = (prefill.is_empty(), turns.as_array_mut()) {
                    turns.push(json!(Message { role: Role::Assistant, content: prefill.clone() }));
                }
                Fingerprint::of_text(&canonical(&turns))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_told_apart_by_what_they_say() {
        let said = |prefill: &str| Prompt::Conversation {
            messages: vec![Message { role: Role::User, content: "a \"b\"".into() }],
            thinking: Thinking::Default,
            prefill: prefill.into(),
        };
        let of = |text: &str| Fingerprint::of_text(text);
        assert_eq!(said("").fingerprint(), of(r#"[{"content":"a \"b\"","role":"user"}]"#));
        let begun = r#"[{"content":"a \"b\"","role":"user"},{"content":"<","role":"assistant"}]"#;
        assert_eq!(said("<").fingerprint(), of(begun));
        assert_eq!(Prompt::Text("a".into()).fingerprint(), of("a"));
    }
}
