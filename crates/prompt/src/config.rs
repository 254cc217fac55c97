//! The sections of a configuration.

use crate::{Examples, Layout, PromptError};
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// What a reply that ends without closing its tag is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// No trace: a planner that was told to close it did not.
    #[default]
    Says,
    /// A trace up to there, where the model ended by itself: instruct models end their turn in place of the tag.
    Closes,
}

/// `[planner.prompt]`. What is not said comes from the preset.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PlannerPromptConfig(pub(crate) PromptConfig);

/// `[executor.….prompt]`. What is not said comes from the preset.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExecutorPromptConfig(pub(crate) PromptConfig);

/// A section as it stands in a file: a table, or the name of a preset or a layout alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PromptConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Of executors: what stands at `{{ reasoning }}` where there is a trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Vec<String>>,
    /// Of planners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<Examples>,
}

impl PromptConfig {
    /// A name alone: a layout, or else a preset (which is looked up when the prompt is made).
    fn named(name: &str) -> PromptConfig {
        match Layout::named(name) {
            Some(layout) => PromptConfig { layout: Some(layout), ..PromptConfig::default() },
            None => PromptConfig { preset: Some(name.to_owned()), ..PromptConfig::default() },
        }
    }
}

/// A section from a file; `other` is the key that belongs to the other side.
fn section<'de, D: Deserializer<'de>>(
    deserializer: D,
    foreign: fn(&PromptConfig) -> Option<&'static str>,
) -> Result<PromptConfig, D::Error> {
    struct Section;
    impl<'de> Visitor<'de> for Section {
        type Value = PromptConfig;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table, or the name of a preset or a layout")
        }

        fn visit_str<E: de::Error>(self, name: &str) -> Result<PromptConfig, E> {
            Ok(PromptConfig::named(name))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PromptConfig, A::Error> {
            PromptConfig::deserialize(MapAccessDeserializer::new(map))
        }
    }
    let config = deserializer.deserialize_any(Section)?;
    match foreign(&config) {
        Some(wrong) => Err(de::Error::custom(wrong)),
        None => Ok(config),
    }
}

impl<'de> Deserialize<'de> for PlannerPromptConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let foreign = |config: &PromptConfig| {
            config
                .reasoning
                .is_some()
                .then_some("`reasoning` belongs to an executor's prompt; a planner reads no trace")
        };
        section(deserializer, foreign).map(PlannerPromptConfig)
    }
}

impl<'de> Deserialize<'de> for ExecutorPromptConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let foreign = |config: &PromptConfig| {
            config.end.is_some().then_some("`end` belongs to a planner's prompt; an executor closes no tags")
        };
        section(deserializer, foreign).map(ExecutorPromptConfig)
    }
}

impl PlannerPromptConfig {
    /// A preset or a layout by its name, as `prompt = "NAME"` says it.
    #[must_use]
    pub fn named(name: &str) -> PlannerPromptConfig {
        PlannerPromptConfig(PromptConfig::named(name))
    }
}

impl ExecutorPromptConfig {
    /// A preset or a layout by its name, as `prompt = "NAME"` says it.
    #[must_use]
    pub fn named(name: &str) -> ExecutorPromptConfig {
        ExecutorPromptConfig(PromptConfig::named(name))
    }
}

/// A text that may not be empty.
pub(crate) fn not_empty(key: &str, what: &str, texts: &[String]) -> Result<(), PromptError> {
    match texts.iter().any(String::is_empty) {
        true => Err(PromptError::Value {
            key: format!("{key}.{what}"),
            detail: "holds an empty text, expected texts that are not empty".into(),
        }),
        false => Ok(()),
    }
}
