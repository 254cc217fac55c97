//! Whoever reads a trace against the rubric: a reward model here or behind a server, or a prompted judge in its place.

use crate::model::RubricScore;
use tracelift_domain::{Fingerprint, Question, Trace};
use tracelift_executor::CallFailure;
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
    /// The server of the reward model gave no answer.
    #[error("the rubric server gave no score: {0}")]
    Server(CallFailure),
    /// The server of the reward model answered, and has no score for this trace.
    #[error("the rubric server has no score for the trace: {0}")]
    Unscored(String),
    /// Another reward model answered than was asked.
    #[error(
        "{url} has another reward model now ({served}) than at the start ({asked}); serve that one again, or begin a new run"
    )]
    OtherModel {
        /// Who was asked.
        url: String,
        /// The fingerprint of the model that was there.
        asked: String,
        /// The fingerprint of the one that answered.
        served: String,
    },
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
            ScoreFailure::Server(failure) => failure.cause(),
            ScoreFailure::Unscored(_) => "unscored",
            ScoreFailure::OtherModel { .. } => "other_model",
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

    /// What was asked and spent so far, in a line for people; nothing where asking costs nothing.
    fn spent(&self) -> Option<String> {
        None
    }

    /// Scores in the order of the items.
    fn score(&self, items: &[ScoreItem<'_>]) -> Vec<Result<RubricScore, ScoreFailure>>;
}
