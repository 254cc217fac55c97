//! AdamW with decoupled weight decay (Loshchilov & Hutter, 2019), Muon for matrices where that is wanted, clipping by the
//! global norm, and the learning rate's schedule.

mod muon;

use crate::params::Tensor;
use crate::real::{dot, vectorized};
use rayon::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};
use tracelift_domain::SettingError;

const CHUNK: usize = 1 << 14;

/// The constants of AdamW.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the root.
    pub eps: f32,
    /// Decoupled decay of matrices; norms and biases do not decay.
    pub weight_decay: f32,
    /// The global norm to which gradients are clipped.
    pub max_norm: f32,
    /// Who moves the matrices between layers; everything else is AdamW's.
    #[serde(skip_serializing_if = "MatrixRule::is_adamw")]
    pub matrices: MatrixRule,
}

/// The highest learning rate that anything here is trained with; above it, weights are noise after a step.
pub const HIGHEST_RATE: f32 = 10.0;

/// The lowest: a step moves a weight by about the rate, and below this one, a weight of a thousandth is the same number after it.
pub const LOWEST_RATE: f32 = 1e-10;

/// How the matrices between layers are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatrixRule {
    /// As everything else.
    #[default]
    AdamW,
    /// By their momentum with all singular values made about one.
    Muon,
}

/// Some of the constants, to be put over others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AdamWKeys {
    beta1: Option<f32>,
    beta2: Option<f32>,
    eps: Option<f32>,
    weight_decay: Option<f32>,
    max_norm: Option<f32>,
    matrices: Option<MatrixRule>,
}

impl AdamWConfig {
    /// Checks the constants, and the rate that goes with them. Keys are those of a section that has both:
    /// `learning_rate`, `optimizer.…`.
    ///
    /// # Errors
    /// Names the first with which every step would ruin the weights, or move nothing.
    pub fn validate(&self, rate: f32) -> Result<(), SettingError> {
        let part = |value: f32| (0.0..1.0).contains(&value);
        let decay = rate * self.weight_decay;
        let less =
            format!("less than {}, with which a step at this rate takes a tenth of every weight", 0.1 / rate);
        SettingError::first([
            ("learning_rate", rate > 0.0 && rate <= HIGHEST_RATE, rate.to_string(), "above 0 and at most 10"),
            (
                "learning_rate",
                rate >= LOWEST_RATE,
                rate.to_string(),
                "at least 1e-10, below which a step moves no weight",
            ),
            ("optimizer.beta1", part(self.beta1), self.beta1.to_string(), "from 0 to below 1"),
            ("optimizer.beta2", part(self.beta2), self.beta2.to_string(), "from 0 to below 1"),
            (
                "optimizer.eps",
                self.eps > 0.0 && self.eps <= 1.0,
                self.eps.to_string(),
                "above 0 and at most 1",
            ),
            (
                "optimizer.weight_decay",
                (0.0..=1e4).contains(&self.weight_decay),
                self.weight_decay.to_string(),
                "from 0 to 10000",
            ),
            ("optimizer.weight_decay", decay < 0.1, self.weight_decay.to_string(), &less),
            (
                "optimizer.max_norm",
                self.max_norm > 0.0 && self.max_norm.is_finite(),
                self.max_norm.to_string(),
                "above 0",
            ),
            (
                "optimizer.max_norm",
                self.max_norm >= self.eps,
                self.max_norm.to_string(),
                "at least `optimizer.eps`, beside which clipped gradients would move nothing",
            ),
        ])
    }

    /// Reads the constants that are given; `self` has the others. A training whose own defaults differ from those of this
    /// type reads its settings so.
    ///
    /// # Errors
    /// An unknown key, or a value of another type.
    pub fn read_over<'de, D: Deserializer<'de>>(self, settings: D) -> Result<AdamWConfig, D::Error> {
        let AdamWKeys { beta1, beta2, eps, weight_decay, max_norm, matrices } =
            AdamWKeys::deserialize(settings)?;
        Ok(AdamWConfig {
            beta1: beta1.unwrap_or(self.beta1),
            beta2: beta2.unwrap_or(self.beta2),
            eps: eps.unwrap_or(self.eps),
            weight_decay: weight_decay.unwrap_or(self.weight_decay),
            max_norm: max_norm.unwrap_or(self.max_norm),
            matrices: matrices.unwrap_or(self.matrices),
        })
    }
}

