//! Weights in the order in which sampling reads them.
//!
//! A matrix `W` (outputs × inputs) is cut into panels of 32 outputs; a panel stores, for each input, its 32 weights
//! side by side. A product of a few rows with a panel then streams through memory once, keeps its sums in
//! registers, and adds up over the inputs in order, so that a row's result does not depend on its neighbours.
//! Threads split the panels: each weight is read once for all rows of a step.

use super::int8;
use super::kernel::{self, PANEL, ROWS, Sums};
use super::team::Team;
use crate::config::Config;
use crate::model::{Model, Site};
use crate::ops::attention::Heads;
use crate::ops::linear::Adapter;
use crate::pages;
use crate::shared::Shared;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// The numbers in which products are computed: `f32`, `bf16` or `int8`. Norms, attention and choices are `f32` in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// 32 bits: what the trainer computes. A matrix whose weights all are bf16, as those of most published models, is kept
    /// in 16 bits and multiplied as what it is: half the memory and traffic, and the same results to the last bit.
    #[default]
    F32,
    /// 16 bits (bf16) on both sides of a product. Fast on CPUs whose AVX512-BF16 is; correct, but slower than `F32`, on
    /// others.
    Bf16,
    /// 8 bits on both sides of a product: whole numbers with a scale for each 64 inputs of an output and of a row. A quarter of
    /// the memory of `F32`, and several times as fast on CPUs with AVX512-VNNI; another model by a little. Adapters beside the
    /// weights are multiplied in `F32`.
    Int8,
}

impl Numbers {
    /// Whether it is what is taken where nothing is said: left out of what is written, so that what is older than the choice stays the
    /// same.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Numbers::default()
    }
}

#[derive(Debug)]
enum Panels {
    /// `[panel][input][output]`
    F32(Vec<f32>),
    /// `[panel][input / 2][output][input % 2]`
    Bf16(Vec<u16>),
    Int8(int8::Panels),
}

impl Panels {
    /// Packs the rows of so many panels; with the inputs as they are stored.
    fn pack<'w>(
        numbers: Numbers,
        inputs: usize,
        count: usize,
        weight: &[f32],
        rows: impl Fn(usize) -> [&'w [f32]; PANEL] + Sync,
    ) -> (usize, Panels) {
        let narrow = numbers == Numbers::F32 && are_kept_narrow(weight, inputs);
        match if narrow { Numbers::Bf16 } else { numbers } {
            Numbers::F32 => {
                let mut panels = pages::zeros(count * inputs * PANEL);
                panels.par_chunks_exact_mut(inputs * PANEL).enumerate().for_each(|(p, panel)| {
                    let rows = rows(p);
                    for (k, column) in panel.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
                        for (value, row) in column.iter_mut().zip(&rows) {
                            *value = row[k];
                        }
                    }
                });
                (inputs, Panels::F32(panels))
            }
            Numbers::Bf16 => {
                let even = inputs.next_multiple_of(2);
                let mut panels = pages::zeros(count * even * PANEL);
                panels.par_chunks_exact_mut(even * PANEL).enumerate().for_each(|(p, panel)| {
                    let rows = rows(p);
                    for (k, pairs) in panel.as_chunks_mut::<{ 2 * PANEL }>().0.iter_mut().enumerate() {
                        for (pair, row) in pairs.as_chunks_mut::<2>().0.iter_mut().zip(&rows) {
                            pair[0] = kernel::round(row[2 * k]);
                            pair[1] = row.get(2 * k + 1).map_or(0, |value| kernel::round(*value));
                        }
                    }
                });
                (even, Panels::Bf16(panels))
            }
            Numbers::Int8 => {
                let copy = |p: usize, column: usize, row: &mut [f32]| row.copy_from_slice(rows(p)[column]);
                (inputs, Panels::Int8(int8::Panels::pack(inputs, count, copy)))
            }
        }
    }

    /// Copies the weights of a column of a panel.
    fn copy_column(&self, inputs: usize, p: usize, column: usize, row: &mut [f32]) {
        match self {
            Panels::F32(panels) => {
                let panel = panels[p * inputs * PANEL..][..inputs * PANEL].as_chunks::<PANEL>().0;
                for (value, weights) in row.iter_mut().zip(panel) {
                    *value = weights[column];
                }
            }
            Panels::Bf16(panels) => {
                let panel = panels[p * inputs * PANEL..][..inputs * PANEL].as_chunks::<{ 2 * PANEL }>().0;
                for (values, weights) in row.chunks_mut(2).zip(panel) {
                    for (value, weight) in values.iter_mut().zip(&weights[2 * column..]) {
                        *value = kernel::widen(*weight);
                    }
                }
            }
            Panels::Int8(panels) => panels.copy_output(p, column, row),
        }
    }
}

