//! How what is said is laid out for a model.

use serde::{Deserialize, Serialize};
use tracelift_domain::prompt::{Message, Prompt, Text, Thinking};
use tracelift_domain::{Question, Trace};

/// The layout of a model's prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// The user's text as it is, and nothing else: for models that were trained on a text of their own.
    Text,
    /// Turns as paragraphs, for base models.
    Plain,
    /// A ChatML conversation (`<|im_start|>…<|im_end|>`), the Qwen2 family's format, whatever template the model has.
    Chatml,
    /// The model's own chat template.
    Chat,
    /// The chat template with `enable_thinking` off: for models that would otherwise think aloud before they answer.
    ChatWithoutThinking,
}

impl Layout {
    const ALL: [Layout; 5] =
        [Layout::Text, Layout::Plain, Layout::Chatml, Layout::Chat, Layout::ChatWithoutThinking];

    /// The name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Layout::Text => "text",
            Layout::Plain => "plain",
            Layout::Chatml => "chatml",
            Layout::Chat => "chat",
            Layout::ChatWithoutThinking => "chat-without-thinking",
        }
    }

    /// The layout of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Layout> {
        Layout::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// The layout of a model that nothing else is said of: by its chat template, or as plain text where it has none.
    #[must_use]
    pub fn of_model<T>(template: Option<T>) -> Layout {
        match template {
            Some(_) => Layout::Chat,
            None => Layout::Plain,
        }
    }

    /// All names, for messages.
    pub(crate) fn names() -> String {
        Layout::ALL.map(|layout| format!("`{}`", layout.name())).join(", ")
    }

    /// Whether only a model's own chat template can lay it out.
    #[must_use]
    pub fn needs_template(self) -> bool {
        match self {
            Layout::Text | Layout::Plain | Layout::Chatml => false,
            Layout::Chat | Layout::ChatWithoutThinking => true,
        }
    }

    /// Turns, and the beginning of the reply. `said` is what the question and a trace say: in the layout `text` the words
    /// around them are the author's own, with whatever control tokens; in the others every turn is only text.
    #[must_use]
    pub(crate) fn lay_out(self, messages: Vec<Message>, prefill: String, said: Vec<String>) -> Prompt {
        let contents = |messages: Vec<Message>| messages.into_iter().map(|message| message.content).collect();
        let thinking = match self {
            Layout::Text => return Prompt::Text(Text::new(only(messages) + &prefill, said)),
            Layout::Plain => {
                return Prompt::Text(Text::new(paragraphs(&messages) + &prefill, contents(messages)));
            }
            Layout::Chatml => {
                return Prompt::Text(Text::new(chatml(&messages) + &prefill, contents(messages)));
            }
            Layout::Chat => Thinking::Default,
            Layout::ChatWithoutThinking => Thinking::Off,
        };
        Prompt::Conversation { messages, thinking, prefill }
    }
}

/// What a question and a trace say.
pub(crate) fn said(question: &Question, trace: Option<&Trace>) -> Vec<String> {
    let trace = trace.map(Trace::as_str).into_iter();
    let asked = [question.statement.as_str(), question.source.as_str()].into_iter();
    let tests = question.tests_shown.iter().chain(&question.entry).map(String::as_str);
    trace.chain(asked).chain(tests).map(str::to_owned).collect()
}

/// The user's text; there is no other turn where the parts were checked.
fn only(messages: Vec<Message>) -> String {
    messages.into_iter().map(|message| message.content).collect()
}

/// Turns as paragraphs.
fn paragraphs(messages: &[Message]) -> String {
    messages.iter().flat_map(|message| [message.content.as_str(), "\n\n"]).collect()
}

fn chatml(messages: &[Message]) -> String {
    let mut text = String::new();
    for Message { role, content } in messages {
        text.push_str(&format!("<|im_start|>{}\n{content}<|im_end|>\n", role.name()));
    }
    text.push_str("<|im_start|>assistant\n");
    text
}
