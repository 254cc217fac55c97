//! Exports: groups in the shapes of other systems, as a stream.

mod card;
mod parquet;

pub use card::card;

use crate::{GroupReader, error::GroupsError, file::one_line};
use ::parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use tracelift_domain::{Group, Message, Problem, Prompt, prompt::Role};
use tracelift_files::{Draft, WriteError, make_folder};
use tracelift_prompt::{Layout, PlannerPrompt, PlannerPromptConfig, PromptError};

/// A shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// JSONL of `prompt`, `chosen`, `rejected`, `margin`, `negative_kind`: a row a pair.
    TrlPreference,
    /// JSONL of `prompt` and `completion`: a row a reference trace.
    Sft,
    /// JSONL of `prompt`, `problem_id`, `statement`, `source`, `domain` and `gold` (as JSON): a row a problem.
    TrlGrpo,
    /// JSONL of `input` and `label`, the problem with its gold as JSON: a row a problem.
    Openrlhf,
    /// Parquet of `data_source`, `prompt`, `ability`, `reward_model`, `extra_info`: a row a problem.
    VerlParquet,
    /// JSONL of `prompt`, `chosen`, `chosen_model`, `rejected`, `rejected_model`, `subset`, `id`: a row a pair.
    Rewardbench,
    /// Parquet shards in `data/` and a dataset card.
    Hf,
}

impl Shape {
    /// How a planner is asked where nobody says: conversations for what trains planners, which lays them out by the model's
    /// template, and plain text for pairs.
    fn usual_prompt(self) -> &'static str {
        match self {
            Shape::Sft | Shape::TrlGrpo | Shape::Openrlhf | Shape::VerlParquet => "chat",
            Shape::TrlPreference | Shape::Rewardbench | Shape::Hf => "plain",
        }
    }
}

/// Why an export fails.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A group has nothing by which what a planner leads to could be judged.
    #[error("{}: {what}", path.display())]
    NoGold {
        /// The file.
        path: PathBuf,
        /// Which group, and what it lacks.
        what: String,
    },
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

/// Writes the groups of a file in another shape to `out` (a file, of `hf` a folder); returns how many rows. `prompt` names a preset
/// or a layout of planners' prompts; by default that of the shape.
///
/// # Errors
/// When a group is not valid, has no gold and needs one, or something cannot be written. Files appear whole or not at all.
pub fn export(file: &Path, shape: Shape, prompt: Option<&str>, out: &Path) -> Result<u64, ExportError> {
    let asked = Asked::new(prompt.unwrap_or(shape.usual_prompt()))?;
    match shape {
        Shape::TrlPreference => pairs(file, out, |group, chosen, rejected, _| {
            Ok(json!({
                "prompt": asked.text(group)?,
                "chosen": tagged(chosen.0),
                "rejected": tagged(rejected.0),
                "margin": chosen.1 - rejected.1,
                "negative_kind": rejected.2,
                "problem_id": group.problem_id,
            }))
        }),
        Shape::Rewardbench => pairs(file, out, |group, chosen, rejected, index| {
            Ok(json!({
                "prompt": asked.text(group)?,
                "chosen": tagged(chosen.0),
                "chosen_model": "reference",
                "rejected": tagged(rejected.0),
                "rejected_model": rejected.3,
                "subset": rejected.2,
                "id": format!("{}#{index}", group.problem_id),
            }))
        }),
        Shape::Sft => rows(file, out, |group| {
            let prompt = asked.value(group)?;
            let completion = |trace: &str| match prompt {
                Value::String(_) => json!(tagged(trace)),
                _ => json!([{"role": "assistant", "content": tagged(trace)}]),
            };
            let row = |trace: &str| json!({ "prompt": prompt, "completion": completion(trace), "problem_id": group.problem_id });
            Ok(group.positive_pool.iter().map(|positive| row(&positive.reasoning)).collect())
        }),
        Shape::TrlGrpo => rows(file, out, |group| {
            let Problem { id, question, gold } = problem(file, group)?;
            Ok(vec![json!({
                "prompt": asked.value(group)?,
                "problem_id": id,
                "statement": question.statement,
                "source": question.source,
                "domain": question.domain,
                // As text: a column has one type, and golds have several.
                "gold": json!(gold).to_string(),
            })])
        }),
        Shape::Openrlhf => rows(file, out, |group| {
            let label = json!({ "problem": problem(file, group)? }).to_string();
            Ok(vec![json!({ "input": asked.value(group)?, "label": label })])
        }),
        Shape::VerlParquet => parquet::verl(file, out, &asked),
        Shape::Hf => parquet::hf(file, out),
    }
}

/// A group as a problem with its gold.
fn problem(file: &Path, group: &Group) -> Result<Problem, ExportError> {
    tracelift_datasets::of_group(group)
        .map(|row| row.problem)
        .map_err(|what| ExportError::NoGold { path: file.to_owned(), what })
}

/// How a planner is asked.
struct Asked(PlannerPrompt);

impl Asked {
    fn new(named: &str) -> Result<Asked, PromptError> {
        PlannerPrompt::new("prompt", &PlannerPromptConfig::named(named), Layout::Chat).map(Asked)
    }

    /// As plain text: what lays it out is the trainer's business.
    fn text(&self, group: &Group) -> Result<String, PromptError> {
        Ok(match self.0.prompt(&group.question())? {
            Prompt::Text(text) => text.into(),
            Prompt::Conversation { messages, .. } => {
                messages.into_iter().map(|message| message.content + "\n\n").collect()
            }
        })
    }

    /// The turns of a conversation; a text is what its user says.
    fn messages(&self, group: &Group) -> Result<Vec<Message>, PromptError> {
        Ok(match self.0.prompt(&group.question())? {
            Prompt::Text(text) => vec![Message { role: Role::User, content: text.into() }],
            Prompt::Conversation { messages, .. } => messages,
        })
    }

    /// A text, or the turns of a conversation.
    fn value(&self, group: &Group) -> Result<Value, PromptError> {
        Ok(match self.0.prompt(&group.question())? {
            Prompt::Text(text) => String::from(text).into(),
            Prompt::Conversation { messages, .. } => json!(messages),
        })
    }
}

/// Lines of JSON, some a group.
fn rows(
    file: &Path,
    out: &Path,
    of: impl Fn(&Group) -> Result<Vec<Value>, ExportError>,
) -> Result<u64, ExportError> {
    let mut output = draft(out)?;
    let mut count = 0;
    for group in GroupReader::open(file)? {
        for row in of(&group?)? {
            writeln!(output, "{}", one_line(row.to_string())).map_err(|error| output.failed(error))?;
            count += 1;
        }
    }
    output.finish()?;
    Ok(count)
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
