//! What a step draws: problems, rollouts of each, and which groups of them stay.

use super::mean;
use crate::advantage::{Advantages, batch_scale};
use crate::metrics::{StepMetrics, name};
use crate::source::Exercise;
use tracelift_planner::Written;
use tracelift_reward::{Evidence, Measured, RubricScore};

/// What a step has drawn: problems, the planner's prompts about them, and the rollouts of each, one group after another.
#[derive(Default)]
pub(super) struct Drawn {
    /// The problems' places in the source.
    pub places: Vec<u64>,
    pub items: Vec<Exercise>,
    pub prompts: Vec<Vec<u32>>,
    pub rollouts: Vec<Rollout>,
    pub groups: Vec<Group>,
}

/// What the rewards of a rollout group say.
pub(super) struct Group {
    /// Whether the known ones are all equal: it teaches nothing.
    pub flat: bool,
    /// Whether all are known.
    pub known: bool,
    pub deviation: f64,
    /// Whether another one was drawn in its place.
    pub replaced: bool,
}

/// One trace and what became of it.
pub(super) struct Rollout {
    pub item: usize,
    pub sample: usize,
    pub written: Written,
    pub measured: Option<Measured>,
    pub evidence: Evidence,
    /// What was read against the rubric, or why there is no score of it.
    pub read: Option<Result<RubricScore, &'static str>>,
    /// What the rule makes of the evidence.
    pub reward: Option<f64>,
    /// What stands beside it: the format term, and the punishment of length; `None` where the run has no such thing.
    pub format: Option<f64>,
    pub overlong: Option<f64>,
    pub advantage: f64,
}

impl Rollout {
    /// What was written, of which nothing is known yet.
    pub fn of(item: usize, sample: usize, written: Written) -> Rollout {
        Rollout {
            item,
            sample,
            written,
            measured: None,
            evidence: Evidence::default(),
            read: None,
            reward: None,
            format: None,
            overlong: None,
            advantage: 0.0,
        }
    }

    /// What it is compared with its siblings by.
    pub fn total(&self) -> Option<f64> {
        Some(self.reward? + self.format.unwrap_or(0.0) + self.overlong.unwrap_or(0.0))
    }
}

impl Group {
    /// What there is to say of a group with these totals and the advantages that were found in them.
    pub fn of(totals: &[Option<f64>], found: &Advantages) -> Group {
        Group {
            flat: found.zero_spread,
            known: totals.iter().all(Option::is_some),
            deviation: found.deviation,
            replaced: false,
        }
    }

    /// Whether it is known to have no spread, and is still among those that are learned from. Of a group with an unknown reward nobody
    /// knows that; and where the executor is out of reach, more calls would tell no more.
    fn is_spreadless(&self) -> bool {
        self.flat && self.known && !self.replaced
    }
}

impl Drawn {
    /// The groups that others may be drawn in the place of.
    pub fn without_spread(&self) -> Vec<usize> {
        (0..self.groups.len()).filter(|&group| self.groups[group].is_spreadless()).collect()
    }

    /// Takes groups out of what is learned from.
    pub fn replace(&mut self, groups: &[usize]) {
        for &group in groups {
            self.groups[group].replaced = true;
        }
    }

    /// Whether a rollout's group is one of those that are learned from.
    pub fn stays(&self, rollout: &Rollout) -> bool {
        !self.groups[rollout.item].replaced
    }

    /// Divides advantages by the deviation of all rewards of the groups that are learned from.
    pub fn scale(&mut self) {
        let stay = self.rollouts.iter().filter(|rollout| self.stays(rollout));
        let scale = batch_scale(&stay.filter_map(Rollout::total).collect::<Vec<f64>>());
        for rollout in &mut self.rollouts {
            rollout.advantage *= scale;
        }
    }

    /// What there is to say of the spread of all groups.
    pub fn note_spread(&self, metrics: &mut StepMetrics) {
        let flat = self.groups.iter().filter(|group| group.flat).count();
        metrics.set(name::ZERO_SPREAD, flat as f64 / self.groups.len().max(1) as f64);
        metrics.set(name::REWARD_SPREAD, mean(self.groups.iter().map(|group| Some(group.deviation))));
    }

    /// How many groups there are, and in whose place others were drawn.
    pub fn note_replaced(&self, metrics: &mut StepMetrics) {
        let replaced = self.groups.iter().filter(|group| group.replaced).count();
        metrics.set(name::GROUPS_DRAWN, self.groups.len() as f64);
        metrics.set(name::GROUPS_REPLACED, replaced as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advantage::{Normalize, advantages};

    fn group(totals: &[Option<f64>]) -> Group {
        Group::of(totals, &advantages(totals, Normalize::GroupStd))
    }

    #[test]
    fn only_groups_that_are_known_to_have_no_spread_are_replaced() {
        let (one, half) = (Some(1.0), Some(0.5));
        let groups = vec![
            group(&[one, one, one]),
            group(&[one, half, one]),
            // Nobody knows what the third is.
            group(&[one, one, None]),
            group(&[None, None, None]),
            group(&[one, half, None]),
            group(&[Some(0.0), Some(0.0), Some(0.0)]),
        ];
        let mut drawn = Drawn { groups, ..Drawn::default() };
        assert_eq!(drawn.without_spread(), [0, 5]);
        drawn.replace(&[5]);
        assert_eq!(drawn.without_spread(), [0], "a group is replaced once");
        let mut metrics = StepMetrics::at(1, 0.0);
        drawn.note_spread(&mut metrics);
        drawn.note_replaced(&mut metrics);
        assert_eq!(metrics.get(name::ZERO_SPREAD), Some(4.0 / 6.0));
        assert_eq!(
            (metrics.get(name::GROUPS_DRAWN), metrics.get(name::GROUPS_REPLACED)),
            (Some(6.0), Some(1.0))
        );
    }
}
