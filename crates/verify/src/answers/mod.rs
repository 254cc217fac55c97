//! Answers: one module for each way of comparing a completion with a gold answer.
//!
//! Each module has one function, `judge(gold, completion)`, that is pure, total and linear in the length of its
//! input. An unreadable gold answer is `Unscorable`; a completion without an answer is `NoArtifact`.

pub mod exact;
pub mod gsm8k;
mod rational;

use crate::{config::AnswerMode, judgement::Judgement};

/// Judges a completion against a gold answer.
#[must_use]
pub fn judge(mode: AnswerMode, gold: &str, completion: &str) -> Judgement {
    match mode {
        AnswerMode::Gsm8kCompat => gsm8k::judge(gold, completion),
        AnswerMode::Exact => exact::judge(gold, completion),
    }
}
