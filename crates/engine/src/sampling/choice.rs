//! Choosing the next token from a row of logits.

use crate::real::{max, vectorized};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// How tokens are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f32,
    /// Only the `k` most probable tokens; 0 is all.
    #[serde(default)]
    pub top_k: usize,
    /// Only the most probable tokens that together reach this mass; 1 is all.
    #[serde(default = "one")]
    pub top_p: f32,
    /// The budget of new tokens.
    pub max_tokens: usize,
    /// Tokens that end a sequence.
    #[serde(default)]
    pub stop: Vec<u32>,
}

fn one() -> f32 {
    1.0
}

/// Settings that make no sense.
#[derive(Debug, thiserror::Error)]
pub enum SamplingError {
    /// Negative or NaN.
    #[error("temperature is {0}; it must be 0 (greedy) or above")]
    Temperature(f32),
    /// Outside (0, 1].
    #[error("top_p is {0}; it must be above 0 and at most 1")]
    TopP(f32),
    /// Zero.
    #[error("max_tokens is 0; at least one token must be allowed")]
    NoTokens,
}

impl Sampling {
    /// The most probable token at every step.
    #[must_use]
    pub fn greedy(max_tokens: usize, stop: Vec<u32>) -> Sampling {
        Sampling { temperature: 0.0, top_k: 0, top_p: 1.0, max_tokens, stop }
    }

    /// # Errors
    /// Names the setting that makes no sense.
    pub fn validate(&self) -> Result<(), SamplingError> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(SamplingError::Temperature(self.temperature));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(SamplingError::TopP(self.top_p));
        }
        if self.max_tokens == 0 {
            return Err(SamplingError::NoTokens);
        }
        Ok(())
    }

    /// Draws a token and its log-probability. `logits` is overwritten; `ranked` is scratch.
    pub fn choose(&self, logits: &mut [f32], rng: &mut impl Rng, ranked: &mut Vec<u32>) -> (u32, f32) {
        let top = max(logits);
        let temperature = if self.temperature == 0.0 { 1.0 } else { self.temperature };
        let argmax = logits.iter().position(|&z| z == top).unwrap_or(0);
        let total = vectorized(
            #[inline(always)]
            || {
                let mut total = 0.0_f64;
                for z in logits.iter_mut() {
                    *z = crate::real::Real::exp((*z - top) / temperature);
                }
                for z in logits.iter() {
                    total += f64::from(*z);
                }
                total
            },
        );
        let log_prob = |weight: f32| (f64::from(weight) / total).ln() as f32;
        if self.temperature == 0.0 {
            return (argmax as u32, log_prob(logits[argmax]));
        }
        let drawn: f64 = rng.random();
        let token = if self.top_k == 0 && self.top_p >= 1.0 {
            walk((0..logits.len() as u32).map(|i| (i, logits[i as usize])), drawn * total)
        } else {
            let kept = self.nucleus(logits, total, ranked);
            let kept = &ranked[..kept];
            let mass: f64 = kept.iter().map(|&i| f64::from(logits[i as usize])).sum();
            walk(kept.iter().map(|&i| (i, logits[i as usize])), drawn * mass)
        };
        let token = token.unwrap_or(argmax as u32);
        (token, log_prob(logits[token as usize]))
    }

    /// Ranks tokens, the most probable first (ties by id), and says how many top-k and top-p leave.
    fn nucleus(&self, weights: &[f32], total: f64, ranked: &mut Vec<u32>) -> usize {
        ranked.clear();
        ranked.extend(0..weights.len() as u32);
        let by_weight =
            |a: &u32, b: &u32| weights[*b as usize].total_cmp(&weights[*a as usize]).then(a.cmp(b));
        let limit = if self.top_k == 0 { weights.len() } else { self.top_k.min(weights.len()) };
        let wanted = f64::from(self.top_p) * total;
        // Sort no more of a large vocabulary than is needed: double the sorted front until it holds the mass.
        let mut front = 64.min(limit);
        loop {
            if front < ranked.len() {
                ranked.select_nth_unstable_by(front - 1, by_weight);
            }
            ranked[..front].sort_unstable_by(by_weight);
            let mut mass = 0.0;
            for (i, &token) in ranked[..front].iter().enumerate() {
                mass += f64::from(weights[token as usize]);
                if mass >= wanted {
                    return i + 1;
                }
            }
            if front == limit {
                return front;
            }
            front = (front * 2).min(limit);
        }
    }
}

