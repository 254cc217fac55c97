//! Matrix products: `y = x·Wᵀ + b` and its backward pass, plain and with low-rank adapters (LoRA).
//!
//! The products themselves come from the `gemm` crate; this module is the only one that calls it.

use crate::ops::{for_columns, for_rows};
use crate::real::{Real, vectorized};

/// A read-only matrix in someone else's memory.
#[derive(Clone, Copy)]
pub struct Mat<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> Mat<'a, T> {
    /// `rows × cols`, rows one after another.
    #[must_use]
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Mat<'a, T> {
        Mat::strided(data, rows, cols, cols)
    }

    /// `rows × cols`, the rows `row_stride` elements apart.
    #[must_use]
    pub fn strided(data: &'a [T], rows: usize, cols: usize, row_stride: usize) -> Mat<'a, T> {
        assert!(
            rows == 0 || cols == 0 || (rows - 1) * row_stride + cols <= data.len(),
            "matrix exceeds its data"
        );
        Mat { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// The transpose, without moving anything.
    #[must_use]
    pub fn t(self) -> Mat<'a, T> {
        Mat {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// Whether a product replaces or adds to what is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// `C = s·A·B`
    Overwrite,
    /// `C += s·A·B`
    Add,
}

/// Who computes a product.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// All threads of the pool.
    All,
    /// The calling thread, which is itself one of many.
    One,
}

/// `C = s·A·B` or `C += s·A·B`, where the rows of `C` are `stride` elements apart.
pub fn matmul<T: Real>(
    c: &mut [T],
    stride: usize,
    into: Into,
    scale: T,
    a: Mat<'_, T>,
    b: Mat<'_, T>,
    threads: Threads,
) {
    assert_eq!(a.cols, b.rows, "inner dimensions differ");
    let (m, n, k) = (a.rows, b.cols, a.cols);
    if m == 0 || n == 0 {
        return;
    }
    assert!((m - 1) * stride + n <= c.len(), "product exceeds its destination");
    let parallelism = match threads {
        Threads::All if m * n * k > 1 << 16 => gemm::Parallelism::Rayon(0),
        _ => gemm::Parallelism::None,
    };
    // SAFETY: the assertions above and in `Mat::strided` bound every address that the strides reach; `c` is
    // borrowed mutably and `a`, `b` immutably, so they do not overlap.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            stride as isize,
            into == Into::Add,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            T::ONE,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// `y = x·Wᵀ + b` for `x` of rows of `inputs`, `W` of `outputs × inputs`.
pub fn forward<T: Real>(y: &mut [T], x: &[T], weight: &[T], bias: Option<&[T]>, inputs: usize) {
    let outputs = weight.len() / inputs;
    let rows = x.len() / inputs;
    let (x, w) = (Mat::new(x, rows, inputs), Mat::new(weight, outputs, inputs));
    let into = match bias {
        Some(bias) => {
            for_rows(y, outputs, |_, rows| {
                rows.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias));
            });
            Into::Add
        }
        None => Into::Overwrite,
    };
    matmul(y, outputs, into, T::ONE, x, w.t(), Threads::All);
}

/// `dx = dy·W` or `dx += dy·W`.
pub fn backward_input<T: Real>(dx: &mut [T], into: Into, dy: &[T], weight: &[T], inputs: usize) {
    let outputs = weight.len() / inputs;
    let rows = dy.len() / outputs;
    let (dy, w) = (Mat::new(dy, rows, outputs), Mat::new(weight, outputs, inputs));
    matmul(dx, inputs, into, T::ONE, dy, w, Threads::All);
}

/// `dW += dyᵀ·x`.
pub fn backward_weight<T: Real>(dw: &mut [T], dy: &[T], x: &[T], inputs: usize) {
    let outputs = dw.len() / inputs;
    let rows = x.len() / inputs;
    let (dy, x) = (Mat::new(dy, rows, outputs), Mat::new(x, rows, inputs));
    matmul(dw, inputs, Into::Add, T::ONE, dy.t(), x, Threads::All);
}

/// `db += Σ_rows dy`.
pub fn backward_bias<T: Real>(db: &mut [T], dy: &[T]) {
    let width = db.len();
    for_columns(db, |first, db| {
        vectorized(
            #[inline(always)]
            || {
                for row in dy.chunks_exact(width) {
                    for (s, d) in db.iter_mut().zip(&row[first..]) {
                        *s += *d;
                    }
                }
            },
        );
    });
}

/// A low-rank adapter of a block of outputs of a linear layer: `y[:, first..] += scale·(x·Aᵀ)·Bᵀ`.
#[derive(Clone, Copy)]
pub struct Adapter<'a, T> {
    /// `rank × inputs`.
    pub a: &'a [T],
    /// `outputs × rank`.
    pub b: &'a [T],
    /// The rank.
    pub rank: usize,
    /// The first output that it adapts.
    pub first: usize,
    /// `α / r` (or `α / √r`).
    pub scale: T,
}