/// Which outputs the columns of panels are.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// One after another.
    Plain,
    /// Those of gate and of up, one above the other in the weights: a panel holds 16 of each, `[gate | up]`.
    GateUp,
}

/// A matrix in panels. Clones share them.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Inputs as they are stored: in bf16 an odd number has a zero behind it.
    inputs: usize,
    outputs: usize,
    order: Order,
    panels: Arc<Panels>,
    /// Of every column of every panel; empty where there is none.
    bias: Arc<[f32]>,
    low_rank: Option<LowRank>,
}

/// What adapters add to a product: `(x·Aᵀ)·(s·B)ᵀ`, with the rows of all `A`s of a place one above the other.
#[derive(Clone, Debug)]
struct LowRank {
    /// Inputs to ranks.
    down: Arc<Matrix>,
    /// Ranks to outputs, in the panels of the matrix that it is beside.
    up: Arc<Matrix>,
}

/// Rows on their way into a product.
pub struct Activations {
    width: usize,
    wide: Vec<f32>,
    narrow: Vec<u16>,
    /// What `wide` is rounded to before each product in 8 bits.
    whole: int8::Rows,
}

impl Activations {
    /// Room for `rows` of `width`.
    pub fn new(numbers: Numbers, rows: usize, width: usize) -> Activations {
        let (mut wide, mut narrow, mut whole) = (Vec::new(), Vec::new(), int8::Rows::default());
        let width = if numbers == Numbers::Bf16 { width.next_multiple_of(2) } else { width };
        match numbers {
            Numbers::F32 => wide = vec![0.0; rows * width],
            Numbers::Bf16 => narrow = vec![0; rows * width],
            Numbers::Int8 => {
                wide = vec![0.0; rows * width];
                whole = int8::Rows::new(rows, width);
            }
        }
        Activations { width, wide, narrow, whole }
    }

    /// Rounds the first rows for a product in 8 bits.
    fn round(&mut self, team: &Team<'_>, rows: usize) {
        let (width, wide, whole) = (self.width, &self.wide, self.whole.writer());
        team.run(rows, |_, run| {
            for row in run {
                // SAFETY: a row is one task's.
                unsafe { whole.put(row, &wide[row * width..][..width]) };
            }
        });
    }

    /// Rows of so many elements from now on; what they hold is lost.
    fn become_wide(&mut self, width: usize) {
        self.width = width;
    }

    /// To be filled by several tasks.
    pub fn writer(&mut self) -> ActivationsWriter<'_> {
        ActivationsWriter {
            width: self.width,
            wide: Shared::new(&mut self.wide),
            narrow: Shared::new(&mut self.narrow),
        }
    }
}

/// Fills [`Activations`], each task its own elements.
pub struct ActivationsWriter<'a> {
    width: usize,
    wide: Shared<'a, f32>,
    narrow: Shared<'a, u16>,
}

