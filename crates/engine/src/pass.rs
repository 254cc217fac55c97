//! One pass through a model: forward, and back.
//!
//! The code reads like the architecture: embed → [norm → attention → add → norm → feed-forward → add] × L → norm →
//! head. All buffers are laid out once for a number of rows and used again for every batch that fits.

use crate::batch::Batch;
use crate::config::Config;
use crate::lora::Lora;
use crate::model::{Model, Site};
use crate::ops::head::{self, Chunk, Target, TokenScore};
use crate::ops::linear::LoraScratch;
use crate::ops::rope::Angles;
use crate::ops::{attention, embedding, for_rows, head_norm, rmsnorm, rope, swiglu};
use crate::real::{axpy, vectorized};

/// What the forward pass keeps for the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Every intermediate of every block.
    Keep,
    /// The input of each block; the rest is computed again on the way back: a third more work, a fraction of the
    /// memory.
    Recompute,
}

impl Memory {
    /// Everything if passes of `rows` rows keep at most about three gigabytes, otherwise only what cannot be computed again.
    #[must_use]
    pub fn suited(config: &Config, rows: usize) -> Memory {
        const MOST: usize = 3 << 30;
        let heads = config.heads * config.head_dim + (config.heads + 2 * config.kv_heads) * config.head_dim;
        let row = 4 * config.hidden_size + heads + 3 * config.intermediate_size;
        let bytes = row.saturating_mul(rows).saturating_mul(config.layers).saturating_mul(size_of::<f32>());
        if bytes <= MOST { Memory::Keep } else { Memory::Recompute }
    }
}

/// The intermediates of one block.
#[derive(Default)]
struct Intermediates {
    norm1: Vec<f32>,
    r1: Vec<f32>,
    qkv: Vec<f32>,
    /// Query and key heads before their norms, where there are such, and the norms' `r`.
    raw: Vec<f32>,
    head_r: Vec<f32>,
    attended: Vec<f32>,
    log_sums: Vec<f32>,
    middle: Vec<f32>,
    norm2: Vec<f32>,
    r2: Vec<f32>,
    gate_up: Vec<f32>,
    activated: Vec<f32>,
}

/// Buffers for forward and backward passes of models of one shape.
pub struct Pass {
    memory: Memory,
    rows: usize,
    angles: Angles<f32>,
    /// The residual stream before each block, and after the last.
    stream: Vec<Vec<f32>>,
    blocks: Vec<Intermediates>,
    hidden: Vec<f32>,
    r: Vec<f32>,
    d_hidden: Vec<f32>,
    /// What was scored below the last block, if anything was.
    below: Below,
    d_stream: Vec<f32>,
    d_norm: Vec<f32>,
    d_qkv: Vec<f32>,
    d_attended: Vec<f32>,
    d_gate_up: Vec<f32>,
    d_activated: Vec<f32>,
    lora: LoraScratch,
    chunk: Chunk<f32>,
    scores: attention::Scratch<f32>,
}

/// The stream before some block through the last norm, and the gradient that scores of it have.
#[derive(Debug, Default)]
struct Below {
    layer: usize,
    hidden: Vec<f32>,
    r: Vec<f32>,
    d_hidden: Vec<f32>,
}

impl Pass {
    /// Empty buffers; they grow to the largest batch seen.
    #[must_use]
    pub fn new(memory: Memory) -> Pass {
        Pass {
            memory,
            rows: 0,
            angles: Angles::new(0, 0, 1.0),
            stream: Vec::new(),
            blocks: Vec::new(),
            hidden: Vec::new(),
            r: Vec::new(),
            d_hidden: Vec::new(),
            below: Below::default(),
            d_stream: Vec::new(),
            d_norm: Vec::new(),
            d_qkv: Vec::new(),
            d_attended: Vec::new(),
            d_gate_up: Vec::new(),
            d_activated: Vec::new(),
            lora: LoraScratch::default(),
            chunk: Chunk::default(),
            scores: attention::Scratch::default(),
        }
    }

    /// Gives the buffers back, where memory counts more than time ([`Memory::Recompute`]).
    pub fn rest(&mut self) {
        if self.memory == Memory::Recompute {
            *self = Pass::new(self.memory);
        }
    }

