//! Mode `native`, mathematical equivalence as [`tracelift_math`] decides it, and mode `hendrycks`, the normalised strings
//! of the MATH data set's own grader.

use super::Compared;
use serde::Serialize;
use tracelift_math::{Comparison, Verdict};

pub use tracelift_math::{MatchTypes, Options as MathOptions};

/// What is known of a pair of answers, in whatever mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MathVerdict {
    /// The same.
    Equal,
    /// Not the same.
    Different,
    /// Not known, and why.
    Undecided(String),
    /// The prediction holds no answer.
    NoAnswer,
    /// The gold answer cannot be read.
    GoldUnparsable,
}

/// What was taken from a prediction to be its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extracted {
    /// The rung of the ladder on which it was found.
    pub by: &'static str,
    /// Its text.
    pub text: String,
}

/// Compares a prediction with a gold answer.
#[must_use]
pub fn compare(gold: &str, pred: &str, options: &MathOptions) -> Compared {
    let Comparison { verdict, gold, pred, extracted, rule } = tracelift_math::compare(gold, pred, options);
    let verdict = match verdict {
        Verdict::Equal => MathVerdict::Equal,
        Verdict::Different => MathVerdict::Different,
        Verdict::Undecided(reason) => MathVerdict::Undecided(reason.to_string()),
        Verdict::NoAnswer => MathVerdict::NoAnswer,
        Verdict::GoldUnparsable => MathVerdict::GoldUnparsable,
    };
    let extracted = extracted.map(|(rung, text)| Extracted { by: rung.name(), text });
    Compared { verdict, gold, pred, extracted, rule: rule.to_owned() }
}
