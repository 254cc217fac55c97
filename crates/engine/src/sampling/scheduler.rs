//! Which rows run in which step: sequences enter free slots, are read, run token by token, and leave.

use super::cache::Cache;
use super::choice::{Drawer, Sampling};
use super::network::{Network, Row};
use super::packed::Packed;
use super::team::Team;
use super::{Ended, Finish, Request, Sampled};
use crate::shared::Shared;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

/// Prompt rows that go through the network at a time; long prompts are read in pieces of this size.
const CHUNK: usize = 256;
/// Tokens that another prompt has to spare this one, for the step to end before this one is begun.
const WORTH_WAITING: usize = 16;
/// How many sequences run at a time at most.
const SLOTS: usize = 64;
/// What the cache may take, whatever the budgets of the sequences are (one slot is always granted).
const CACHE_BYTES: usize = 2 << 30;
/// Tokens of a sample for which memory is taken at once.
const USUAL_TOKENS: usize = 4096;

/// Samples of one request that share one reading of its prompt.
#[derive(Clone, Copy, Debug)]
struct Piece {
    request: usize,
    first: usize,
    end: usize,
}

/// A prompt on its way into the cache.
#[derive(Clone, Copy)]
struct Prefill {
    piece: Piece,
    slot: usize,
    /// Tokens of the prompt that are in the cache, or will be after the step that is laid out; `None` before the first.
    done: Option<usize>,
}

/// What a slot holds from its first position on: so many tokens of a request's prompt, until another sequence takes it over.
#[derive(Clone, Copy, Default)]
struct Held {
    request: usize,
    tokens: usize,
}

/// A sequence that is being sampled.
struct Running {
    request: usize,
    sample: usize,
    slot: usize,
    /// Tokens in the cache.
    length: usize,
    rng: ChaCha8Rng,
    sampled: Sampled,
    finish: Option<Finish>,
}

/// A part of a prompt that is read in a step.
struct Read {
    request: usize,
    slot: usize,
    first: usize,
    end: usize,
}

/// Sequences that are drawn from one row of logits: all of a piece after its prompt, one ever after.
struct Draw {
    first: usize,
    end: usize,
}

/// Runs every request to its end.
pub struct Scheduler<'a> {
    packed: &'a Packed,
    requests: &'a [Request],
    sampling: &'a Sampling,
    ended: &'a Ended<'a>,
    waiting: VecDeque<Piece>,
    free: Vec<usize>,
    /// Free slots that the rest of pieces being read will take.
    promised: usize,
    prefills: VecDeque<Prefill>,
    running: Vec<Running>,
    /// Of each slot. A sequence that has ended leaves its prompt behind.
    held: Vec<Held>,
    /// Of the step that is laid out.
    reads: Vec<Read>,
    slots: usize,
    capacity: usize,
}

