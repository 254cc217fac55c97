//! Advantages: how much better a rollout is than its siblings.

use serde::{Deserialize, Serialize};

/// What the difference to the group's mean is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalize {
    /// The group's standard deviation (GRPO).
    GroupStd,
    /// The standard deviation of all the step's rewards, of whatever group.
    BatchStd,
    /// Nothing (Dr. GRPO): hard and easy problems count by how far their rollouts differ.
    None,
    /// Nothing, and what is taken away is the mean of the *others* (RLOO, Ahmadian et al., 2024): that of the group times `n/(n − 1)`.
    LeaveOneOut,
}

/// Added to the deviation.
const EPSILON: f64 = 1e-4;
/// Rewards closer than this are equal: sums of a few tenths differ in their last bits.
const TIE: f64 = 1e-9;

/// A rollout group's advantages.
#[derive(Clone, Debug, PartialEq)]
pub struct Advantages {
    /// One a rollout; 0 where the reward is unknown.
    pub values: Vec<f64>,
    /// Whether all known rewards are equal (or fewer than two are known): then the group teaches nothing.
    pub zero_spread: bool,
    /// The standard deviation of the known rewards (population).
    pub deviation: f64,
}

/// `(r − mean) / (std + ε)` over the known rewards. An unknown reward leaves mean and deviation untouched. Where the deviation is that of
/// a step ([`Normalize::BatchStd`]), the differences stand as they are until all is drawn, and [`batch_scale`] says by what to multiply.
#[must_use]
pub fn advantages(rewards: &[Option<f64>], normalize: Normalize) -> Advantages {
    let known: Vec<f64> = rewards.iter().flatten().copied().collect();
    let zero = Advantages { values: vec![0.0; rewards.len()], zero_spread: true, deviation: 0.0 };
    let (low, high) = known.iter().fold((f64::MAX, f64::MIN), |(low, high), &r| (low.min(r), high.max(r)));
    if known.len() < 2 || high - low < TIE {
        return zero;
    }
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let deviation = (known.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
    let scale = match normalize {
        Normalize::GroupStd => 1.0 / (deviation + EPSILON),
        Normalize::None | Normalize::BatchStd => 1.0,
        Normalize::LeaveOneOut => known.len() as f64 / (known.len() - 1) as f64,
    };
    let values = rewards.iter().map(|reward| reward.map_or(0.0, |reward| (reward - mean) * scale)).collect();
    Advantages { values, zero_spread: false, deviation }
}

/// `1 / (std + ε)` of a step's rewards (population).
#[must_use]
pub fn batch_scale(rewards: &[f64]) -> f64 {
    let count = rewards.len().max(1) as f64;
    let mean = rewards.iter().sum::<f64>() / count;
    let variance = rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / count;
    1.0 / (variance.sqrt() + EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_rewards_shift_nothing() {
        let all = advantages(&[Some(1.0), Some(0.0), Some(0.5)], Normalize::GroupStd);
        let some = advantages(&[Some(1.0), None, Some(0.0), Some(0.5), None], Normalize::GroupStd);
        assert_eq!([some.values[0], some.values[2], some.values[3]], all.values[..]);
        assert_eq!([some.values[1], some.values[4]], [0.0, 0.0]);
        assert!((all.values.iter().sum::<f64>()).abs() < 1e-12);
    }

    #[test]
    fn equal_rewards_teach_nothing_even_with_rounding() {
        let third = 0.1 + 0.2;
        for rewards in [vec![Some(0.3), Some(third)], vec![Some(1.0), None], vec![None, None], vec![]] {
            let found = advantages(&rewards, Normalize::GroupStd);
            assert!(found.zero_spread && found.values.iter().all(|a| *a == 0.0), "{rewards:?}");
        }
    }

    #[test]
    fn one_left_out_is_compared_with_the_mean_of_the_others() {
        let rewards = [Some(1.0), Some(0.0), None, Some(0.25), Some(0.5)];
        let found = advantages(&rewards, Normalize::LeaveOneOut);
        let known: Vec<f64> = rewards.iter().flatten().copied().collect();
        for (reward, value) in rewards.iter().zip(&found.values) {
            let expected = reward.map_or(0.0, |r| r - (known.iter().sum::<f64>() - r) / 3.0);
            assert!((value - expected).abs() < 1e-12, "{value} instead of {expected}");
        }
    }

    #[test]
    fn a_batch_is_scaled_by_the_deviation_of_all_its_rewards() {
        assert!((batch_scale(&[0.0, 1.0, 0.0, 1.0]) - 1.0 / (0.5 + EPSILON)).abs() < 1e-12);
        assert_eq!(batch_scale(&[]), 1.0 / EPSILON);
    }

    #[test]
    fn without_normalisation_the_scale_of_rewards_is_kept() {
        let found = advantages(&[Some(0.1), Some(0.3)], Normalize::None);
        assert!((found.values[1] - 0.1).abs() < 1e-12);
    }
}