impl ActivationsWriter<'_> {
    /// Writes `values` into a row from `column` on, in the numbers of the product.
    ///
    /// # Safety
    /// No other task writes these elements while this runs.
    #[inline(always)]
    pub unsafe fn put(&self, row: usize, column: usize, values: &[f32]) {
        assert!(column + values.len() <= self.width, "values reach over the row's end");
        let at = row * self.width + column;
        // SAFETY: by the caller's contract.
        unsafe {
            if self.wide.is_empty() {
                let narrow = self.narrow.part(at, values.len());
                for (narrow, value) in narrow.iter_mut().zip(values) {
                    *narrow = kernel::round(*value);
                }
            } else {
                self.wide.part(at, values.len()).copy_from_slice(values);
            }
        }
    }
}

impl Order {
    /// Panels of so many outputs.
    fn panels(self, outputs: usize) -> usize {
        match self {
            Order::Plain => outputs.div_ceil(PANEL),
            Order::GateUp => (outputs / 2).div_ceil(HALF),
        }
    }

    /// The output that a column of a panel is.
    fn place(self, outputs: usize, panel: usize, column: usize) -> Option<usize> {
        match self {
            Order::Plain => Some(panel * PANEL + column).filter(|output| *output < outputs),
            Order::GateUp => {
                let (output, width) = (panel * HALF + column % HALF, outputs / 2);
                (output < width).then_some(output + column / HALF * width)
            }
        }
    }
}

impl Matrix {
    fn new(numbers: Numbers, weight: &[f32], bias: Option<&[f32]>, inputs: usize) -> Matrix {
        Matrix::in_order(Order::Plain, numbers, weight, bias, inputs)
    }

    fn in_order(
        order: Order,
        numbers: Numbers,
        weight: &[f32],
        bias: Option<&[f32]>,
        inputs: usize,
    ) -> Matrix {
        let outputs = weight.len() / inputs;
        let count = order.panels(outputs);
        let place = |panel: usize, column: usize| order.place(outputs, panel, column);
        let nothing = vec![0.0; inputs];
        let rows = |panel: usize| -> [&[f32]; PANEL] {
            std::array::from_fn(|column| {
                place(panel, column).map_or(nothing.as_slice(), |output| &weight[output * inputs..][..inputs])
            })
        };
        let bias = bias.map_or(Vec::new(), |bias| {
            let columns = (0..count).flat_map(|panel| (0..PANEL).map(move |column| (panel, column)));
            columns.map(|(panel, column)| place(panel, column).map_or(0.0, |output| bias[output])).collect()
        });
        let (inputs, panels) = Panels::pack(numbers, inputs, count, weight, rows);
        Matrix { inputs, outputs, order, panels: Arc::new(panels), bias: bias.into(), low_rank: None }
    }

    /// Copies the weights of one output (of a matrix in plain order).
    pub fn output(&self, output: usize, row: &mut [f32]) {
        self.panels.copy_column(self.inputs, output / PANEL, output % PANEL, row);
    }

    /// Copies rows from the one that begins at element `first` of the weights on, as many as `out` has room for. `inputs` is
    /// even.
    pub fn copy_rows(&self, first: usize, out: &mut [f32]) {
        let inputs = self.inputs;
        assert!(first.is_multiple_of(inputs) && out.len().is_multiple_of(inputs), "whole rows are copied");
        let wanted = first / inputs..(first + out.len()) / inputs;
        let out = Shared::new(out);
        (0..self.order.panels(self.outputs)).into_par_iter().for_each(|p| {
            for column in 0..PANEL {
                let output = self.order.place(self.outputs, p, column);
                let Some(output) = output.filter(|output| wanted.contains(output)) else { continue };
                // SAFETY: an output is in one column of one panel.
                let row = unsafe { out.part((output - wanted.start) * inputs, inputs) };
                self.panels.copy_column(inputs, p, column, row);
            }
        });
    }

    /// The same matrix with its weights in 8 bits.
    fn in_int8(&self) -> Matrix {
        let (inputs, panels) = (self.inputs, &self.panels);
        let copy = |p: usize, column: usize, row: &mut [f32]| panels.copy_column(inputs, p, column, row);
        let panels = int8::Panels::pack(inputs, self.order.panels(self.outputs), copy);
        Matrix { panels: Arc::new(Panels::Int8(panels)), ..self.clone() }
    }

