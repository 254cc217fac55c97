//! Products in 8 bits: both sides are whole numbers from −127 to 127 in groups of 64 inputs, with a scale for each group.
//!
//! `y_j = Σ_g s(x, g)·s(W_j, g)·Σ_{k ∈ g} q(x)_k·q(W_j)_k`, where a group's scale is its largest magnitude over 127, and `q` is the
//! nearest whole number of scales. The inner sums are exact; the outer one adds up in `f32`, group by group, so that a row's result
//! does not depend on its company, nor on the machine. A scale for a whole row would be cheaper, but language models have a few
//! channels a hundred times as large as the others, and all else of their row would be rounded away.

use super::kernel::{Ahead, PANEL, ROWS, Sums};
use crate::shared::Shared;
use rayon::prelude::*;
use std::ops::Range;

/// Inputs that share a scale.
const GROUP: usize = 64;
/// Inputs whose products are added at once.
const QUAD: usize = 4;
/// Weights of a group in a panel.
const BLOCK: usize = GROUP * PANEL;
/// What is added to a weight where it is stored: the instruction takes one side without signs.
const ZERO: u8 = 128;
/// The largest magnitude.
const LARGEST: f32 = 127.0;

/// Weights of panels. The last group is filled up with zeros.
#[derive(Debug)]
pub struct Panels {
    groups: usize,
    /// `[panel][group][input / 4][output][input % 4]`
    weights: Vec<u8>,
    /// `[panel][group][output]`
    scales: Vec<f32>,
}

/// Rows on their way into a product.
#[derive(Debug, Default)]
pub struct Rows {
    groups: usize,
    /// `[row][group][input]`
    values: Vec<i8>,
    /// `[row][group]`
    scales: Vec<f32>,
    /// What the sums of a group begin with, `−128·Σ q(x)`: it takes [`ZERO`] out of them.
    starts: Vec<i32>,
}

/// The scale of a group, and one over it. A group with something in it that is not finite has a scale that is not: neither are its
/// sums then.
#[inline(always)]
fn scale(group: &[f32]) -> (f32, f32) {
    // The bits of magnitudes are in the order of magnitudes, and those of NaN are above all.
    let largest = group.iter().fold(0, |largest, x| (x.to_bits() & 0x7fff_ffff).max(largest));
    let scale = f32::from_bits(largest) / LARGEST;
    (scale, if scale > 0.0 { 1.0 / scale } else { 0.0 })
}

/// The nearest whole number of scales. What is not finite has none, and its scale says so.
#[inline(always)]
fn nearest(x: f32, inverse: f32) -> i8 {
    (x * inverse).round_ties_even().clamp(-LARGEST, LARGEST) as i8
}

impl Panels {
    /// Packs so many panels; `copy(panel, column, row)` fills in the weights of an output.
    pub fn pack(inputs: usize, count: usize, copy: impl Fn(usize, usize, &mut [f32]) + Sync) -> Panels {
        let groups = inputs.div_ceil(GROUP);
        let (mut weights, mut scales) =
            (crate::pages::zeros(count * groups * BLOCK), crate::pages::zeros(count * groups * PANEL));
        let panels = weights.par_chunks_exact_mut(groups * BLOCK);
        panels.zip(scales.par_chunks_exact_mut(groups * PANEL)).enumerate().for_each(
            |(p, (weights, scales))| {
                let mut row = vec![0.0; groups * GROUP];
                for column in 0..PANEL {
                    copy(p, column, &mut row[..inputs]);
                    for (g, group) in row.chunks_exact(GROUP).enumerate() {
                        let (scale, inverse) = scale(group);
                        scales[g * PANEL + column] = scale;
                        for (k, weight) in group.iter().enumerate() {
                            let at = g * BLOCK + (k / QUAD * PANEL + column) * QUAD + k % QUAD;
                            weights[at] = ZERO.wrapping_add_signed(nearest(*weight, inverse));
                        }
                    }
                }
            },
        );
        Panels { groups, weights, scales }
    }

