//! Rotary position embedding, in the half-split layout of the Hugging Face models: the pair `(x_i, x_{i+h/2})` of a
//! head turns by the angle `position · θ^(−2i/h)`, or by less where a model was stretched to longer texts ([`Scaling`]).

use crate::ops::for_rows;
use crate::real::{Real, vectorized};

/// How a model's frequencies were changed so that it reads longer texts than it was first trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// Every frequency is divided by `factor`.
    Linear {
        /// How many times longer texts become.
        factor: f64,
    },
    /// Llama 3.1: waves longer than `original_positions / low_freq_factor` are stretched by `factor`, those shorter
    /// than `original_positions / high_freq_factor` are left alone, and what lies between passes from one to the other.
    Llama3 {
        /// How many times longer texts become.
        factor: f64,
        /// Where full stretching begins.
        low_freq_factor: f64,
        /// Where stretching ends.
        high_freq_factor: f64,
        /// The length of text that the model was first trained on.
        original_positions: f64,
    },
    /// YaRN (Peng et al. 2023, arXiv 2309.00071): pairs of channels that turn more than `beta_fast` times within
    /// `original_positions` are left alone, those that turn less than `beta_slow` times are stretched by `factor`, and what
    /// lies between passes from one to the other by the pair's index; queries and keys are also made longer.
    Yarn {
        /// How many times longer texts become.
        factor: f64,
        /// The length of text that the model was first trained on.
        original_positions: f64,
        /// Turns above which nothing is stretched.
        beta_fast: f64,
        /// Turns below which all is stretched.
        beta_slow: f64,
        /// Whether the two ends are moved outwards to whole indices.
        truncate: bool,
        /// What queries and keys are multiplied by.
        attention_factor: f64,
    },
}

impl Scaling {
    /// The frequencies of a head's pairs, in `f32` as the reference computes them.
    fn frequencies(self, head_dim: usize, theta: f64) -> Vec<f32> {
        let turns = |i: usize| (theta as f32).powf((2 * i) as f32 / head_dim as f32);
        let pairs = 0..head_dim / 2;
        match self {
            Scaling::None => pairs.map(|i| 1.0 / turns(i)).collect(),
            Scaling::Linear { factor } => pairs.map(|i| 1.0 / turns(i) / factor as f32).collect(),
            Scaling::Llama3 { .. } => pairs.map(|i| self.by_wave(1.0 / turns(i))).collect(),
            Scaling::Yarn { factor, original_positions, beta_fast, beta_slow, truncate, .. } => {
                // The index of the pair that turns so many times within the original length.
                let pair = |times: f64| {
                    head_dim as f64 * (original_positions / (times * std::f64::consts::TAU)).ln()
                        / (2.0 * theta.ln())
                };
                let (mut low, mut high) = (pair(beta_fast), pair(beta_slow));
                if truncate {
                    (low, high) = (low.floor(), high.ceil());
                }
                let (low, mut high) = (low.max(0.0), high.min(head_dim as f64 - 1.0));
                if low == high {
                    high += 0.001;
                }
                let each = |i: usize| {
                    let stretched = ((i as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0);
                    let (kept, longer) = (1.0 / turns(i), 1.0 / (factor as f32 * turns(i)));
                    longer * stretched + kept * (1.0 - stretched)
                };
                pairs.map(each).collect()
            }
        }
    }

    /// What queries and keys are multiplied by, each.
    fn length(self) -> f64 {
        match self {
            Scaling::Yarn { attention_factor, .. } => attention_factor,
            Scaling::None | Scaling::Linear { .. } | Scaling::Llama3 { .. } => 1.0,
        }
    }

    /// Llama 3.1's change of one frequency.
    fn by_wave(self, frequency: f32) -> f32 {
        let Scaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } = self else {
            return frequency;
        };
        let wave = std::f32::consts::TAU / frequency;
        let stretched = frequency / factor as f32;
        if wave < (original_positions / high_freq_factor) as f32 {
            frequency
        } else if wave > (original_positions / low_freq_factor) as f32 {
            stretched
        } else {
            let share = (original_positions as f32 / wave - low_freq_factor as f32)
                / (high_freq_factor - low_freq_factor) as f32;
            (1.0 - share) * stretched + share * frequency
        }
    }
}

/// Cosines and sines for every position up to a limit.
#[derive(Clone, Debug)]
pub struct Angles<T> {
    half: usize,
    cos: Vec<T>,
    sin: Vec<T>,
}

impl<T: Real> Angles<T> {
    /// For heads of `head_dim` channels, positions `0..positions`, base `theta`.
    #[must_use]
    pub fn new(head_dim: usize, positions: usize, theta: f64) -> Angles<T> {
        Angles::scaled(head_dim, positions, theta, Scaling::None)
    }

    /// Like [`Angles::new`], with changed frequencies.
    #[must_use]
    pub fn scaled(head_dim: usize, positions: usize, theta: f64, scaling: Scaling) -> Angles<T> {
        let half = head_dim / 2;
        let mut cos = Vec::with_capacity(positions * half);
        let mut sin = Vec::with_capacity(positions * half);
        let (frequencies, length) = (scaling.frequencies(head_dim, theta), scaling.length());
        for position in 0..positions {
            for inverse in &frequencies {
                // The reference computes the angle in f32, too.
                let angle = f64::from(position as f32 * inverse);
                cos.push(T::of(length * angle.cos()));
                sin.push(T::of(length * angle.sin()));
            }
        }
        Angles { half, cos, sin }
    }

