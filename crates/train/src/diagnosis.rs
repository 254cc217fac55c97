//! What a training's own rollouts say of its reward: which of its parts the planner was moved by, whether the rubric still told
//! traces apart, and whether its score rose while traces got worse.
//!
//! Everything is within rollout groups, as advantages are: what all traces of a problem have in common moves nothing.

use crate::rollouts::RolloutNumbers;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tracelift_reward::{RewardConfig, Slopes};
use tracelift_statistics::{auc, pearson};

/// A rubric that spreads less than this within a group does not tell its traces apart.
pub const FLAT: f64 = 0.05;
/// A rubric score from here on is at the top.
pub const TOP: f64 = 0.95;
/// Rewards nearer to each other than this are one, but for rounding.
const ALIKE: f64 = 1e-9;
/// The share of steps at either end of a training that are compared with each other.
const END: f64 = 0.25;
/// So many standard errors are a change.
const CHANGE: f64 = 2.0;

/// What rollouts say. `None` is unknown, or does not apply: a rule without rubric has none of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// Rollout groups that were learned from.
    pub groups: usize,
    /// The share of them in which all rewards are one: they teach nothing.
    pub without_spread: Option<f64>,
    /// The share of the squared advantages that each part of the reward makes.
    pub credit: Option<Credit>,
    /// What decides between two traces of a group.
    pub decided: Option<Decided>,
    /// What the rubric tells apart.
    pub rubric: Option<RubricUse>,
    /// Pearson's correlation of `s` and `u` over usable traces, each less its group's mean.
    pub correlation: Option<f64>,
    /// Whether the rubric says what the exact checker says.
    pub agreement: Option<Agreement>,
    /// From the first quarter of the steps to the last.
    pub drift: Drift,
}

/// Shares of the squared advantages; they add up to 1, and one is negative where a part works against the rest.
///
/// With `r = Σ_j r_j` and `k = A/(r − r̄)` in a group, `share_j = Σ k²·(r_j − r̄_j)·(r − r̄) / Σ k²·(r − r̄)²`. The gradient is `Σ A·∇log π`, so
/// this is the share of its squared length were all traces' own gradients of one length and at right angles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// `e`, or `w` under `exec_only_matched`.
    pub outcome: f64,
    /// `s`; of a product `s·u`, `ū·(s − s̄)`.
    pub rubric: f64,
    /// `u`; of a product `s·u`, `s̄·(u − ū)`.
    pub uplift: f64,
    /// What is left: `s` and `u` together, a sign, a clamp.
    pub joint: f64,
    /// The format term.
    pub format: f64,
    /// The punishment of length.
    pub length: f64,
}

/// Of all pairs of traces of a group whose rewards differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The share that the outcome alone puts in the same order.
    pub by_outcome: f64,
    /// The share whose outcomes are one: the other parts decide.
    pub between_equals: f64,
    /// The share that the other parts put in the opposite order.
    pub against_outcome: f64,
}

/// What a rubric tells apart within groups.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RubricUse {
    /// The share of groups with several usable traces in which the scores spread by less than [`FLAT`]: there, what is left of the reward is
    /// the ranking of the outcome.
    pub flat: f64,
    /// The mean spread, highest less lowest.
    pub spread: f64,
    /// The share of scores from [`TOP`] on.
    pub at_top: f64,
}

/// How well the score tells traces that an exact checker confirms from others: areas under the ROC curve, ½ by chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Of all usable traces.
    pub auc: Option<f64>,
    /// Of those whose answer is right: sound reasons from wrong ones, which outcomes cannot tell.
    pub auc_if_right: Option<f64>,
}

/// What changed in the course of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Of the outcome.
    pub outcome: Option<Change>,
    /// Of the uplift.
    pub uplift: Option<Change>,
    /// Of the rubric score.
    pub rubric: Option<Change>,
    /// Of the share of traces that the exact checker confirms.
    pub verified: Option<Change>,
}

