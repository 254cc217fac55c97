//! The reward model's loss, over the outputs of its heads.
//!
//! `1.0·Σ_d CE + 0.5·Huber(σ(total), gold total) + 0.7·mean −log σ(s⁺ − s⁻) + 0.0·mean max(0, m − (s_a − s_b))`, the
//! last over pairs of flawed traces of which `a` is less flawed. CE and Huber are means over traces, the ranking
//! terms over pairs. A step whose groups do not go through the model at once takes the loss part by part, each part
//! with the [`Counts`] of the whole: terms and slopes then add up to those of the whole.

use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, Range};
use tracelift_domain::rubric::LABELS;
use tracelift_domain::{DIMENSIONS, Probability, Rubric};

/// Weight of each dimension in the derived score.
pub const DIMENSION_WEIGHT: f64 = 1.0 / DIMENSIONS as f64;

/// What the heads say of one trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadOutputs {
    /// Logits of the labels 0..4, per dimension.
    pub labels: [[f64; LABELS]; DIMENSIONS],
    /// Logit of the total.
    pub total: f64,
}

/// The same shape, holding derivatives.
pub type HeadGradients = HeadOutputs;

impl HeadOutputs {
    /// All zeros.
    pub const ZERO: HeadOutputs = HeadOutputs { labels: [[0.0; LABELS]; DIMENSIONS], total: 0.0 };
}

/// A rubric as the model sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RubricScore {
    /// Expected label of each dimension, 0 to 4.
    pub dimensions: [f64; DIMENSIONS],
    /// `Σ_d w_d·E[label_d]/4`
    pub derived: f64,
    /// `σ(total logit)`
    pub total: f64,
    /// `½·derived + ½·total`: the `s` of the reward.
    pub score: f64,
}

impl RubricScore {
    /// `s`; a broken model's NaN is no score.
    #[must_use]
    pub fn probability(&self) -> Option<Probability> {
        Probability::new(self.score).ok()
    }
}

/// Reads the heads.
#[must_use]
pub fn score(outputs: &HeadOutputs) -> RubricScore {
    let dimensions = outputs
        .labels
        .map(|logits| softmax(&logits).iter().enumerate().map(|(label, p)| label as f64 * p).sum::<f64>());
    let derived = dimensions.iter().map(|e| DIMENSION_WEIGHT * e / (LABELS - 1) as f64).sum();
    let total = sigmoid(outputs.total);
    RubricScore { dimensions, derived, total, score: 0.5 * derived + 0.5 * total }
}

/// The weights of the four terms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossWeights {
    /// Of the labels' cross-entropy.
    pub cross_entropy: f64,
    /// Of the Huber loss of the total.
    pub huber: f64,
    /// Of the ranking of reference above flawed.
    pub ranking: f64,
    /// Of the ranking among flawed traces.
    pub margin_ranking: f64,
    /// The margin `m` of the latter.
    pub margin: f64,
}

impl Default for LossWeights {
    fn default() -> LossWeights {
        LossWeights { cross_entropy: 1.0, huber: 0.5, ranking: 0.7, margin_ranking: 0.0, margin: 0.1 }
    }
}

/// The four terms, not yet weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossTerms {
    /// Cross-entropy.
    pub cross_entropy: f64,
    /// Huber.
    pub huber: f64,
    /// Ranking.
    pub ranking: f64,
    /// Ranking among flawed traces.
    pub margin_ranking: f64,
}

impl LossTerms {
    /// The weighted sum.
    #[must_use]
    pub fn total(&self, weights: &LossWeights) -> f64 {
        weights.cross_entropy * self.cross_entropy
            + weights.huber * self.huber
            + weights.ranking * self.ranking
            + weights.margin_ranking * self.margin_ranking
    }
}

impl AddAssign for LossTerms {
    fn add_assign(&mut self, other: LossTerms) {
        self.cross_entropy += other.cross_entropy;
        self.huber += other.huber;
        self.ranking += other.ranking;
        self.margin_ranking += other.margin_ranking;
    }
}