    /// Copies what the weights of an output have become.
    pub fn copy_output(&self, p: usize, column: usize, row: &mut [f32]) {
        for (k, value) in row.iter_mut().enumerate() {
            let block = p * self.groups + k / GROUP;
            let weight = self.weights[block * BLOCK + (k % GROUP / QUAD * PANEL + column) * QUAD + k % QUAD];
            *value = f32::from(weight.wrapping_sub(ZERO).cast_signed()) * self.scales[block * PANEL + column];
        }
    }

    /// Adds the products of a few rows with a panel. Memory of the next one is asked for meanwhile: all of it beside the only block
    /// of rows, half beside each of the first two.
    pub fn add(&self, sums: &mut Sums, x: &Rows, rows: Range<usize>, p: usize, next: &[u8]) {
        let (groups, count) = (self.groups, rows.len());
        assert_eq!(x.groups, groups, "rows of another width than the matrix takes");
        let values = &x.values[rows.start * groups * GROUP..rows.end * groups * GROUP];
        let scales = &x.scales[rows.start * groups..rows.end * groups];
        let starts = &x.starts[rows.start * groups..rows.end * groups];
        let panel = &self.weights[p * groups * BLOCK..][..groups * BLOCK];
        let panel_scales = &self.scales[p * groups * PANEL..][..groups * PANEL];
        assert!((1..=ROWS).contains(&count));
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512vnni")
        {
            let next = Ahead::of(next, groups * GROUP / QUAD);
            // SAFETY: the features were just detected; the slices above hold `count` rows, and a panel, of `groups` groups.
            unsafe {
                super::kernel::for_rows!(count, add(sums, values, scales, starts, panel, panel_scales, next));
            }
            return;
        }
        let _ = (next, starts);
        crate::real::vectorized(
            #[inline(always)]
            || {
                let rows = values.chunks_exact(groups * GROUP).zip(scales.chunks_exact(groups));
                for (sums, (values, scales)) in sums.iter_mut().zip(rows) {
                    for (g, values) in values.as_chunks::<GROUP>().0.iter().enumerate() {
                        let mut products = [0_i32; PANEL];
                        let quads = panel[g * BLOCK..][..BLOCK].as_chunks::<{ QUAD * PANEL }>().0;
                        for (values, quad) in values.as_chunks::<QUAD>().0.iter().zip(quads) {
                            for (product, weights) in products.iter_mut().zip(quad.as_chunks::<QUAD>().0) {
                                for (value, weight) in values.iter().zip(weights) {
                                    *product += i32::from(*value) * (i32::from(*weight) - i32::from(ZERO));
                                }
                            }
                        }
                        let panel_scales = &panel_scales[g * PANEL..][..PANEL];
                        for ((sum, product), scale) in sums.iter_mut().zip(products).zip(panel_scales) {
                            *sum = (product as f32).mul_add(scales[g] * scale, *sum);
                        }
                    }
                }
            },
        );
    }

    /// The weights of a panel as they lie in memory; none after the last.
    pub fn panel(&self, p: usize) -> &[u8] {
        self.weights.get(p * self.groups * BLOCK..(p + 1) * self.groups * BLOCK).unwrap_or_default()
    }
}

impl Rows {
    /// Room for `rows` of `width`.
    pub fn new(rows: usize, width: usize) -> Rows {
        let groups = width.div_ceil(GROUP);
        Rows {
            groups,
            values: vec![0; rows * groups * GROUP],
            scales: vec![0.0; rows * groups],
            starts: vec![0; rows * groups],
        }
    }

    /// To be filled by several tasks.
    pub fn writer(&mut self) -> RowsWriter<'_> {
        RowsWriter {
            groups: self.groups,
            values: Shared::new(&mut self.values),
            scales: Shared::new(&mut self.scales),
            starts: Shared::new(&mut self.starts),
        }
    }
}

/// Fills [`Rows`], each task its own.
pub struct RowsWriter<'a> {
    groups: usize,
    values: Shared<'a, i8>,
    scales: Shared<'a, f32>,
    starts: Shared<'a, i32>,
}

