//! Weights in the order in which sampling reads them.
//!
//! A matrix `W` (outputs × inputs) is cut into panels of 32 outputs; a panel stores, for each input, its 32 weights
//! side by side. A product of a few rows with a panel then streams through memory once, keeps its sums in
//! registers, and adds up over the inputs in order, so that a row's result does not depend on its neighbours.

use crate::config::Config;
use crate::model::Model;
use crate::ops::attention::Heads;

/// Outputs of a panel: two 512-bit vectors of `f32`.
const PANEL: usize = 32;
/// Rows that share one walk through a panel.
const ROWS: usize = 8;

/// A matrix in panels.
#[derive(Debug)]
pub struct Matrix {
    inputs: usize,
    outputs: usize,
    panels: Vec<f32>,
}

impl Matrix {
    fn new(weight: &[f32], inputs: usize) -> Matrix {
        let outputs = weight.len() / inputs;
        let mut panels = vec![0.0; outputs.div_ceil(PANEL) * inputs * PANEL];
        for (output, row) in weight.chunks_exact(inputs).enumerate() {
            let panel = &mut panels[output / PANEL * inputs * PANEL..][..inputs * PANEL];
            for (column, value) in panel.chunks_exact_mut(PANEL).zip(row) {
                column[output % PANEL] = *value;
            }
        }
        Matrix { inputs, outputs, panels }
    }

    /// `y = x·Wᵀ (+ b)`, rows of `inputs` and `outputs`.
    pub fn multiply(&self, y: &mut [f32], x: &[f32], bias: Option<&[f32]>) {
        for (p, panel) in self.panels.chunks_exact(self.inputs * PANEL).enumerate() {
            let first = p * PANEL;
            let used = PANEL.min(self.outputs - first);
            let mut start = [0.0; PANEL];
            if let Some(bias) = bias {
                start[..used].copy_from_slice(&bias[first..first + used]);
            }
            let rows = x.chunks(self.inputs * ROWS).zip(y.chunks_mut(self.outputs * ROWS));
            for (x, y) in rows {
                let count = x.len() / self.inputs;
                let mut sums = [start; ROWS];
                accumulate(&mut sums, x, panel, self.inputs, count);
                for (y, sums) in y.chunks_exact_mut(self.outputs).zip(&sums) {
                    y[first..first + used].copy_from_slice(&sums[..used]);
                }
            }
        }
    }
}

/// `sums[r][j] += Σ_k x[r][k]·panel[k][j]` for the first `count` rows.
#[inline]
fn accumulate(sums: &mut [[f32; PANEL]; ROWS], x: &[f32], panel: &[f32], inputs: usize, count: usize) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the feature was just detected; the kernel checks its slices.
        unsafe {
            match count {
                8 => avx512::accumulate::<8>(sums, x, panel, inputs),
                7 => avx512::accumulate::<7>(sums, x, panel, inputs),
                6 => avx512::accumulate::<6>(sums, x, panel, inputs),
                5 => avx512::accumulate::<5>(sums, x, panel, inputs),
                4 => avx512::accumulate::<4>(sums, x, panel, inputs),
                3 => avx512::accumulate::<3>(sums, x, panel, inputs),
                2 => avx512::accumulate::<2>(sums, x, panel, inputs),
                _ => avx512::accumulate::<1>(sums, x, panel, inputs),
            }
        }
        return;
    }
    crate::real::vectorized(
        #[inline(always)]
        || {
            for (sums, x) in sums.iter_mut().zip(x.chunks_exact(inputs)).take(count) {
                for (x, column) in x.iter().zip(panel.as_chunks::<PANEL>().0) {
                    for (sum, w) in sums.iter_mut().zip(column) {
                        *sum = x.mul_add(*w, *sum);
                    }
                }
            }
        },
    );
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{PANEL, ROWS};
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps};

    /// `N` rows against one panel, all sums in registers.
    ///
    /// # Safety
    /// The machine has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn accumulate<const N: usize>(
        sums: &mut [[f32; PANEL]; ROWS],
        x: &[f32],
        panel: &[f32],
        inputs: usize,
    ) {
        assert!(N <= ROWS && x.len() >= N * inputs && panel.len() >= inputs * PANEL);
        // SAFETY: the assertion above bounds every address below.
        unsafe {
            let mut low = [_mm512_set1_ps(0.0); N];
            let mut high = [_mm512_set1_ps(0.0); N];
            for r in 0..N {
                low[r] = _mm512_loadu_ps(sums[r].as_ptr());
                high[r] = _mm512_loadu_ps(sums[r].as_ptr().add(16));
            }
            let (x, panel) = (x.as_ptr(), panel.as_ptr());
            for k in 0..inputs {
                let left = _mm512_loadu_ps(panel.add(k * PANEL));
                let right = _mm512_loadu_ps(panel.add(k * PANEL + 16));
                for r in 0..N {
                    let value = _mm512_set1_ps(*x.add(r * inputs + k));
                    low[r] = _mm512_fmadd_ps(value, left, low[r]);
                    high[r] = _mm512_fmadd_ps(value, right, high[r]);
                }
            }
            for r in 0..N {
                _mm512_storeu_ps(sums[r].as_mut_ptr(), low[r]);
                _mm512_storeu_ps(sums[r].as_mut_ptr().add(16), high[r]);
            }
        }
    }
}

