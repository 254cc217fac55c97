//! What a verifier says of one completion.

use serde::{Deserialize, Serialize};
use tracelift_domain::{FailureKind, Probability, Verdict};

/// What was found in a completion and judged: the `y` of the design.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Artifact {
    /// A final answer, as it was compared.
    Answer(String),
    /// The source of a program, as it was run.
    Program(String),
}

impl Artifact {
    /// The answer or the source.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Artifact::Answer(text) | Artifact::Program(text) => text,
        }
    }
}

/// A verdict, with what it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Right, wrong (and how), or unscorable (and why).
    pub verdict: Verdict,
    /// What was judged; `None` where the completion holds nothing to judge.
    pub artifact: Option<Artifact>,
    /// 1, 0, or the share of passed tests where that was asked for; `None` where it is unknown.
    pub score: Option<Probability>,
}

impl Judgement {
    pub(crate) fn passed(artifact: Artifact) -> Judgement {
        Judgement { verdict: Verdict::Passed, artifact: Some(artifact), score: Some(Probability::ONE) }
    }

    pub(crate) fn failed(kind: FailureKind, artifact: Artifact) -> Judgement {
        let verdict = Verdict::Failed { kind };
        Judgement { verdict, artifact: Some(artifact), score: Some(Probability::ZERO) }
    }

    pub(crate) fn no_artifact() -> Judgement {
        let verdict = Verdict::Failed { kind: FailureKind::NoArtifact };
        Judgement { verdict, artifact: None, score: Some(Probability::ZERO) }
    }

    pub(crate) fn unscorable(why: impl Into<String>, artifact: Option<Artifact>) -> Judgement {
        Judgement { verdict: Verdict::Unscorable { why: why.into() }, artifact, score: None }
    }
}
