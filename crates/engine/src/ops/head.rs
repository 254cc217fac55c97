//! The language-model head: log-probabilities of given tokens, their entropy, and the way back.
//!
//! `log p(t) = z_t/τ − log Σ_v exp(z_v/τ)` with `z = h·Wᵀ`. Logits live in one chunk of rows at a time and turn
//! into their own gradient in place, so nothing of size tokens × vocabulary is ever kept. Rows without a target
//! cost nothing.

use crate::ops::linear::{Into, Mat, Threads, matmul};
use crate::real::{Real, axpy, max, sum, vectorized};
use rayon::prelude::*;

/// A supervised position: the hidden state in `row` is to predict `token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Row of the hidden states.
    pub row: u32,
    /// The token that comes next.
    pub token: u32,
}

/// What the head says of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenScore<T> {
    /// `log p(token)` at the given temperature.
    pub log_prob: T,
    /// Entropy of the whole distribution, in nats.
    pub entropy: T,
}

/// Scratch memory of the head: a chunk of gathered rows and their logits.
#[derive(Debug, Default)]
pub struct Chunk<T> {
    hidden: Vec<T>,
    d_hidden: Vec<T>,
    logits: Vec<T>,
}

impl<T: Real> Chunk<T> {
    /// About 32 MiB of `f32` logits: enough rows that reading a large table once for them is worth it.
    fn rows(vocabulary: usize) -> usize {
        ((1 << 23) / vocabulary).clamp(8, 1024)
    }

    fn fit(&mut self, rows: usize, width: usize, vocabulary: usize) {
        self.hidden.resize(rows * width, T::ZERO);
        self.d_hidden.resize(rows * width, T::ZERO);
        self.logits.resize(rows * vocabulary, T::ZERO);
    }

    fn project(&mut self, hidden: &[T], width: usize, table: &[T], targets: &[Target]) {
        for (target, row) in targets.iter().zip(self.hidden.chunks_exact_mut(width)) {
            row.copy_from_slice(&hidden[target.row as usize * width..][..width]);
        }
        let vocabulary = table.len() / width;
        let rows = Mat::new(&self.hidden, targets.len(), width);
        let table = Mat::new(table, vocabulary, width);
        matmul(&mut self.logits, vocabulary, Into::Overwrite, T::ONE, rows, table.t(), Threads::All);
    }
}

/// Turns a row of logits into probabilities at temperature `τ` and scores `token`.
#[inline(always)]
pub fn softmax_row<T: Real>(logits: &mut [T], token: usize, temperature: T) -> TokenScore<T> {
    let inverse = T::ONE / temperature;
    let top = max(logits);
    let chosen = (logits[token] - top) * inverse;
    // One pass: z becomes w = exp(z'), with z' = (z − max)/τ, beside Σ w and Σ w·z'.
    let (mut totals, mut weighted) = ([T::ZERO; 16], [T::ZERO; 16]);
    let (chunks, rest) = logits.as_chunks_mut::<16>();
    for chunk in chunks {
        for lane in 0..16 {
            let scaled = (chunk[lane] - top) * inverse;
            let weight = scaled.exp();
            chunk[lane] = weight;
            totals[lane] += weight;
            weighted[lane] = weight.fma(scaled, weighted[lane]);
        }
    }
    for z in rest {
        let scaled = (*z - top) * inverse;
        *z = scaled.exp();
        totals[0] += *z;
        weighted[0] = z.fma(scaled, weighted[0]);
    }
    let total = sum(&totals);
    let share = T::ONE / total;
    for p in logits.iter_mut() {
        *p *= share;
    }
    // H = log Σw − Σ w·z' / Σw
    let log_total = total.ln();
    TokenScore { log_prob: chosen - log_total, entropy: log_total - sum(&weighted) * share }
}

/// Scores every target.
pub fn forward<T: Real>(
    scores: &mut [TokenScore<T>],
    hidden: &[T],
    width: usize,
    table: &[T],
    targets: &[Target],
    temperature: T,
    chunk: &mut Chunk<T>,
) {
    let vocabulary = table.len() / width;
    let rows = Chunk::<T>::rows(vocabulary);
    for (targets, scores) in targets.chunks(rows).zip(scores.chunks_mut(rows)) {
        chunk.fit(targets.len(), width, vocabulary);
        chunk.project(hidden, width, table, targets);
        chunk.logits.par_chunks_exact_mut(vocabulary).zip(targets).zip(scores).for_each(
            |((logits, target), score)| {
                vectorized(
                    #[inline(always)]
                    || *score = softmax_row(logits, target.token as usize, temperature),
                );
            },
        );
    }
}

