//! The prompts that come with the binary: files under `prompts/`, one a kind of artifact and manner of asking for it.

use crate::PromptError;
use crate::parts::Parts;
use serde::Deserialize;
use std::sync::LazyLock;
use tracelift_domain::{Question, TaskDomain};

/// What a question calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// A final answer.
    Answer,
    /// A function or class by name.
    Function,
    /// A program that reads standard input.
    Program,
}

impl Artifact {
    /// All kinds.
    pub const ALL: [Artifact; 3] = [Artifact::Answer, Artifact::Function, Artifact::Program];

    /// What a question calls for.
    #[must_use]
    pub fn of(question: &Question) -> Artifact {
        match (question.domain, &question.entry) {
            (TaskDomain::Math | TaskDomain::Steps, _) => Artifact::Answer,
            (TaskDomain::Code, Some(_)) => Artifact::Function,
            (TaskDomain::Code, None) => Artifact::Program,
        }
    }

    /// The name in templates.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Artifact::Answer => "answer",
            Artifact::Function => "function",
            Artifact::Program => "program",
        }
    }
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Planner,
    Executor,
}

/// A file under `prompts/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: &'static str,
    /// The file's text.
    #[serde(skip)]
    pub text: &'static str,
    /// Counted up with every change of its words.
    pub version: u32,
    /// What it is for, in a line.
    pub about: String,
    planner: Option<Parts>,
    executor: Option<Parts>,
}

/// Name and text of every file.
const FILES: [(&str, &str); 5] = [
    ("boxed", include_str!("../../../prompts/boxed.toml")),
    ("hashes", include_str!("../../../prompts/hashes.toml")),
    ("function", include_str!("../../../prompts/function.toml")),
    ("program", include_str!("../../../prompts/program.toml")),
    ("world", include_str!("../../../prompts/world.toml")),
];

#[allow(clippy::expect_used, reason = "the files are part of the binary, and a test reads each")]
static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let read = |(name, text): (&'static str, &'static str)| {
        let preset: Preset = toml::from_str(text).expect("a preset is valid");
        Preset { name, text, ..preset }
    };
    FILES.map(read).into_iter().collect()
});

/// All presets.
#[must_use]
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// All names, for messages.
pub(crate) fn names() -> String {
    FILES.map(|(name, _)| format!("`{name}`")).join(", ")
}

impl Preset {
    /// The preset of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Preset> {
        all().iter().find(|preset| preset.name == name)
    }

    /// The one that is taken where nothing names one.
    pub(crate) fn of(artifact: Artifact) -> &'static Preset {
        let name = match artifact {
            Artifact::Answer => "boxed",
            Artifact::Function => "function",
            Artifact::Program => "program",
        };
        // A test looks each up.
        Preset::named(name).unwrap_or(&all()[0])
    }

    pub(crate) fn side(&self, side: Side) -> Result<Parts, PromptError> {
        let (parts, side) = match side {
            Side::Planner => (&self.planner, "planners"),
            Side::Executor => (&self.executor, "executors"),
        };
        parts.clone().ok_or(PromptError::NoSide { name: self.name.to_owned(), side })
    }
}