    /// Whether it is kept in 16 bits.
    #[cfg(test)]
    fn is_narrow(&self) -> bool {
        matches!(*self.panels, Panels::Bf16(_))
    }

    /// How many outputs a product has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The ranks of its adapters together.
    fn rank(&self) -> usize {
        self.low_rank.as_ref().map_or(0, |low_rank| low_rank.down.outputs)
    }

    /// The same matrix with adapters beside it: `a` and `b` as LoRA has them, of the outputs from `first` on.
    fn adapted(&self, numbers: Numbers, adapters: &[Adapter<'_, f32>]) -> Matrix {
        let ranks: usize = adapters.iter().map(|adapter| adapter.rank).sum();
        let down: Vec<f32> = adapters.iter().flat_map(|adapter| adapter.a).copied().collect();
        let (mut up, mut before) = (vec![0.0; self.outputs * ranks], 0);
        for Adapter { b, rank, first, scale, .. } in adapters {
            for (row, b) in up[first * ranks..].chunks_exact_mut(ranks).zip(b.chunks_exact(*rank)) {
                row[before..before + rank].iter_mut().zip(b).for_each(|(up, b)| *up = *scale * *b);
            }
            before += rank;
        }
        let low_rank = LowRank {
            down: Arc::new(Matrix::new(numbers, &down, None, self.inputs)),
            up: Arc::new(Matrix::in_order(self.order, numbers, &up, None, ranks)),
        };
        Matrix { low_rank: Some(low_rank), ..self.clone() }
    }

    /// `x·Wᵀ (+ b)` of the first `rows` rows, panel by panel: `each(row, panel, sums)` says where the results go. `low` is
    /// room for what adapters make of the rows.
    pub fn multiply(
        &self,
        team: &Team<'_>,
        x: &mut Activations,
        rows: usize,
        low: &mut Activations,
        each: impl Fn(usize, usize, &[f32; PANEL]) + Sync,
    ) {
        assert_eq!(x.width, self.inputs, "rows of another width than the matrix takes");
        if matches!(*self.panels, Panels::Int8(_)) {
            x.round(team, rows);
        }
        let x = &*x;
        let up = self.low_rank.as_ref().map(|LowRank { down, up }| {
            low.become_wide(up.inputs);
            down.multiply_by_rows(team, x, rows, low);
            &**up
        });
        let low = &*low;
        // As many rows in each block as in the next: a block of one row would leave the multipliers idle.
        let blocks = rows.div_ceil(ROWS);
        team.run(self.order.panels(self.outputs), |_, run| {
            for p in run {
                for block in 0..blocks {
                    let (first, end) = (block * rows / blocks, (block + 1) * rows / blocks);
                    let mut sums = self.start(p);
                    self.add(&mut sums, x, first..end, p, (block, blocks));
                    if let Some(up) = up {
                        up.add(&mut sums, low, first..end, p, (block, blocks));
                    }
                    for (row, sums) in (first..end).zip(&sums) {
                        each(row, p, sums);
                    }
                }
            }
        });
    }

    /// `y = x·Wᵀ` where outputs are few: it is rows that are split over the team.
    fn multiply_by_rows(&self, team: &Team<'_>, x: &Activations, rows: usize, y: &mut Activations) {
        let (width, y) = (y.width, y.writer());
        team.run(rows.div_ceil(ROWS), |_, run| {
            for block in run {
                let rows = block * ROWS..rows.min((block + 1) * ROWS);
                for p in 0..self.order.panels(self.outputs) {
                    let mut sums = self.start(p);
                    self.add(&mut sums, x, rows.clone(), p, (0, 1));
                    // What fills a row up, where numbers come in pairs, is zero.
                    let used = PANEL.min(width - p * PANEL);
                    for (row, sums) in rows.clone().zip(&sums) {
                        // SAFETY: a row is one task's.
                        unsafe { y.put(row, p * PANEL, &sums[..used]) };
                    }
                }
            }
        });
    }

    /// What sums of a panel begin with.
    fn start(&self, p: usize) -> Sums {
        let bias = self.bias.get(p * PANEL..).and_then(|bias| bias.first_chunk::<PANEL>());
        [bias.copied().unwrap_or([0.0; PANEL]); ROWS]
    }

    /// Adds the products of a few rows with a panel; `(block, blocks)` says which rows of all they are.
    fn add(
        &self,
        sums: &mut Sums,
        x: &Activations,
        rows: Range<usize>,
        p: usize,
        (block, blocks): (usize, usize),
    ) {
        let (size, inputs, count) = (self.inputs * PANEL, self.inputs, rows.len());
        let at = rows.start * inputs..rows.end * inputs;
        match &*self.panels {
            Panels::F32(panels) => {
                let next = next(panels, p, size, block, blocks);
                kernel::wide(sums, &x.wide[at], &panels[p * size..][..size], inputs, count, next);
            }
            Panels::Bf16(panels) if x.narrow.is_empty() => {
                let next = next(panels, p, size, block, blocks);
                kernel::mixed(sums, &x.wide[at], &panels[p * size..][..size], inputs, count, next);
            }
            Panels::Bf16(panels) => {
                kernel::narrow(sums, &x.narrow[at], &panels[p * size..][..size], inputs, count);
            }
            Panels::Int8(panels) => {
                panels.add(sums, &x.whole, rows, p, beside(panels.panel(p + 1), block, blocks));
            }
        }
    }
}

/// What is to be fetched of the panel after the `p`-th while one of the blocks of rows is multiplied.
fn next<T>(panels: &[T], p: usize, size: usize, block: usize, blocks: usize) -> &[T] {
    beside(panels.get((p + 1) * size..(p + 2) * size).unwrap_or_default(), block, blocks)
}

/// The part of a panel that is fetched beside a block of rows: all of it beside the only one, half beside each of the first two.
/// Later ones find it there.
fn beside<T>(panel: &[T], block: usize, blocks: usize) -> &[T] {
    let (first, second) = panel.split_at(panel.len() / 2);
    match (blocks, block) {
        (1, _) => panel,
        (_, 0) => first,
        (_, 1) => second,
        _ => &[],
    }
}

/// Whether a matrix is kept in 16 bits whatever it is multiplied in: its inputs come in pairs, and all its weights are bf16, with
/// zeros where an `f32` goes on.
pub(super) fn are_kept_narrow(weights: &[f32], inputs: usize) -> bool {
    const PIECE: usize = 1 << 16;
    let narrow = |piece: &[f32]| piece.iter().fold(0, |bits, weight| bits | weight.to_bits()) & 0xffff == 0;
    inputs.is_multiple_of(2) && weights.par_chunks(PIECE).all(narrow)
}

/// Outputs of gate, and as many of up, in a panel.
pub const HALF: usize = PANEL / 2;

/// A block's weights.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub input_norm: Vec<f32>,
    pub qkv: Matrix,
    /// The weights of the norms of query and key heads, side by side.
    pub head_norms: Option<Vec<f32>>,
    pub output: Matrix,
    pub post_norm: Vec<f32>,
    pub gate_up: Matrix,
    pub down: Matrix,
}

