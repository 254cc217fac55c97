//! What is said to one side, its templates not yet filled in.

use crate::config::{PromptConfig, not_empty};
use crate::preset::{Artifact, Preset, Side};
use crate::{End, Example, Layout, PromptError, template};
use minijinja::Value;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tracelift_domain::prompt::{Message, Role};
use tracelift_domain::{AnswerForm, Question, TaskDomain};

/// What is said, for one kind of question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parts {
    /// The layout that belongs to the words, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// May be empty: then there is no such turn.
    #[serde(default)]
    pub system: String,
    pub user: String,
    /// Of executors alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefill: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Of planners alone.
    #[serde(default)]
    pub end: End,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

/// The parts for every kind of question, and the layout for all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// `planner.prompt`, `executor.in_process.prompt`, …: for messages.
    pub key: String,
    pub layout: Layout,
    parts: [Parts; Artifact::ALL.len()],
}

impl Said {
    /// What a section says, filled up from presets; `fallback` is the layout where nothing names one.
    pub fn new(key: &str, config: &PromptConfig, side: Side, fallback: Layout) -> Result<Said, PromptError> {
        let examples = config.examples.as_ref().map(|examples| examples.read(key)).transpose()?;
        let named = config.preset.as_deref().map(|name| {
            let unknown = || PromptError::UnknownPreset { key: key.to_owned(), name: name.to_owned() };
            Preset::named(name).ok_or_else(unknown)
        });
        let named = named.transpose()?;
        let mut layout = config.layout;
        let mut parts = Vec::with_capacity(Artifact::ALL.len());
        for artifact in Artifact::ALL {
            let preset = named.unwrap_or_else(|| Preset::of(artifact));
            let mut its = preset.side(side)?;
            layout = layout.or(its.layout);
            let PromptConfig {
                preset: _,
                layout: _,
                system,
                user,
                reasoning,
                prefill,
                stop,
                end,
                examples: _,
            } = config.clone();
            replace(&mut its.system, system);
            replace(&mut its.user, user);
            replace(&mut its.reasoning, reasoning);
            replace(&mut its.prefill, prefill);
            replace(&mut its.stop, stop);
            replace(&mut its.end, end);
            replace(&mut its.examples, examples.clone());
            not_empty(key, "stop", &its.stop)?;
            parts.push(its);
        }
        // One entry a kind was pushed.
        let parts = std::array::from_fn(|at| parts[at].clone());
        let said = Said { key: key.to_owned(), layout: layout.unwrap_or(fallback), parts };
        said.check_places()?;
        Ok(said)
    }

    /// All that decides prompts, by names that stay: the layout, and `texts` for each kind of question.
    pub fn settled(&self, texts: impl Fn(&Parts) -> Json) -> Json {
        let kinds: BTreeMap<&str, Json> = Artifact::ALL
            .iter()
            .zip(&self.parts)
            .map(|(artifact, parts)| (artifact.name(), texts(parts)))
            .collect();
        json!({"layout": self.layout, "texts": kinds})
    }

    /// The parts for a question.
    pub fn of(&self, question: &Question) -> &Parts {
        let artifact = Artifact::of(question);
        let at = Artifact::ALL.iter().position(|other| *other == artifact);
        &self.parts[at.unwrap_or(0)]
    }

    /// The turns before the last one's reply. `variables` are of the question; `user` makes a user's turn of variables, for
    /// questions of examples and the real one.
    pub fn turns(
        &self,
        question: &Question,
        user: impl Fn(&Parts, &Value) -> Result<String, PromptError>,
        last: String,
    ) -> Result<Vec<Message>, PromptError> {
        let parts = self.of(question);
        let mut messages = Vec::with_capacity(2 + 2 * parts.examples.len());
        let system = self.render("system", &parts.system, &template::variables(question))?;
        if !system.is_empty() {
            messages.push(Message { role: Role::System, content: system });
        }
        for example in &parts.examples {
            let asked = match (example.as_question(question), &example.user) {
                (Some(question), _) => user(parts, &template::variables(&question))?,
                (None, Some(said)) => said.clone(),
                (None, None) => String::new(),
            };
            messages.push(Message { role: Role::User, content: asked });
            messages.push(Message { role: Role::Assistant, content: example.reply.clone() });
        }
        messages.push(Message { role: Role::User, content: last });
        Ok(messages)
    }

    /// One of its texts, filled in.
    pub fn render(&self, what: &str, text: &str, variables: &Value) -> Result<String, PromptError> {
        template::render(&format!("{}.{what}", self.key), text, variables)
    }

    /// What is said beside the user's text has a place.
    fn check_places(&self) -> Result<(), PromptError> {
        if self.layout != Layout::Text {
            return Ok(());
        }
        for parts in &self.parts {
            for (what, said) in
                [("system", !parts.system.is_empty()), ("examples", !parts.examples.is_empty())]
            {
                if said {
                    return Err(PromptError::NoPlace { key: format!("{}.{what}", self.key) });
                }
            }
        }
        Ok(())
    }
}

fn replace<T>(place: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *place = with;
    }
}

/// A question of every kind, by which a prompt is tried before a run begins.
pub(crate) fn probes() -> [Question; 4] {
    let code = |entry: Option<&str>, tests: &[&str]| Question {
        entry: entry.map(str::to_owned),
        tests_shown: tests.iter().map(|test| (*test).to_owned()).collect(),
        ..Question::new("probe", TaskDomain::Code, "Add two numbers.")
    };
    let answer = Question::new("probe", TaskDomain::Math, "What is 1 + 1?");
    [
        Question { form: AnswerForm::Number, ..answer.clone() },
        answer,
        code(Some("add"), &["assert add(1, 2) == 3"]),
        code(None, &[]),
    ]
}