/// What the terms are means over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traces.
    pub traces: usize,
    /// Pairs of reference and flawed.
    pub pairs: usize,
    /// Pairs of flawed traces of which one is less flawed.
    pub ranked: usize,
}

impl Counts {
    /// Counts traces in the order that [`loss`] takes them in.
    #[must_use]
    pub fn of(gold: &[Rubric], groups: &[Range<usize>]) -> Counts {
        Counts {
            traces: gold.len(),
            pairs: pairs(groups).count(),
            ranked: groups.iter().map(|group| ranked(group, gold).count()).sum(),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.traces += other.traces;
        self.pairs += other.pairs;
        self.ranked += other.ranked;
    }
}

/// `(reference, flawed)` of all groups.
fn pairs(groups: &[Range<usize>]) -> impl Iterator<Item = (usize, usize)> + '_ {
    groups.iter().flat_map(|group| group.clone().skip(1).map(|negative| (group.start, negative)))
}

/// `(less flawed, more flawed)` of a group.
fn ranked<'g>(group: &Range<usize>, gold: &'g [Rubric]) -> impl Iterator<Item = (usize, usize)> + 'g {
    let negatives = group.clone().skip(1);
    let all = negatives.clone().flat_map(move |a| negatives.clone().map(move |b| (a, b)));
    all.filter(|&(a, b)| gold[a].total > gold[b].total)
}

/// The loss of some traces, and its derivative by every output. Traces of a group follow each other, the reference
/// first; `groups` holds their ranges. Means are over `of`: the traces at hand, or the whole that they are a part of.
#[must_use]
pub fn loss(
    outputs: &[HeadOutputs],
    gold: &[Rubric],
    groups: &[Range<usize>],
    weights: &LossWeights,
    of: &Counts,
) -> (LossTerms, Vec<HeadGradients>) {
    let mut terms = LossTerms::default();
    let mut gradients = vec![HeadOutputs::ZERO; outputs.len()];
    let scores: Vec<RubricScore> = outputs.iter().map(score).collect();
    let share = 1.0 / of.traces.max(1) as f64;
    for ((outputs, gold), (gradient, read)) in outputs.iter().zip(gold).zip(gradients.iter_mut().zip(&scores))
    {
        for ((logits, label), slope) in outputs.labels.iter().zip(gold.labels).zip(&mut gradient.labels) {
            let p = softmax(logits);
            let label = usize::from(label.get());
            terms.cross_entropy -= p[label].max(f64::MIN_POSITIVE).ln() * share;
            for (k, slope) in slope.iter_mut().enumerate() {
                *slope += weights.cross_entropy * share * (p[k] - f64::from(u8::from(k == label)));
            }
        }
        // Totals lie in [0, 1], so the Huber loss (δ = 1) is always in its quadratic part.
        let error = read.total - gold.total;
        terms.huber += 0.5 * error * error * share;
        gradient.total += weights.huber * share * error * read.total * (1.0 - read.total);
    }

    let mut slopes = vec![0.0; outputs.len()];
    let share = 1.0 / of.pairs.max(1) as f64;
    for (positive, negative) in pairs(groups) {
        let p = sigmoid(scores[positive].score - scores[negative].score);
        terms.ranking -= p.max(f64::MIN_POSITIVE).ln() * share;
        slopes[positive] -= weights.ranking * share * (1.0 - p);
        slopes[negative] += weights.ranking * share * (1.0 - p);
    }
    let share = 1.0 / of.ranked.max(1) as f64;
    for (better, worse) in groups.iter().flat_map(|group| ranked(group, gold)) {
        let gap = weights.margin - (scores[better].score - scores[worse].score);
        if gap > 0.0 {
            terms.margin_ranking += gap * share;
            slopes[better] -= weights.margin_ranking * share;
            slopes[worse] += weights.margin_ranking * share;
        }
    }
    for (((outputs, read), slope), gradient) in outputs.iter().zip(&scores).zip(slopes).zip(&mut gradients) {
        add_score_gradient(gradient, outputs, read, slope);
    }
    (terms, gradients)
}