impl Block {
    /// The matrix of a place.
    pub fn matrix(&self, site: Site) -> &Matrix {
        match site {
            Site::Qkv => &self.qkv,
            Site::Output => &self.output,
            Site::GateUp => &self.gate_up,
            Site::Down => &self.down,
        }
    }
}

/// A model made ready for sampling: a snapshot. Clones share its matrices.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(super) numbers: Numbers,
    pub(super) config: Config,
    pub(super) heads: Heads,
    /// The table of tokens where it is not the head's.
    pub(super) embedding: Option<Matrix>,
    pub(super) blocks: Vec<Block>,
    pub(super) norm: Vec<f32>,
    pub(super) head: Matrix,
}

impl Packed {
    /// Packs a model's weights in `f32`.
    #[must_use]
    pub fn new(model: &Model) -> Packed {
        Packed::in_numbers(model, Numbers::F32)
    }

    /// Packs a model's weights in the given numbers.
    #[must_use]
    pub fn in_numbers(model: &Model, numbers: Numbers) -> Packed {
        if let Some(frozen) = &model.frozen {
            return frozen.packed(numbers).adapted(numbers, model);
        }
        let config = &model.config;
        let (hidden, ffn) = (config.hidden_size, config.intermediate_size);
        let at = |range: &Range<usize>| &model.weights[range.clone()];
        let bias = |range: &Option<Range<usize>>| range.as_ref().map(at);
        let mut scratch = Vec::new();
        let blocks = model.layout.blocks.iter().enumerate().map(|(layer, block)| {
            let mut plain = |site: Site, inputs: usize, range: &Option<Range<usize>>| {
                Matrix::new(numbers, model.merged(layer, site, &mut scratch), bias(range), inputs)
            };
            Block {
                input_norm: at(&block.input_norm).to_vec(),
                qkv: plain(Site::Qkv, hidden, &block.qkv_bias),
                head_norms: block
                    .head_norms
                    .as_ref()
                    .map(|(queries, keys)| at(&(queries.start..keys.end)).to_vec()),
                output: plain(Site::Output, model.heads().queries * model.heads().dim, &block.output_bias),
                post_norm: at(&block.post_norm).to_vec(),
                down: plain(Site::Down, ffn, &block.down_bias),
                gate_up: Matrix::in_order(
                    Order::GateUp,
                    numbers,
                    model.merged(layer, Site::GateUp, &mut scratch),
                    bias(&block.gate_up_bias),
                    hidden,
                ),
            }
        });
        Packed {
            numbers,
            config: config.clone(),
            heads: model.heads(),
            embedding: (!config.tied)
                .then(|| Matrix::new(numbers, at(&model.layout.embedding), None, hidden)),
            blocks: blocks.collect(),
            norm: at(&model.layout.norm).to_vec(),
            head: Matrix::new(numbers, model.head(), None, hidden),
        }
    }

