//! What a build counted.

use crate::llm::LlmCounts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts of a build. Nothing in it depends on time or machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildReport {
    /// Seeds that were read.
    pub seeds: u64,
    /// Groups that were written.
    pub groups: u64,
    /// Those among them of a seed's problem with other numbers.
    #[serde(default, skip_serializing_if = "none")]
    pub variants: u64,
    /// Flawed traces in them.
    pub negatives: u64,
    /// Groups by source.
    pub sources: BTreeMap<String, u64>,
    /// Flawed traces by kind.
    pub kinds: BTreeMap<String, u64>,
    /// Seeds that made no group, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Proposals that a gate refused, by gate.
    pub refused: BTreeMap<String, u64>,
    /// How often the rule of a kind found nothing to break.
    pub inapplicable: BTreeMap<String, u64>,
    /// Programs that were run on tests, by what they are and what came of it.
    #[serde(default)]
    pub trials: BTreeMap<String, u64>,
    /// Seeds that overlap with a benchmark, by benchmark.
    pub overlaps: BTreeMap<String, u64>,
    /// The first of them: seed, benchmark problem, share of common 8-grams.
    pub overlapping: Vec<String>,
    /// Rows that could not be read; the first of them with file and line.
    pub unreadable: u64,
    /// The first rows that could not be read.
    pub messages: Vec<String>,
    /// Licences of the sources, as the configuration states them.
    pub licences: BTreeMap<String, String>,
    /// What models did, where the build has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm: Option<LlmCounts>,
}

fn none(count: &u64) -> bool {
    *count == 0
}

/// How many messages and overlaps are kept.
pub(crate) const KEPT: usize = 20;
