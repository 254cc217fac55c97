//! How well a reward model tells reference traces from flawed ones.

use super::{EncodedGroup, Labelled};
use serde::Serialize;
use std::collections::BTreeMap;
use tracelift_reward::Scoring;
use tracelift_reward::assessment::{Contest, Ranking};

/// How well a model tells reference from flawed, on groups that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RubricAccuracy {
    /// Groups looked at.
    pub groups: usize,
    /// Share of (reference, flawed) pairs in which the reference scores higher; a tie is half.
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
pub fn evaluate(model: Scoring<'_>, groups: &[EncodedGroup]) -> RubricAccuracy {
    let all: Vec<&Labelled> =
        groups.iter().flat_map(|group| group.positives.iter().take(1).chain(&group.negatives)).collect();
    let inputs: Vec<Vec<u32>> = all.iter().map(|labelled| labelled.tokens.clone()).collect();
    let scores = model.score(&inputs);
    let error: f64 = all.iter().zip(&scores).map(|(l, s)| (l.rubric.total - s.total).abs()).sum();
    let mut scores = scores.iter().map(|score| score.score);
    let contests = groups.iter().map(|group| Contest {
        // Means alone are read below, and they do not depend on what belongs together.
        problem: "",
        references: group.positives.iter().take(1).zip(&mut scores).map(|(_, score)| score).collect(),
        flawed: group
            .negatives
            .iter()
            .zip(&mut scores)
            .map(|(negative, score)| (negative.kind.as_deref().unwrap_or_default(), score))
            .collect(),
    });
    let ranking = Ranking::of(contests);
    RubricAccuracy {
        groups: groups.len(),
        pairs: ranking.pairs.mean.unwrap_or(0.0),
        whole_groups: ranking.groups.mean.unwrap_or(0.0),
        total_error: error / all.len().max(1) as f64,
        by_kind: ranking.kinds.into_iter().filter_map(|(kind, pairs)| Some((kind, pairs.mean?))).collect(),
    }
}