    /// How many positions there are angles for.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.cos.len() / self.half.max(1)
    }

    /// Turns one head in place.
    #[inline(always)]
    pub fn rotate(&self, head: &mut [T], position: usize) {
        let cos = &self.cos[position * self.half..][..self.half];
        let sin = &self.sin[position * self.half..][..self.half];
        let (low, high) = head.split_at_mut(self.half);
        for (((a, b), c), s) in low.iter_mut().zip(high).zip(cos).zip(sin) {
            let (x, y) = (*a, *b);
            *a = x * *c - y * *s;
            *b = y * *c + x * *s;
        }
    }

    /// Turns one head back: the backward pass and, where a turn keeps lengths, the inverse.
    #[inline(always)]
    pub fn rotate_back(&self, head: &mut [T], position: usize) {
        let cos = &self.cos[position * self.half..][..self.half];
        let sin = &self.sin[position * self.half..][..self.half];
        let (low, high) = head.split_at_mut(self.half);
        for (((a, b), c), s) in low.iter_mut().zip(high).zip(cos).zip(sin) {
            let (x, y) = (*a, *b);
            *a = x * *c + y * *s;
            *b = y * *c - x * *s;
        }
    }
}

/// Turns the first `heads` heads of each row of `x` (rows of `width`) by the row's position.
pub fn forward<T: Real>(x: &mut [T], width: usize, heads: usize, angles: &Angles<T>, positions: &[u32]) {
    turn(x, width, heads, angles, positions, Angles::rotate);
}

/// The backward pass of [`forward`], in place on the gradient.
pub fn backward<T: Real>(dx: &mut [T], width: usize, heads: usize, angles: &Angles<T>, positions: &[u32]) {
    turn(dx, width, heads, angles, positions, Angles::rotate_back);
}

#[inline(always)]
fn turn<T: Real>(
    x: &mut [T],
    width: usize,
    heads: usize,
    angles: &Angles<T>,
    positions: &[u32],
    each: impl Fn(&Angles<T>, &mut [T], usize) + Sync,
) {
    let head_dim = angles.half * 2;
    for_rows(x, width, |first, rows| {
        vectorized(
            #[inline(always)]
            || {
                for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                    let position = positions[first + i] as usize;
                    for head in row[..heads * head_dim].chunks_exact_mut(head_dim) {
                        each(angles, head, position);
                    }
                }
            },
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::differences::{assert_gradient, noise};
    use crate::real::dot;

    #[test]
    fn backward_matches_central_differences() {
        let (rows, width) = (4, 2 * 6 + 5);
        let angles = Angles::new(6, 16, 100.0);
        let positions = [0, 3, 7, 15];
        let (x, upstream) = (noise(4, rows * width), noise(5, rows * width));
        let mut dx = upstream.clone();
        backward(&mut dx, width, 2, &angles, &positions);
        assert_gradient("x", &x, &dx, |x| {
            let mut y = x.to_vec();
            forward(&mut y, width, 2, &angles, &positions);
            dot(&y, &upstream)
        });
    }

    #[test]
    fn long_waves_are_stretched_and_short_ones_left_alone() {
        let scaling = Scaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_positions: 8192.0,
        };
        let wave = |length: f32| std::f32::consts::TAU / length;
        assert_eq!(scaling.by_wave(wave(2000.0)), wave(2000.0));
        assert_eq!(scaling.by_wave(wave(9000.0)), wave(9000.0) / 8.0);
        // Half way between the two ends, by frequency: 8192 / 3276.8 = 2.5.
        let between = scaling.by_wave(wave(3276.8)) / wave(3276.8);
        assert!((between - (0.5 / 8.0 + 0.5)).abs() < 1e-6, "{between}");
        assert_eq!(Scaling::Linear { factor: 4.0 }.frequencies(2, 1e4), [0.25]);
    }

    #[test]
    fn yarn_keeps_fast_pairs_and_stretches_slow_ones() {
        let yarn = Scaling::Yarn {
            factor: 4.0,
            original_positions: 1024.0,
            beta_fast: 32.0,
            beta_slow: 1.0,
            truncate: true,
            attention_factor: 1.25,
        };
        let (plain, changed) = (Scaling::None.frequencies(64, 1e4), yarn.frequencies(64, 1e4));
        let share = |i: usize| changed[i] / plain[i];
        assert_eq!((share(0), share(31)), (1.0, 0.25));
        assert!((1..32).all(|i| share(i) <= share(i - 1)), "{changed:?}");
        let angles = Angles::<f64>::scaled(64, 8, 1e4, yarn);
        let mut head = noise(6, 64);
        let before = dot(&head, &head);
        angles.rotate(&mut head, 5);
        assert!((dot(&head, &head) / before - 1.25 * 1.25).abs() < 1e-9);
    }

    #[test]
    fn turning_back_undoes_turning() {
        let angles = Angles::<f64>::new(8, 32, 1e4);
        let x = noise(6, 8);
        let mut y = x.clone();
        angles.rotate(&mut y, 21);
        angles.rotate_back(&mut y, 21);
        assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
