//! Rows through the network: one call computes a token for every running sequence and reads pieces of prompts.
//!
//! Every stage is split over the team, and what crosses from one stage to the next is written by exactly one task.
//! No buffer grows once it is laid out.

use super::cache::{Cache, Place};
use super::kernel::PANEL;
use super::packed::{Activations, Block, HALF, Matrix, Packed};
use super::team::Team;
use crate::ops::rope::Angles;
use crate::ops::{head_norm, rmsnorm};
use crate::real::{Real, vectorized};
use crate::shared::Shared;

/// A row on its way through the network.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The sequence's place in the cache.
    pub place: Place,
    /// Its position in the sequence.
    pub position: usize,
    /// The token there.
    pub token: u32,
}

/// The buffers between the stages.
pub struct Network<'a> {
    packed: &'a Packed,
    angles: Angles<f32>,
    /// The residual stream.
    x: Vec<f32>,
    norm: Activations,
    qkv: Vec<f32>,
    attended: Activations,
    activated: Activations,
    /// What adapters make of rows.
    low: Activations,
    /// A share for each member of the team.
    scratch: Vec<f32>,
    share: usize,
    capacity: usize,
}

impl<'a> Network<'a> {
    /// Room for steps of up to `rows` rows and sequences of up to `capacity` tokens.
    pub fn new(packed: &'a Packed, members: usize, rows: usize, capacity: usize) -> Network<'a> {
        let (config, heads, numbers) = (&packed.config, packed.heads, packed.numbers);
        let capacity = capacity.next_multiple_of(16);
        // A normalized row, or scores and results of a key head's queries; and a cache line between the shares.
        let share = config.hidden_size.max(capacity + heads.group() * heads.dim) + 16;
        Network {
            packed,
            angles: config.angles(capacity),
            x: vec![0.0; rows * config.hidden_size],
            norm: Activations::new(numbers, rows, config.hidden_size),
            qkv: vec![0.0; rows * heads.width()],
            attended: Activations::new(numbers, rows, heads.queries * heads.dim),
            activated: Activations::new(numbers, rows, config.intermediate_size),
            low: Activations::new(numbers, rows, packed.largest_rank()),
            scratch: vec![0.0; members * share],
            share,
            capacity,
        }
    }

    /// Runs `rows` through the network and writes the logits of those that `wanted` lists in ascending order, one row
    /// after another. `alone` says that no two rows belong to one sequence.
    pub fn step(
        &mut self,
        team: &Team<'_>,
        cache: &mut Cache,
        rows: &[Row],
        alone: bool,
        wanted: &[usize],
        logits: &mut [f32],
    ) {
        self.blocks(team, cache, rows, alone, wanted);
        self.normalize(team, &self.packed.norm, wanted.len());
        project(team, &self.packed.head, &mut self.norm, &mut self.low, logits, wanted.len());
    }

    /// Runs `rows` through the network and writes the hidden state of the last one, after the last norm.
    pub fn last_hidden(&mut self, team: &Team<'_>, cache: &mut Cache, rows: &[Row], hidden: &mut [f32]) {
        let Some(last) = rows.len().checked_sub(1) else { return };
        self.blocks(team, cache, rows, last == 0, &[last]);
        let eps = self.packed.config.norm_eps as f32;
        vectorized(
            #[inline(always)]
            || rmsnorm::row(hidden, &self.x[..self.packed.config.hidden_size], &self.packed.norm, eps),
        );
    }

    /// Runs `rows` through the blocks; the residual stream then begins with the rows that `wanted` lists.
    fn blocks(&mut self, team: &Team<'_>, cache: &mut Cache, rows: &[Row], alone: bool, wanted: &[usize]) {
        let packed = self.packed;
        self.embed(team, rows);
        for (layer, block) in packed.blocks.iter().enumerate() {
            // Of the last block, other rows are asked for their keys and values alone.
            let asked = (layer + 1 == packed.blocks.len()).then_some(wanted);
            let count = asked.map_or(rows.len(), <[usize]>::len);
            self.normalize(team, &block.input_norm, rows.len());
            project(team, &block.qkv, &mut self.norm, &mut self.low, &mut self.qkv, rows.len());
            self.attend(team, cache, layer, block, rows, asked, alone);
            asked.into_iter().for_each(|asked| self.keep(asked));
            add_product(team, &block.output, &mut self.attended, &mut self.low, &mut self.x, count);
            self.normalize(team, &block.post_norm, count);
            self.activate(team, &block.gate_up, count);
            add_product(team, &block.down, &mut self.activated, &mut self.low, &mut self.x, count);
        }
    }

    fn embed(&mut self, team: &Team<'_>, rows: &[Row]) {
        let width = self.packed.config.hidden_size;
        let table = self.packed.table();
        let x = Shared::new(&mut self.x);
        team.run(rows.len(), |_, run| {
            for row in run {
                // SAFETY: a row is one task's.
                table.output(rows[row].token as usize, unsafe { x.part(row * width, width) });
            }
        });
    }

    /// Keeps these rows of the residual stream, one after another, and forgets the others.
    fn keep(&mut self, rows: &[usize]) {
        let width = self.packed.config.hidden_size;
        for (to, &from) in rows.iter().enumerate().filter(|(to, from)| to != *from) {
            self.x.copy_within(from * width..(from + 1) * width, to * width);
        }
    }

    /// Normalizes the first `count` rows.
    fn normalize(&mut self, team: &Team<'_>, weight: &[f32], count: usize) {
        let (width, share) = (weight.len(), self.share);
        let eps = self.packed.config.norm_eps as f32;
        let (x, norm, scratch) = (&self.x, self.norm.writer(), Shared::new(&mut self.scratch));
        team.run(count, |member, run| {
            // SAFETY: a member's share is its own.
            let y = unsafe { scratch.part(member * share, width) };
            vectorized(
                #[inline(always)]
                || {
                    for row in run {
                        rmsnorm::row(y, &x[row * width..][..width], weight, eps);
                        // SAFETY: a row is one task's.
                        unsafe { norm.put(row, 0, y) };
                    }
                },
            );
        });
    }

    /// Turns queries and keys, stores keys and values, and attends. The results are those of the rows asked for (of all,
    /// if nothing is said), one after another.
    #[allow(clippy::too_many_arguments)] // what is computed, for which rows, and where
    fn attend(
        &mut self,
        team: &Team<'_>,
        cache: &mut Cache,
        layer: usize,
        block: &Block,
        rows: &[Row],
        asked: Option<&[usize]>,
        alone: bool,
    ) {
        let heads = self.packed.heads;
        let (width, group, share) = (heads.width(), heads.group() * heads.dim, self.share);
        let (angles, capacity) = (&self.angles, self.capacity);
        let norms = block.head_norms.as_ref().map(|norms| norms.split_at(heads.dim));
        let eps = self.packed.config.norm_eps as f32;
        let (cache, attended) = (cache.writer(), self.attended.writer());
        let (qkv, scratch) = (Shared::new(&mut self.qkv), Shared::new(&mut self.scratch));
        // SAFETY (both closures): an item is a row and a key head with its queries, whose columns of the row no other
        // item touches, and whose place in the cache no other item of the stage writes.
        let store = |row: usize, head: usize| {
            let Row { place, position, .. } = rows[row];
            let (start, first_key) = (row * width, heads.queries * heads.dim);
            // SAFETY: as above.
            let (queries, key, value) = unsafe {
                (
                    qkv.part(start + head * group, group),
                    qkv.part(start + first_key + head * heads.dim, heads.dim),
                    qkv.part(start + first_key + (heads.keys + head) * heads.dim, heads.dim),
                )
            };
            vectorized(
                #[inline(always)]
                || {
                    if let Some((query_norm, key_norm)) = norms {
                        queries.chunks_exact_mut(heads.dim).for_each(|query| {
                            head_norm::head(query, query_norm, eps);
                        });
                        head_norm::head(key, key_norm, eps);
                    }
                    queries.chunks_exact_mut(heads.dim).for_each(|query| angles.rotate(query, position));
                    angles.rotate(key, position);
                },
            );
            // SAFETY: as above.
            unsafe { cache.store(layer, place, head, position, key, value) };
        };
        let attend = |member: usize, result: usize, head: usize| {
            let row = asked.map_or(result, |asked| asked[result]);
            let Row { place, position, .. } = rows[row];
            // SAFETY: as above; a member's share is its own.
            unsafe {
                let (scores, out) = scratch.part(member * share, capacity + group).split_at_mut(capacity);
                let queries = qkv.part(row * width + head * group, group);
                cache.attend(layer, place, head, position, queries, out, scores);
                attended.put(result, head * group, out);
            }
        };
        let items = rows.len() * heads.keys;
        if alone && asked.is_none_or(|asked| asked.len() == rows.len()) {
            team.run(items, |member, run| {
                for item in run {
                    let (row, head) = (item / heads.keys, item % heads.keys);
                    store(row, head);
                    attend(member, row, head);
                }
            });
        } else {
            // A row attends to rows of its own step: all of them are stored first.
            team.run(items, |_, run| run.for_each(|item| store(item / heads.keys, item % heads.keys)));
            let items = asked.map_or(items, |asked| asked.len() * heads.keys);
            team.run(items, |member, run| {
                run.for_each(|item| attend(member, item / heads.keys, item % heads.keys));
            });
        }
    }

    /// `silu(gate) ⊙ up`
    fn activate(&mut self, team: &Team<'_>, gate_up: &Matrix, count: usize) {
        let ffn = self.packed.config.intermediate_size;
        let activated = self.activated.writer();
        gate_up.multiply(team, &mut self.norm, count, &mut self.low, |row, panel, sums| {
            let used = HALF.min(ffn - panel * HALF);
            let mut y = [0.0; HALF];
            let (gate, up) = sums.split_at(HALF);
            vectorized(
                #[inline(always)]
                || {
                    for ((y, g), u) in y.iter_mut().zip(gate).zip(up) {
                        *y = *g / (1.0 + Real::exp(-*g)) * *u;
                    }
                    // SAFETY: a panel's outputs of a row are computed once.
                    unsafe { activated.put(row, panel * HALF, &y[..used]) };
                },
            );
        });
    }
}

/// `y = x·Wᵀ (+ b)`
fn project(
    team: &Team<'_>,
    matrix: &Matrix,
    x: &mut Activations,
    low: &mut Activations,
    y: &mut [f32],
    count: usize,
) {
    let (width, y) = (matrix.outputs(), Shared::new(y));
    matrix.multiply(team, x, count, low, |row, panel, sums| {
        let used = PANEL.min(width - panel * PANEL);
        // SAFETY: a panel's outputs of a row are computed once.
        let y = unsafe { y.part(row * width + panel * PANEL, used) };
        match y.first_chunk_mut() {
            Some(whole) => *whole = *sums,
            None => y.copy_from_slice(&sums[..used]),
        }
    });
}

/// `y += x·Wᵀ`
fn add_product(
    team: &Team<'_>,
    matrix: &Matrix,
    x: &mut Activations,
    low: &mut Activations,
    y: &mut [f32],
    count: usize,
) {
    let (width, y) = (matrix.outputs(), Shared::new(y));
    matrix.multiply(team, x, count, low, |row, panel, sums| {
        let used = PANEL.min(width - panel * PANEL);
        // SAFETY: a panel's outputs of a row are computed once.
        let y = unsafe { y.part(row * width + panel * PANEL, used) };
        match y.first_chunk_mut::<PANEL>() {
            Some(whole) => whole.iter_mut().zip(sums).for_each(|(y, sum)| *y += sum),
            None => y.iter_mut().zip(sums).for_each(|(y, sum)| *y += sum),
        }
    });
}