/// Scores every target and goes back: `slope(i, score)` is the derivative of the loss by the log-probability of
/// target `i`. Adds to `d_hidden`, and to `d_table` unless the table is frozen.
#[allow(clippy::too_many_arguments)] // forward's arguments and two gradients
pub fn forward_backward<T: Real>(
    scores: &mut [TokenScore<T>],
    d_hidden: &mut [T],
    mut d_table: Option<&mut [T]>,
    hidden: &[T],
    width: usize,
    table: &[T],
    targets: &[Target],
    temperature: T,
    slope: impl Fn(usize, TokenScore<T>) -> T + Sync,
    chunk: &mut Chunk<T>,
) {
    let vocabulary = table.len() / width;
    let rows = Chunk::<T>::rows(vocabulary);
    let inverse = T::ONE / temperature;
    for (c, (targets, scores)) in targets.chunks(rows).zip(scores.chunks_mut(rows)).enumerate() {
        chunk.fit(targets.len(), width, vocabulary);
        chunk.project(hidden, width, table, targets);
        chunk.logits.par_chunks_exact_mut(vocabulary).zip(targets).zip(scores).enumerate().for_each(
            |(i, ((logits, target), score))| {
                vectorized(
                    #[inline(always)]
                    || {
                        *score = softmax_row(logits, target.token as usize, temperature);
                        // d log p(t)/dz_v = (1[v = t] − p_v)/τ
                        let slope = slope(c * rows + i, *score) * inverse;
                        for p in logits.iter_mut() {
                            *p *= -slope;
                        }
                        logits[target.token as usize] += slope;
                    },
                );
            },
        );
        let d_logits = Mat::new(&chunk.logits, targets.len(), vocabulary);
        let table = Mat::new(table, vocabulary, width);
        matmul(&mut chunk.d_hidden, width, Into::Overwrite, T::ONE, d_logits, table, Threads::All);
        for (target, d) in targets.iter().zip(chunk.d_hidden.chunks_exact(width)) {
            axpy(&mut d_hidden[target.row as usize * width..][..width], T::ONE, d);
        }
        if let Some(d_table) = d_table.as_deref_mut() {
            let rows = Mat::new(&chunk.hidden, targets.len(), width);
            matmul(d_table, width, Into::Add, T::ONE, d_logits.t(), rows, Threads::All);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::differences::{assert_gradient, noise};

    const TARGETS: [Target; 3] =
        [Target { row: 0, token: 2 }, Target { row: 2, token: 0 }, Target { row: 3, token: 4 }];
    const WEIGHTS: [f64; 3] = [-0.5, 0.3, -1.0];

    fn loss(hidden: &[f64], table: &[f64]) -> f64 {
        let mut scores = [TokenScore::default(); 3];
        forward(&mut scores, hidden, 6, table, &TARGETS, 0.7, &mut Chunk::default());
        // A loss that is not linear in the log-probability, so that the slope matters.
        scores.iter().zip(WEIGHTS).map(|(s, w)| w * s.log_prob + 0.1 * s.log_prob * s.log_prob).sum()
    }

    #[test]
    fn backward_matches_central_differences() {
        let (hidden, table) = (noise(23, 4 * 6), noise(24, 5 * 6));
        let (mut d_hidden, mut d_table) = (vec![0.0; hidden.len()], vec![0.0; table.len()]);
        forward_backward(
            &mut [TokenScore::default(); 3],
            &mut d_hidden,
            Some(&mut d_table),
            &hidden,
            6,
            &table,
            &TARGETS,
            0.7,
            |i, s| WEIGHTS[i] + 0.2 * s.log_prob,
            &mut Chunk::default(),
        );
        assert_gradient("hidden", &hidden, &d_hidden, |hidden| loss(hidden, &table));
        assert_gradient("table", &table, &d_table, |table| loss(&hidden, table));
    }

    #[test]
    fn entropy_of_a_uniform_row_is_the_log_of_its_size() {
        let score = softmax_row(&mut [1.5_f64; 8], 3, 0.7);
        assert!((score.entropy - 8.0_f64.ln()).abs() < 1e-12);
        assert!((score.log_prob + 8.0_f64.ln()).abs() < 1e-12);
    }
}
