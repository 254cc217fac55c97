//! Chat templates: how a conversation is put to a model that was trained on conversations.
//!
//! A checkpoint carries its format as a Jinja template (`chat_template.jinja`, or `chat_template` in
//! `tokenizer_config.json`). It is rendered as `transformers` renders it: the same whitespace rules, the same functions
//! (`raise_exception`, `strftime_now`, `tojson`) and variables, the methods of Python's strings, lists and dictionaries.
//! A template comes from outside, so its size, its depth and the work that it may do are bounded; it can read nothing
//! but what it is given.

mod arguments;
mod clock;
mod filters;
mod json;
mod numbers;
mod operators;
mod scopes;
mod show;
mod text;

/// A JSON value as templates read it; objects keep the order of their keys.
pub use minijinja::Value;
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tracelift_domain::{Message, Role};

/// The longest template in bytes; published ones have some thousand.
const LONGEST: usize = 1 << 20;
/// Steps of the interpreter for one conversation. A published template takes some thousand a message.
const FUEL: u64 = 50_000_000;
/// The longest rendered conversation in bytes.
const LONGEST_TEXT: usize = 1 << 26;
const NAME: &str = "chat_template";
/// The variable by which `strftime_now` learns the time.
const NOW: &str = "__now";

/// Why a conversation cannot be put to a model.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// There is no template.
    #[error(
        "the checkpoint has no chat template (`chat_template.jinja`, or `chat_template` in tokenizer_config.json); \
         set the prompt's `layout` to `plain` or `text`, or put a template there"
    )]
    Absent,
    /// The template is too long.
    #[error("the chat template has {0} bytes; at most {LONGEST} are accepted")]
    TooLong(usize),
    /// The rendered conversation is too long.
    #[error("the chat template made {0} bytes of one conversation; at most {LONGEST_TEXT} are accepted")]
    TextTooLong(usize),
    /// The template is none, or refuses the conversation.
    #[error("the chat template failed: {0}")]
    Template(String),
}

impl From<Error> for ChatError {
    fn from(error: Error) -> ChatError {
        // `raise_exception` speaks for itself; anything else needs its line.
        match (error.kind(), error.detail(), error.line()) {
            (ErrorKind::InvalidOperation, Some(detail), _) if detail.starts_with(RAISED) => {
                ChatError::Template(detail[RAISED.len()..].to_owned())
            }
            (kind, Some(detail), Some(line)) => {
                ChatError::Template(format!("{kind}: {detail} (line {line})"))
            }
            _ => ChatError::Template(error.to_string()),
        }
    }
}

const RAISED: &str = "\u{0}raised: ";

/// A conversation as templates read it: a list of messages, and tools if there are any. Messages keep every field that
/// they have, in its place.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    messages: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
}

impl Conversation {
    /// Messages, and tools that the model may call, both as `transformers` takes them.
    #[must_use]
    pub fn new(messages: Value, tools: Option<Value>) -> Conversation {
        Conversation { messages, tools }
    }

    /// From the text of a JSON list of messages.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn from_json(messages: &str) -> Result<Conversation, serde_json::Error> {
        Ok(Conversation { messages: serde_json::from_str(messages)?, tools: None })
    }
}

impl Conversation {
    /// Whether there are tools that the model may call.
    #[must_use]
    pub fn has_tools(&self) -> bool {
        self.tools.as_ref().is_some_and(|tools| !tools.is_none() && !tools.is_undefined())
    }

    /// What a user said, and nothing else.
    #[must_use]
    pub fn of_user(content: &str) -> Conversation {
        let message = Message { role: Role::User, content: content.to_owned() };
        Conversation::from(std::slice::from_ref(&message))
    }
}

impl From<&[Message]> for Conversation {
    fn from(messages: &[Message]) -> Conversation {
        let message = |message: &Message| {
            Value::from_pairs([("role", message.role.name()), ("content", message.content.as_str())])
        };
        Conversation { messages: messages.iter().map(message).collect(), tools: None }
    }
}

/// What else a template may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatOptions {
    /// Whether the text ends where the model is to go on.
    pub add_generation_prompt: bool,
    /// `enable_thinking`, if it is to be defined.
    pub enable_thinking: Option<bool>,
    /// What `strftime_now` takes for now, in seconds since 1970. Some templates write today's date into every prompt;
    /// that would give a frozen executor another prompt every day, so the default is a day of its own: 26 July 2024,
    /// the one that the Llama 3.1 template names where it has no clock.
    pub now: i64,
}

impl Default for ChatOptions {
    fn default() -> ChatOptions {
        ChatOptions { add_generation_prompt: true, enable_thinking: None, now: 1_721_952_000 }
    }
}

/// A chat template, ready to render; or, as a file of a checkpoint, one that cannot be read, of which only whoever wants
/// to use it learns.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    text: Arc<str>,
    tokens: BTreeMap<String, String>,
    environment: Result<Arc<Environment<'static>>, String>,
}

