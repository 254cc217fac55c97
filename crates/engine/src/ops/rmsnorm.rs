//! RMSNorm: `y = w ⊙ x · r` with `r = 1/√(mean(x²) + ε)`, per row.

use crate::ops::{for_columns, for_rows, rows_per_task};
use crate::real::{Real, dot, vectorized};
use rayon::prelude::*;

/// Writes `y` and the reciprocal root mean square `r` of each row.
pub fn forward<T: Real>(y: &mut [T], r: &mut [T], x: &[T], weight: &[T], eps: T) {
    let width = weight.len();
    let task = rows_per_task(r.len());
    y.par_chunks_mut(task * width).zip(r.par_chunks_mut(task)).zip(x.par_chunks(task * width)).for_each(
        |((y, r), x)| {
            vectorized(
                #[inline(always)]
                || {
                    for ((y, r), x) in y.chunks_exact_mut(width).zip(r).zip(x.chunks_exact(width)) {
                        *r = row(y, x, weight, eps);
                    }
                },
            );
        },
    );
}

/// One row; returns `r`.
#[inline(always)]
pub fn row<T: Real>(y: &mut [T], x: &[T], weight: &[T], eps: T) -> T {
    let r = reciprocal(x, eps);
    for ((y, x), w) in y.iter_mut().zip(x).zip(weight) {
        *y = *w * (*x * r);
    }
    r
}

/// `r` of a row.
#[inline(always)]
pub fn reciprocal<T: Real>(x: &[T], eps: T) -> T {
    let mean = dot(x, x) / T::of(x.len() as f64);
    T::ONE / (mean + eps).sqrt()
}

/// Adds to `dx` what flows back through the norm: `dx += r·(w⊙dy) − x·r³/n·Σ(w⊙dy⊙x)`.
pub fn backward_input<T: Real>(dx: &mut [T], dy: &[T], x: &[T], weight: &[T], r: &[T]) {
    let width = weight.len();
    for_rows(dx, width, |first, dx| {
        vectorized(
            #[inline(always)]
            || {
                for (i, dx) in dx.chunks_exact_mut(width).enumerate() {
                    let row = first + i;
                    let x = &x[row * width..][..width];
                    let dy = &dy[row * width..][..width];
                    let r = r[row];
                    let mut lanes = [T::ZERO; 16];
                    let mut k = 0;
                    while k + 16 <= width {
                        for lane in 0..16 {
                            lanes[lane] = (weight[k + lane] * dy[k + lane]).fma(x[k + lane], lanes[lane]);
                        }
                        k += 16;
                    }
                    let mut projected = T::ZERO;
                    for lane in lanes {
                        projected += lane;
                    }
                    while k < width {
                        projected = (weight[k] * dy[k]).fma(x[k], projected);
                        k += 1;
                    }
                    let pull = projected * r * r * r / T::of(width as f64);
                    for (((dx, x), dy), w) in dx.iter_mut().zip(x).zip(dy).zip(weight) {
                        *dx += r * *w * *dy - pull * *x;
                    }
                }
            },
        );
    });
}

/// Adds to `dw` the gradient of the weight: `dw += Σ_rows dy ⊙ x · r`.
pub fn backward_weight<T: Real>(dw: &mut [T], dy: &[T], x: &[T], r: &[T]) {
    let width = dw.len();
    for_columns(dw, |first, dw| {
        vectorized(
            #[inline(always)]
            || {
                for ((r, dy), x) in r.iter().zip(dy.chunks_exact(width)).zip(x.chunks_exact(width)) {
                    let pairs = dy[first..][..dw.len()].iter().zip(&x[first..][..dw.len()]);
                    for (dw, (dy, x)) in dw.iter_mut().zip(pairs) {
                        *dw = (*dy * *r).fma(*x, *dw);
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

    #[test]
    fn backward_matches_central_differences() {
        let (rows, width, eps) = (5, 19, 1e-6);
        let (x, w, upstream) = (noise(1, rows * width), noise(2, width), noise(3, rows * width));
        let loss = |x: &[f64], w: &[f64]| {
            let (mut y, mut r) = (vec![0.0; rows * width], vec![0.0; rows]);
            forward(&mut y, &mut r, x, w, eps);
            dot(&y, &upstream)
        };
        let (mut y, mut r) = (vec![0.0; rows * width], vec![0.0; rows]);
        forward(&mut y, &mut r, &x, &w, eps);
        let (mut dx, mut dw) = (vec![0.0; rows * width], vec![0.0; width]);
        backward_input(&mut dx, &upstream, &x, &w, &r);
        backward_weight(&mut dw, &upstream, &x, &r);
        assert_gradient("x", &x, &dx, |x| loss(x, &w));
        assert_gradient("weight", &w, &dw, |w| loss(&x, w));
    }
}
