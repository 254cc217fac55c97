//! The seven kinds of the math domain, by rule. Each rule lists the changes that its kind allows, in a seeded order;
//! the first that makes a plausible text is taken. A rule with nothing to change lists nothing: it does not apply.

mod entities;
mod operations;
mod quantities;
mod slips;
mod steps;
mod units;

use super::{
    derivation::Derivation,
    rational::Rational,
    revision::{Change, Revision, revise},
};
use crate::proposal::{Erratum, FlawSource, Proposal};
use rand::seq::SliceRandom;
use tracelift_domain::Seed;
use tracelift_domain::{Effect, FlawKind};

/// A change that a rule wants to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Which form of the kind's rule.
    pub rule: &'static str,
    /// The step at which the trace breaks.
    pub step: usize,
    /// What is changed.
    pub change: Change,
    /// Whether the change must alter a result to be a flaw.
    pub alters: bool,
    /// What a reader ends with, where the trace stops before its answer.
    pub ends_with: Option<Rational>,
}

impl Intent {
    /// A change that must alter a result.
    fn altering(rule: &'static str, step: usize, change: Change) -> Intent {
        Intent { rule, step, change, alters: true, ends_with: None }
    }

    /// A change of the text alone.
    fn textual(rule: &'static str, step: usize, change: Change) -> Intent {
        Intent { rule, step, change, alters: false, ends_with: None }
    }
}

/// Whether a form of a rule changes how a text looks, so that it is used only where a group would have too few kinds.
#[must_use]
pub fn last_resort(rule: &str) -> bool {
    steps::LAST_RESORT.contains(&rule)
}

/// A problem's derivation as the rules see it.
pub(super) struct Case<'a> {
    derivation: &'a Derivation,
    problem: &'a str,
}

/// The flawed traces of a kind, best first: at most `most`, each with another text.
///
/// Of whole lines only every second trace of three lines loses one, by its seed.
#[must_use]
pub fn proposals(
    derivation: &Derivation,
    problem: &str,
    kind: FlawKind,
    seed: Seed,
    most: usize,
) -> Vec<Proposal> {
    let case = Case { derivation, problem };
    let mut intents = match kind {
        FlawKind::ArithmeticSlip => slips::intents(&case, seed),
        FlawKind::WrongOperation => operations::intents(&case),
        FlawKind::DroppedStep => steps::dropped(&case, seed),
        FlawKind::MisreadQuantity => quantities::misread(&case, seed),
        FlawKind::SwappedEntities => entities::intents(&case),
        FlawKind::UnitOrRateError => units::intents(&case),
        FlawKind::PrematureConclusion => steps::premature(&case, seed),
        _ => Vec::new(),
    };
    // Forms come in blocks; a seeded order over all intents lets the frequent ones win, one over forms none.
    intents.shuffle(&mut seed.child("drafts", 0).rng());
    let mut forms: Vec<&str> = Vec::new();
    for intent in &intents {
        if !forms.contains(&intent.rule) {
            forms.push(intent.rule);
        }
    }
    intents
        .sort_by_key(|intent| (last_resort(intent.rule), forms.iter().position(|form| *form == intent.rule)));
    let mut proposals: Vec<Proposal> = Vec::new();
    for intent in intents {
        if proposals.len() == most {
            break;
        }
        if let Some(proposal) = propose(&case, kind, &intent)
            && proposals.iter().all(|known| known.reasoning != proposal.reasoning)
        {
            proposals.push(proposal);
        }
    }
    proposals
}

fn propose(case: &Case<'_>, kind: FlawKind, intent: &Intent) -> Option<Proposal> {
    let Revision { text, span, changed, answer } = revise(case.derivation, &intent.change).ok()?;
    if intent.alters && changed.is_empty() {
        return None;
    }
    let gold = case.derivation.number(case.derivation.equations[case.derivation.answer].result?);
    let implied = answer.or(intent.ends_with);
    let effect = if implied == Some(gold) { Effect::Benign } else { Effect::Spoiling };
    let origin = changed.iter().position(|(_, consequence)| consequence.step == intent.step);
    let downstream = changed
        .into_iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != origin || intent.change.results.is_empty())
        .map(|(_, (_, consequence))| consequence)
        .collect();
    let flaw = Erratum {
        kind,
        source: FlawSource::Rule { rule: intent.rule.to_owned() },
        effect: Some(effect),
        span: Some(span),
        step: Some(intent.step),
        steps: case.derivation.lines.len(),
        downstream,
        implied: implied.map(|value| value.to_string()),
    };
    Some(Proposal { reasoning: text, flaw, rubric: None, program: None })
}
