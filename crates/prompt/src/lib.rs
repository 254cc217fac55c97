//! Prompts are data: how a question is put to a planner and to an executor.
//!
//! A prompt is what is *said* (a system text, worked examples, a user's text, the beginning of the reply) and how that is
//! *laid out* for a model ([`Layout`]: its own chat template, ChatML, paragraphs, or the text as it is). Both come from a
//! section of the configuration ([`PlannerPromptConfig`], [`ExecutorPromptConfig`]); what it does not say comes from a
//! preset, a file under `prompts/` that is part of the binary ([`preset`]), chosen by what a question calls for.
//!
//! Texts are Jinja templates over what a model may see of a problem ([`template`] lists the variables). Nothing here can
//! see gold: it is no part of a [`Question`](tracelift_domain::Question).
//!
//! **Both arms of an executor differ by the trace alone, by construction**: a text is rendered once, with a mark where the
//! reasoning belongs, and what stands at the mark is the only thing that knows whether there is a trace
//! ([`ExecutorPrompt::prompt`]).

mod config;
mod example;
mod executor;
mod layout;
mod parts;
mod planner;
pub mod preset;
pub mod template;

pub use config::{End, ExecutorPromptConfig, PlannerPromptConfig};
pub use example::{Example, Examples};
pub use executor::ExecutorPrompt;
pub use layout::Layout;
pub use planner::PlannerPrompt;
pub use preset::Artifact;

use std::path::PathBuf;
use tracelift_domain::SettingError;

/// Why a prompt cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A template that is none, or fails on a question.
    #[error("`{key}`: {detail}")]
    Template {
        /// Which text: `planner.prompt.user`, …
        key: String,
        /// What is wrong with it, and where.
        detail: String,
    },
    /// An executor's text that does not hold `{{ reasoning }}` once, as it is.
    #[error(
        "`{key}` holds `{{{{ reasoning }}}}` {times} times, expected once and unchanged: it is where the trace stands, or nothing"
    )]
    Reasoning {
        /// Which text.
        key: String,
        /// How often it is there.
        times: usize,
    },
    /// A layout that has no place for what is said.
    #[error(
        "`{key}` cannot be said in the layout `text`, which is the user's text alone; expected `layout = \"plain\"` or a chat's"
    )]
    NoPlace {
        /// What has no place.
        key: String,
    },
    /// A preset that there is not.
    #[error("`{key}` names {name:?}, expected a preset ({presets}) or a layout ({layouts})", presets = preset::names(), layouts = Layout::names())]
    UnknownPreset {
        /// `planner.prompt`, …
        key: String,
        /// As it was given.
        name: String,
    },
    /// A preset without a side.
    #[error("the preset {name:?} has no prompt for {side}")]
    NoSide {
        /// The preset.
        name: String,
        /// `planners` or `executors`.
        side: &'static str,
    },
    /// A file of examples that cannot be opened.
    #[error("failed to read the examples of `{key}` from {}: {detail}", path.display())]
    Unreadable {
        /// The section.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A line of a file of examples that is none.
    #[error("{}:{line}: {detail}", path.display())]
    Example {
        /// The file.
        path: PathBuf,
        /// Which line.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// A text that must hold something and is empty.
    #[error("`{key}` {detail}")]
    Value {
        /// Which setting.
        key: String,
        /// What is wrong, and what is expected.
        detail: String,
    },
}

impl PromptError {
    /// Which setting it is about, where it is about one and not about a file that one names.
    fn key(&self) -> Option<&str> {
        match self {
            PromptError::Template { key, .. }
            | PromptError::Reasoning { key, .. }
            | PromptError::NoPlace { key, .. }
            | PromptError::UnknownPreset { key, .. }
            | PromptError::Unreadable { key, .. }
            | PromptError::Value { key, .. } => Some(key),
            PromptError::NoSide { .. } | PromptError::Example { .. } => None,
        }
    }

    /// The same as a mistake in a configuration, in which prompts have this section.
    #[must_use]
    pub fn in_section(&self, section: &str) -> SettingError {
        let (key, text) = (self.key().unwrap_or(section), self.to_string());
        match text.strip_prefix(&format!("`{key}`")) {
            Some(fault) => SettingError::new(key, fault.trim_start()),
            None => SettingError::new(key, format!(": {text}")),
        }
    }
}