impl<'a> Scheduler<'a> {
    /// Lays out the work.
    pub fn new(
        packed: &'a Packed,
        requests: &'a [Request],
        sampling: &'a Sampling,
        ended: &'a Ended<'a>,
    ) -> Scheduler<'a> {
        let total: usize = requests.iter().map(|request| request.seeds.len()).sum();
        let asked = (0..requests.len()).filter(|&i| !requests[i].seeds.is_empty());
        let length = |i: usize| requests[i].prompt.len() + sampling.max_tokens;
        let capacity = asked.clone().map(length).max().unwrap_or(1);
        let bytes = Cache::slot_bytes(packed.config.layers, packed.heads, capacity);
        let slots = total.min(SLOTS).min(CACHE_BYTES / bytes.max(1)).max(1);
        // Those that begin alike one after another: each finds what it shares with the one before it.
        let mut order: Vec<usize> = asked.collect();
        order.sort_by(|&i, &j| requests[i].prompt.cmp(&requests[j].prompt));
        let pieces = order.into_iter().flat_map(|request| {
            let samples = requests[request].seeds.len();
            let end = move |first: usize| (first + slots).min(samples);
            (0..samples).step_by(slots).map(move |first| Piece { request, first, end: end(first) })
        });
        Scheduler {
            packed,
            requests,
            sampling,
            ended,
            waiting: pieces.collect(),
            free: (0..slots).rev().collect(),
            promised: 0,
            prefills: VecDeque::with_capacity(slots),
            running: Vec::with_capacity(slots),
            held: vec![Held::default(); slots],
            reads: Vec::with_capacity(slots),
            slots,
            capacity,
        }
    }

    /// Works until every sequence has ended; `done(request, sample, what)` is called for each.
    pub fn run(mut self, team: &Team<'_>, mut done: impl FnMut(usize, usize, Sampled)) {
        let config = &self.packed.config;
        let mut cache = Cache::new(config.layers, self.packed.heads, self.slots, self.capacity);
        let most = self.slots + CHUNK;
        let mut network = Network::new(self.packed, team.members(), most, self.capacity);
        let mut drawers = Drawer::team(self.sampling, config.vocab_size, team.members());
        let mut logits = vec![0.0; self.slots * config.vocab_size];
        let (mut rows, mut wanted, mut draws) =
            (Vec::with_capacity(most), Vec::with_capacity(self.slots), Vec::with_capacity(self.slots));
        loop {
            self.admit();
            if self.running.is_empty() && self.prefills.is_empty() {
                return;
            }
            rows.clear();
            wanted.clear();
            draws.clear();
            let alone = self.plan(&mut cache, &mut rows, &mut wanted, &mut draws);
            network.step(team, &mut cache, &rows, alone, &wanted, &mut logits);
            self.enter(team, &mut cache, &mut draws);
            self.draw(team, &mut drawers, &draws, &mut logits);
            let free = &mut self.free;
            self.running.retain_mut(|sequence| {
                let Some(finish) = sequence.finish else { return true };
                free.push(sequence.slot);
                let sampled = std::mem::replace(&mut sequence.sampled, Sampled::empty(finish));
                done(sequence.request, sequence.sample, Sampled { finish, ..sampled });
                false
            });
        }
    }

    /// Lets in what fits.
    fn admit(&mut self) {
        while let Some(&piece) = self.waiting.front() {
            if piece.end - piece.first > self.free.len() - self.promised {
                break;
            }
            // The check above leaves at least one.
            let Some(slot) = self.free.pop() else { break };
            self.waiting.pop_front();
            self.promised += piece.end - piece.first - 1;
            self.prefills.push_back(Prefill { piece, slot, done: None });
        }
    }

    /// Chooses the rows of a step: a whole chunk of prompts if so much waits to be read, otherwise what is left to read and
    /// one row for every running sequence. Returns whether no two rows belong to one sequence.
    fn plan(
        &mut self,
        cache: &mut Cache,
        rows: &mut Vec<Row>,
        wanted: &mut Vec<usize>,
        draws: &mut Vec<Draw>,
    ) -> bool {
        let unfilled = self.read(cache);
        if unfilled > 0 {
            for (i, sequence) in self.running.iter_mut().enumerate() {
                wanted.push(rows.len());
                draws.push(Draw { first: i, end: i + 1 });
                let token = sequence.sampled.tokens.last().copied().unwrap_or(0);
                rows.push(Row { slot: sequence.slot, position: sequence.length, token });
                sequence.length += 1;
            }
        }
        for Read { request, slot, first, end } in &self.reads {
            let prompt = &self.requests[*request].prompt;
            let piece = prompt[*first..*end].iter().zip(*first..);
            rows.extend(piece.map(|(&token, position)| Row { slot: *slot, position, token }));
            if *end == prompt.len() {
                wanted.push(rows.len() - 1);
            }
        }
        self.reads.is_empty()
    }

    /// Chooses what of the prompts is read in a step; returns how many rows more could have been.
    fn read(&mut self, cache: &mut Cache) -> usize {
        self.reads.clear();
        for Prefill { piece, slot, done } in &self.prefills {
            if let Some(tokens) = *done {
                self.held[*slot] = Held { request: piece.request, tokens };
            }
        }
        let mut left = CHUNK;
        for at in 0..self.prefills.len() {
            let Some(first) = self.begin(at, cache) else { break };
            let Prefill { piece, slot, done } = &mut self.prefills[at];
            let end = self.requests[piece.request].prompt.len().min(first + left);
            *done = Some(end);
            left -= end - first;
            self.reads.push(Read { request: piece.request, slot: *slot, first, end });
            if left == 0 {
                break;
            }
        }
        left
    }

    /// From which token on a prompt is to be read. What another slot holds of its beginning, an instruction or a question
    /// that many prompts share, is copied from there and not computed again: keys and values depend on what is before
    /// them alone. `None` if more of it is being read in this very step: then it is worth waiting for the next.
    fn begin(&mut self, at: usize, cache: &mut Cache) -> Option<usize> {
        let Prefill { piece, slot, done } = self.prefills[at];
        if done.is_some() {
            return done;
        }
        let requests = self.requests;
        // The last token goes through the network in any case: its logits are asked for.
        let (_, beginning) = requests[piece.request].prompt.split_last()?;
        let common = |held: Held| {
            let known = &requests[held.request].prompt[..held.tokens];
            known.iter().zip(beginning).take_while(|(known, token)| known == token).count()
        };
        let held = self.held.iter().map(|held| common(*held)).enumerate();
        let (from, tokens) = held.max_by_key(|(_, tokens)| *tokens)?;
        let coming = self.reads.iter().map(|read| common(Held { request: read.request, tokens: read.end }));
        if coming.max().is_some_and(|coming| coming >= tokens + WORTH_WAITING) {
            return None;
        }
        if from != slot && tokens > 0 {
            // SAFETY: nothing else runs between the steps.
            unsafe { cache.writer().copy(self.packed.config.layers, from, slot, tokens) };
        }
        self.held[slot] = Held { request: piece.request, tokens };
        Some(tokens)
    }

    /// Starts the sequences whose prompts have been read.
    fn enter(&mut self, team: &Team<'_>, cache: &mut Cache, draws: &mut Vec<Draw>) {
        while let Some(prefill) = self.prefills.front() {
            let request = &self.requests[prefill.piece.request];
            if prefill.done < Some(request.prompt.len()) {
                break;
            }
            let Some(Prefill { piece, slot, .. }) = self.prefills.pop_front() else { break };
            let first = self.running.len();
            for sample in piece.first..piece.end {
                let slot = if sample == piece.first {
                    slot
                } else {
                    self.promised -= 1;
                    // Admission promised a slot for each.
                    self.free.pop().expect("promised slots stay free")
                };
                self.held[slot] = Held { request: piece.request, tokens: request.prompt.len() };
                self.running.push(Running {
                    request: piece.request,
                    sample,
                    slot,
                    length: request.prompt.len(),
                    rng: request.seeds[sample].rng(),
                    sampled: Sampled::with_room(self.sampling.max_tokens.min(USUAL_TOKENS)),
                    finish: None,
                });
            }
            draws.push(Draw { first, end: self.running.len() });
            let (entered, layers) = (&self.running[first..], self.packed.config.layers);
            let cache = cache.writer();
            team.run(entered.len() - 1, |_, run| {
                for sibling in run {
                    // SAFETY: every sibling has its own slot, and nobody writes the one that was read.
                    unsafe { cache.copy(layers, slot, entered[sibling + 1].slot, request.prompt.len()) };
                }
            });
        }
    }

    /// Draws the next token of every sequence whose logits were computed.
    fn draw(&mut self, team: &Team<'_>, drawers: &mut [Drawer], draws: &[Draw], logits: &mut [f32]) {
        let vocabulary = self.packed.config.vocab_size;
        let (sampling, ended) = (self.sampling, self.ended);
        let (running, drawers) = (Shared::new(&mut self.running), Shared::new(drawers));
        let logits = Shared::new(logits);
        team.run(draws.len(), |member, run| {
            for i in run {
                let Draw { first, end } = draws[i];
                // SAFETY: a row of logits, its sequences and a member's drawer are one task's.
                let (logits, sequences, drawer) = unsafe {
                    (
                        logits.part(i * vocabulary, vocabulary),
                        running.part(first, end - first),
                        &mut drawers.part(member, 1)[0],
                    )
                };
                let Some(mut distribution) = drawer.read(sampling, logits) else {
                    sequences.iter_mut().for_each(|sequence| sequence.finish = Some(Finish::NonFinite));
                    continue;
                };
                for sequence in sequences {
                    let (token, log_prob) = distribution.draw(&mut sequence.rng);
                    sequence.sampled.tokens.push(token);
                    sequence.sampled.log_probs.push(log_prob);
                    let tokens = &sequence.sampled.tokens;
                    sequence.finish = if sampling.stop.contains(&token) || ended(sequence.request, tokens) {
                        Some(Finish::Stop)
                    } else {
                        (tokens.len() >= sampling.max_tokens).then_some(Finish::Length)
                    };
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::Model;
    use crate::sampling::team::with_team;
    use tracelift_domain::Seed;
    use tracelift_testing::TinyModel;

    /// The rows of every step until all prompts have been read, without the network.
    fn prompt_rows(requests: &[Request]) -> Vec<usize> {
        let tiny = TinyModel { vocabulary: 600, ..TinyModel::BYTES };
        let model = Model::random(Config::from_json(&tiny.config()).unwrap(), Seed(1));
        let packed = Packed::new(&model);
        let sampling = Sampling::greedy(8, Vec::new());
        let mut scheduler = Scheduler::new(&packed, requests, &sampling, &|_, _| false);
        let mut cache = Cache::new(packed.config.layers, packed.heads, scheduler.slots, scheduler.capacity);
        let mut steps = Vec::new();
        with_team(1, |team| {
            scheduler.admit();
            while !scheduler.prefills.is_empty() {
                let (mut rows, mut draws) = (Vec::new(), Vec::new());
                scheduler.plan(&mut cache, &mut rows, &mut Vec::new(), &mut draws);
                steps.push(rows.len() - draws.len());
                scheduler.enter(team, &mut cache, &mut draws);
            }
        });
        steps
    }

    #[test]
    fn what_prompts_begin_with_alike_is_read_once() {
        let request =
            |prompt: Vec<u32>, samples: u64| Request { prompt, seeds: (0..samples).map(Seed).collect() };
        // Instructions of 300 tokens; two questions, each alone and with two traces of which one begins as the other does.
        let told: Vec<u32> = (0..300).collect();
        let asked = |question: u32, trace: &[u32]| [&told, &[500 + question; 40][..], trace].concat();
        let requests = [
            request(asked(1, &[7; 30]), 3),
            request(asked(2, &[7; 30]), 3),
            request(asked(1, &[]), 1),
            request(asked(2, &[]), 3),
            request([asked(1, &[7; 20]), vec![8; 20]].concat(), 3),
        ];
        // All of the first, and of the others what is their own: their last tokens at least.
        let steps = prompt_rows(&requests);
        assert_eq!(steps.iter().sum::<usize>(), 340 + 30 + 20 + 40 + 30, "{steps:?}");
        assert_eq!(steps[0], CHUNK, "the first is read in whole chunks");
    }
}
