//! Verdicts: what a verifier says of an artifact.

use serde::{Deserialize, Serialize};

/// How an artifact failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// An answer was found and is not the gold answer.
    WrongAnswer,
    /// The completion holds no answer or program at all.
    NoArtifact,
    /// The program ended with an exception or a signal (syntax errors too).
    RuntimeError,
    /// The program ran out of time.
    TimeLimit,
    /// The program ran out of memory.
    MemoryLimit,
    /// The program printed more than is allowed.
    OutputLimit,
}

impl FailureKind {
    /// The name used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::WrongAnswer => "wrong_answer",
            FailureKind::NoArtifact => "no_artifact",
            FailureKind::RuntimeError => "runtime_error",
            FailureKind::TimeLimit => "time_limit",
            FailureKind::MemoryLimit => "memory_limit",
            FailureKind::OutputLimit => "output_limit",
        }
    }
}

/// A verifier's judgement of `(x, y)`.
///
/// `Unscorable` is for faults of *ours* (the sandbox broke, the gold answer cannot be read). It is not a zero: it
/// makes whatever depends on it unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// The artifact is right.
    Passed,
    /// The artifact is wrong.
    Failed {
        /// How.
        kind: FailureKind,
    },
    /// The artifact could not be judged.
    Unscorable {
        /// Why, for a person.
        why: String,
    },
}

impl Verdict {
    /// As tables of runs show it: `passed`, `unscorable`, or how it failed.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed { kind } => kind.name(),
            Verdict::Unscorable { .. } => "unscorable",
        }
    }

    /// Success as a number, `None` where it is unknown.
    #[must_use]
    pub fn success(&self) -> Option<bool> {
        match self {
            Verdict::Passed => Some(true),
            Verdict::Failed { .. } => Some(false),
            Verdict::Unscorable { .. } => None,
        }
    }
}
