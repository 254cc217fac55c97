//! Causal grouped-query attention over packed sequences: `o_i = Σ_{j≤i} softmax_j(q_i·k_j/√h)·v_j`.
//!
//! A sequence may begin with the first rows of another one (a [`Span`] with a prefix), whose keys and values then serve both:
//! a branch costs its own rows only, and its gradient flows into the rows that it shares.
//!
//! A row of `qkv` holds all query heads, then all key heads, then all value heads, already turned by RoPE.
//! Probabilities are not kept: the backward pass computes them again from the scores and the log-sum-exp of each
//! row, block by block, so memory is linear in the length.

use crate::batch::Span;
use crate::ops::linear::{Into, Mat, Threads, matmul};
use crate::real::{Real, dot, max, sum, vectorized};
use crate::shared::Shared;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Queries are taken in blocks of this many rows, each against the keys up to its own end.
const BLOCK: usize = 64;

/// How a row of `qkv` is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub queries: usize,
    /// Key/value heads; divides `queries`.
    pub keys: usize,
    /// Channels of a head.
    pub dim: usize,
}

impl Heads {
    /// The width of a row of `qkv`.
    #[must_use]
    pub fn width(self) -> usize {
        (self.queries + 2 * self.keys) * self.dim
    }

    /// Query heads per key/value head.
    #[must_use]
    pub fn group(self) -> usize {
        self.queries / self.keys
    }

    fn query(self, head: usize) -> usize {
        head * self.dim
    }

    fn key(self, head: usize) -> usize {
        (self.queries + head) * self.dim
    }

    fn value(self, head: usize) -> usize {
        (self.queries + self.keys + head) * self.dim
    }
}

/// What attention needs beside its operands, kept from call to call: the units of work, and room for scores.
#[derive(Debug, Default)]
pub struct Scratch<T> {
    /// One trunk with its branches and one key head: the unit of parallel work, with no writes shared between units.
    units: Vec<(Range<usize>, usize)>,
    scores: Vec<T>,
}

impl<T: Real> Scratch<T> {
    /// Calls `body` for every unit, with room for the scores of `blocks` blocks of queries.
    fn for_units(
        &mut self,
        spans: &[Span],
        heads: Heads,
        blocks: usize,
        body: impl Fn(&mut [T], &[Span], usize) + Sync,
    ) {
        self.units.clear();
        let mut first = 0;
        for family in spans.chunk_by(|_, next| !next.prefix.is_empty()) {
            self.units.extend((0..heads.keys).map(|head| (first..first + family.len(), head)));
            first += family.len();
        }
        // Largest first, so that the last task to finish is a short one.
        let rows = |family: &Range<usize>| spans[family.end - 1].own.end - spans[family.start].own.start;
        self.units
            .sort_unstable_by_key(|(family, head)| (std::cmp::Reverse(rows(family)), family.start, *head));
        let longest = spans.iter().map(Span::len).max().unwrap_or(0);
        if longest == 0 {
            return;
        }
        let room = blocks * BLOCK * longest;
        let tasks = rayon::current_num_threads().min(self.units.len());
        self.scores.resize(tasks * room, T::ZERO);
        let (units, next) = (&self.units, AtomicUsize::new(0));
        self.scores.par_chunks_mut(room).with_max_len(1).for_each(|scores| {
            while let Some((family, head)) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                body(scores, &spans[family.clone()], *head);
            }
        });
    }
}

/// Some of a sequence's own rows as queries, against all keys up to the last of them.
struct Block<'s> {
    span: &'s Span,
    /// Counted from the first of the sequence's own rows.
    queries: Range<usize>,
}

impl Block<'_> {
    /// All blocks of a sequence.
    fn of(span: &Span) -> impl Iterator<Item = Block<'_>> {
        let own = span.own.len();
        (0..own).step_by(BLOCK).map(move |first| Block { span, queries: first..(first + BLOCK).min(own) })
    }

    fn len(&self) -> usize {
        self.queries.len()
    }

    /// The row of its first query.
    fn top(&self) -> usize {
        self.span.own.start + self.queries.start
    }

    /// How many keys its last query sees.
    fn keys(&self) -> usize {
        self.span.prefix.len() + self.queries.end
    }

    /// How many keys its `i`-th query sees.
    fn visible(&self, i: usize) -> usize {
        self.span.prefix.len() + self.queries.start + i + 1
    }

    /// Where its keys lie: first row, number of rows, and the column of the scores at which they start.
    fn parts(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let Span { prefix, own } = self.span.clone();
        let parts = [(prefix.start, prefix.len(), 0), (own.start, self.queries.end, prefix.len())];
        parts.into_iter().filter(|(_, rows, _)| *rows > 0)
    }
}