impl MatrixRule {
    fn is_adamw(&self) -> bool {
        *self == MatrixRule::AdamW
    }
}

impl Default for AdamWConfig {
    fn default() -> AdamWConfig {
        AdamWConfig {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
            max_norm: 1.0,
            matrices: MatrixRule::AdamW,
        }
    }
}

/// The optimizer's state for one flat buffer of parameters.
#[derive(Clone, Debug)]
pub struct AdamW {
    /// Its constants.
    pub config: AdamWConfig,
    /// Steps taken.
    pub steps: u64,
    /// Mean of gradients; of matrices that Muon moves, their momentum.
    pub mean: Vec<f32>,
    /// Mean of squared gradients; zeros of matrices that Muon moves.
    pub square: Vec<f32>,
    sums: Vec<f64>,
}

/// A NaN or an infinity: the step was not taken, and nothing was changed. What is named is the first tensor that held
/// one, in the order in which a step comes by them: the weights from the embedding on, then the gradients from the head
/// back.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum NonFinite {
    /// Among the weights: the damage was done before.
    #[error("the weights of `{tensor}` are not finite; go back to an earlier checkpoint")]
    Weight {
        /// The first such tensor.
        tensor: String,
    },
    /// Among the gradients.
    #[error("the gradient of `{tensor}` is not finite; lower the learning rate or look at the last batch")]
    Gradient {
        /// The first such tensor.
        tensor: String,
    },
    /// In the loss alone.
    #[error("the loss is {value}, though weights and gradients are finite; look at the last batch")]
    Loss {
        /// The loss.
        value: f64,
    },
    /// In the norm alone: every gradient is finite, but the sum of their squares is not.
    #[error(
        "the gradient's norm is too large for a number; lower the learning rate or look at the last batch"
    )]
    Norm,
}

impl NonFinite {
    /// The first tensor that is not finite, or what `otherwise` says if they all are.
    #[must_use]
    pub fn first(
        parameters: &[f32],
        gradients: &[f32],
        tensors: &[Tensor],
        otherwise: NonFinite,
    ) -> NonFinite {
        let broken = |values: &[f32], tensor: &&Tensor| {
            values[tensor.range.clone()].iter().any(|value| !value.is_finite())
        };
        if let Some(found) = tensors.iter().find(|tensor| broken(parameters, tensor)) {
            return NonFinite::Weight { tensor: found.name.clone() };
        }
        match tensors.iter().rev().find(|tensor| broken(gradients, tensor)) {
            Some(found) => NonFinite::Gradient { tensor: found.name.clone() },
            None => otherwise,
        }
    }
}

impl AdamW {
    /// Fresh state for `len` parameters.
    #[must_use]
    pub fn new(len: usize, config: AdamWConfig) -> AdamW {
        AdamW { config, steps: 0, mean: vec![0.0; len], square: vec![0.0; len], sums: Vec::new() }
    }