    fn fit(&mut self, model: &Model, batch: &Batch) {
        let config = &model.config;
        let (rows, hidden, ffn) = (batch.rows(), config.hidden_size, config.intermediate_size);
        let heads = model.heads();
        self.rows = rows;
        if self.angles.positions() < batch.longest() {
            self.angles = config.angles(batch.longest().next_power_of_two());
        }
        let fit = |buffer: &mut Vec<f32>, width: usize| buffer.resize(rows * width, 0.0);
        self.stream.resize_with(config.layers + 1, Vec::new);
        self.stream.iter_mut().for_each(|buffer| fit(buffer, hidden));
        let kept = if self.memory == Memory::Keep { config.layers } else { 1 };
        self.blocks.resize_with(kept, Intermediates::default);
        for block in &mut self.blocks {
            fit(&mut block.norm1, hidden);
            fit(&mut block.r1, 1);
            fit(&mut block.qkv, heads.width());
            let normed = if config.head_norms() { heads.queries + heads.keys } else { 0 };
            fit(&mut block.raw, normed * heads.dim);
            fit(&mut block.head_r, normed);
            fit(&mut block.attended, heads.queries * heads.dim);
            fit(&mut block.log_sums, heads.queries);
            fit(&mut block.middle, hidden);
            fit(&mut block.norm2, hidden);
            fit(&mut block.r2, 1);
            fit(&mut block.gate_up, 2 * ffn);
            fit(&mut block.activated, ffn);
        }
        fit(&mut self.hidden, hidden);
        fit(&mut self.r, 1);
        self.lora.fit(rows, model.lora.as_ref().map_or(0, Lora::largest_rank), false);
    }

    /// Runs the model over a batch. The hidden states after the last norm are then in [`Pass::hidden`].
    pub fn forward(&mut self, model: &Model, batch: &Batch) {
        self.fit(model, batch);
        model.embed(&mut self.stream[0], batch.tokens());
        for layer in 0..model.config.layers {
            let (before, after) = self.stream.split_at_mut(layer + 1);
            let block = match self.memory {
                Memory::Keep => &mut self.blocks[layer],
                Memory::Recompute => &mut self.blocks[0],
            };
            forward_block(
                model,
                batch,
                layer,
                block,
                &before[layer],
                Some(&mut after[0]),
                &self.angles,
                &mut self.lora,
                &mut self.scores,
            );
        }
        let weight = model.vector(&model.layout.norm);
        let eps = model.config.norm_eps as f32;
        rmsnorm::forward(&mut self.hidden, &mut self.r, &self.stream[model.config.layers], weight, eps);
        self.d_hidden.clear();
        self.below.d_hidden.clear();
    }

    /// The hidden states after the last norm, a row a token, of the last forward pass.
    #[must_use]
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// Scores targets of the last forward pass.
    pub fn score(&mut self, model: &Model, targets: &[Target], temperature: f32) -> Vec<TokenScore<f32>> {
        let mut scores = vec![TokenScore::default(); targets.len()];
        let width = model.config.hidden_size;
        head::forward(&mut scores, &self.hidden, width, model.head(), targets, temperature, &mut self.chunk);
        scores
    }

    /// Scores targets of the last forward pass and starts the way back: `slope(i, score)` is the derivative of
    /// the loss by the log-probability of target `i`. [`Pass::backward`] goes on from there.
    pub fn score_backward(
        &mut self,
        model: &Model,
        gradients: &mut [f32],
        targets: &[Target],
        temperature: f32,
        slope: impl Fn(usize, TokenScore<f32>) -> f32 + Sync,
    ) -> Vec<TokenScore<f32>> {
        let width = model.config.hidden_size;
        self.open_d_hidden(width);
        let mut scores = vec![TokenScore::default(); targets.len()];
        let d_table = model.lora.is_none().then(|| &mut gradients[model.layout.head.clone()]);
        head::forward_backward(
            &mut scores,
            &mut self.d_hidden,
            d_table,
            &self.hidden,
            width,
            model.head(),
            targets,
            temperature,
            slope,
            &mut self.chunk,
        );
        scores
    }

    /// [`Pass::score_backward`] of what the model would say if it ended after `layers` of its blocks: the stream there goes
    /// through the last norm and the head. Between two passes forward, only one number below all of them is possible.
    ///
    /// # Panics
    /// If there are fewer blocks, or two numbers of them below all were scored since the last forward pass.
    pub fn score_backward_after(
        &mut self,
        model: &Model,
        gradients: &mut [f32],
        layers: usize,
        targets: &[Target],
        slope: impl Fn(usize, TokenScore<f32>) -> f32 + Sync,
    ) -> Vec<TokenScore<f32>> {
        assert!(layers <= model.config.layers, "there are {} blocks, not {layers}", model.config.layers);
        if layers == model.config.layers {
            return self.score_backward(model, gradients, targets, 1.0, slope);
        }
        let width = model.config.hidden_size;
        let below = &mut self.below;
        if below.d_hidden.is_empty() {
            below.layer = layers;
            for (buffer, width) in
                [(&mut below.hidden, width), (&mut below.d_hidden, width), (&mut below.r, 1)]
            {
                buffer.clear();
                buffer.resize(self.rows * width, 0.0);
            }
            let weight = model.vector(&model.layout.norm);
            let eps = model.config.norm_eps as f32;
            rmsnorm::forward(&mut below.hidden, &mut below.r, &self.stream[layers], weight, eps);
        }
        assert_eq!(below.layer, layers, "scores of two depths in one pass");
        let mut scores = vec![TokenScore::default(); targets.len()];
        let d_table = model.lora.is_none().then(|| &mut gradients[model.layout.head.clone()]);
        head::forward_backward(
            &mut scores,
            &mut below.d_hidden,
            d_table,
            &below.hidden,
            width,
            model.head(),
            targets,
            1.0,
            slope,
            &mut self.chunk,
        );
        self.open_d_hidden(width);
        scores
    }

