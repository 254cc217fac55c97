//! Exports: groups in the shapes of other systems, as a stream.

mod card;
mod parquet;

pub use card::card;

use crate::{GroupReader, error::GroupsError, file::one_line};
use ::parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use tracelift_domain::{Group, Prompt};
use tracelift_files::{Draft, WriteError, make_folder};
use tracelift_prompt::{Layout, PlannerPrompt, PlannerPromptConfig, PromptError};

/// A shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// JSONL of `prompt`, `chosen`, `rejected`, `margin`, `negative_kind`: a row a pair.
    TrlPreference,
    /// Parquet of `data_source`, `prompt`, `ability`, `reward_model`, `extra_info`: a row a problem.
    VerlParquet,
    /// JSONL of `prompt`, `chosen`, `chosen_model`, `rejected`, `rejected_model`, `subset`, `id`: a row a pair.
    Rewardbench,
    /// Parquet shards in `data/` and a dataset card.
    Hf,
}

/// Why an export fails.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A group cannot be read.
    #[error(transparent)]
    Groups(#[from] GroupsError),
    /// A planner cannot be asked about a group.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Parquet refuses.
    #[error("write {} as Parquet: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: ParquetError,
    },
}

/// Writes the groups of a file in another shape to `out` (a file, of `hf` a folder); returns how many rows.
///
/// # Errors
/// When a group is not valid or something cannot be written. Files appear whole or not at all.
pub fn export(file: &Path, shape: Shape, out: &Path) -> Result<u64, ExportError> {
    let asked = Asked::new()?;
    match shape {
        Shape::TrlPreference => pairs(file, out, |group, chosen, rejected, _| {
            Ok(json!({
                "prompt": asked.about(group)?,
                "chosen": tagged(chosen.0),
                "rejected": tagged(rejected.0),
                "margin": chosen.1 - rejected.1,
                "negative_kind": rejected.2,
                "problem_id": group.problem_id,
            }))
        }),
        Shape::Rewardbench => pairs(file, out, |group, chosen, rejected, index| {
            Ok(json!({
                "prompt": asked.about(group)?,
                "chosen": tagged(chosen.0),
                "chosen_model": "reference",
                "rejected": tagged(rejected.0),
                "rejected_model": rejected.3,
                "subset": rejected.2,
                "id": format!("{}#{index}", group.problem_id),
            }))
        }),
        Shape::VerlParquet => parquet::verl(file, out, &asked),
        Shape::Hf => parquet::hf(file, out),
    }
}

/// How a planner is asked, as plain text: what lays it out is the trainer's business.
struct Asked(PlannerPrompt);

impl Asked {
    fn new() -> Result<Asked, PromptError> {
        PlannerPrompt::new("prompt", &PlannerPromptConfig::named("plain"), Layout::Plain).map(Asked)
    }

    fn about(&self, group: &Group) -> Result<String, PromptError> {
        match self.0.prompt(&group.question())? {
            Prompt::Text(text) => Ok(text.into()),
            // Plain is a text.
            Prompt::Conversation { messages, .. } => {
                Ok(messages.into_iter().map(|message| message.content + "\n\n").collect())
            }
        }
    }
}

fn tagged(trace: &str) -> String {
    format!("<reasoning> {trace} </reasoning>")
}

/// A trace, its total, its kind and who made it.
type Side<'a> = (&'a str, f64, &'a str, &'a str);

fn pairs(
    file: &Path,
    out: &Path,
    row: impl Fn(&Group, Side<'_>, Side<'_>, usize) -> Result<serde_json::Value, PromptError>,
) -> Result<u64, ExportError> {
    let mut output = draft(out)?;
    let mut rows = 0;
    for group in GroupReader::open(file)? {
        let group = group?;
        let total =
            |rubric: &std::collections::BTreeMap<String, f64>| rubric.get("total").copied().unwrap_or(0.0);
        let mut index = 0;
        for positive in &group.positive_pool {
            for negative in &group.negative_bank {
                let maker =
                    negative.extra.get("source").and_then(|source| source.as_str()).unwrap_or("unknown");
                let chosen = (positive.reasoning.as_str(), total(&positive.rubric), "", "reference");
                let rejected = (
                    negative.reasoning.as_str(),
                    total(&negative.rubric),
                    negative.negative_kind.as_str(),
                    maker,
                );
                let line = one_line(row(&group, chosen, rejected, index)?.to_string());
                writeln!(output, "{line}").map_err(|error| output.failed(error))?;
                index += 1;
                rows += 1;
            }
        }
    }
    output.finish()?;
    Ok(rows)
}

/// A file on its way; its folder is made.
fn draft(out: &Path) -> Result<Draft, WriteError> {
    if let Some(folder) = out.parent() {
        make_folder(folder)?;
    }
    Draft::begin(out)
}

#[cfg(test)]
mod tests;