/// Adds `slope · ∂s/∂outputs`.
fn add_score_gradient(gradient: &mut HeadGradients, outputs: &HeadOutputs, read: &RubricScore, slope: f64) {
    for ((logits, expected), row) in outputs.labels.iter().zip(read.dimensions).zip(&mut gradient.labels) {
        let p = softmax(logits);
        for (k, value) in row.iter_mut().enumerate() {
            *value += slope * 0.5 * DIMENSION_WEIGHT / (LABELS - 1) as f64 * p[k] * (k as f64 - expected);
        }
    }
    gradient.total += slope * 0.5 * read.total * (1.0 - read.total);
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softmax(logits: &[f64; LABELS]) -> [f64; LABELS] {
    let top = logits.iter().copied().fold(f64::MIN, f64::max);
    let weights = logits.map(|z| (z - top).exp());
    let total: f64 = weights.iter().sum();
    weights.map(|w| w / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Label;

    fn outputs(seed: u64) -> HeadOutputs {
        use rand::Rng;
        let mut rng = tracelift_domain::Seed(seed).rng();
        let mut draw = || rng.random_range(-2.0..2.0);
        HeadOutputs { labels: std::array::from_fn(|_| std::array::from_fn(|_| draw())), total: draw() }
    }

    fn rubric(labels: [u8; 5], total: f64) -> Rubric {
        Rubric { labels: labels.map(|l| Label::new(l).unwrap()), total }
    }

    #[test]
    fn gradients_match_central_differences() {
        let all: Vec<HeadOutputs> = (0..5).map(outputs).collect();
        let gold = [
            rubric([4; 5], 1.0),
            rubric([4, 2, 3, 0, 1], 0.4),
            rubric([3; 5], 0.8),
            rubric([4; 5], 1.0),
            rubric([0; 5], 0.1),
        ];
        let groups = [0..3, 3..5];
        let weights = LossWeights { margin_ranking: 0.3, margin: 0.5, ..LossWeights::default() };
        let of = Counts::of(&gold, &groups);
        assert_eq!(of, Counts { traces: 5, pairs: 3, ranked: 1 });
        let value = |all: &[HeadOutputs]| loss(all, &gold, &groups, &weights, &of).0.total(&weights);
        let (terms, gradients) = loss(&all, &gold, &groups, &weights, &of);
        let parts = [0..3, 3..5].map(|part| {
            let whole = 0..part.len();
            loss(&all[part.clone()], &gold[part], std::slice::from_ref(&whole), &weights, &of)
        });
        let (mut sum, mut slopes) = (LossTerms::default(), Vec::new());
        for (terms, part) in parts {
            sum += terms;
            slopes.extend(part);
        }
        assert!((sum.total(&weights) - terms.total(&weights)).abs() < 1e-12);
        assert_eq!(slopes, gradients);
        let step = 1e-6;
        for trace in 0..5 {
            let check = |name: &str, analytic: f64, shift: &dyn Fn(&mut HeadOutputs, f64)| {
                let at = |by: f64| {
                    let mut moved = all.clone();
                    shift(&mut moved[trace], by);
                    value(&moved)
                };
                let numeric = (at(step) - at(-step)) / (2.0 * step);
                assert!(
                    (numeric - analytic).abs() < 1e-7,
                    "{name} of trace {trace}: {analytic} against {numeric}"
                );
            };
            check("total", gradients[trace].total, &|o, by| o.total += by);
            for d in 0..DIMENSIONS {
                for k in 0..LABELS {
                    check("label", gradients[trace].labels[d][k], &|o, by| o.labels[d][k] += by);
                }
            }
        }
    }

    #[test]
    fn a_perfect_rubric_scores_one() {
        let mut best = HeadOutputs::ZERO;
        best.labels.iter_mut().for_each(|logits| logits[4] = 50.0);
        best.total = 50.0;
        assert!((score(&best).score - 1.0).abs() < 1e-12);
    }
}
