//! The operators of a decoder block, one module each: forward and backward side by side, the formula above them.
//!
//! Operators work on row-major slices with one row a token, know nothing of models, and allocate nothing that
//! grows with the batch beyond what their caller hands them.

pub mod attention;
pub mod embedding;
pub mod head;
pub mod head_norm;
pub mod linear;
pub mod rmsnorm;
pub mod rope;
pub mod swiglu;

use rayon::prelude::*;

/// How many rows one parallel task takes: a few tasks per thread, so that a slow core does not hold up the rest.
#[must_use]
pub(crate) fn rows_per_task(rows: usize) -> usize {
    rows.div_ceil(rayon::current_num_threads() * 4).max(1)
}

/// Calls `body(first_row, chunk)` for runs of whole rows of `data`, in parallel.
pub(crate) fn for_rows<T: Send>(data: &mut [T], width: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    let rows = data.len() / width.max(1);
    let task = rows_per_task(rows);
    data.par_chunks_mut(task * width).enumerate().for_each(|(i, chunk)| body(i * task, chunk));
}

/// Columns of a task of [`for_columns`]: some cache lines, which every task reads from every row.
const COLUMNS: usize = 64;

/// Calls `body(first_column, chunk)` for runs of `sums`, in parallel. A task adds up all rows of its columns, so that the
/// order of a sum depends on nothing, and no partial sums are kept.
pub(crate) fn for_columns<T: Send>(sums: &mut [T], body: impl Fn(usize, &mut [T]) + Sync) {
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(i, chunk)| body(i * COLUMNS, chunk));
}

/// Central differences, for the tests of the backward passes.
#[cfg(test)]
pub(crate) mod differences {
    use rand::Rng;

    /// Numbers from a normal-ish distribution, the same for the same seed.
    pub fn noise(seed: u64, len: usize) -> Vec<f64> {
        let mut rng = tracelift_domain::Seed(seed).rng();
        (0..len).map(|_| (0..4).map(|_| rng.random::<f64>() - 0.5).sum::<f64>() * 1.5).collect()
    }

    /// Asserts that `gradient` is the derivative of `loss` at `point`.
    pub fn assert_gradient(name: &str, point: &[f64], gradient: &[f64], loss: impl Fn(&[f64]) -> f64) {
        assert_eq!(point.len(), gradient.len(), "{name}: gradient has the wrong size");
        let mut moved = point.to_vec();
        let step = 1e-5;
        for i in 0..point.len() {
            moved[i] = point[i] + step;
            let up = loss(&moved);
            moved[i] = point[i] - step;
            let down = loss(&moved);
            moved[i] = point[i];
            let numeric = (up - down) / (2.0 * step);
            let scale = numeric.abs().max(gradient[i].abs()).max(1e-2);
            assert!(
                (numeric - gradient[i]).abs() / scale < 1e-6,
                "{name}[{i}]: backward says {}, central differences say {numeric}",
                gradient[i]
            );
        }
    }
}