/// The mean over the last steps less that over the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// How much.
    pub by: f64,
    /// Its standard error, by how steps differ within either end; `None` for one step.
    pub error: Option<f64>,
}

impl Change {
    fn is_up(self) -> bool {
        self.error.is_some_and(|error| self.by > CHANGE * error)
    }

    fn is_down(self) -> bool {
        self.error.is_some_and(|error| self.by < -CHANGE * error)
    }
}

impl Drift {
    /// Whether the score rose while sound traces got fewer: the planner learns to please the reader. `None` where one of
    /// the two is not measured.
    #[must_use]
    pub fn pleases_the_reader(&self) -> Option<bool> {
        Some(self.rubric?.is_up() && self.verified?.is_down())
    }
}

/// Looks at the rollouts of a training under a reward.
#[must_use]
pub fn diagnose(rollouts: &[RolloutNumbers], reward: &RewardConfig) -> Diagnosis {
    let mut groups: BTreeMap<(u64, u64), Vec<&RolloutNumbers>> = BTreeMap::new();
    for rollout in rollouts.iter().filter(|rollout| !rollout.replaced) {
        groups.entry((rollout.step, rollout.group_index)).or_default().push(rollout);
    }
    let groups: Vec<Group<'_>> = groups.into_values().map(Group).collect();
    let spreads: Vec<bool> = groups.iter().filter_map(Group::has_spread).collect();
    let flat = spreads.iter().filter(|spread| !**spread).count();
    Diagnosis {
        groups: groups.len(),
        without_spread: share(flat, spreads.len()),
        credit: credit(&groups, reward),
        decided: decided(&groups, reward),
        rubric: rubric_use(&groups),
        correlation: correlation(&groups),
        agreement: agreement(&groups),
        drift: drift(rollouts),
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0_usize), |(sum, count), x| (sum + x, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// The traces of one problem in one step.
struct Group<'r>(Vec<&'r RolloutNumbers>);

impl<'r> Group<'r> {
    /// Those whose reward is known, with all that is added to it.
    fn rewarded(&self) -> Vec<(&'r RolloutNumbers, f64)> {
        let total =
            |r: &RolloutNumbers| Some(r.reward? + r.format.unwrap_or(0.0) + r.overlong.unwrap_or(0.0));
        self.0.iter().filter_map(|rollout| Some((*rollout, total(rollout)?))).collect()
    }

    /// Whether its known rewards differ; `None` where none is known.
    fn has_spread(&self) -> Option<bool> {
        let rewarded = self.rewarded();
        let first = rewarded.first()?.1;
        Some(rewarded.iter().any(|(_, reward)| (reward - first).abs() > ALIKE))
    }

    /// Scores and uplifts of the usable traces of which both are known.
    fn read(&self, of: fn(&RolloutNumbers) -> Option<f64>) -> Vec<f64> {
        self.0.iter().filter(|rollout| !rollout.defective).filter_map(|rollout| of(rollout)).collect()
    }
}

fn credit(groups: &[Group<'_>], reward: &RewardConfig) -> Option<Credit> {
    let (mut sums, mut whole) = (Credit::default(), 0.0);
    for group in groups {
        let rewarded = group.rewarded();
        let Some(middle) = mean(rewarded.iter().map(|(_, total)| *total)) else { continue };
        let of = |pick: fn(&RolloutNumbers) -> Option<f64>| {
            mean(rewarded.iter().filter_map(|(rollout, _)| pick(rollout))).unwrap_or(0.0)
        };
        let means = Quantities {
            e: of(|r| r.e),
            w: of(|r| r.w),
            s: of(|r| r.s),
            u: of(|r| r.u),
            format: of(|r| r.format),
            length: of(|r| r.overlong),
        };
        let squares: f64 = rewarded.iter().map(|(_, total)| (total - middle).powi(2)).sum();
        if squares <= ALIKE * ALIKE {
            continue;
        }
        // In a group every advantage is the same multiple of the reward's deviation.
        let along: f64 =
            rewarded.iter().map(|(r, total)| r.advantage.unwrap_or(0.0) * (total - middle)).sum();
        let weight = (along / squares).powi(2);
        let slopes = reward.rule.slopes(reward.lambda, means.s, means.u);
        for (rollout, total) in &rewarded {
            let deviation = total - middle;
            let parts = means.deviations(rollout, slopes, deviation);
            sums.add(parts, weight * deviation);
            whole += weight * deviation * deviation;
        }
    }
    (whole > 0.0).then(|| sums.over(whole))
}

/// Means over a group.
struct Quantities {
    e: f64,
    w: f64,
    s: f64,
    u: f64,
    format: f64,
    length: f64,
}

impl Quantities {
    /// How far each part of a rollout's reward is from the group's mean; together, `whole`.
    fn deviations(&self, rollout: &RolloutNumbers, slopes: Slopes, whole: f64) -> Credit {
        let from = |value: Option<f64>, mean: f64| value.map_or(0.0, |value| value - mean);
        let outcome = slopes.outcome * from(rollout.e, self.e) + slopes.with_trace * from(rollout.w, self.w);
        let rubric = slopes.rubric * from(rollout.s, self.s);
        let uplift = slopes.uplift * from(rollout.u, self.u);
        let (format, length) = (from(rollout.format, self.format), from(rollout.overlong, self.length));
        let joint = whole - outcome - rubric - uplift - format - length;
        Credit { outcome, rubric, uplift, joint, format, length }
    }
}

impl Credit {
    fn each(&mut self, parts: Credit, of: impl Fn(f64, f64) -> f64) {
        let Credit { outcome, rubric, uplift, joint, format, length } = self;
        let pairs = [
            (outcome, parts.outcome),
            (rubric, parts.rubric),
            (uplift, parts.uplift),
            (joint, parts.joint),
            (format, parts.format),
            (length, parts.length),
        ];
        for (sum, part) in pairs {
            *sum = of(*sum, part);
        }
    }

    fn add(&mut self, parts: Credit, weight: f64) {
        self.each(parts, |sum, part| sum + weight * part);
    }

    fn over(mut self, whole: f64) -> Credit {
        self.each(Credit::default(), |sum, _| sum / whole);
        self
    }
}

fn decided(groups: &[Group<'_>], reward: &RewardConfig) -> Option<Decided> {
    let matched = reward.rule.slopes(reward.lambda, 0.0, 0.0).with_trace > 0.0;
    let outcome = |rollout: &RolloutNumbers| if matched { rollout.w } else { rollout.e };
    let (mut by, mut equal, mut against) = (0_usize, 0_usize, 0_usize);
    for group in groups {
        let rewarded = group.rewarded();
        for (at, (one, first)) in rewarded.iter().enumerate() {
            for (other, second) in &rewarded[at + 1..] {
                let difference = first - second;
                let Some(outcomes) = outcome(one).zip(outcome(other)).map(|(a, b)| a - b) else { continue };
                if difference.abs() <= ALIKE {
                    continue;
                }
                if outcomes.abs() <= ALIKE {
                    equal += 1;
                } else if outcomes * difference > 0.0 {
                    by += 1;
                } else {
                    against += 1;
                }
            }
        }
    }
    let all = by + equal + against;
    Some(Decided {
        by_outcome: share(by, all)?,
        between_equals: share(equal, all)?,
        against_outcome: share(against, all)?,
    })
}

fn rubric_use(groups: &[Group<'_>]) -> Option<RubricUse> {
    let scores: Vec<Vec<f64>> = groups.iter().map(|group| group.read(|r| r.s)).collect();
    let spread = |scores: &Vec<f64>| {
        let (low, high) =
            (scores.iter().copied().reduce(f64::min)?, scores.iter().copied().reduce(f64::max)?);
        (scores.len() > 1).then_some(high - low)
    };
    let spreads: Vec<f64> = scores.iter().filter_map(spread).collect();
    let all: Vec<f64> = scores.into_iter().flatten().collect();
    Some(RubricUse {
        flat: share(spreads.iter().filter(|spread| **spread < FLAT).count(), spreads.len())?,
        spread: mean(spreads)?,
        at_top: share(all.iter().filter(|score| **score >= TOP).count(), all.len())?,
    })
}

fn correlation(groups: &[Group<'_>]) -> Option<f64> {
    let (mut scores, mut uplifts) = (Vec::new(), Vec::new());
    for group in groups {
        let usable = group.0.iter().filter(|rollout| !rollout.defective);
        let both: Vec<(f64, f64)> = usable.filter_map(|rollout| rollout.s.zip(rollout.u)).collect();
        let Some((s, u)) = mean(both.iter().map(|(s, _)| *s)).zip(mean(both.iter().map(|(_, u)| *u))) else {
            continue;
        };
        scores.extend(both.iter().map(|(score, _)| score - s));
        uplifts.extend(both.iter().map(|(_, uplift)| uplift - u));
    }
    pearson(&scores, &uplifts)
}

fn agreement(groups: &[Group<'_>]) -> Option<Agreement> {
    let usable = groups.iter().flat_map(|group| &group.0).filter(|rollout| !rollout.defective);
    let judged: Vec<(f64, bool, Option<f64>)> =
        usable.filter_map(|rollout| Some((rollout.s?, rollout.verified?, rollout.e))).collect();
    let area = |counts: fn(Option<f64>) -> bool| {
        let of = |sound: bool| {
            let those = judged.iter().filter(|(_, verified, e)| *verified == sound && counts(*e));
            those.map(|(score, ..)| *score).collect::<Vec<_>>()
        };
        auc(&of(true), &of(false))
    };
    let found = Agreement { auc: area(|_| true), auc_if_right: area(|e| e.is_some_and(|e| e >= 1.0)) };
    (!judged.is_empty()).then_some(found)
}

fn drift(rollouts: &[RolloutNumbers]) -> Drift {
    let mut steps: BTreeMap<u64, Vec<&RolloutNumbers>> = BTreeMap::new();
    for rollout in rollouts {
        steps.entry(rollout.step).or_default().push(rollout);
    }
    let steps: Vec<Vec<&RolloutNumbers>> = steps.into_values().collect();
    let of = |pick: fn(&RolloutNumbers) -> Option<f64>| {
        let means: Vec<f64> =
            steps.iter().filter_map(|step| mean(step.iter().filter_map(|rollout| pick(rollout)))).collect();
        change(&means)
    };
    Drift {
        outcome: of(|r| r.e),
        uplift: of(|r| r.u),
        rubric: of(|r| r.s),
        verified: of(|r| r.verified.map(|yes| f64::from(u8::from(yes)))),
    }
}

/// From the first steps to the last; `None` where these would be the same.
fn change(means: &[f64]) -> Option<Change> {
    let count = ((means.len() as f64 * END).ceil() as usize).max(1);
    if means.len() < 2 * count {
        return None;
    }
    let (first, last) = (&means[..count], &means[means.len() - count..]);
    let by = mean(last.iter().copied())? - mean(first.iter().copied())?;
    let error = squared_error(first).zip(squared_error(last)).map(|(one, other)| (one + other).sqrt());
    Some(Change { by, error })
}

/// `s²/n`.
fn squared_error(values: &[f64]) -> Option<f64> {
    let (count, middle) = (values.len() as f64, mean(values.iter().copied())?);
    (values.len() > 1)
        .then(|| values.iter().map(|x| (x - middle).powi(2)).sum::<f64>() / (count - 1.0) / count)
}

#[cfg(test)]
mod tests;
