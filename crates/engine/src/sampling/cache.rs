//! Keys and values of the tokens seen so far.
//!
//! Keys lie transposed (`channel × position`), so that the scores of one query against all positions are sums of
//! scaled rows: vectorised over positions, in an order that depends on nothing else.

use crate::ops::attention::Heads;
use crate::real::{axpy, max, sum, vectorized};

/// The cache of one thread: a fixed number of slots, each for one sequence.
pub struct Cache {
    heads: Heads,
    capacity: usize,
    slots: usize,
    /// `[layer][slot][key head][channel][position]`
    keys: Vec<f32>,
    /// `[layer][slot][key head][position][channel]`
    values: Vec<f32>,
}

impl Cache {
    /// Room for `slots` sequences of up to `capacity` tokens.
    pub fn new(layers: usize, heads: Heads, slots: usize, capacity: usize) -> Cache {
        let size = layers * slots * heads.keys * heads.dim * capacity;
        Cache { heads, capacity, slots, keys: vec![0.0; size], values: vec![0.0; size] }
    }

    fn start(&self, layer: usize, slot: usize, head: usize) -> usize {
        ((layer * self.slots + slot) * self.heads.keys + head) * self.heads.dim * self.capacity
    }

    /// Stores keys and values of a row (`queries | keys | values`).
    pub fn store(&mut self, layer: usize, slot: usize, position: usize, row: &[f32]) {
        let Heads { queries, keys, dim } = self.heads;
        let (_, row) = row.split_at(queries * dim);
        let (k, v) = row.split_at(keys * dim);
        for head in 0..keys {
            let start = self.start(layer, slot, head);
            for channel in 0..dim {
                self.keys[start + channel * self.capacity + position] = k[head * dim + channel];
            }
            self.values[start + position * dim..][..dim].copy_from_slice(&v[head * dim..][..dim]);
        }
    }

    /// Copies the first `length` positions of one slot to another.
    pub fn copy(&mut self, layers: usize, from: usize, to: usize, length: usize) {
        let dim = self.heads.dim;
        for layer in 0..layers {
            for head in 0..self.heads.keys {
                let (source, target) = (self.start(layer, from, head), self.start(layer, to, head));
                for channel in 0..dim {
                    let row = source + channel * self.capacity;
                    self.keys.copy_within(row..row + length, target + channel * self.capacity);
                }
                self.values.copy_within(source..source + length * dim, target);
            }
        }
    }

    /// Attention of one row (its queries) over positions `0..=position` of a slot.
    pub fn attend(
        &self,
        out: &mut [f32],
        layer: usize,
        slot: usize,
        position: usize,
        row: &[f32],
        scores: &mut Vec<f32>,
    ) {
        let Heads { queries, dim, .. } = self.heads;
        let length = position + 1;
        scores.resize(length, 0.0);
        let scale = 1.0 / (dim as f32).sqrt();
        vectorized(
            #[inline(always)]
            || {
                for q in 0..queries {
                    let start = self.start(layer, slot, q / self.heads.group());
                    scores.fill(0.0);
                    for (channel, x) in row[q * dim..][..dim].iter().enumerate() {
                        axpy(scores, *x * scale, &self.keys[start + channel * self.capacity..][..length]);
                    }
                    let top = max(scores);
                    for s in scores.iter_mut() {
                        *s = crate::real::Real::exp(*s - top);
                    }
                    let share = 1.0 / sum(scores);
                    let out = &mut out[q * dim..][..dim];
                    out.fill(0.0);
                    for (s, v) in scores.iter().zip(self.values[start..].chunks_exact(dim)) {
                        axpy(out, *s * share, v);
                    }
                }
            },
        );
    }
}
