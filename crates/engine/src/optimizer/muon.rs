//! Muon (Jordan and others, 2024): the step of a matrix is its momentum with all singular values made about one, so that
//! rare directions are learned as fast as common ones. Scaled as by Liu and others (arXiv 2502.16982), such a step is about
//! as long as one of AdamW, whose rates and decay then serve for both.

use crate::ops::linear::{Into, Mat, Threads, matmul};
use crate::params::Tensor;
use crate::real::dot;

/// What is left of the momentum from one step to the next.
const MOMENTUM: f32 = 0.95;
/// Length of a step of AdamW, as a share of its rate, to which steps are scaled.
const LENGTH: f32 = 0.2;
/// Coefficients of the iteration `X ← aX + b(XXᵀ)X + c(XXᵀ)²X`, which takes singular values to between 0.7 and 1.2.
const COEFFICIENTS: (f32, f32, f32) = (3.4445, -4.7750, 2.0315);
const ITERATIONS: usize = 5;

/// Whether a tensor is a matrix between layers. Embeddings, heads, vectors and adapters are AdamW's.
pub(super) fn takes(tensor: &Tensor) -> bool {
    tensor.shape.len() == 2 && tensor.name.ends_with("_proj.weight")
}

/// One step of a matrix `rows × cols` with its gradient and its momentum.
pub(super) fn step(
    parameters: &mut [f32],
    gradients: &[f32],
    momentum: &mut [f32],
    (rows, cols): (usize, usize),
    (rate, keep, clip): (f32, f32, f32),
) {
    let mut ahead = Vec::with_capacity(gradients.len());
    for (m, g) in momentum.iter_mut().zip(gradients) {
        let g = *g * clip;
        *m = MOMENTUM * *m + g;
        ahead.push(g + MOMENTUM * *m);
    }
    orthogonalize(&mut ahead, rows, cols);
    let size = rate * LENGTH * (rows.max(cols) as f32).sqrt();
    for (p, step) in parameters.iter_mut().zip(&ahead) {
        *p = *p * keep - size * step;
    }
}

/// Makes all singular values of a matrix `rows × cols` about one; nothing of a matrix of zeros.
fn orthogonalize(matrix: &mut [f32], rows: usize, cols: usize) {
    let norm = f64::from(dot(matrix, matrix)).sqrt() as f32;
    if norm == 0.0 {
        return;
    }
    matrix.iter_mut().for_each(|value| *value /= norm);
    // The Gram matrix of the shorter side.
    let wide = rows <= cols;
    let small = rows.min(cols);
    let (a, b, c) = COEFFICIENTS;
    let (mut gram, mut polynomial) = (vec![0.0; small * small], vec![0.0; small * small]);
    let mut next = vec![0.0; matrix.len()];
    for _ in 0..ITERATIONS {
        let x = Mat::new(matrix, rows, cols);
        let (left, right) = if wide { (x, x.t()) } else { (x.t(), x) };
        matmul(&mut gram, small, Into::Overwrite, 1.0, left, right, Threads::One);
        polynomial.iter_mut().zip(&gram).for_each(|(p, g)| *p = b * g);
        let g = Mat::new(&gram, small, small);
        matmul(&mut polynomial, small, Into::Add, c, g, g, Threads::One);
        next.iter_mut().zip(matrix.iter()).for_each(|(n, x)| *n = a * x);
        let (x, p) = (Mat::new(matrix, rows, cols), Mat::new(&polynomial, small, small));
        let (left, right) = if wide { (p, x) } else { (x, p) };
        matmul(&mut next, cols, Into::Add, 1.0, left, right, Threads::One);
        matrix.copy_from_slice(&next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::{AdamW, AdamWConfig, MatrixRule};
    use rand::Rng;
    use tracelift_domain::Seed;

    #[test]
    fn singular_values_go_through_the_iteration() {
        // Of a diagonal matrix they are what stands on the diagonal, and the iteration is one of numbers.
        let values = [3.0_f32, 1.0, 0.2];
        let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        for (rows, cols) in [(3, 3), (3, 5), (5, 3)] {
            let mut matrix = vec![0.0; rows * cols];
            values.iter().enumerate().for_each(|(at, value)| matrix[at * cols + at] = *value);
            orthogonalize(&mut matrix, rows, cols);
            for row in 0..rows {
                for col in 0..cols {
                    let expected =
                        if row == col { values.get(row).map(|v| iterated(v / norm)) } else { None };
                    let (found, expected) = (matrix[row * cols + col], expected.unwrap_or(0.0));
                    assert!((found - expected).abs() < 1e-4, "{row}, {col}: {found}, not {expected}");
                }
            }
        }
        let mut zeros = vec![0.0; 6];
        orthogonalize(&mut zeros, 2, 3);
        assert_eq!(zeros, [0.0; 6]);
    }

    fn iterated(mut x: f32) -> f32 {
        let (a, b, c) = COEFFICIENTS;
        for _ in 0..ITERATIONS {
            x = a * x + b * x.powi(3) + c * x.powi(5);
        }
        x
    }

    #[test]
    fn singular_values_become_about_one() {
        for (rows, cols) in [(6, 6), (4, 9), (9, 4)] {
            let mut rng = Seed(5).rng();
            let mut matrix: Vec<f32> = (0..rows * cols).map(|_| rng.random_range(-3.0..3.0)).collect();
            orthogonalize(&mut matrix, rows, cols);
            // The sum of all squares is that of the singular values' squares.
            let square = dot(&matrix, &matrix) / rows.min(cols) as f32;
            assert!((0.5..1.5).contains(&square), "{rows} x {cols}: {square}");
        }
    }

    #[test]
    fn matrices_move_by_it_and_the_rest_by_adamw() {
        let tensor =
            |name: &str, shape: &[usize], range| Tensor { name: name.into(), shape: shape.to_vec(), range };
        let tensors = [
            tensor("model.embed_tokens.weight", &[2, 3], 0..6),
            tensor("model.layers.0.mlp.up_proj.weight", &[2, 3], 6..12),
            tensor("model.norm.weight", &[3], 12..15),
            tensor("model.layers.1.mlp.up_proj.weight", &[3, 2], 15..21),
        ];
        let mut rng = Seed(6).rng();
        let mut draw = || (0..21).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (start, gradients) = (draw(), draw());
        let moved = |matrices| {
            let config = AdamWConfig { matrices, weight_decay: 0.1, ..AdamWConfig::default() };
            let (mut adamw, mut parameters) = (AdamW::new(21, config), start.clone());
            for _ in 0..2 {
                adamw.step(&mut parameters, &mut gradients.clone(), &tensors, 0.01).unwrap();
            }
            parameters
        };
        let (adamw, muon) = (moved(MatrixRule::AdamW), moved(MatrixRule::Muon));
        for range in [0..6, 12..15] {
            assert_eq!(adamw[range.clone()], muon[range]);
        }
        for (range, shape) in [(6..12, (2, 3)), (15..21, (3, 2))] {
            let (mut parameters, mut momentum) = (start[range.clone()].to_vec(), vec![0.0; 6]);
            let clip = 1.0 / (crate::optimizer::norm(&gradients) + 1e-6) as f32;
            for _ in 0..2 {
                step(&mut parameters, &gradients[range.clone()], &mut momentum, shape, (0.01, 0.999, clip));
            }
            assert_eq!(muon[range], parameters);
        }
    }
}