    /// Clips `gradients` to the configured norm, takes one step, and returns the norm before clipping.
    ///
    /// # Errors
    /// Names the first tensor that is not finite; nothing is changed then.
    pub fn step(
        &mut self,
        parameters: &mut [f32],
        gradients: &mut [f32],
        tensors: &[Tensor],
        rate: f32,
    ) -> Result<f64, NonFinite> {
        let norm = norm_of(gradients, &mut self.sums);
        if !norm.is_finite() {
            return Err(NonFinite::first(parameters, gradients, tensors, NonFinite::Norm));
        }
        let clip = (f64::from(self.config.max_norm) / (norm + 1e-6)).min(1.0) as f32;
        self.steps += 1;
        let AdamWConfig { beta1, beta2, eps, weight_decay, .. } = self.config;
        let correction1 = 1.0 - f64::from(beta1).powi(self.steps as i32);
        let correction2 = 1.0 - f64::from(beta2).powi(self.steps as i32);
        let size = rate / correction1 as f32;
        let root = (1.0 / correction2.sqrt()) as f32;
        let wanted = self.config.matrices == MatrixRule::Muon;
        let muon = |tensor: &Tensor| wanted && muon::takes(tensor);
        if tensors.iter().any(muon) {
            self.step_matrices(parameters, gradients, tensors, rate, clip);
        }
        for tensor in tensors.iter().filter(|tensor| !muon(tensor)) {
            let keep = if tensor.shape.len() > 1 { 1.0 - rate * weight_decay } else { 1.0 };
            let range = tensor.range.clone();
            parameters[range.clone()]
                .par_chunks_mut(CHUNK)
                .zip(gradients[range.clone()].par_chunks_mut(CHUNK))
                .zip(self.mean[range.clone()].par_chunks_mut(CHUNK))
                .zip(self.square[range].par_chunks_mut(CHUNK))
                .for_each(|(((p, g), m), v)| {
                    vectorized(
                        #[inline(always)]
                        || {
                            for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                                let g = *g * clip;
                                *m = beta1 * *m + (1.0 - beta1) * g;
                                *v = beta2 * *v + (1.0 - beta2) * g * g;
                                *p = *p * keep - size * *m / (v.sqrt() * root + eps);
                            }
                        },
                    );
                });
        }
        Ok(norm)
    }

    /// Moves the matrices that are Muon's, several at a time, each by one thread.
    fn step_matrices(
        &mut self,
        parameters: &mut [f32],
        gradients: &[f32],
        tensors: &[Tensor],
        rate: f32,
        clip: f32,
    ) {
        let mut matrices = Vec::new();
        let (mut parameters, mut momentum, mut at) = (parameters, self.mean.as_mut_slice(), 0);
        for tensor in tensors.iter().filter(|tensor| muon::takes(tensor)) {
            let (skipped, len) = (tensor.range.start - at, tensor.range.len());
            let (own, rest) = parameters.split_at_mut(skipped).1.split_at_mut(len);
            let (mean, later) = momentum.split_at_mut(skipped).1.split_at_mut(len);
            (parameters, momentum, at) = (rest, later, tensor.range.end);
            matrices.push((own, &gradients[tensor.range.clone()], mean, (tensor.shape[0], tensor.shape[1])));
        }
        let keep = 1.0 - rate * self.config.weight_decay;
        matrices.into_par_iter().for_each(|(parameters, gradients, momentum, shape)| {
            muon::step(parameters, gradients, momentum, shape, (rate, keep, clip));
        });
    }
}

/// The Euclidean norm, in `f64` over chunks in a fixed order.
#[must_use]
pub fn norm(values: &[f32]) -> f64 {
    norm_of(values, &mut Vec::new())
}

fn norm_of(values: &[f32], sums: &mut Vec<f64>) -> f64 {
    const LENGTH: usize = 1 << 12;
    sums.resize(values.len().div_ceil(LENGTH), 0.0);
    sums.par_iter_mut().zip(values.par_chunks(LENGTH)).for_each(|(sum, chunk)| {
        *sum = vectorized(
            #[inline(always)]
            || f64::from(dot(chunk, chunk)),
        );
    });
    sums.iter().sum::<f64>().sqrt()
}

/// Linear warm-up, then a half cosine down to `floor` of the peak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The highest learning rate.
    pub peak: f32,
    /// Steps of warm-up.
    pub warmup: u64,
    /// Steps in all.
    pub total: u64,
    /// The share of the peak that is left at the end.
    pub floor: f32,
}

impl Schedule {
    /// Whether the warm-up ends before the training does; one of at most one step is none. Where it does not, no step but perhaps
    /// the last has the rate that was asked for, and nothing falls after it.
    #[must_use]
    pub fn warms_up_in_time(&self) -> bool {
        self.warmup <= 1 || self.warmup < self.total
    }

