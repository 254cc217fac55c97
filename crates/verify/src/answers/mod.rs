//! Answers: one module for each way of comparing a completion with a gold answer.
//!
//! All of them are total. An unreadable gold answer is `Unscorable`, a completion without an answer is `NoArtifact`, and a
//! pair that cannot be decided is `Unscorable` as well: nothing is learned from it.

pub mod exact;
pub mod gsm8k;
pub mod math_verify;
pub mod native;
mod rational;

use crate::{
    config::{AnswerMode, Undecided, VerifierConfig},
    judgement::{Artifact, Judgement},
};
use math_verify::{MathVerify, MathVerifyError, MathVerifyReply};
use native::{Extracted, MathOptions, MathVerdict};
use tracelift_domain::{FailureKind, Verdict};

/// What was found out about a pair of answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Whether they are the same.
    pub verdict: MathVerdict,
    /// What was read from the gold answer.
    pub gold: Option<String>,
    /// What was read from the prediction.
    pub pred: Option<String>,
    /// What was taken from the prediction to be its answer, where the mode tells.
    pub extracted: Option<Extracted>,
    /// Which rule decided.
    pub rule: String,
}

/// Compares answers in one of the modes.
#[derive(Debug)]
pub struct AnswerJudge {
    mode: AnswerMode,
    undecided: Undecided,
    math_verify: MathVerify,
}

impl AnswerJudge {
    /// Starts nothing.
    #[must_use]
    pub fn new(config: &VerifierConfig) -> AnswerJudge {
        AnswerJudge {
            mode: config.answers,
            undecided: config.undecided,
            math_verify: MathVerify::new(config.math_verify.clone()),
        }
    }

    /// Whether the Python library is needed.
    fn needs_math_verify(&self) -> bool {
        self.mode == AnswerMode::MathVerify
            || (self.mode == AnswerMode::Native && self.undecided == Undecided::MathVerify)
    }

    /// Starts what the mode needs, so that a missing library shows before hours of work do.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn probe(&self) -> Result<(), MathVerifyError> {
        if self.needs_math_verify() { self.math_verify.probe() } else { Ok(()) }
    }

    /// Compares a prediction with a gold answer. `options` concern the mathematical modes.
    ///
    /// # Errors
    /// When the mode needs a Python library that cannot be used.
    pub fn compare(
        &self,
        gold: &str,
        pred: &str,
        options: &MathOptions,
    ) -> Result<Compared, MathVerifyError> {
        Ok(match self.mode {
            AnswerMode::Native => {
                let compared = native::compare(gold, pred, options);
                match (&compared.verdict, self.undecided) {
                    (MathVerdict::Undecided(_), Undecided::MathVerify) => self.ask(gold, pred, options)?,
                    _ => compared,
                }
            }
            AnswerMode::MathVerify => self.ask(gold, pred, options)?,
            AnswerMode::Hendrycks => native::hendrycks(gold, pred),
            AnswerMode::Gsm8kCompat => as_compared(gsm8k::judge(gold, pred), "gsm8k-compat"),
            AnswerMode::Exact => as_compared(exact::judge(gold, pred), "exact"),
        })
    }

    fn ask(&self, gold: &str, pred: &str, options: &MathOptions) -> Result<Compared, MathVerifyError> {
        let MathVerifyReply { verdict, gold, pred } = self.math_verify.compare(gold, pred, options)?;
        Ok(Compared { verdict, gold, pred, extracted: None, rule: "math-verify".to_owned() })
    }

    /// Whether a gold answer is not equal to itself, or cannot be read: no completion can then be right, or be known to be.
    #[must_use]
    pub fn is_gold_fault(&self, gold: &str) -> bool {
        match self.mode {
            AnswerMode::Native => native::is_gold_fault(gold),
            _ => self.judge(gold, gold).verdict.success() != Some(true),
        }
    }

    /// Judges a completion against a gold answer.
    #[must_use]
    pub fn judge(&self, gold: &str, completion: &str) -> Judgement {
        self.explained(gold, completion).0
    }

    /// [`AnswerJudge::judge`], with what was compared and by which rule, where the mode tells.
    #[must_use]
    pub fn explained(&self, gold: &str, completion: &str) -> (Judgement, Option<Compared>) {
        match self.mode {
            AnswerMode::Gsm8kCompat => return (gsm8k::judge(gold, completion), None),
            AnswerMode::Exact => return (exact::judge(gold, completion), None),
            AnswerMode::Native | AnswerMode::Hendrycks | AnswerMode::MathVerify => {}
        }
        match self.compare(gold, completion, &MathOptions::default()) {
            Ok(compared) => (judged(gold, compared.clone()), Some(compared)),
            Err(error) => (Judgement::unscorable(error.to_string(), None), None),
        }
    }
}

/// What a comparison says of the completion.
fn judged(gold: &str, compared: Compared) -> Judgement {
    // An answer that was found and cannot be read is an answer all the same: it may be the gold answer's very text.
    let found = compared.pred.or_else(|| compared.extracted.map(|extracted| extracted.text));
    let artifact = found.map(Artifact::Answer);
    match (compared.verdict, artifact) {
        (MathVerdict::Equal, Some(artifact)) => Judgement::passed(artifact),
        (MathVerdict::Different, Some(artifact)) => Judgement::failed(FailureKind::WrongAnswer, artifact),
        (MathVerdict::NoAnswer | MathVerdict::Equal | MathVerdict::Different, _) => Judgement::no_artifact(),
        (MathVerdict::GoldUnparsable, artifact) => {
            Judgement::unscorable(format!("the gold answer {gold:?} cannot be read"), artifact)
        }
        (MathVerdict::Undecided(why), artifact) => Judgement::unscorable(why, artifact),
    }
}

/// A judgement of one of the textual modes, as the mathematical ones put it.
fn as_compared(judgement: Judgement, rule: &str) -> Compared {
    let verdict = match judgement.verdict {
        Verdict::Passed => MathVerdict::Equal,
        Verdict::Failed { kind: FailureKind::NoArtifact } => MathVerdict::NoAnswer,
        Verdict::Failed { .. } => MathVerdict::Different,
        Verdict::Unscorable { .. } => MathVerdict::GoldUnparsable,
    };
    let pred = judgement.artifact.map(|artifact| artifact.as_str().to_owned());
    Compared { verdict, gold: None, pred, extracted: None, rule: rule.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_cannot_be_read_may_be_the_gold_answers_text() {
        let judge = AnswerJudge::new(&VerifierConfig::default());
        for text in ["\\boxed{(1, 2}", "\\boxed{1 + }", "$\\frac{1}$"] {
            assert_eq!(judge.judge(text, text).verdict, Verdict::Passed, "{text}");
            let other = judge.judge("7", text).verdict;
            assert_eq!(other, Verdict::Failed { kind: FailureKind::WrongAnswer }, "{text}");
        }
    }

    #[test]
    fn gold_that_cannot_be_read_is_a_fault() {
        let judge = AnswerJudge::new(&VerifierConfig::default());
        for (gold, fault) in
            [("7", false), ("\\frac{1}{2}", false), ("x > 5", false), ("", true), ("\\frac{1}{", true)]
        {
            assert_eq!(judge.is_gold_fault(gold), fault, "{gold}");
        }
    }
}
