//! Mode `native`, mathematical equivalence as [`tracelift_math`] decides it, and mode `hendrycks`, the normalised strings
//! of the MATH data set's own grader.

use super::Compared;
use serde::Serialize;
use tracelift_domain::completion;
use tracelift_math::{Comparison, Verdict, hendrycks};

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

/// Compares a prediction with a gold answer. What was only thought is no answer: which part of a completion that is, is decided
/// where it is decided for traces and programs.
#[must_use]
pub fn compare(gold: &str, pred: &str, options: &MathOptions) -> Compared {
    let pred = completion::said(pred).unwrap_or_default();
    let Comparison { verdict, gold, pred, extracted, rule } = tracelift_math::compare(gold, pred, options);
    let verdict = match verdict {
        Verdict::Equal => MathVerdict::Equal,
        Verdict::Different => MathVerdict::Different,
        Verdict::Undecided(reason) => MathVerdict::Undecided(reason.to_string()),
        Verdict::NoAnswer => MathVerdict::NoAnswer,
        Verdict::GoldUnparsable => MathVerdict::GoldUnparsable,
        other => MathVerdict::Undecided(format!("a verdict that is not known here: {}", other.name())),
    };
    let extracted = extracted.map(|(rung, text)| Extracted { by: rung.name(), text });
    Compared { verdict, gold, pred, extracted, rule: rule.name().to_owned() }
}

/// Whether a gold answer is not equal to itself, or cannot be read.
#[must_use]
pub fn is_gold_fault(gold: &str) -> bool {
    !tracelift_math::gold_faults([gold], &MathOptions::default()).is_empty()
}

/// Compares the last boxed answers as strings, or the whole texts where there is none.
#[must_use]
pub fn hendrycks(gold: &str, pred: &str) -> Compared {
    let gold = hendrycks::last_boxed(gold).unwrap_or(gold);
    let boxed = hendrycks::last_boxed(pred);
    let answer = boxed.unwrap_or(pred).trim();
    let verdict = match (gold.trim().is_empty(), answer.is_empty()) {
        (true, _) => MathVerdict::GoldUnparsable,
        (false, true) => MathVerdict::NoAnswer,
        (false, false) if hendrycks::is_equiv(gold, answer) => MathVerdict::Equal,
        (false, false) => MathVerdict::Different,
    };
    Compared {
        verdict,
        gold: hendrycks::normalized(gold),
        pred: hendrycks::normalized(answer).or_else(|| Some(answer.to_owned())),
        extracted: boxed.map(|text| Extracted { by: "boxed", text: text.to_owned() }),
        rule: "hendrycks".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_only_thought_is_no_answer() {
        let verdict = |pred: &str| compare("73", pred, &MathOptions::default()).verdict;
        for (open, closes) in completion::thinking() {
            for close in *closes {
                for said in ["73", "\nThe answer is 73.<|im_end|>", "\n\n\\boxed{73}"] {
                    let whole = format!("{open}So \\boxed{{74}}. The answer is 74.{close}{said}");
                    assert_eq!(verdict(&whole), MathVerdict::Equal, "{whole}");
                }
                let nothing = format!("{open}The answer is 73.{close}");
                assert_eq!(verdict(&nothing), MathVerdict::NoAnswer, "{nothing}");
            }
            for before in ["", "<|im_start|>assistant\n", "<think>a</think>"] {
                for thought in ["The answer is 73.", "\\boxed{73}", "\n#### 73"] {
                    let cut = format!("{before}{open}{thought}");
                    assert_eq!(verdict(&cut), MathVerdict::NoAnswer, "{cut}");
                }
            }
        }
    }

    #[test]
    fn the_two_modes_differ_where_they_are_known_to() {
        let options = MathOptions::default();
        for (gold, pred, native, strings) in [
            ("\\frac{1}{2}", "\\boxed{\\tfrac12}", MathVerdict::Equal, MathVerdict::Equal),
            ("\\frac{1}{2}", "\\boxed{2/4}", MathVerdict::Equal, MathVerdict::Different),
            ("(1,2)", "\\boxed{(2,1)}", MathVerdict::Different, MathVerdict::Different),
            ("7", "", MathVerdict::NoAnswer, MathVerdict::NoAnswer),
            ("", "7", MathVerdict::GoldUnparsable, MathVerdict::GoldUnparsable),
        ] {
            assert_eq!(compare(gold, pred, &options).verdict, native, "{gold} {pred}");
            assert_eq!(hendrycks(gold, pred).verdict, strings, "{gold} {pred}");
        }
    }
}