/// A block's weights.
#[derive(Debug)]
pub(super) struct Block {
    pub input_norm: Vec<f32>,
    pub qkv: Matrix,
    pub qkv_bias: Option<Vec<f32>>,
    /// The weights of the norms of query and key heads, side by side.
    pub head_norms: Option<Vec<f32>>,
    pub output: Matrix,
    pub output_bias: Option<Vec<f32>>,
    pub post_norm: Vec<f32>,
    pub gate_up: Matrix,
    pub gate_up_bias: Option<Vec<f32>>,
    pub down: Matrix,
    pub down_bias: Option<Vec<f32>>,
}

/// A model made ready for sampling: a snapshot, adapters merged.
#[derive(Debug)]
pub struct Packed {
    pub(super) config: Config,
    pub(super) heads: Heads,
    pub(super) embedding: Vec<f32>,
    pub(super) blocks: Vec<Block>,
    pub(super) norm: Vec<f32>,
    pub(super) head: Matrix,
}

impl Packed {
    /// Packs a model's weights.
    #[must_use]
    pub fn new(model: &Model) -> Packed {
        if model.lora.is_some() {
            let mut merged = model.clone();
            merged.merge_lora();
            return Packed::new(&merged);
        }
        let config = &model.config;
        let (hidden, ffn) = (config.hidden_size, config.intermediate_size);
        let at = |range: &std::ops::Range<usize>| &model.weights[range.clone()];
        let bias = |range: &Option<std::ops::Range<usize>>| range.as_ref().map(|range| at(range).to_vec());
        let blocks = model.layout.blocks.iter().map(|block| Block {
            input_norm: at(&block.input_norm).to_vec(),
            qkv: Matrix::new(at(&block.qkv), hidden),
            qkv_bias: bias(&block.qkv_bias),
            head_norms: block
                .head_norms
                .as_ref()
                .map(|(queries, keys)| at(&(queries.start..keys.end)).to_vec()),
            output: Matrix::new(at(&block.output), config.heads * config.head_dim()),
            output_bias: bias(&block.output_bias),
            post_norm: at(&block.post_norm).to_vec(),
            gate_up: Matrix::new(at(&block.gate_up), hidden),
            gate_up_bias: bias(&block.gate_up_bias),
            down: Matrix::new(at(&block.down), ffn),
            down_bias: bias(&block.down_bias),
        });
        Packed {
            config: config.clone(),
            heads: model.heads(),
            embedding: at(&model.layout.embedding).to_vec(),
            blocks: blocks.collect(),
            norm: at(&model.layout.norm).to_vec(),
            head: Matrix::new(model.head(), hidden),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;
    use tracelift_domain::Seed;

    #[test]
    fn a_product_is_right_and_the_same_in_any_company() {
        let (rows, inputs, outputs) = (19, 21, 75);
        let mut rng = Seed(1).rng();
        let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (x, w, b) = (draw(rows * inputs), draw(outputs * inputs), draw(outputs));
        let matrix = Matrix::new(&w, inputs);
        let mut together = vec![0.0; rows * outputs];
        matrix.multiply(&mut together, &x, Some(&b));
        for row in 0..rows {
            let mut alone = vec![0.0; outputs];
            matrix.multiply(&mut alone, &x[row * inputs..][..inputs], Some(&b));
            assert_eq!(alone, together[row * outputs..][..outputs], "row {row} depends on its company");
            for output in 0..outputs {
                let exact: f64 = (0..inputs)
                    .map(|k| f64::from(x[row * inputs + k]) * f64::from(w[output * inputs + k]))
                    .sum::<f64>()
                    + f64::from(b[output]);
                assert!((f64::from(alone[output]) - exact).abs() < 1e-5);
            }
        }
    }
}
