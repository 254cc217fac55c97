//! SwiGLU: `y = silu(g) ⊙ u` with `silu(g) = g·σ(g)`. Rows of the input hold gate and up side by side: `[g | u]`.

use crate::ops::{for_rows, rows_per_task};
use crate::real::{Real, vectorized};
use rayon::prelude::*;

/// Writes `y` (rows of `width`) from `gate_up` (rows of `2·width`).
pub fn forward<T: Real>(y: &mut [T], gate_up: &[T], width: usize) {
    let task = rows_per_task(y.len() / width);
    y.par_chunks_mut(task * width).zip(gate_up.par_chunks(task * 2 * width)).for_each(|(y, gate_up)| {
        vectorized(
            #[inline(always)]
            || {
                for (y, gate_up) in y.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width)) {
                    row(y, gate_up);
                }
            },
        );
    });
}

/// One row.
#[inline(always)]
pub fn row<T: Real>(y: &mut [T], gate_up: &[T]) {
    let (gate, up) = gate_up.split_at(y.len());
    for ((y, g), u) in y.iter_mut().zip(gate).zip(up) {
        *y = *g / (T::ONE + (-*g).exp()) * *u;
    }
}

/// Writes `d_gate_up` from `dy`: `dg = dy·u·σ(g)(1 + g(1 − σ(g)))`, `du = dy·silu(g)`.
pub fn backward<T: Real>(d_gate_up: &mut [T], dy: &[T], gate_up: &[T], width: usize) {
    for_rows(d_gate_up, 2 * width, |first, rows| {
        vectorized(
            #[inline(always)]
            || {
                for (i, d) in rows.chunks_exact_mut(2 * width).enumerate() {
                    let (dg, du) = d.split_at_mut(width);
                    let (gate, up) = gate_up[(first + i) * 2 * width..][..2 * width].split_at(width);
                    let dy = &dy[(first + i) * width..][..width];
                    for ((((dg, du), g), u), dy) in dg.iter_mut().zip(du).zip(gate).zip(up).zip(dy) {
                        let sigma = T::ONE / (T::ONE + (-*g).exp());
                        let silu = *g * sigma;
                        *dg = *dy * *u * (sigma + silu * (T::ONE - sigma));
                        *du = *dy * silu;
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
        let (rows, width) = (3, 7);
        let (x, upstream) = (noise(7, rows * 2 * width), noise(8, rows * width));
        let mut dx = vec![0.0; x.len()];
        backward(&mut dx, &upstream, &x, width);
        assert_gradient("gate_up", &x, &dx, |x| {
            let mut y = vec![0.0; rows * width];
            forward(&mut y, x, width);
            dot(&y, &upstream)
        });
    }
}
