//! Advantages: how much better a rollout is than its siblings.

use serde::{Deserialize, Serialize};

/// What the difference to the group's mean is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalize {
    /// The group's standard deviation (GRPO).
    GroupStd,
    /// Nothing (Dr. GRPO): hard and easy problems count by how far their rollouts differ.
    None,
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

/// `(r − mean) / (std + ε)` over the known rewards. An unknown reward leaves mean and deviation untouched.
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
        Normalize::None => 1.0,
    };
    let values = rewards.iter().map(|reward| reward.map_or(0.0, |reward| (reward - mean) * scale)).collect();
    Advantages { values, zero_spread: false, deviation }
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
    fn without_normalisation_the_scale_of_rewards_is_kept() {
        let found = advantages(&[Some(0.1), Some(0.3)], Normalize::None);
        assert!((found.values[1] - 0.1).abs() < 1e-12);
    }
}