    /// Adds the gradient of a hidden state (a row of [`Pass::hidden`]) that another head computed.
    pub fn add_hidden_gradient(&mut self, row: usize, gradient: &[f32]) {
        self.open_d_hidden(gradient.len());
        axpy(&mut self.d_hidden[row * gradient.len()..][..gradient.len()], 1.0, gradient);
    }

    fn open_d_hidden(&mut self, width: usize) {
        if self.d_hidden.is_empty() {
            self.d_hidden.resize(self.rows * width, 0.0);
        }
    }

    /// Goes back from the gradient of the hidden states to the parameters, adding to `gradients` (as long as
    /// [`Model::trainable`]). A no-op if nothing was put into that gradient since the last forward pass.
    pub fn backward(&mut self, model: &Model, batch: &Batch, gradients: &mut [f32]) {
        if self.d_hidden.is_empty() {
            return;
        }
        let config = &model.config;
        let (rows, hidden, ffn) = (self.rows, config.hidden_size, config.intermediate_size);
        let heads = model.heads();
        let full = model.lora.is_none();
        let fit = |buffer: &mut Vec<f32>, width: usize| buffer.resize(rows * width, 0.0);
        fit(&mut self.d_stream, hidden);
        fit(&mut self.d_norm, hidden);
        fit(&mut self.d_qkv, heads.width());
        fit(&mut self.d_attended, heads.queries * heads.dim);
        fit(&mut self.d_gate_up, 2 * ffn);
        fit(&mut self.d_activated, ffn);
        self.lora.fit(rows, model.lora.as_ref().map_or(0, Lora::largest_rank), true);

        self.d_stream.fill(0.0);
        let last = &self.stream[config.layers];
        rmsnorm::backward_input(
            &mut self.d_stream,
            &self.d_hidden,
            last,
            model.vector(&model.layout.norm),
            &self.r,
        );
        if full {
            rmsnorm::backward_weight(
                &mut gradients[model.layout.norm.clone()],
                &self.d_hidden,
                last,
                &self.r,
            );
        }
        for layer in (0..config.layers).rev() {
            if self.below.layer == layer + 1 {
                self.below.backward(model, &mut self.d_stream, &self.stream[layer + 1], gradients);
            }
            let x = &self.stream[layer];
            let block = match self.memory {
                Memory::Keep => &mut self.blocks[layer],
                Memory::Recompute => {
                    let block = &mut self.blocks[0];
                    let (lora, scores) = (&mut self.lora, &mut self.scores);
                    forward_block(model, batch, layer, block, x, None, &self.angles, lora, scores);
                    block
                }
            };
            let places = &model.layout.blocks[layer];
            let lora = &mut self.lora;

            // feed-forward
            let dy = &self.d_stream;
            model.project_backward(
                Some(&mut self.d_activated),
                gradients,
                dy,
                &block.activated,
                layer,
                Site::Down,
                lora,
            );
            swiglu::backward(&mut self.d_gate_up, &self.d_activated, &block.gate_up, ffn);
            let dy = &self.d_gate_up;
            model.project_backward(
                Some(&mut self.d_norm),
                gradients,
                dy,
                &block.norm2,
                layer,
                Site::GateUp,
                lora,
            );
            if full {
                let dw = &mut gradients[places.post_norm.clone()];
                rmsnorm::backward_weight(dw, &self.d_norm, &block.middle, &block.r2);
            }
            let weight = model.vector(&places.post_norm);
            rmsnorm::backward_input(&mut self.d_stream, &self.d_norm, &block.middle, weight, &block.r2);

            // attention
            let dy = &self.d_stream;
            model.project_backward(
                Some(&mut self.d_attended),
                gradients,
                dy,
                &block.attended,
                layer,
                Site::Output,
                lora,
            );
            attention::backward(
                &mut self.d_qkv,
                &self.d_attended,
                &block.attended,
                &block.log_sums,
                &block.qkv,
                batch.spans(),
                heads,
                &mut self.scores,
            );
            let turned = heads.queries + heads.keys;
            rope::backward(&mut self.d_qkv, heads.width(), turned, &self.angles, batch.positions());
            if let Some((queries, keys)) = &places.head_norms {
                if full {
                    // The two weights lie side by side.
                    let dw = &mut gradients[queries.start..keys.end];
                    head_norm::backward_weights(dw, &self.d_qkv, &block.raw, &block.head_r, heads);
                }
                let weights = model.vector(&(queries.start..keys.end));
                head_norm::backward_input(&mut self.d_qkv, &block.raw, &block.head_r, weights, heads);
            }
            let dy = &self.d_qkv;
            // Below the first block only an embedding could learn.
            let further = full || layer > 0;
            model.project_backward(
                further.then_some(&mut self.d_norm[..]),
                gradients,
                dy,
                &block.norm1,
                layer,
                Site::Qkv,
                lora,
            );
            if full {
                rmsnorm::backward_weight(
                    &mut gradients[places.input_norm.clone()],
                    &self.d_norm,
                    x,
                    &block.r1,
                );
            }
            if further {
                let weight = model.vector(&places.input_norm);
                rmsnorm::backward_input(&mut self.d_stream, &self.d_norm, x, weight, &block.r1);
            }
        }
        if self.below.layer == 0 {
            self.below.backward(model, &mut self.d_stream, &self.stream[0], gradients);
        }
        if full {
            let d_table = &mut gradients[model.layout.embedding.clone()];
            embedding::backward(d_table, &self.d_stream, batch.tokens(), hidden);
        }
        self.d_hidden.clear();
        self.below.d_hidden.clear();
    }
}

