//! Whoever reads a trace against the rubric: the reward model, or a prompted judge in its place.

use crate::model::RubricScore;
use tracelift_domain::{Fingerprint, Question, Trace};
use tracelift_oracle::Failure;

/// A trace to be scored.
#[derive(Clone, Copy, Debug)]
pub struct ScoreItem<'a> {
    /// What it reasons about. Its domain says which rubric applies.
    pub question: &'a Question,
    /// The trace.
    pub trace: &'a Trace,
}

/// Why a trace has no score. That is unknown, never a number.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScoreFailure {
    /// The judge gave no usable verdict.
    #[error("the judge gave no verdict: {0}")]
    Judge(#[from] Failure),
    /// The text could not be turned into tokens.
    #[error("the reward model cannot read the trace: {0}")]
    Unreadable(String),
    /// The model put out something that is no number.
    #[error("the reward model's score is no number from 0 to 1")]
    NotAScore,
}

impl ScoreFailure {
    /// The name under which it is counted.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            ScoreFailure::Judge(failure) => failure.cause(),
            ScoreFailure::Unreadable(_) => "unreadable",
            ScoreFailure::NotAScore => "not_a_score",
        }
    }
}

/// A scorer of traces. An item that cannot be scored fails alone.
pub trait TraceScorer: Send + Sync {
    /// What decides its scores. Scores under two fingerprints are not compared as if they were one's.
    fn fingerprint(&self) -> Fingerprint;

    /// One line for people.
    fn describe(&self) -> String;

    /// Scores in the order of the items.
    fn score(&self, items: &[ScoreItem<'_>]) -> Vec<Result<RubricScore, ScoreFailure>>;
}
