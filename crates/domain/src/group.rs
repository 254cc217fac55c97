//! TraceLift groups: one problem, a reference trace, several flawed ones, each with rubric labels.
//!
//! The types mirror the published file schema (JSONL, one group a line), so that reading and writing is plain
//! serde. Fields that a reader does not know are kept in `metadata`/`extra`, never dropped.

use crate::{problem::Question, problem::TaskDomain, rubric::Rubric, trace::Trace};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A reference trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Positive {
    /// The trace, without tags.
    pub reasoning: String,
    /// Dimension name → label, and `total`; see [`Rubric::from_map`].
    #[serde(serialize_with = "labels_as_integers")]
    pub rubric: BTreeMap<String, f64>,
    /// Whatever else the file says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A flawed trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Negative {
    /// The trace, without tags.
    pub reasoning: String,
    /// Which kind of perturbation made it (`arithmetic_slip`, …).
    pub negative_kind: String,
    /// Dimension name → label, and `total`.
    #[serde(serialize_with = "labels_as_integers")]
    pub rubric: BTreeMap<String, f64>,
    /// Whatever else the file says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One line of a group file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Unique within the file.
    pub problem_id: String,
    /// Where the problem comes from.
    pub source: String,
    /// `math`, `code` or `steps`.
    pub task_type: TaskDomain,
    /// The statement.
    pub problem: String,
    /// The gold solution or answer, for people and filters; never shown to a model.
    #[serde(default)]
    pub reference_solution: String,
    /// Reference traces, at least one.
    pub positive_pool: Vec<Positive>,
    /// Flawed traces.
    pub negative_bank: Vec<Negative>,
    /// Free-form provenance.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// The key in a group's metadata for the problem of which its own is a variant.
pub const VARIANT_OF: &str = "variant_of";

impl Group {
    /// What its traces reason about.
    #[must_use]
    pub fn question(&self) -> Question {
        Question::new(self.source.clone(), self.task_type, self.problem.clone())
    }

    /// The problem of which this is a variant, or its own: groups of one family are trained on or held out together.
    #[must_use]
    pub fn family(&self) -> &str {
        self.metadata.get(VARIANT_OF).and_then(Value::as_str).unwrap_or(&self.problem_id)
    }

    /// Whether it is of a problem that is told with other numbers than its family's first.
    #[must_use]
    pub fn is_variant(&self) -> bool {
        self.metadata.contains_key(VARIANT_OF)
    }

    /// Checks what the schema cannot: rubrics that fit the domain, traces that are traces, something to rank.
    ///
    /// # Errors
    /// A sentence that names the first offending field.
    pub fn validate(&self) -> Result<(), String> {
        if self.positive_pool.is_empty() {
            return Err("`positive_pool` is empty; a group needs a reference trace".into());
        }
        if self.negative_bank.is_empty() {
            return Err("`negative_bank` is empty; a group needs flawed traces to rank".into());
        }
        for (i, positive) in self.positive_pool.iter().enumerate() {
            check(self.task_type, &positive.reasoning, &positive.rubric)
                .map_err(|e| format!("`positive_pool[{i}]`: {e}"))?;
        }
        for (i, negative) in self.negative_bank.iter().enumerate() {
            check(self.task_type, &negative.reasoning, &negative.rubric)
                .map_err(|e| format!("`negative_bank[{i}]`: {e}"))?;
        }
        Ok(())
    }
}

/// Labels are whole numbers and are written as such; the total is a share whatever its value.
fn labels_as_integers<S: Serializer>(rubric: &BTreeMap<String, f64>, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(rubric.len()))?;
    for (name, value) in rubric {
        match name.as_str() {
            // The range is checked, so that nothing is cut off.
            label if label != "total" && value.fract() == 0.0 && (0.0..=255.0).contains(value) => {
                map.serialize_entry(name, &(*value as u8))?;
            }
            _ => map.serialize_entry(name, value)?,
        }
    }
    map.end()
}

fn check(domain: TaskDomain, reasoning: &str, rubric: &BTreeMap<String, f64>) -> Result<(), String> {
    Trace::new(reasoning).ok_or("`reasoning` is empty or contains reasoning tags")?;
    Rubric::from_map(domain, rubric).map(|_| ())
}
