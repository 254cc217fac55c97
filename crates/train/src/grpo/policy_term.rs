//! The formula that the project is about: what one token of a rollout adds to the loss.

use serde::{Deserialize, Serialize};

/// How far the probability ratio may leave 1 before the gradient of a token stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// Below 1, in \[0, 1).
    pub low: f32,
    /// Above 1, 0 or more (clip-higher where it is more than `low`).
    pub high: f32,
    /// The ratio from which on a bad token is held back, too, above `1 + high`: the dual clip of Ye et al., 2020, "Mastering complex
    /// control in MOBA games". Without it nothing bounds what a token adds that was hardly ever drawn and is likely now.
    pub dual: Option<f32>,
}

/// How the divergence from the start policy is estimated from a token that the policy drew; `d = log p_start − log p`. The names are
/// those of Schulman, 2020, "Approximating KL divergence".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Divergence {
    /// `−d`: unbiased, of either sign. Its gradient is 1 whatever the two policies are, and 0 in expectation: as part of a loss it
    /// holds nothing back, and is to be looked at.
    K1,
    /// `d²/2`: biased as a value; its gradient is that of the divergence.
    K2,
    /// `eᵈ − d − 1`: unbiased, never negative (GRPO).
    #[default]
    K3,
}

impl Divergence {
    // Left out of what is written, so that runs that are older than the choice have the same configuration.
    pub(super) fn is_default(&self) -> bool {
        *self == Divergence::default()
    }

    /// The estimate, and its derivative by `log p`.
    fn at(self, log_prob: f32, start: f32) -> (f64, f32) {
        let d = f64::from(start) - f64::from(log_prob);
        match self {
            Divergence::K1 => (-d, 1.0),
            Divergence::K2 => (d * d / 2.0, log_prob - start),
            Divergence::K3 => (d.exp_m1() - d, 1.0 - (start - log_prob).exp()),
        }
    }
}

/// The constants of a token's term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Where ratios stop.
    pub clip: Clip,
    /// `β`: the weight of the divergence.
    pub kl: f32,
    /// How that is estimated.
    pub divergence: Divergence,
}

/// What a token adds to the loss, before the mean over tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyTerm {
    /// `−min(ρ·A, clip(ρ)·A) + β·k`
    pub loss: f64,
    /// The derivative of `loss` by the token's log-probability; at a clip, that of the inside.
    pub slope: f32,
    /// Whether the clip holds the gradient of the first part back.
    pub clipped: bool,
    /// `k`, where there is a start policy.
    pub divergence: Option<f64>,
}

/// The clipped term of PPO (Schulman et al., 2017) with the advantage of a rollout group (GRPO, Shao et al., 2024), and
/// the divergence from the start policy:
///
/// `−min(ρ·A, clip(ρ, 1 − low, 1 + high)·A) + β·k`, and `−max(…, dual·A)` in the place of its first part where `A < 0` and there is a dual clip
///
/// `shift` is `log ρ`: how far the token's log-probability, or the mean one of its sequence, has moved since it was sampled. `log_prob` is
/// the token's log-probability now, `start` that of the policy at the start of the run, both in nats and of the same distribution. Without
/// `start` the second part is left out. The derivative by `log p` is `−ρ·A + β·k′`, its first part 0 beyond a clip. Where `ρ` is a
/// sequence's, that is the derivative of what all its tokens add together: of their ratio each moves its share.
///
/// The slope is computed in `f32`, as the backward pass that takes it; the loss in `f64`, as divergences are small
/// differences of numbers near 1.
#[must_use]
pub fn policy_term(
    log_prob: f32,
    shift: f64,
    start: Option<f32>,
    advantage: f32,
    objective: &Objective,
) -> PolicyTerm {
    let Objective { clip, kl, divergence } = *objective;
    let ratio = (shift as f32).exp();
    // A good token is held back where it has become likely enough, a bad one where it has become unlikely enough. At the
    // clip itself it still learns, or clips of 0 would leave nothing to begin with.
    let bound = match advantage {
        good if good > 0.0 => Some(1.0 + clip.high).filter(|bound| ratio > *bound),
        bad if bad < 0.0 && ratio < 1.0 - clip.low => Some(1.0 - clip.low),
        bad if bad < 0.0 => clip.dual.filter(|bound| ratio > *bound),
        _ => None,
    };
    let policy = -f64::from(advantage) * bound.map_or(shift.exp(), f64::from);
    let (clipped, policy_slope) = (bound.is_some(), if bound.is_some() { 0.0 } else { -advantage * ratio });
    let Some(start) = start else {
        return PolicyTerm { loss: policy, slope: policy_slope, clipped, divergence: None };
    };
    let (estimate, pull) = divergence.at(log_prob, start);
    PolicyTerm {
        loss: policy + f64::from(kl) * estimate,
        slope: policy_slope + kl * pull,
        clipped,
        divergence: Some(estimate),
    }
}

/// How much a sampled token counts, because it was sampled by other numbers than it is learned by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Importance {
    /// `min(exp(log p_trainer − log p_sampler), cap)`
    pub weight: f32,
    /// Whether the cap is what counts.
    pub capped: bool,
}

/// The truncated importance ratio of a token (Yao et al., 2025, "Your efficient RL framework secretly brings you off-policy RL
/// training"): `trainer` is its log-probability by the trainer at the weights that sampled it, `sampler` the one that the sampler
/// reported, both in nats and of the same distribution; `cap` is above 0.
///
/// A sampler of bf16 numbers draws from a distribution near the trainer's. The weight, a constant of the loss, makes the expectation
/// that of the trainer's; the cap bounds what a token can add that the sampler hardly ever draws. Weighing whole sequences by the
/// product of their ratios would be unbiased below the cap, but the product of hundreds of them is all noise.
#[must_use]
pub fn importance(trainer: f32, sampler: f32, cap: f32) -> Importance {
    let ratio = (trainer - sampler).exp();
    Importance { weight: ratio.min(cap), capped: ratio > cap }
}

#[cfg(test)]
mod tests;
