//! How well a reward model tells reference traces from flawed ones.

use super::{EncodedGroup, Labelled};
use serde::Serialize;
use std::collections::BTreeMap;
use tracelift_reward::RewardModel;

/// How well a model tells reference from flawed, on groups that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RubricAccuracy {
    /// Groups looked at.
    pub groups: usize,
    /// Share of (reference, flawed) pairs in which the reference scores higher.
    pub pairs: f64,
    /// Share of groups in which the reference scores above every flawed trace.
    pub whole_groups: f64,
    /// Mean absolute error of the total.
    pub total_error: f64,
    /// Pair accuracy by kind of flaw.
    pub by_kind: BTreeMap<String, f64>,
}

/// Measures a model on held-out groups.
#[must_use]
pub fn evaluate(model: &RewardModel, groups: &[EncodedGroup]) -> RubricAccuracy {
    let all: Vec<&Labelled> =
        groups.iter().flat_map(|group| group.positives.iter().take(1).chain(&group.negatives)).collect();
    let inputs: Vec<Vec<u32>> = all.iter().map(|labelled| labelled.tokens.clone()).collect();
    let scores = model.score(&inputs);
    let error: f64 = all.iter().zip(&scores).map(|(l, s)| (l.rubric.total - s.total).abs()).sum();
    let mut at = 0;
    let (mut pairs, mut right, mut whole) = (0, 0, 0);
    let mut kinds: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for group in groups {
        let reference = scores[at].score;
        let flawed = &scores[at + 1..][..group.negatives.len()];
        at += 1 + group.negatives.len();
        for (negative, score) in group.negatives.iter().zip(flawed) {
            let won = u32::from(reference > score.score);
            let kind = kinds.entry(negative.kind.clone().unwrap_or_default()).or_default();
            *kind = (kind.0 + won, kind.1 + 1);
            right += won;
            pairs += 1;
        }
        whole += u32::from(flawed.iter().all(|score| reference > score.score));
    }
    RubricAccuracy {
        groups: groups.len(),
        pairs: f64::from(right) / f64::from(pairs.max(1)),
        whole_groups: f64::from(whole) / groups.len().max(1) as f64,
        total_error: error / all.len().max(1) as f64,
        by_kind: kinds
            .into_iter()
            .map(|(kind, (won, all))| (kind, f64::from(won) / f64::from(all.max(1))))
            .collect(),
    }
}
