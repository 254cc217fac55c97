//! Keys and values of the tokens seen so far, and attention over them.
//!
//! Keys lie in blocks of 16 positions, channel by channel, so that the scores of one query are sums of scaled vectors
//! over positions; values lie position by position. Every sum is taken in an order that depends on the number of
//! positions alone, so a row's attention does not depend on what is computed beside it.

use super::kernel::{self, LANES};
use crate::ops::attention::Heads;
use crate::pages;
use crate::real::{Real, max, sum, vectorized};
use crate::shared::Shared;
use std::sync::{Mutex, PoisonError};

/// Buffers of the last cache, for the next: memory taken anew is zeroed first, which takes longer than filling it. What
/// they hold does not matter, because nothing is read that was not stored before.
static SPARE: Mutex<Option<(Vec<f32>, Vec<f32>)>> = Mutex::new(None);
/// Larger buffers are given back.
const LARGEST_SPARE: usize = 256 << 20;

/// Where a sequence lies: so many positions from a first one on, in whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub first: usize,
    pub capacity: usize,
}

impl Place {
    /// A place for so many tokens.
    pub fn of(first: usize, tokens: usize) -> Place {
        Place { first, capacity: tokens.next_multiple_of(LANES) }
    }
}

/// Positions, of which each sequence has a [`Place`] to itself.
pub struct Cache {
    heads: Heads,
    /// Channels of a value, in whole vectors.
    channels: usize,
    positions: usize,
    /// `[layer][place][key head][block][channel][position in block]`
    keys: Vec<f32>,
    /// `[layer][place][key head][position][channel]`
    values: Vec<f32>,
}

/// The cache while several tasks use it, each its own place and head.
pub struct CacheWriter<'a> {
    heads: Heads,
    channels: usize,
    positions: usize,
    keys: Shared<'a, f32>,
    values: Shared<'a, f32>,
}

impl Cache {
    /// Bytes that `positions` take.
    pub fn bytes(layers: usize, heads: Heads, positions: usize) -> usize {
        let channels = heads.dim + heads.dim.next_multiple_of(LANES);
        layers * heads.keys * positions.next_multiple_of(LANES) * channels * size_of::<f32>()
    }

    /// Room for `positions` in all. New memory is taken as it is first used.
    pub fn new(layers: usize, heads: Heads, positions: usize) -> Cache {
        let positions = positions.next_multiple_of(LANES);
        let channels = heads.dim.next_multiple_of(LANES);
        let lists = layers * heads.keys * positions;
        // A poisoned lock holds buffers like any other.
        let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fits = |spare: &(Vec<f32>, Vec<f32>)| {
            spare.0.len() >= lists * heads.dim && spare.1.len() >= lists * channels
        };
        let (keys, values) = spare
            .filter(fits)
            .unwrap_or_else(|| (pages::zeros(lists * heads.dim), pages::zeros(lists * channels)));
        Cache { heads, channels, positions, keys, values }
    }

    /// To be used by several tasks.
    pub fn writer(&mut self) -> CacheWriter<'_> {
        CacheWriter {
            heads: self.heads,
            channels: self.channels,
            positions: self.positions,
            keys: Shared::new(&mut self.keys),
            values: Shared::new(&mut self.values),
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let spare = (std::mem::take(&mut self.keys), std::mem::take(&mut self.values));
        if (spare.0.len() + spare.1.len()) * size_of::<f32>() <= LARGEST_SPARE {
            *SPARE.lock().unwrap_or_else(PoisonError::into_inner) = Some(spare);
        }
    }
}