impl Below {
    /// Adds what was scored to the gradient of the stream `x`, and to that of the last norm.
    fn backward(&self, model: &Model, d_stream: &mut [f32], x: &[f32], gradients: &mut [f32]) {
        if self.d_hidden.is_empty() {
            return;
        }
        let norm = model.layout.norm.clone();
        rmsnorm::backward_input(d_stream, &self.d_hidden, x, model.vector(&norm), &self.r);
        if model.lora.is_none() {
            rmsnorm::backward_weight(&mut gradients[norm], &self.d_hidden, x, &self.r);
        }
    }
}

/// One block: `x → block`'s intermediates, and the block's output into `y` where it is wanted.
#[allow(clippy::too_many_arguments)] // the model, the place in it, the batch, and the buffers between
fn forward_block(
    model: &Model,
    batch: &Batch,
    layer: usize,
    block: &mut Intermediates,
    x: &[f32],
    y: Option<&mut Vec<f32>>,
    angles: &Angles<f32>,
    lora: &mut LoraScratch,
    scores: &mut attention::Scratch<f32>,
) {
    let places = &model.layout.blocks[layer];
    let heads = model.heads();
    let eps = model.config.norm_eps as f32;

    rmsnorm::forward(&mut block.norm1, &mut block.r1, x, model.vector(&places.input_norm), eps);
    model.project(&mut block.qkv, &block.norm1, layer, Site::Qkv, lora);
    if let Some((queries, keys)) = &places.head_norms {
        let weights = model.vector(&(queries.start..keys.end));
        head_norm::forward(&mut block.qkv, &mut block.raw, &mut block.head_r, weights, heads, eps);
    }
    rope::forward(&mut block.qkv, heads.width(), heads.queries + heads.keys, angles, batch.positions());
    attention::forward(&mut block.attended, &mut block.log_sums, &block.qkv, batch.spans(), heads, scores);
    model.project(&mut block.middle, &block.attended, layer, Site::Output, lora);
    add(&mut block.middle, x, model.config.hidden_size);

    rmsnorm::forward(&mut block.norm2, &mut block.r2, &block.middle, model.vector(&places.post_norm), eps);
    model.project(&mut block.gate_up, &block.norm2, layer, Site::GateUp, lora);
    swiglu::forward(&mut block.activated, &block.gate_up, model.config.intermediate_size);
    if let Some(y) = y {
        model.project(y, &block.activated, layer, Site::Down, lora);
        add(y, &block.middle, model.config.hidden_size);
    }
}

/// `y += x`
fn add(y: &mut [f32], x: &[f32], width: usize) {
    for_rows(y, width, |first, rows| {
        vectorized(
            #[inline(always)]
            || axpy(rows, 1.0, &x[first * width..][..rows.len()]),
        );
    });
}
