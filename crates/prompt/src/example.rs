//! Worked examples: turns before the question.

use crate::PromptError;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use tracelift_domain::Question;

/// One worked example: what a user says, and how the model should reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// A question, put as the real one is (`user`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// Instead of a question: the user's turn, word for word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Of a function: the name to define.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Of a function: the tests shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// The reply, word for word.
    pub reply: String,
}

impl Example {
    /// Its question as the kind of question that it stands before, if it has one.
    pub(crate) fn as_question(&self, like: &Question) -> Option<Question> {
        Some(Question {
            statement: self.question.clone()?,
            entry: self.entry.clone(),
            tests_shown: self.tests.clone(),
            ..like.clone()
        })
    }

    fn validate(&self) -> Result<(), String> {
        if self.question.is_some() == self.user.is_some() {
            return Err("needs exactly one of `question` and `user`".into());
        }
        if self.user.is_some() && (self.entry.is_some() || !self.tests.is_empty()) {
            return Err("has `entry` or `tests` beside `user`, where they stand for nothing".into());
        }
        match self.reply.trim().is_empty() {
            true => Err("has an empty `reply`".into()),
            false => Ok(()),
        }
    }
}

/// Examples in the configuration itself, or a file of them, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Examples {
    /// A JSONL file.
    File(PathBuf),
    /// As they stand.
    Here(Vec<Example>),
}

impl Examples {
    /// The examples.
    ///
    /// # Errors
    /// The file and the line, or the place in the list, and what is wrong.
    pub(crate) fn read(&self, key: &str) -> Result<Vec<Example>, PromptError> {
        match self {
            Examples::File(path) => read(key, path),
            Examples::Here(examples) => {
                for (at, example) in examples.iter().enumerate() {
                    example.validate().map_err(|detail| PromptError::Value {
                        key: format!("{key}.examples[{at}]"),
                        detail,
                    })?;
                }
                Ok(examples.clone())
            }
        }
    }
}

fn read(key: &str, path: &Path) -> Result<Vec<Example>, PromptError> {
    let failed = |line, detail| PromptError::Example { path: path.to_owned(), line, detail };
    let text = fs::read_to_string(path).map_err(|error| PromptError::Unreadable {
        key: key.to_owned(),
        path: path.to_owned(),
        detail: error.to_string(),
    })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let examples = lines.map(|(at, line)| {
        let example: Example =
            serde_json::from_str(line).map_err(|error| failed(at + 1, error.to_string()))?;
        example.validate().map_err(|detail| failed(at + 1, detail))?;
        Ok(example)
    });
    examples.collect()
}