impl CacheWriter<'_> {
    /// Where the positions of a place and key head start, in units of positions.
    fn list(&self, layer: usize, place: Place, head: usize) -> usize {
        assert!(place.first + place.capacity <= self.positions, "a place outside the cache");
        (layer * self.positions + place.first) * self.heads.keys + head * place.capacity
    }

    /// Stores the key and the value of one head at a position.
    ///
    /// # Safety
    /// No other task uses this place and head while this runs.
    #[inline(always)]
    pub unsafe fn store(
        &self,
        layer: usize,
        place: Place,
        head: usize,
        position: usize,
        key: &[f32],
        value: &[f32],
    ) {
        assert!(position < place.capacity, "position outside the place");
        let (list, dim) = (self.list(layer, place, head), self.heads.dim);
        let block = list + position / LANES * LANES;
        // SAFETY: a position of this place and head, which by contract is the caller's alone.
        let (keys, values) = unsafe {
            (
                self.keys.part(block * dim, dim * LANES),
                self.values.part((list + position) * self.channels, dim),
            )
        };
        for (lanes, k) in keys.as_chunks_mut::<LANES>().0.iter_mut().zip(key) {
            lanes[position % LANES] = *k;
        }
        values.copy_from_slice(value);
    }

    /// Copies the first `length` positions of one place to another, in every layer.
    ///
    /// # Safety
    /// No other task uses `to`, or writes `from`, while this runs.
    pub unsafe fn copy(&self, layers: usize, from: Place, to: Place, length: usize) {
        let (dim, channels) = (self.heads.dim, self.channels);
        let length = length.next_multiple_of(LANES);
        assert!(length <= from.capacity.min(to.capacity), "more positions than a place has");
        for layer in 0..layers {
            for head in 0..self.heads.keys {
                let (source, target) = (self.list(layer, from, head), self.list(layer, to, head));
                // SAFETY: two different lists, by the contract not written by anybody else.
                unsafe {
                    let keys = self.keys.part(source * dim, length * dim);
                    self.keys.part(target * dim, length * dim).copy_from_slice(keys);
                    let values = self.values.part(source * channels, length * channels);
                    self.values.part(target * channels, length * channels).copy_from_slice(values);
                }
            }
        }
    }

    /// Attention of the queries of one key head over positions `0..=position` of a place: `queries` holds one query
    /// after another, `out` takes the results in the same order. `scores` is scratch for a capacity of positions.
    ///
    /// # Safety
    /// No other task writes this place and head while this runs.
    #[allow(clippy::too_many_arguments)] // a place, a row, and where to put what
    pub unsafe fn attend(
        &self,
        layer: usize,
        place: Place,
        head: usize,
        position: usize,
        queries: &[f32],
        out: &mut [f32],
        scores: &mut [f32],
    ) {
        assert!(position < place.capacity, "position outside the place");
        let (list, dim, length) = (self.list(layer, place, head), self.heads.dim, position + 1);
        // SAFETY: positions of this place and head, by contract not written meanwhile.
        let (keys, values) = unsafe {
            (
                &*self.keys.part(list * dim, length.next_multiple_of(LANES) * dim),
                &*self.values.part(list * self.channels, length * self.channels),
            )
        };
        let scale = 1.0 / (dim as f32).sqrt();
        for (query, out) in queries.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            let scores = &mut scores[..length.next_multiple_of(LANES)];
            kernel::scores(scores, query, keys, scale);
            let scores = &mut scores[..length];
            let share = vectorized(
                #[inline(always)]
                || {
                    let top = max(scores);
                    for s in scores.iter_mut() {
                        *s = Real::exp(*s - top);
                    }
                    1.0 / sum(scores)
                },
            );
            kernel::mix(out, scores, values, self.channels, share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;
    use tracelift_domain::Seed;

    #[test]
    fn attention_is_the_softmax_of_scores_over_values() {
        for (dim, length) in [(4, 1), (6, 17), (16, 64), (24, 63), (64, 130), (80, 35)] {
            let heads = Heads { queries: 2, keys: 1, dim };
            let mut rng = Seed(4).rng();
            let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
            let (keys, values, queries) = (draw(length * dim), draw(length * dim), draw(2 * dim));
            let mut cache = Cache::new(2, heads, 3 * length.next_multiple_of(LANES));
            let place = |number: usize| {
                let place = Place::of(0, length);
                Place { first: number * place.capacity, ..place }
            };
            let writer = cache.writer();
            let mut out = vec![0.0; 2 * dim];
            // SAFETY: one task.
            unsafe {
                for at in 0..length {
                    let row = at * dim..(at + 1) * dim;
                    writer.store(1, place(2), 0, at, &keys[row.clone()], &values[row]);
                }
                writer.copy(2, place(2), place(0), length);
                let mut scores = vec![0.0; length.next_multiple_of(LANES)];
                writer.attend(1, place(0), 0, length - 1, &queries, &mut out, &mut scores);
            }
            for (query, out) in queries.chunks(dim).zip(out.chunks(dim)) {
                let weights: Vec<f64> = keys
                    .chunks(dim)
                    .map(|key| {
                        let dot: f64 = key.iter().zip(query).map(|(k, q)| f64::from(k * q)).sum();
                        (dot / (dim as f64).sqrt()).exp()
                    })
                    .collect();
                let total: f64 = weights.iter().sum();
                for (c, out) in out.iter().enumerate() {
                    let expected: f64 = weights
                        .iter()
                        .zip(values.chunks(dim))
                        .map(|(w, value)| w / total * f64::from(value[c]))
                        .sum();
                    assert!((f64::from(*out) - expected).abs() < 1e-5, "dim {dim}, channel {c}");
                }
            }
        }
    }
}
