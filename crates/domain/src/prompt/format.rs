//! How what is said is laid out for a model.

use super::wording::{self, Message, Role};
use crate::fingerprint::{Fingerprint, canonical};
use crate::{problem::Question, trace::Trace};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The layout of a model's prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptFormat {
    /// The embedded worlds' tags, no instructions: `<problem> X </problem>`.
    World,
    /// Instructions and problem as plain text, for base models.
    Plain,
    /// Instructions and problem as a ChatML conversation (`<|im_start|>…<|im_end|>`), the Qwen2 family's format, whatever
    /// template the model has.
    Chatml,
    /// The model's own chat template.
    Chat,
    /// The chat template with `enable_thinking` off: for models that would otherwise think aloud before they answer.
    ChatWithoutThinking,
}

/// Whether a chat template is asked to let the model think aloud first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// As the template has it.
    Default,
    /// Not (`enable_thinking` is off).
    Off,
}

/// A prompt, as far as it can be written down without the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A text to go on from.
    Text(String),
    /// A conversation that the model's chat template lays out.
    Conversation {
        /// What is said.
        messages: Vec<Message>,
        /// What the template is told about thinking aloud.
        thinking: Thinking,
    },
}

impl Prompt {
    /// The SHA-256 of what is said: of the text, or of the conversation's messages as canonical JSON.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Prompt::Text(text) => Fingerprint::of_text(text),
            Prompt::Conversation { messages, .. } => Fingerprint::of_text(&canonical(&json!(messages))),
        }
    }
}

impl PromptFormat {
    /// The prompt of a planner for a question.
    #[must_use]
    pub fn planner(self, question: &Question) -> Prompt {
        match self {
            PromptFormat::World => Prompt::Text(world_planner(question)),
            laid_out => laid_out.lay_out(wording::planner(question)),
        }
    }

    /// The prompt of an executor: with a trace, or without.
    #[must_use]
    pub fn executor(self, question: &Question, trace: Option<&Trace>) -> Prompt {
        match self {
            PromptFormat::World => Prompt::Text(world_executor(question, trace)),
            laid_out => laid_out.lay_out(wording::executor(question, trace)),
        }
    }

    /// Whether only a model's own chat template can lay it out.
    #[must_use]
    pub fn needs_template(self) -> bool {
        match self {
            PromptFormat::World | PromptFormat::Plain | PromptFormat::Chatml => false,
            PromptFormat::Chat | PromptFormat::ChatWithoutThinking => true,
        }
    }

    fn lay_out(self, messages: Vec<Message>) -> Prompt {
        match self {
            PromptFormat::World | PromptFormat::Plain => Prompt::Text(plain(&messages)),
            PromptFormat::Chatml => Prompt::Text(chatml(&messages)),
            PromptFormat::Chat => Prompt::Conversation { messages, thinking: Thinking::Default },
            PromptFormat::ChatWithoutThinking => Prompt::Conversation { messages, thinking: Thinking::Off },
        }
    }
}

/// What a planner of an embedded world is given.
#[must_use]
pub fn world_planner(question: &Question) -> String {
    format!("<problem> {} </problem>", question.statement)
}

/// What an executor of an embedded world is given.
#[must_use]
pub fn world_executor(question: &Question, trace: Option<&Trace>) -> String {
    let trace = trace.map(|trace| format!("{} ", trace.tagged())).unwrap_or_default();
    format!("<problem> {} </problem> {trace}<answer>", question.statement)
}

/// Turns as paragraphs.
#[must_use]
pub fn plain(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        text.push_str(&message.content);
        text.push_str("\n\n");
    }
    text
}

fn chatml(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        text.push_str(&format!("<|im_start|>{role}\n{}<|im_end|>\n", message.content));
    }
    text.push_str("<|im_start|>assistant\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::TaskDomain;

    const FORMATS: [PromptFormat; 5] = [
        PromptFormat::World,
        PromptFormat::Plain,
        PromptFormat::Chatml,
        PromptFormat::Chat,
        PromptFormat::ChatWithoutThinking,
    ];

    fn question() -> Question {
        Question::new("test", TaskDomain::Math, "What is 1 + 1?")
    }

    fn said(prompt: Prompt) -> String {
        match prompt {
            Prompt::Text(text) => text,
            Prompt::Conversation { messages, .. } => plain(&messages),
        }
    }

    #[test]
    fn both_arms_differ_by_the_trace_alone() {
        let trace = Trace::new("Add one and one.").unwrap();
        for format in FORMATS {
            let with = said(format.executor(&question(), Some(&trace)));
            let without = said(format.executor(&question(), None));
            let (before, rest) = with.split_once("Add one and one.").unwrap();
            // What stands around the trace: its heading, or its tags.
            let frame = [("\n\nReasoning to follow:\n", ""), ("<reasoning> ", " </reasoning> ")]
                .into_iter()
                .find_map(|(open, close)| Some((before.strip_suffix(open)?, rest.strip_prefix(close)?)));
            let (before, rest) = frame.unwrap();
            assert_eq!(format!("{before}{rest}"), without, "{format:?}");
        }
    }

    #[test]
    fn world_prompts_are_exact() {
        let trace = Trace::new("1 + 1").unwrap();
        let world = |trace| said(PromptFormat::World.executor(&question(), trace));
        assert_eq!(
            world(Some(&trace)),
            "<problem> What is 1 + 1? </problem> <reasoning> 1 + 1 </reasoning> <answer>"
        );
        assert_eq!(world(None), "<problem> What is 1 + 1? </problem> <answer>");
        assert_eq!(said(PromptFormat::World.planner(&question())), "<problem> What is 1 + 1? </problem>");
    }

    #[test]
    fn prompts_are_told_apart_by_what_they_say() {
        let conversation = PromptFormat::Chat.planner(&question());
        let Prompt::Conversation { messages, .. } = &conversation else { panic!("a conversation") };
        let written = format!(
            r#"[{{"content":{},"role":"system"}},{{"content":{},"role":"user"}}]"#,
            json!(messages[0].content),
            json!(messages[1].content)
        );
        assert_eq!(conversation.fingerprint(), Fingerprint::of_text(&written));
        let text = Prompt::Text("a".into());
        assert_eq!(text.fingerprint(), Fingerprint::of_text("a"));
        assert_ne!(text.fingerprint(), PromptFormat::Plain.planner(&question()).fingerprint());
    }

    #[test]
    fn conversations_wait_for_the_models_template() {
        for format in FORMATS {
            let conversation = matches!(format.planner(&question()), Prompt::Conversation { .. });
            assert_eq!(conversation, format.needs_template(), "{format:?}");
        }
        let Prompt::Conversation { thinking, .. } = PromptFormat::ChatWithoutThinking.planner(&question())
        else {
            panic!("a chat template lays out a conversation")
        };
        assert_eq!(thinking, Thinking::Off);
    }
}
