//! What a comparison says.

use std::fmt;

use crate::rule::Rule;

/// Why a comparison could not be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The answer is longer, deeper or has more parts than is read.
    TooLong,
    /// A number, or the work for it, is beyond the budget.
    TooLarge,
    /// The highest precision does not tell the values apart or together.
    Imprecise,
    /// A construct that is compared by its form only (an integral, a limit, a statement), and the forms differ.
    FormOnly,
    /// No point was found at which both sides have a value.
    NoPoint,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::TooLong => "the answer is too long or nested too deeply",
            Reason::TooLarge => "a number is too large to compute",
            Reason::Imprecise => "the highest precision does not decide",
            Reason::FormOnly => {
                "the answers hold constructs that are only compared by form, and differ in form"
            }
            Reason::NoPoint => "no point was found at which both answers have a value",
        })
    }
}

/// Whether a prediction is the gold answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The same answer.
    Equal,
    /// Another answer.
    Different,
    /// Not known.
    Undecided(Reason),
    /// The prediction holds no answer.
    NoAnswer,
    /// The gold answer cannot be read; says nothing about the prediction.
    GoldUnparsable,
}

impl Verdict {
    /// Whether the prediction is accepted; `None` where that is not known.
    #[must_use]
    pub fn equal(self) -> Option<bool> {
        match self {
            Verdict::Equal => Some(true),
            Verdict::Different | Verdict::NoAnswer => Some(false),
            Verdict::Undecided(_) | Verdict::GoldUnparsable => None,
        }
    }

    /// The verdict's name, without its reason.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Equal => "Equal",
            Verdict::Different => "Different",
            Verdict::Undecided(_) => "Undecided",
            Verdict::NoAnswer => "NoAnswer",
            Verdict::GoldUnparsable => "GoldUnparsable",
        }
    }
}

/// Where in a text an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rung {
    /// `\boxed{…}`, the last one or the last ones together.
    Boxed,
    /// `#### …`.
    Hashes,
    /// "final answer is …".
    FinalAnswer,
    /// "answer is …", "answer: …".
    Answer,
    /// An answer in tags: `<answer>…</answer>`.
    Tag,
    /// The last formula.
    Formula,
    /// The whole text.
    Whole,
    /// The last number of the text.
    LastNumber,
    /// The letter of a choice.
    Choice,
}

impl Rung {
    /// The name of this way of finding an answer.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rung::Boxed => "boxed",
            Rung::Hashes => "hashes",
            Rung::FinalAnswer => "final answer",
            Rung::Answer => "answer",
            Rung::Tag => "tag",
            Rung::Formula => "formula",
            Rung::Whole => "whole text",
            Rung::LastNumber => "last number",
            Rung::Choice => "choice",
        }
    }
}

/// The outcome of one comparison and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Whether the answers are the same.
    pub verdict: Verdict,
    /// The normal form of the gold answer, if it was read.
    pub gold: Option<String>,
    /// The normal form of the predicted answer, if it was read.
    pub pred: Option<String>,
    /// What was found in the prediction, and where.
    pub extracted: Option<(Rung, String)>,
    /// The rule that decided.
    pub rule: Rule,
}