/// Scores of a block of queries against all keys up to the block's end, scaled; masked entries are left as they
/// are and must not be read.
fn scores<T: Real>(s: &mut [T], qkv: &[T], heads: Heads, block: &Block<'_>, q: usize, k: usize) {
    let (width, keys) = (heads.width(), block.keys());
    let queries = Mat::strided(&qkv[block.top() * width + heads.query(q)..], block.len(), heads.dim, width);
    let scale = T::ONE / T::of(heads.dim as f64).sqrt();
    for (first, rows, column) in block.parts() {
        let part = Mat::strided(&qkv[first * width + heads.key(k)..], rows, heads.dim, width);
        matmul(&mut s[column..], keys, Into::Overwrite, scale, queries, part.t(), Threads::One);
    }
}

/// The first part of a sum replaces what is there.
fn into_sum(column: usize) -> Into {
    if column == 0 { Into::Overwrite } else { Into::Add }
}

/// Writes `out` (rows of `queries × dim`) and the log-sum-exp of each row and query head.
pub fn forward<T: Real>(
    out: &mut [T],
    log_sums: &mut [T],
    qkv: &[T],
    spans: &[Span],
    heads: Heads,
    scratch: &mut Scratch<T>,
) {
    let (width, out_width) = (heads.width(), heads.queries * heads.dim);
    let (out, log_sums) = (Shared::new(out), Shared::new(log_sums));
    scratch.for_units(spans, heads, 1, |s, family, k| {
        let queries = k * heads.group()..(k + 1) * heads.group();
        for (q, block) in queries.flat_map(|q| family.iter().flat_map(Block::of).map(move |block| (q, block)))
        {
            let keys = block.keys();
            scores(s, qkv, heads, &block, q, k);
            vectorized(
                #[inline(always)]
                || {
                    for (i, s) in s.chunks_exact_mut(keys).take(block.len()).enumerate() {
                        let (seen, masked) = s.split_at_mut(block.visible(i));
                        let top = max(seen);
                        for s in seen.iter_mut() {
                            *s = (*s - top).exp();
                        }
                        let total = sum(seen);
                        let share = T::ONE / total;
                        for s in seen.iter_mut() {
                            *s *= share;
                        }
                        masked.fill(T::ZERO);
                        // SAFETY: row and query head are this unit's alone.
                        let slot = unsafe { log_sums.from((block.top() + i) * heads.queries + q) };
                        slot[0] = top + total.ln();
                    }
                },
            );
            for (first, rows, column) in block.parts() {
                let p = Mat::strided(&s[column..], block.len(), rows, keys);
                let v = Mat::strided(&qkv[first * width + heads.value(k)..], rows, heads.dim, width);
                // SAFETY: these rows and this query head's columns are this unit's alone.
                let out = unsafe { out.from(block.top() * out_width + q * heads.dim) };
                matmul(out, out_width, into_sum(column), T::ONE, p, v, Threads::One);
            }
        }
    });
}