    /// The same matrices, with a model's adapters beside them: merged into 16 bits, a small step of learning would be lost.
    fn adapted(&self, numbers: Numbers, model: &Model) -> Packed {
        let mut packed = Packed { numbers, ..self.clone() };
        let numbers = if numbers == Numbers::Int8 { Numbers::F32 } else { numbers };
        for (layer, block) in packed.blocks.iter_mut().enumerate() {
            let Block { qkv, output, gate_up, down, .. } = block;
            let sites =
                [(Site::Qkv, qkv), (Site::Output, output), (Site::GateUp, gate_up), (Site::Down, down)];
            for (site, matrix) in sites {
                let adapters = model.adapters(layer, site);
                if !adapters.is_empty() {
                    *matrix = matrix.adapted(numbers, &adapters);
                }
            }
        }
        packed
    }

    /// The same model with its weights in 8 bits.
    pub(super) fn in_int8(&self) -> Packed {
        let block = |block: &Block| Block {
            qkv: block.qkv.in_int8(),
            output: block.output.in_int8(),
            gate_up: block.gate_up.in_int8(),
            down: block.down.in_int8(),
            ..block.clone()
        };
        Packed {
            numbers: Numbers::Int8,
            embedding: self.embedding.as_ref().map(Matrix::in_int8),
            blocks: self.blocks.iter().map(block).collect(),
            head: self.head.in_int8(),
            ..self.clone()
        }
    }

