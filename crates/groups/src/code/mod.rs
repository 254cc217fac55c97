//! Programs: told in outlines, and broken by rule in the seven ways of the code domain.
//!
//! An outline is made from the canonical solution's structure. Its phrases have slots that say what could wrongly stand
//! there (another bound, the opposite condition, a forgotten constraint, …), so a flawed outline is written by the same
//! hand as its reference. What breaks the program when it is carried out is not executed here; `flaw_sort` is unknown.

mod outline;
mod phrase;
pub mod syntax;
mod words;

pub use outline::{Outline, Sentence, Unreadable};
pub use phrase::{Phrase, Piece, Variant};

use crate::proposal::{Flaw, FlawSource, Proposal, Span};
use rand::seq::SliceRandom;
use tracelift_domain::Seed;
use tracelift_worlds::FlawKind;

/// The flawed outlines of a kind, in a seeded order: at most `most`.
#[must_use]
pub fn drafts(outline: &Outline, kind: FlawKind, seed: Seed, most: usize) -> Vec<Proposal> {
    let lines: Vec<String> = outline.sentences.iter().map(|sentence| sentence.phrase.text()).collect();
    let reference = lines.join("\n");
    let mut drafts: Vec<(&'static str, usize, Vec<String>)> = Vec::new();
    for (at, sentence) in outline.sentences.iter().enumerate() {
        for (rule, text) in sentence.phrase.variants(kind) {
            let mut flawed = lines.clone();
            flawed[at] = text;
            drafts.push((rule, at, flawed));
        }
        if sentence.omission == Some(kind) {
            let mut flawed = lines.clone();
            flawed.drain(at..=sentence.until.max(at));
            drafts.push(("left_out", at, flawed));
        }
    }
    drafts.shuffle(&mut seed.child("drafts", 0).rng());
    let mut proposals: Vec<Proposal> = Vec::new();
    for (rule, step, flawed) in drafts {
        let text = flawed.join("\n");
        if proposals.len() == most || proposals.iter().any(|known| known.reasoning == text) {
            continue;
        }
        let Some(span) = Span::between(&reference, &text) else { continue };
        let flaw = Flaw {
            kind,
            source: FlawSource::Rule { rule: rule.to_owned() },
            sort: None,
            span: Some(span),
            step: Some(step),
            steps: lines.len(),
            downstream: Vec::new(),
            implied: None,
        };
        proposals.push(Proposal { reasoning: text, flaw, rubric: None });
    }
    proposals
}

#[cfg(test)]
mod tests;