impl<T: Real> Adapter<'_, T> {
    fn outputs(&self) -> usize {
        self.b.len() / self.rank
    }

    /// Adds the adapter's share to `y` (rows of `width`). `low` is scratch of rows × rank.
    pub fn forward(&self, y: &mut [T], width: usize, x: &[T], inputs: usize, low: &mut [T]) {
        let rows = x.len() / inputs;
        let low = &mut low[..rows * self.rank];
        let a = Mat::new(self.a, self.rank, inputs);
        matmul(low, self.rank, Into::Overwrite, T::ONE, Mat::new(x, rows, inputs), a.t(), Threads::All);
        let b = Mat::new(self.b, self.outputs(), self.rank);
        let low = Mat::new(low, rows, self.rank);
        matmul(&mut y[self.first..], width, Into::Add, self.scale, low, b.t(), Threads::All);
    }

    /// Adds to `da` and `db`, and to `dx` where somebody wants it. `low` and `d_low` are scratch of rows × rank; `x·Aᵀ` is
    /// computed again, which costs less than to keep it.
    #[allow(clippy::too_many_arguments)] // the gradient of three things in one pass over two scratch buffers
    pub fn backward(
        &self,
        da: &mut [T],
        db: &mut [T],
        dx: Option<&mut [T]>,
        dy: &[T],
        width: usize,
        x: &[T],
        inputs: usize,
        low: &mut [T],
        d_low: &mut [T],
    ) {
        let (rows, rank) = (x.len() / inputs, self.rank);
        let (low, d_low) = (&mut low[..rows * rank], &mut d_low[..rows * rank]);
        let x = Mat::new(x, rows, inputs);
        let a = Mat::new(self.a, rank, inputs);
        let b = Mat::new(self.b, self.outputs(), rank);
        let dy = Mat::strided(&dy[self.first..], rows, self.outputs(), width);
        matmul(low, rank, Into::Overwrite, T::ONE, x, a.t(), Threads::All);
        matmul(db, rank, Into::Add, self.scale, dy.t(), Mat::new(low, rows, rank), Threads::All);
        matmul(d_low, rank, Into::Overwrite, self.scale, dy, b, Threads::All);
        let d_low = Mat::new(d_low, rows, rank);
        matmul(da, inputs, Into::Add, T::ONE, d_low.t(), x, Threads::All);
        if let Some(dx) = dx {
            matmul(dx, inputs, Into::Add, T::ONE, d_low, a, Threads::All);
        }
    }

    /// `W += scale·B·A` in the rows of `weight` that it adapts.
    pub fn merge(&self, weight: &mut [T], inputs: usize) {
        let a = Mat::new(self.a, self.rank, inputs);
        let b = Mat::new(self.b, self.outputs(), self.rank);
        matmul(&mut weight[self.first * inputs..], inputs, Into::Add, self.scale, b, a, Threads::All);
    }
}

/// Scratch of layers with adapters.
#[derive(Debug, Default)]
pub struct LoraScratch {
    /// Rows × rank.
    pub low: Vec<f32>,
    /// Its gradient.
    pub d_low: Vec<f32>,
    /// A matrix with its adapters merged.
    pub merged: Vec<f32>,
}

impl LoraScratch {
    /// Makes room for so many rows, on the way back too if that is wanted.
    pub fn fit(&mut self, rows: usize, rank: usize, back: bool) {
        self.low.resize(rows * rank, 0.0);
        if back {
            self.d_low.resize(rows * rank, 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::differences::{assert_gradient, noise};
    use crate::real::dot;

    #[test]
    fn backward_matches_central_differences() {
        let (rows, inputs, outputs) = (4, 5, 3);
        let (x, w, b) = (noise(11, rows * inputs), noise(12, outputs * inputs), noise(13, outputs));
        let upstream = noise(14, rows * outputs);
        let loss = |x: &[f64], w: &[f64], b: &[f64]| {
            let mut y = vec![0.0; rows * outputs];
            forward(&mut y, x, w, Some(b), inputs);
            dot(&y, &upstream)
        };
        let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; b.len()]);
        backward_input(&mut dx, Into::Overwrite, &upstream, &w, inputs);
        backward_weight(&mut dw, &upstream, &x, inputs);
        backward_bias(&mut db, &upstream);
        assert_gradient("x", &x, &dx, |x| loss(x, &w, &b));
        assert_gradient("weight", &w, &dw, |w| loss(&x, w, &b));
        assert_gradient("bias", &b, &db, |b| loss(&x, &w, b));
    }

    #[test]
    fn adapter_backward_matches_central_differences() {
        let (rows, inputs, width, first, outputs, rank) = (4, 5, 7, 2, 3, 2);
        let (x, a, b) = (noise(15, rows * inputs), noise(16, rank * inputs), noise(17, outputs * rank));
        let upstream = noise(18, rows * width);
        let loss = |x: &[f64], a: &[f64], b: &[f64]| {
            let mut y = vec![0.0; rows * width];
            let mut low = vec![0.0; rows * rank];
            Adapter { a, b, rank, first, scale: 1.5 }.forward(&mut y, width, x, inputs, &mut low);
            dot(&y, &upstream)
        };
        let (mut da, mut db, mut dx) = (vec![0.0; a.len()], vec![0.0; b.len()], vec![0.0; x.len()]);
        let (mut low, mut d_low) = (vec![0.0; rows * rank], vec![0.0; rows * rank]);
        Adapter { a: &a, b: &b, rank, first, scale: 1.5 }.backward(
            &mut da,
            &mut db,
            Some(&mut dx),
            &upstream,
            width,
            &x,
            inputs,
            &mut low,
            &mut d_low,
        );
        assert_gradient("x", &x, &dx, |x| loss(x, &a, &b));
        assert_gradient("a", &a, &da, |a| loss(&x, a, &b));
        assert_gradient("b", &b, &db, |b| loss(&x, &a, b));
    }

    #[test]
    #[should_panic(expected = "matrix exceeds its data")]
    fn a_matrix_cannot_exceed_its_data() {
        let _ = Mat::strided(&[0.0_f32; 10], 3, 4, 4);
    }
}