    /// The rate of step `step`, counted from 0.
    #[must_use]
    pub fn rate(&self, step: u64) -> f32 {
        if step < self.warmup {
            return self.peak * (step + 1) as f32 / self.warmup as f32;
        }
        let span = self.total.saturating_sub(self.warmup).max(1);
        let done = ((step - self.warmup) as f32 / span as f32).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f32::consts::PI * done).cos());
        self.peak * (self.floor + (1.0 - self.floor) * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_that_ruin_weights_are_refused_by_key() {
        type Set = fn(&mut AdamWConfig, f32);
        let keys: [(&str, Set); 5] = [
            ("beta1", |c, v| c.beta1 = v),
            ("beta2", |c, v| c.beta2 = v),
            ("eps", |c, v| c.eps = v),
            ("weight_decay", |c, v| c.weight_decay = v),
            ("max_norm", |c, v| c.max_norm = v),
        ];
        assert_eq!(AdamWConfig::default().validate(1e-3), Ok(()));
        // A decay is one of the weights only together with the rate.
        let strong = AdamWConfig { weight_decay: 150.0, ..AdamWConfig::default() };
        assert_eq!(strong.validate(1e-4), Ok(()));
        assert_eq!(strong.validate(1e-3).unwrap_err().key(), "optimizer.weight_decay");
        for rate in [0.0, -1.0, f32::NAN, f32::INFINITY, 11.0] {
            assert_eq!(AdamWConfig::default().validate(rate).unwrap_err().key(), "learning_rate", "{rate}");
        }
        for (key, set) in keys {
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, -f32::MIN_POSITIVE, 1e30] {
                let mut config = AdamWConfig::default();
                set(&mut config, value);
                // So large a norm clips nothing, and harms nothing.
                if (key, value) == ("max_norm", 1e30) {
                    continue;
                }
                assert_eq!(config.validate(1e-3).unwrap_err().key(), format!("optimizer.{key}"), "{value}");
            }
        }
        for config in [
            AdamWConfig { beta1: 1.0, ..AdamWConfig::default() },
            AdamWConfig { beta2: 1.0, ..AdamWConfig::default() },
            AdamWConfig { eps: 0.0, ..AdamWConfig::default() },
            AdamWConfig { max_norm: 0.0, ..AdamWConfig::default() },
        ] {
            assert!(config.validate(1e-3).is_err(), "{config:?}");
        }
        let zeros = AdamWConfig { beta1: 0.0, beta2: 0.0, weight_decay: 0.0, ..AdamWConfig::default() };
        assert_eq!(zeros.validate(1e-3), Ok(()));
    }

    #[test]
    fn a_broken_gradient_is_named_and_changes_nothing() {
        let tensors = [("a", 0..2), ("b", 2..4)].map(|(name, range)| Tensor {
            name: name.into(),
            shape: vec![2, 1],
            range,
        });
        let mut parameters = vec![1.0; 4];
        let mut gradients = vec![0.1, 0.1, f32::NAN, 0.1];
        let mut adamw = AdamW::new(4, AdamWConfig::default());
        let error = adamw.step(&mut parameters, &mut gradients, &tensors, 0.1).unwrap_err();
        assert_eq!(error, NonFinite::Gradient { tensor: "b".into() });
        assert_eq!((&parameters, adamw.steps), (&vec![1.0; 4], 0));
        // Of several gradients the one nearest to the loss is named, and weights before gradients.
        gradients[0] = f32::INFINITY;
        let error = adamw.step(&mut parameters, &mut gradients, &tensors, 0.1).unwrap_err();
        assert_eq!(error, NonFinite::Gradient { tensor: "b".into() });
        parameters[1] = f32::NAN;
        let error = adamw.step(&mut parameters, &mut gradients, &tensors, 0.1).unwrap_err();
        assert_eq!(error, NonFinite::Weight { tensor: "a".into() });
        let mut gradients = vec![1e30; 4];
        let error = adamw.step(&mut [1.0; 4], &mut gradients, &tensors, 0.1).unwrap_err();
        assert_eq!(error, NonFinite::Norm);
    }

    #[test]
    fn the_schedule_rises_then_falls_to_its_floor() {
        let schedule = Schedule { peak: 1.0, warmup: 10, total: 110, floor: 0.1 };
        assert!(schedule.warms_up_in_time());
        for (warmup, total, in_time) in
            [(0, 1, true), (1, 1, true), (2, 3, true), (2, 2, false), (1 << 40, 10, false)]
        {
            let other = Schedule { warmup, total, ..schedule };
            let peaked = (0..total).any(|step| other.rate(step) == 1.0 && (step + 1 < total || warmup <= 1));
            assert_eq!((other.warms_up_in_time(), peaked), (in_time, in_time), "{warmup} of {total}");
        }
        assert_eq!(schedule.rate(0), 0.1);
        assert_eq!(schedule.rate(9), 1.0);
        assert_eq!(schedule.rate(10), 1.0);
        assert!((schedule.rate(60) - 0.55).abs() < 1e-6);
        assert!((schedule.rate(110) - 0.1).abs() < 1e-6);
        assert!((schedule.rate(10_000) - 0.1).abs() < 1e-6);
    }
}
