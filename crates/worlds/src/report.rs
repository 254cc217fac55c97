//! What an exact process checker says of a trace.

use serde::{Deserialize, Serialize};
use tracelift_domain::Probability;

/// How far a trace goes ("When LLMs Stop Following Steps", arXiv 2605.00817).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// As many steps as the problem asks for.
    Exact,
    /// It stops early.
    Under,
    /// It goes on past the question.
    Over,
}

/// The judgement of every step of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessReport {
    /// Steps that the problem needs.
    pub expected: usize,
    /// Steps found in the text, right or wrong.
    pub found: usize,
    /// Needed steps that are there and right.
    pub confirmed: usize,
    /// Whether the trace states the final answer (or contains code), which is the executor's job.
    pub leaks: bool,
    /// How far it goes.
    pub extent: Extent,
    /// The first step (from 0, in the order of the text) that is wrong, missing or superfluous.
    pub first_flaw: Option<usize>,
}

impl ProcessReport {
    /// Whether every needed step is there and right, nothing else is, and nothing leaks.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.first_flaw.is_none() && self.confirmed == self.expected && !self.leaks
    }

    /// The share `p` of steps that are confirmed, of those needed or found, whichever are more.
    #[must_use]
    pub fn share(&self) -> Probability {
        Probability::share(self.confirmed, self.expected.max(self.found)).unwrap_or(Probability::ZERO)
    }
}