    /// All matrices.
    pub(super) fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        let blocks = self.blocks.iter();
        let blocks = blocks.flat_map(|block| [&block.qkv, &block.output, &block.gate_up, &block.down]);
        self.embedding.iter().chain([&self.head]).chain(blocks)
    }

    /// The table of tokens.
    pub(super) fn table(&self) -> &Matrix {
        self.embedding.as_ref().unwrap_or(&self.head)
    }

    /// The most ranks that the adapters of one place have together.
    pub(super) fn largest_rank(&self) -> usize {
        self.matrices().map(Matrix::rank).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::team::with_team;
    use super::*;
    use rand::Rng;
    use tracelift_domain::Seed;

    /// `x·Wᵀ + b` through panels, by as many threads as are said.
    fn product(matrix: &Matrix, numbers: Numbers, x: &[f32], inputs: usize, threads: usize) -> Vec<f32> {
        let rows = x.len() / inputs;
        let mut activations = Activations::new(numbers, rows, inputs);
        let writer = activations.writer();
        for (row, x) in x.chunks_exact(inputs).enumerate() {
            // SAFETY: one task.
            unsafe { writer.put(row, 0, x) };
        }
        let mut y = vec![0.0; rows * matrix.outputs];
        let out = Shared::new(&mut y);
        with_team(threads, |team| {
            let mut low = Activations::new(numbers, rows, 0);
            matrix.multiply(team, &mut activations, rows, &mut low, |row, panel, sums| {
                let used = PANEL.min(matrix.outputs - panel * PANEL);
                // SAFETY: a panel's outputs of a row are computed once.
                let part = unsafe { out.part(row * matrix.outputs + panel * PANEL, used) };
                part.copy_from_slice(&sums[..used]);
            });
        });
        y
    }

    #[test]
    fn a_product_is_right_and_the_same_in_any_company() {
        for (numbers, tolerance) in [(Numbers::F32, 1e-5), (Numbers::Bf16, 5e-2), (Numbers::Int8, 1e-1)] {
            let (rows, inputs, outputs) = (19, 21, 75);
            let mut rng = Seed(1).rng();
            let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
            let (x, w, b) = (draw(rows * inputs), draw(outputs * inputs), draw(outputs));
            let matrix = Matrix::new(numbers, &w, Some(&b), inputs);
            let together = product(&matrix, numbers, &x, inputs, 3);
            for row in 0..rows {
                let x = &x[row * inputs..][..inputs];
                let alone = product(&matrix, numbers, x, inputs, 1);
                assert_eq!(alone, together[row * outputs..][..outputs], "row {row} depends on its company");
                for output in 0..outputs {
                    let exact: f64 =
                        (0..inputs).map(|k| f64::from(x[k]) * f64::from(w[output * inputs + k])).sum::<f64>()
                            + f64::from(b[output]);
                    assert!((f64::from(alone[output]) - exact).abs() < tolerance);
                }
            }
        }
    }

    #[test]
    fn weights_that_are_bf16_are_kept_so_and_multiplied_exactly() {
        let (rows, inputs, outputs) = (19, 22, 75);
        let mut rng = Seed(2).rng();
        let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (x, b, mut w) = (draw(rows * inputs), draw(outputs), draw(outputs * inputs));
        w.iter_mut().for_each(|w| *w = kernel::widen(kernel::round(*w)));
        let kept = Matrix::new(Numbers::F32, &w, Some(&b), inputs);
        assert!(kept.is_narrow());
        let found = product(&kept, Numbers::F32, &x, inputs, 2);
        for (row, x) in x.chunks_exact(inputs).enumerate() {
            for output in 0..outputs {
                let weights = &w[output * inputs..][..inputs];
                let sum = x.iter().zip(weights).fold(b[output], |sum, (x, w)| x.mul_add(*w, sum));
                assert_eq!(found[row * outputs + output], sum, "row {row}, output {output}");
            }
        }
        w[7] += 1e-6;
        assert!(!Matrix::new(Numbers::F32, &w, Some(&b), inputs).is_narrow());
    }

    #[test]
    fn an_output_can_be_read_back() {
        let w: Vec<f32> = (0..7 * 45).map(|i| i as f32).collect();
        for numbers in [Numbers::F32, Numbers::Bf16, Numbers::Int8] {
            let matrix = Matrix::new(numbers, &w, None, 7);
            let mut row = [0.0; 7];
            matrix.output(36, &mut row);
            for (found, expected) in row.iter().zip(&w[36 * 7..]) {
                assert!((found - expected).abs() <= expected / 256.0);
            }
        }
    }
}
