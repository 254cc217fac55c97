//! The formula that the project is about: what one token of a rollout adds to the loss.

/// How far the probability ratio may leave 1 before the gradient of a token stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// Below 1, in \[0, 1).
    pub low: f32,
    /// Above 1, 0 or more (clip-higher where it is more than `low`).
    pub high: f32,
}

/// What a token adds to the loss, before the mean over tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyTerm {
    /// `−min(ρ·A, clip(ρ)·A) + β·k3`
    pub loss: f64,
    /// The derivative of `loss` by the token's log-probability; at a clip, that of the inside.
    pub slope: f32,
    /// Whether the clip holds the gradient of the first part back.
    pub clipped: bool,
    /// `k3`, where there is a start policy.
    pub divergence: Option<f64>,
}

/// The clipped term of PPO (Schulman et al., 2017) with the advantage of a rollout group (GRPO, Shao et al., 2024), and
/// the divergence from the start policy as GRPO estimates it:
///
/// `−min(ρ·A, clip(ρ, 1 − low, 1 + high)·A) + β·(eᵈ − d − 1)`, `ρ = exp(log p − log p_old)`, `d = log p_start − log p`
///
/// `log_prob` is the token's log-probability now, `old` the one when it was sampled, `start` that of the policy at the
/// start of the run, all three in nats and of the same distribution; `kl` is `β`. Without `start` the second part is
/// left out. The derivative by `log p` is `−ρ·A + β·(1 − eᵈ)`, its first part 0 beyond a clip.
///
/// The slope is computed in `f32`, as the backward pass that takes it; the loss in `f64`, as `k3` is the small
/// difference of numbers near 1.
#[must_use]
pub fn policy_term(
    log_prob: f32,
    old: f32,
    start: Option<f32>,
    advantage: f32,
    clip: Clip,
    kl: f32,
) -> PolicyTerm {
    let ratio = (log_prob - old).exp();
    // A good token is held back where it has become likely enough, a bad one where it has become unlikely enough. At the
    // clip itself it still learns, or clips of 0 would leave nothing to begin with.
    let clipped = (advantage > 0.0 && ratio > 1.0 + clip.high) || (advantage < 0.0 && ratio < 1.0 - clip.low);
    let (weight, bound) = (f64::from(advantage), |bound: f32| f64::from(bound));
    let policy = match clipped {
        false => -weight * (f64::from(log_prob) - f64::from(old)).exp(),
        true if advantage > 0.0 => -weight * bound(1.0 + clip.high),
        true => -weight * bound(1.0 - clip.low),
    };
    let policy_slope = if clipped { 0.0 } else { -advantage * ratio };
    let Some(start) = start else {
        return PolicyTerm { loss: policy, slope: policy_slope, clipped, divergence: None };
    };
    let d = f64::from(start) - f64::from(log_prob);
    let divergence = d.exp_m1() - d;
    let pull = 1.0 - (start - log_prob).exp();
    PolicyTerm {
        loss: policy + f64::from(kl) * divergence,
        slope: policy_slope + kl * pull,
        clipped,
        divergence: Some(divergence),
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