/// Writes `d_qkv` from the gradient `dy` of the output `y`.
///
/// With `P = softmax(S)` and `D_i = dy_i·y_i`: `dV = Pᵀ·dy`, `dS = P ⊙ (dy·Vᵀ − D)/√h`, `dQ = dS·K`, `dK = dSᵀ·Q`.
#[allow(clippy::too_many_arguments)] // three results of the forward pass, their gradients, and where things are
pub fn backward<T: Real>(
    d_qkv: &mut [T],
    dy: &[T],
    y: &[T],
    log_sums: &[T],
    qkv: &[T],
    spans: &[Span],
    heads: Heads,
    scratch: &mut Scratch<T>,
) {
    let (width, out_width, dim) = (heads.width(), heads.queries * heads.dim, heads.dim);
    let scale = T::ONE / T::of(dim as f64).sqrt();
    let d_qkv = Shared::new(d_qkv);
    scratch.for_units(spans, heads, 2, |room, family, k| {
        let (p, ds) = room.split_at_mut(room.len() / 2);
        for span in family {
            for head in [heads.key(k), heads.value(k)] {
                // SAFETY: this family's rows of this key head are this unit's alone.
                let columns = unsafe { d_qkv.from(span.own.start * width + head) };
                for row in 0..span.own.len() {
                    columns[row * width..][..dim].fill(T::ZERO);
                }
            }
        }
        let queries = k * heads.group()..(k + 1) * heads.group();
        for (q, block) in queries.flat_map(|q| family.iter().flat_map(Block::of).map(move |block| (q, block)))
        {
            let (n, keys, top) = (block.len(), block.keys(), block.top());
            scores(p, qkv, heads, &block, q, k);
            let dy_block = Mat::strided(&dy[top * out_width + q * dim..], n, dim, out_width);
            for (first, rows, column) in block.parts() {
                let v = Mat::strided(&qkv[first * width + heads.value(k)..], rows, dim, width);
                matmul(&mut ds[column..], keys, Into::Overwrite, T::ONE, dy_block, v.t(), Threads::One);
            }
            vectorized(
                #[inline(always)]
                || {
                    let rows = p.chunks_exact_mut(keys).zip(ds.chunks_exact_mut(keys)).take(n);
                    for (i, (p, ds)) in rows.enumerate() {
                        let row = top + i;
                        let delta = dot(
                            &dy[row * out_width + q * dim..][..dim],
                            &y[row * out_width + q * dim..][..dim],
                        );
                        let log_sum = log_sums[row * heads.queries + q];
                        let visible = block.visible(i);
                        for (p, ds) in p[..visible].iter_mut().zip(&mut ds[..visible]) {
                            *p = (*p - log_sum).exp();
                            *ds = *p * (*ds - delta) * scale;
                        }
                        p[visible..].fill(T::ZERO);
                        ds[visible..].fill(T::ZERO);
                    }
                },
            );
            let q_block = Mat::strided(&qkv[top * width + heads.query(q)..], n, dim, width);
            for (first, rows, column) in block.parts() {
                let p = Mat::strided(&p[column..], n, rows, keys);
                let ds = Mat::strided(&ds[column..], n, rows, keys);
                let k_rows = Mat::strided(&qkv[first * width + heads.key(k)..], rows, dim, width);
                // SAFETY: these rows of this unit's own query, key and value columns; one borrow at a time.
                unsafe {
                    let dv = d_qkv.from(first * width + heads.value(k));
                    matmul(dv, width, Into::Add, T::ONE, p.t(), dy_block, Threads::One);
                    let dk = d_qkv.from(first * width + heads.key(k));
                    matmul(dk, width, Into::Add, T::ONE, ds.t(), q_block, Threads::One);
                    let dq = d_qkv.from(top * width + heads.query(q));
                    matmul(dq, width, into_sum(column), T::ONE, ds, k_rows, Threads::One);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::differences::{assert_gradient, noise};

    fn whole(offsets: &[usize]) -> Vec<Span> {
        offsets.windows(2).map(|pair| Span { prefix: 0..0, own: pair[0]..pair[1] }).collect()
    }

    fn run(qkv: &[f64], spans: &[Span], heads: Heads) -> (Vec<f64>, Vec<f64>) {
        let rows = qkv.len() / heads.width();
        let (mut y, mut sums) =
            (vec![0.0; rows * heads.queries * heads.dim], vec![0.0; rows * heads.queries]);
        forward(&mut y, &mut sums, qkv, spans, heads, &mut Scratch::default());
        (y, sums)
    }

    #[test]
    fn backward_matches_central_differences() {
        let heads = Heads { queries: 4, keys: 2, dim: 3 };
        let branches = [
            Span { prefix: 0..0, own: 0..4 },
            Span { prefix: 0..3, own: 4..6 },
            Span { prefix: 0..1, own: 6..9 },
        ];
        for spans in [whole(&[0, 5, 6, 9]), branches.to_vec()] {
            let qkv = noise(19, 9 * heads.width());
            let upstream = noise(20, 9 * heads.queries * heads.dim);
            let (y, sums) = run(&qkv, &spans, heads);
            let mut d_qkv = vec![f64::NAN; qkv.len()];
            backward(&mut d_qkv, &upstream, &y, &sums, &qkv, &spans, heads, &mut Scratch::default());
            assert_gradient("qkv", &qkv, &d_qkv, |qkv| dot(&run(qkv, &spans, heads).0, &upstream));
        }
    }

    #[test]
    fn blocks_do_not_change_the_result() {
        let heads = Heads { queries: 2, keys: 1, dim: 4 };
        let rows = BLOCK * 2 + 7;
        let qkv = noise(21, rows * heads.width());
        let (y, _) = run(&qkv, &whole(&[0, rows]), heads);
        for row in [0, 1, BLOCK - 1, BLOCK, rows - 1] {
            for q in 0..2 {
                let at = |row: usize, column: usize| &qkv[row * heads.width() + column..][..4];
                let weights: Vec<f64> = (0..=row)
                    .map(|j| (dot(at(row, heads.query(q)), at(j, heads.key(0))) / 2.0).exp())
                    .collect();
                let total: f64 = weights.iter().sum();
                for c in 0..4 {
                    let expected: f64 =
                        weights.iter().enumerate().map(|(j, w)| w / total * at(j, heads.value(0))[c]).sum();
                    assert!((y[row * 8 + q * 4 + c] - expected).abs() < 1e-12, "row {row} head {q}");
                }
            }
        }
    }

    #[test]
    fn packed_sequences_do_not_see_each_other() {
        let heads = Heads { queries: 2, keys: 2, dim: 2 };
        let qkv = noise(22, 7 * heads.width());
        let (together, _) = run(&qkv, &whole(&[0, 3, 7]), heads);
        let (alone, _) = run(&qkv[3 * heads.width()..], &whole(&[0, 4]), heads);
        assert_eq!(together[3 * 4..], alone[..]);
    }
}
