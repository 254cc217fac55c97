//! One thread's share of the work: slots that sequences enter and leave.

use super::cache::Cache;
use super::choice::Sampling;
use super::packed::Packed;
use super::{Finish, Request, Sampled};
use crate::ops::rope::Angles;
use crate::ops::{head_norm, rmsnorm, swiglu};
use crate::real::{axpy, vectorized};
use rand_chacha::ChaCha8Rng;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows that go through the network at a time; long prompts are read in pieces of this size.
const CHUNK: usize = 256;

/// Requests that wait.
pub struct Queue<'a> {
    requests: &'a [Request],
    /// `(request, first sample, end)`: a request with many samples is dealt out in pieces.
    pieces: Vec<(usize, usize, usize)>,
    next: AtomicUsize,
}

impl<'a> Queue<'a> {
    pub fn new(requests: &'a [Request], order: Vec<usize>) -> Queue<'a> {
        // A piece shares one reading of the prompt. Pieces are small enough to spread over threads and slots.
        let threads = rayon::current_num_threads();
        let total: usize = requests.iter().map(|request| request.seeds.len()).sum();
        let largest = total.div_ceil(threads).clamp(1, super::SLOTS_PER_THREAD);
        let pieces = order.into_iter().flat_map(|request| {
            let samples = requests[request].seeds.len();
            (0..samples).step_by(largest).map(move |first| (request, first, (first + largest).min(samples)))
        });
        Queue { requests, pieces: pieces.collect(), next: AtomicUsize::new(0) }
    }

    fn take(&self) -> Option<(usize, usize, usize)> {
        self.pieces.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }

    fn longest(&self) -> usize {
        self.pieces.iter().map(|&(request, ..)| self.requests[request].prompt.len()).max().unwrap_or(0)
    }
}

/// A sequence that is being sampled.
struct Running {
    request: usize,
    sample: usize,
    slot: usize,
    /// Tokens in the cache.
    length: usize,
    rng: ChaCha8Rng,
    tokens: Vec<u32>,
    log_probs: Vec<f32>,
}

/// A row on its way through the network.
#[derive(Clone, Copy)]
struct Row {
    slot: usize,
    position: usize,
    token: u32,
}

#[derive(Default)]
struct Scratch {
    x: Vec<f32>,
    norm: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    y: Vec<f32>,
    gate_up: Vec<f32>,
    activated: Vec<f32>,
    scores: Vec<f32>,
}

/// A thread's state.
pub struct Worker<'a> {
    packed: &'a Packed,
    sampling: &'a Sampling,
    slots: usize,
    scratch: Scratch,
    ranked: Vec<u32>,
}