impl RowsWriter<'_> {
    /// Rounds a row to whole numbers of its groups' scales.
    ///
    /// # Safety
    /// No other task writes this row while this runs.
    pub unsafe fn put(&self, row: usize, x: &[f32]) {
        let groups = self.groups;
        assert!(x.len() <= groups * GROUP && x.len() + GROUP > groups * GROUP, "a row of another width");
        // SAFETY: by the caller's contract.
        let (values, scales, starts) = unsafe {
            (
                self.values.part(row * groups * GROUP, groups * GROUP),
                self.scales.part(row * groups, groups),
                self.starts.part(row * groups, groups),
            )
        };
        crate::real::vectorized(
            #[inline(always)]
            || {
                for (g, x) in x.chunks(GROUP).enumerate() {
                    let inverse;
                    (scales[g], inverse) = scale(x);
                    let mut sum = 0;
                    // What lies behind the end of a row stays the zero that it began as.
                    for (value, x) in values[g * GROUP..].iter_mut().zip(x) {
                        *value = nearest(*x, inverse);
                        sum += i32::from(*value);
                    }
                    starts[g] = -i32::from(ZERO) * sum;
                }
            },
        );
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Ahead, BLOCK, GROUP, PANEL, QUAD, Sums};
    use std::arch::x86_64::{
        _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
        _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_ps,
    };

    /// `N` rows against one panel; the sums of a group are in registers.
    ///
    /// # Safety
    /// The machine has AVX-512F and AVX512-VNNI. `scales` and `starts` hold a number for each group of each of the `N` rows, `values` a
    /// group of them; `panel` holds a block and `panel_scales` `PANEL` numbers for each group of a row.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub unsafe fn add<const N: usize>(
        sums: &mut Sums,
        values: &[i8],
        scales: &[f32],
        starts: &[i32],
        panel: &[u8],
        panel_scales: &[f32],
        next: Ahead,
    ) {
        let groups = panel.len() / BLOCK;
        // SAFETY: the caller's contract bounds every address below.
        unsafe {
            for g in 0..groups {
                let mut low = [_mm512_setzero_si512(); N];
                let mut high = [_mm512_setzero_si512(); N];
                for r in 0..N {
                    low[r] = _mm512_set1_epi32(*starts.as_ptr().add(r * groups + g));
                    high[r] = low[r];
                }
                let (values, panel) = (values.as_ptr().add(g * GROUP), panel.as_ptr().add(g * BLOCK));
                for k in 0..GROUP / QUAD {
                    next.fetch(g * (GROUP / QUAD) + k);
                    let left = _mm512_loadu_si512(panel.add(k * QUAD * PANEL).cast());
                    let right = _mm512_loadu_si512(panel.add(k * QUAD * PANEL + 64).cast());
                    for r in 0..N {
                        let quad = values.add(r * groups * GROUP + k * QUAD).cast::<i32>().read_unaligned();
                        let quad = _mm512_set1_epi32(quad);
                        low[r] = _mm512_dpbusd_epi32(low[r], left, quad);
                        high[r] = _mm512_dpbusd_epi32(high[r], right, quad);
                    }
                }
                let panel_scales = panel_scales.as_ptr().add(g * PANEL);
                let (left, right) = (_mm512_loadu_ps(panel_scales), _mm512_loadu_ps(panel_scales.add(16)));
                for r in 0..N {
                    let scale = _mm512_set1_ps(*scales.as_ptr().add(r * groups + g));
                    let sums = sums[r].as_mut_ptr();
                    let add = |products, scales, sums| {
                        let product = _mm512_cvtepi32_ps(products);
                        _mm512_fmadd_ps(product, _mm512_mul_ps(scale, scales), _mm512_loadu_ps(sums))
                    };
                    _mm512_storeu_ps(sums, add(low[r], left, sums));
                    _mm512_storeu_ps(sums.add(16), add(high[r], right, sums.add(16)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;
    use tracelift_domain::Seed;

    /// `x·Wᵀ` of rows against one panel, in their company or alone.
    fn products(x: &[f32], w: &[f32], inputs: usize, together: bool) -> Vec<[f32; PANEL]> {
        let panels = Panels::pack(inputs, 1, |_, column, row| {
            row.copy_from_slice(&w[column * inputs..][..inputs]);
        });
        let count = x.len() / inputs;
        let mut rows = Rows::new(count, inputs);
        let writer = rows.writer();
        for (row, x) in x.chunks_exact(inputs).enumerate() {
            // SAFETY: one task.
            unsafe { writer.put(row, x) };
        }
        let mut found = Vec::new();
        let size = if together { ROWS } else { 1 };
        for first in (0..count).step_by(size) {
            let block = first..count.min(first + size);
            let mut sums = [[0.0; PANEL]; ROWS];
            panels.add(&mut sums, &rows, block.clone(), 0, &[]);
            found.extend_from_slice(&sums[..block.len()]);
        }
        found
    }

    /// The formula at the top of this file, by its letter.
    fn expected(x: &[f32], w: &[f32]) -> f32 {
        let whole = |group: &[f32]| {
            let scale = group.iter().fold(0.0_f32, |largest, x| largest.max(x.abs())) / 127.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            (scale, group.iter().map(|x| (x * inverse).round_ties_even() as i64).collect::<Vec<_>>())
        };
        x.chunks(GROUP).zip(w.chunks(GROUP)).fold(0.0, |sum, (x, w)| {
            let ((x_scale, x), (w_scale, w)) = (whole(x), whole(w));
            let product: i64 = x.iter().zip(&w).map(|(x, w)| x * w).sum();
            (product as f32).mul_add(x_scale * w_scale, sum)
        })
    }

    #[test]
    fn products_follow_the_formula_to_the_last_bit_in_any_company() {
        for inputs in [1, 3, 64, 65, 200] {
            let mut rng = Seed(3).child("inputs", inputs as u64).rng();
            let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-2.0..2.0)).collect::<Vec<f32>>();
            let (x, w) = (draw(19 * inputs), draw(PANEL * inputs));
            let together = products(&x, &w, inputs, true);
            assert_eq!(
                products(&x, &w, inputs, false),
                together,
                "{inputs} inputs: rows depend on their company"
            );
            for (x, sums) in x.chunks_exact(inputs).zip(&together) {
                for (w, sum) in w.chunks_exact(inputs).zip(sums) {
                    assert_eq!(*sum, expected(x, w), "{inputs} inputs");
                }
            }
        }
    }

    #[test]
    fn one_large_channel_rounds_nothing_away_outside_of_its_group() {
        let inputs = 4 * GROUP;
        let mut rng = Seed(5).rng();
        let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (mut x, mut w) = (draw(inputs), draw(PANEL * inputs));
        x[7] = 1000.0;
        w.chunks_exact_mut(inputs).for_each(|w| w[..GROUP].fill(0.0));
        for (sum, w) in products(&x, &w, inputs, true)[0].iter().zip(w.chunks_exact(inputs)) {
            let exact: f32 = x.iter().zip(w).map(|(x, w)| x * w).sum();
            assert!((sum - exact).abs() < 0.2, "{sum} instead of {exact}");
        }
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = vec![0.5; 3 * 100];
            x[100 + 70] = odd;
            let found = products(&x, &vec![1.0; PANEL * 100], 100, true);
            assert!(found[1].iter().all(|sum| !sum.is_finite()), "{odd} became {:?}", found[1]);
            assert!(
                found[0].iter().chain(&found[2]).all(|sum| sum.is_finite()),
                "{odd} reached its neighbours"
            );
        }
    }

    proptest! {
        #[test]
        fn a_weight_comes_back_within_half_a_scale(weights in proptest::collection::vec(-1e3_f32..1e3, 1..200)) {
            let panels = Panels::pack(weights.len(), 1, |_, column, row| {
                row.copy_from_slice(&weights);
                row.iter_mut().for_each(|w| *w *= (column + 1) as f32);
            });
            let mut row = vec![0.0; weights.len()];
            panels.copy_output(0, 2, &mut row);
            for (found, weights) in row.chunks(GROUP).zip(weights.chunks(GROUP)) {
                let largest = weights.iter().fold(0.0_f32, |largest, w| largest.max((3.0 * w).abs()));
                for (found, w) in found.iter().zip(weights) {
                    prop_assert!((found - 3.0 * w).abs() <= largest / 253.9, "{found} for {}", 3.0 * w);
                }
            }
        }
    }
}