/// The first token at which the running sum passes `goal`; the last one with weight if rounding misses it.
fn walk(weights: impl Iterator<Item = (u32, f32)>, goal: f64) -> Option<u32> {
    let (mut sum, mut last) = (0.0, None);
    for (token, weight) in weights {
        if weight > 0.0 {
            sum += f64::from(weight);
            last = Some(token);
            if sum > goal {
                return last;
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Seed;

    const LOGITS: [f32; 5] = [0.0, 2.0, 1.0, -1.0, 0.5];

    fn frequencies(sampling: &Sampling) -> [f64; 5] {
        let mut rng = Seed(3).rng();
        let mut counts = [0.0; 5];
        let draws = 40_000;
        for _ in 0..draws {
            let (token, log_prob) = sampling.choose(&mut LOGITS.clone(), &mut rng, &mut Vec::new());
            counts[token as usize] += 1.0 / f64::from(draws);
            assert!(log_prob < 0.0);
        }
        counts
    }

    fn expected(temperature: f64, kept: &[usize]) -> [f64; 5] {
        let weight = |i: usize| (f64::from(LOGITS[i]) / temperature).exp();
        let total: f64 = kept.iter().map(|&i| weight(i)).sum();
        std::array::from_fn(|i| if kept.contains(&i) { weight(i) / total } else { 0.0 })
    }

    #[test]
    fn draws_follow_the_distribution() {
        let plain = Sampling { temperature: 0.7, top_k: 0, top_p: 1.0, max_tokens: 1, stop: vec![] };
        for (sampling, kept) in [
            (plain.clone(), vec![0, 1, 2, 3, 4]),
            (Sampling { top_k: 2, ..plain.clone() }, vec![1, 2]),
            // At T = 0.7 the masses are 0.70, 0.17, 0.08, 0.04, 0.01 in order of rank.
            (Sampling { top_p: 0.8, ..plain.clone() }, vec![1, 2]),
            (Sampling { top_p: 0.97, ..plain.clone() }, vec![1, 2, 4, 0]),
            (Sampling { top_k: 1, ..plain }, vec![1]),
        ] {
            let (found, wanted) = (frequencies(&sampling), expected(0.7, &kept));
            for i in 0..5 {
                assert!((found[i] - wanted[i]).abs() < 0.01, "{sampling:?}: {found:?} instead of {wanted:?}");
            }
        }
    }

    #[test]
    fn the_log_probability_is_of_the_whole_distribution() {
        let sampling = Sampling { temperature: 0.7, top_k: 1, top_p: 1.0, max_tokens: 1, stop: vec![] };
        let (token, log_prob) = sampling.choose(&mut LOGITS.clone(), &mut Seed(0).rng(), &mut Vec::new());
        let all = expected(0.7, &[0, 1, 2, 3, 4]);
        assert_eq!(token, 1);
        assert!((f64::from(log_prob) - all[1].ln()).abs() < 1e-5);
    }

    #[test]
    fn senseless_settings_are_refused() {
        let good = Sampling::greedy(1, vec![]);
        assert!(good.validate().is_ok());
        assert!(Sampling { temperature: f32::NAN, ..good.clone() }.validate().is_err());
        assert!(Sampling { top_p: 0.0, ..good.clone() }.validate().is_err());
        assert!(Sampling { max_tokens: 0, ..good }.validate().is_err());
    }
}