impl ChatTemplate {
    /// Reads a template. `tokens` are the special tokens that it may name: `bos_token`, `eos_token`, ….
    ///
    /// # Errors
    /// When it is not valid Jinja, or too long.
    pub fn new(text: &str, tokens: BTreeMap<String, String>) -> Result<ChatTemplate, ChatError> {
        if text.len() > LONGEST {
            return Err(ChatError::TooLong(text.len()));
        }
        let mut environment = Environment::new();
        environment.set_syntax(
            minijinja::syntax::SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?,
        );
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_unknown_method_callback(text::method);
        environment.set_formatter(|out, _, value| {
            let shown = show::text(value)?;
            out.write_str(&shown).map_err(|error| Error::new(ErrorKind::WriteFailure, error.to_string()))
        });
        filters::add_to(&mut environment);
        environment.add_function(operators::PERCENT, numbers::percent);
        environment.add_function(operators::TIMES, numbers::times);
        environment.add_function("cycler", |items: Rest<Value>| minijinja_contrib::globals::cycler(items.0));
        environment.add_function("joiner", minijinja_contrib::globals::joiner);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, format!("{RAISED}{message}")))
        });
        environment.add_function("strftime_now", |state: &State, format: String| {
            let now = state.lookup(NOW).and_then(|now| i64::try_from(now).ok()).unwrap_or_default();
            clock::format(now, &format).map_err(|message| {
                Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {message}"))
            })
        });
        scopes::add_to(&mut environment);
        let text_of_minijinja = operators::as_calls(&without_generation_tags(&with_plain_newlines(text)));
        environment.add_template_owned(NAME, text_of_minijinja.map_err(ChatError::Template)?)?;
        Ok(ChatTemplate { text: text.into(), tokens, environment: Ok(Arc::new(environment)) })
    }

    /// A template as it lies beside a model. One that is not valid Jinja (or uses what only Python has) does not keep the
    /// model from being loaded: it is kept as it is, and refused when a conversation is put to it.
    ///
    /// # Errors
    /// When it is too long.
    pub(crate) fn kept(
        file: &Path,
        text: &str,
        tokens: BTreeMap<String, String>,
    ) -> Result<ChatTemplate, ChatError> {
        match ChatTemplate::new(text, tokens.clone()) {
            Err(ChatError::Template(why)) => {
                let why = format!("{}: {why}", file.display());
                Ok(ChatTemplate { text: text.into(), tokens, environment: Err(why) })
            }
            ready => ready,
        }
    }

    /// Refuses a template of a checkpoint that cannot be read.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn check(&self) -> Result<(), ChatError> {
        self.environment.as_ref().map(drop).map_err(|why| ChatError::Template(why.clone()))
    }

    /// The template's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The conversation as one text.
    ///
    /// # Errors
    /// When the template refuses the conversation or fails.
    pub fn render(&self, conversation: &Conversation, options: &ChatOptions) -> Result<String, ChatError> {
        let none = Value::from(());
        let mut values: BTreeMap<&str, Value> =
            self.tokens.iter().map(|(name, token)| (name.as_str(), Value::from(token.as_str()))).collect();
        values.insert("messages", as_passed_on(&conversation.messages));
        values.insert("tools", conversation.tools.clone().unwrap_or_else(|| none.clone()));
        values.insert("documents", none);
        values.insert("add_generation_prompt", Value::from(options.add_generation_prompt));
        values.insert(NOW, Value::from(options.now));
        if let Some(thinking) = options.enable_thinking {
            values.insert("enable_thinking", Value::from(thinking));
        }
        self.render_with(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The template with these variables.
    fn render_with(&self, values: BTreeMap<String, Value>) -> Result<String, ChatError> {
        let environment = self.environment.as_ref().map_err(|why| ChatError::Template(why.clone()))?;
        let text = environment.get_template(NAME)?.render(Value::from_pairs(values))?;
        if text.len() > LONGEST_TEXT {
            return Err(ChatError::TextTooLong(text.len()));
        }
        Ok(text)
    }
}

/// The fields under which messages carry what a model thought, the usual one first.
const THOUGHTS: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// Messages as `transformers` passes them on to templates: without fields that are `none`, and with what a model thought
/// under the names that templates look for.
fn as_passed_on(messages: &Value) -> Value {
    let passed_on = |message: Value| {
        if message.kind() != ValueKind::Map {
            return message;
        }
        let Ok(keys) = message.try_iter() else { return message };
        let mut fields: Vec<(Value, Value)> = keys
            .filter_map(|key| {
                let value = message.get_item(&key).ok().filter(|value| !value.is_none())?;
                Some((key, value))
            })
            .collect();
        let field = |name: &str| fields.iter().position(|(key, _)| key.as_str() == Some(name));
        if let Some(at) = THOUGHTS.into_iter().find_map(field) {
            let thought = fields[at].1.clone();
            let (thinking, usual) = (field("thinking"), field(THOUGHTS[0]));
            match usual {
                Some(usual) => fields[usual].1 = thought.clone(),
                None => fields.push((Value::from(THOUGHTS[0]), thought.clone())),
            }
            let first =
                thinking.map_or((Value::from("thinking"), thought), |thinking| fields.remove(thinking));
            fields.insert(0, first);
        }
        Value::from_pairs(fields)
    };
    match messages.kind() {
        ValueKind::Seq => {
            messages.try_iter().map_or_else(|_| messages.clone(), |all| all.map(passed_on).collect())
        }
        _ => messages.clone(),
    }
}

/// jinja2 takes every end of a line for a line feed.
fn with_plain_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// `{% generation %}` marks what an assistant said, for masks of training; in the text it is nothing. Its whitespace
/// rules are those of any block, and what is set in it is not seen outside.
fn without_generation_tags(text: &str) -> String {
    let tag = |name: &str| Regex::new(&format!(r"\{{%([-+]?)\s*{name}\s*([-+]?)%\}}"));
    match (tag("generation"), tag("endgeneration")) {
        (Ok(open), Ok(close)) => {
            let opened = open.replace_all(text, "{%$1 with $2%}");
            close.replace_all(&opened, "{%$1 endwith $2%}").into_owned()
        }
        // Two constant patterns, which are valid.
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