impl<'a> Worker<'a> {
    pub fn new(packed: &'a Packed, slots: usize, sampling: &'a Sampling) -> Worker<'a> {
        Worker { packed, sampling, slots, scratch: Scratch::default(), ranked: Vec::new() }
    }

    /// Works until the queue is empty and every sequence has ended.
    pub fn run(mut self, queue: &Queue<'_>, mut done: impl FnMut(usize, usize, Sampled)) {
        let config = &self.packed.config;
        let capacity = queue.longest() + self.sampling.max_tokens;
        let mut cache = Cache::new(config.layers, self.packed.heads, self.slots, capacity);
        let angles = config.angles(capacity);
        let mut free: Vec<usize> = (0..self.slots).rev().collect();
        let mut running: Vec<Running> = Vec::new();
        let mut waiting: Option<(usize, usize, usize)> = None;
        let mut rows = Vec::new();
        loop {
            // Let in what fits.
            loop {
                waiting = waiting.or_else(|| queue.take());
                let Some((request, first, end)) = waiting else { break };
                if end - first > free.len() {
                    break;
                }
                waiting = None;
                let entered = &queue.requests[request];
                let slots: Vec<usize> = free.split_off(free.len() - (end - first));
                let logits = self.read(&mut cache, &angles, &entered.prompt, slots[0]);
                for (&slot, sample) in slots.iter().zip(first..end) {
                    if slot != slots[0] {
                        cache.copy(config.layers, slots[0], slot, entered.prompt.len());
                    }
                    let mut sequence = Running {
                        request,
                        sample,
                        slot,
                        length: entered.prompt.len(),
                        rng: entered.seeds[sample].rng(),
                        tokens: Vec::with_capacity(self.sampling.max_tokens.min(1024)),
                        log_probs: Vec::with_capacity(self.sampling.max_tokens.min(1024)),
                    };
                    match self.extend(&mut sequence, &mut logits.clone()) {
                        None => running.push(sequence),
                        Some(finish) => {
                            free.push(slot);
                            done(request, sample, sequence.finished(finish));
                        }
                    }
                }
            }
            if running.is_empty() {
                if waiting.is_none() {
                    return;
                }
                continue;
            }
            // One token for everyone.
            rows.clear();
            rows.extend(running.iter().map(|sequence| Row {
                slot: sequence.slot,
                position: sequence.length,
                token: sequence.tokens.last().copied().unwrap_or(0),
            }));
            let mut logits = self.step(&mut cache, &angles, &rows, rows.len());
            let vocabulary = config.vocab_size;
            let mut i = 0;
            running.retain_mut(|sequence| {
                sequence.length += 1;
                let finish = self.extend(sequence, &mut logits[i * vocabulary..][..vocabulary]);
                i += 1;
                if let Some(finish) = finish {
                    free.push(sequence.slot);
                    done(sequence.request, sequence.sample, sequence.finished(finish));
                }
                finish.is_none()
            });
        }
    }

    /// Reads a prompt into a slot; returns the logits after its last token.
    fn read(&mut self, cache: &mut Cache, angles: &Angles<f32>, prompt: &[u32], slot: usize) -> Vec<f32> {
        let rows: Vec<Row> =
            prompt.iter().enumerate().map(|(position, &token)| Row { slot, position, token }).collect();
        let (last, whole) = (rows.len().saturating_sub(1) / CHUNK * CHUNK, rows.len());
        for first in (0..last).step_by(CHUNK) {
            self.step(cache, angles, &rows[first..first + CHUNK], 0);
        }
        self.step(cache, angles, &rows[last..whole], 1)
    }

    /// Draws the next token of a sequence; says why it ended, if it did.
    fn extend(&mut self, sequence: &mut Running, logits: &mut [f32]) -> Option<Finish> {
        let (token, log_prob) = self.sampling.choose(logits, &mut sequence.rng, &mut self.ranked);
        sequence.tokens.push(token);
        sequence.log_probs.push(log_prob);
        if self.sampling.stop.contains(&token) {
            Some(Finish::Stop)
        } else {
            (sequence.tokens.len() >= self.sampling.max_tokens).then_some(Finish::Length)
        }
    }

    /// Runs rows through the network; returns the logits of the last `wanted` of them.
    fn step(&mut self, cache: &mut Cache, angles: &Angles<f32>, rows: &[Row], wanted: usize) -> Vec<f32> {
        let (config, heads) = (&self.packed.config, self.packed.heads);
        let (hidden, ffn, eps) = (config.hidden_size, config.intermediate_size, config.norm_eps as f32);
        let (qkv_width, out_width) = (heads.width(), heads.queries * heads.dim);
        let scratch = &mut self.scratch;
        let fit = |buffer: &mut Vec<f32>, width: usize| buffer.resize(rows.len() * width, 0.0);
        fit(&mut scratch.x, hidden);
        fit(&mut scratch.norm, hidden);
        fit(&mut scratch.qkv, qkv_width);
        fit(&mut scratch.attended, out_width);
        fit(&mut scratch.y, hidden);
        fit(&mut scratch.gate_up, 2 * ffn);
        fit(&mut scratch.activated, ffn);
        for (x, row) in scratch.x.chunks_exact_mut(hidden).zip(rows) {
            x.copy_from_slice(&self.packed.embedding[row.token as usize * hidden..][..hidden]);
        }
        for (layer, block) in self.packed.blocks.iter().enumerate() {
            normalize(&mut scratch.norm, &scratch.x, &block.input_norm, eps);
            block.qkv.multiply(&mut scratch.qkv, &scratch.norm, block.qkv_bias.as_deref());
            for (row, qkv) in rows.iter().zip(scratch.qkv.chunks_exact_mut(qkv_width)) {
                vectorized(
                    #[inline(always)]
                    || {
                        if let Some(weights) = &block.head_norms {
                            head_norm::row(qkv, weights, heads, eps);
                        }
                        for head in
                            qkv[..(heads.queries + heads.keys) * heads.dim].chunks_exact_mut(heads.dim)
                        {
                            angles.rotate(head, row.position);
                        }
                    },
                );
                cache.store(layer, row.slot, row.position, qkv);
            }
            let queries = scratch.qkv.chunks_exact(qkv_width);
            for ((row, qkv), out) in
                rows.iter().zip(queries).zip(scratch.attended.chunks_exact_mut(out_width))
            {
                cache.attend(out, layer, row.slot, row.position, qkv, &mut scratch.scores);
            }
            block.output.multiply(&mut scratch.y, &scratch.attended, block.output_bias.as_deref());
            vectorized(
                #[inline(always)]
                || axpy(&mut scratch.x, 1.0, &scratch.y),
            );

            normalize(&mut scratch.norm, &scratch.x, &block.post_norm, eps);
            block.gate_up.multiply(&mut scratch.gate_up, &scratch.norm, block.gate_up_bias.as_deref());
            vectorized(
                #[inline(always)]
                || {
                    let rows =
                        scratch.activated.chunks_exact_mut(ffn).zip(scratch.gate_up.chunks_exact(2 * ffn));
                    rows.for_each(|(y, gate_up)| swiglu::row(y, gate_up));
                },
            );
            block.down.multiply(&mut scratch.y, &scratch.activated, block.down_bias.as_deref());
            vectorized(
                #[inline(always)]
                || axpy(&mut scratch.x, 1.0, &scratch.y),
            );
        }
        let mut logits = vec![0.0; wanted * config.vocab_size];
        if wanted > 0 {
            let last = (rows.len() - wanted) * hidden;
            normalize(&mut scratch.norm[last..], &scratch.x[last..], &self.packed.norm, eps);
            self.packed.head.multiply(&mut logits, &scratch.norm[last..], None);
        }
        logits
    }
}

impl Running {
    fn finished(&mut self, finish: Finish) -> Sampled {
        Sampled {
            tokens: std::mem::take(&mut self.tokens),
            log_probs: std::mem::take(&mut self.log_probs),
            finish,
        }
    }
}

fn normalize(y: &mut [f32], x: &[f32], weight: &[f32], eps: f32) {
    vectorized(
        #[inline(always)]
        || {
            for (y, x) in y.chunks_exact_mut(weight.len()).zip(x.chunks_exact(weight.len())) {
                rmsnorm::row(y, x, weight, eps);
            }
        },
    );
}
