//! The norms of query and key heads (Qwen3): every head of a row by itself, `y = w ⊙ x · r` with
//! `r = 1/√(mean(x²) + ε)` over its channels, before it is turned. All query heads share one weight, all key heads
//! another; the two lie side by side in `weights`.

use crate::ops::attention::Heads;
use crate::ops::rmsnorm;
use crate::ops::{for_columns, for_rows, rows_per_task};
use crate::real::{Real, vectorized};
use rayon::prelude::*;

/// Normalises query and key heads of each row of `qkv` in place; keeps what they were in `raw` (rows of
/// `(queries + keys)·dim`), and each head's `r`.
pub fn forward<T: Real>(qkv: &mut [T], raw: &mut [T], r: &mut [T], weights: &[T], heads: Heads, eps: T) {
    let (normed, dim, width) = (heads.queries + heads.keys, heads.dim, heads.width());
    let task = rows_per_task(r.len() / normed);
    let rows = qkv.par_chunks_mut(task * width).zip(raw.par_chunks_mut(task * normed * dim));
    rows.zip(r.par_chunks_mut(task * normed)).for_each(|((qkv, raw), r)| {
        vectorized(
            #[inline(always)]
            || {
                let rows = qkv.chunks_exact_mut(width).zip(raw.chunks_exact_mut(normed * dim));
                for ((qkv, raw), r) in rows.zip(r.chunks_exact_mut(normed)) {
                    raw.copy_from_slice(&qkv[..normed * dim]);
                    let each = qkv.chunks_exact_mut(dim).zip(raw.chunks_exact(dim)).zip(r).enumerate();
                    for (head, ((y, x), r)) in each {
                        *r = rmsnorm::row(y, x, weight(weights, heads, head), eps);
                    }
                }
            },
        );
    });
}

/// One head in place, with nothing kept.
#[inline(always)]
pub fn head<T: Real>(x: &mut [T], weight: &[T], eps: T) {
    let r = rmsnorm::reciprocal(x, eps);
    for (x, w) in x.iter_mut().zip(weight) {
        *x = *w * (*x * r);
    }
}

/// In place on the gradient of the normalised heads: `dx = r·(w⊙dy) − x·r³/n·Σ(w⊙dy⊙x)`.
pub fn backward_input<T: Real>(d_qkv: &mut [T], raw: &[T], r: &[T], weights: &[T], heads: Heads) {
    let (normed, dim) = (heads.queries + heads.keys, heads.dim);
    for_rows(d_qkv, heads.width(), |first, rows| {
        vectorized(
            #[inline(always)]
            || {
                for (i, d) in rows.chunks_exact_mut(heads.width()).enumerate() {
                    let raw = &raw[(first + i) * normed * dim..][..normed * dim];
                    let r = &r[(first + i) * normed..][..normed];
                    let each = d.chunks_exact_mut(dim).zip(raw.chunks_exact(dim)).zip(r).enumerate();
                    for (head, ((d, x), r)) in each {
                        let w = weight(weights, heads, head);
                        let mut projected = T::ZERO;
                        for ((d, x), w) in d.iter_mut().zip(x).zip(w) {
                            *d *= *w;
                            projected = d.fma(*x, projected);
                        }
                        let pull = projected * *r * *r * *r / T::of(dim as f64);
                        for (d, x) in d.iter_mut().zip(x) {
                            *d = *r * *d - pull * *x;
                        }
                    }
                }
            },
        );
    });
}

/// Adds to `dw` (both weights, side by side) the sum over rows and heads of `dy ⊙ x · r`. To be called before
/// [`backward_input`], which replaces `dy`.
pub fn backward_weights<T: Real>(dw: &mut [T], dy: &[T], raw: &[T], r: &[T], heads: Heads) {
    let (normed, dim, width) = (heads.queries + heads.keys, heads.dim, heads.width());
    let (queries, keys) = dw.split_at_mut(dim);
    for (dw, range) in [(queries, 0..heads.queries), (keys, heads.queries..normed)] {
        for_columns(dw, |first, dw| {
            vectorized(
                #[inline(always)]
                || {
                    let rows = dy.chunks_exact(width).zip(raw.chunks_exact(normed * dim));
                    for ((dy, raw), r) in rows.zip(r.chunks_exact(normed)) {
                        for head in range.clone() {
                            let start = head * dim + first;
                            let pairs = dy[start..][..dw.len()].iter().zip(&raw[start..][..dw.len()]);
                            for (dw, (dy, x)) in dw.iter_mut().zip(pairs) {
                                *dw = (*dy * r[head]).fma(*x, *dw);
                            }
                        }
                    }
                },
            );
        });
    }
}

#[inline(always)]
fn weight<T>(weights: &[T], heads: Heads, head: usize) -> &[T] {
    &weights[if head < heads.queries { 0 } else { heads.dim }..][..heads.dim]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::differences::{assert_gradient, noise};
    use crate::real::dot;

    #[test]
    fn backward_matches_central_differences() {
        for (queries, keys, dim) in [(4, 2, 6), (3, 1, 20)] {
            let heads = Heads { queries, keys, dim };
            let (rows, normed, eps) = (5, queries + keys, 1e-6);
            let (qkv, weights) = (noise(31, rows * heads.width()), noise(32, 2 * dim));
            let upstream = noise(33, rows * heads.width());
            let run = |qkv: &[f64], weights: &[f64]| {
                let mut y = qkv.to_vec();
                let (mut raw, mut r) = (vec![0.0; rows * normed * dim], vec![0.0; rows * normed]);
                forward(&mut y, &mut raw, &mut r, weights, heads, eps);
                (y, raw, r)
            };
            let loss = |qkv: &[f64], weights: &[f64]| dot(&run(qkv, weights).0, &upstream);
            let (y, raw, r) = run(&qkv, &weights);
            let (mut d_qkv, mut dw) = (upstream.clone(), vec![0.0; 2 * dim]);
            backward_weights(&mut dw, &d_qkv, &raw, &r, heads);
            backward_input(&mut d_qkv, &raw, &r, &weights, heads);
            assert_gradient("qkv", &qkv, &d_qkv, |qkv| loss(qkv, &weights));
            assert_gradient("weights", &weights, &dw, |weights| loss(&qkv, weights));

            let mut alone = qkv;
            for row in alone.chunks_exact_mut(heads.width()) {
                for (i, x) in row[..normed * dim].chunks_exact_mut(dim).enumerate() {
                    head(x, weight(&weights, heads, i), eps);
                }
            }
            assert_eq!(alone, y, "a head in place differs from the batch");
        }
    }
}
