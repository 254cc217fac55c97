//! Which rows run in which step: sequences enter, are read, run token by token, and leave.

use super::cache::{Cache, Place};
use super::choice::{Drawer, Sampling, Scored};
use super::network::{Network, Row};
use super::packed::Packed;
use super::room::{Room, common};
use super::team::{Team, with_team};
use super::{Finish, GenerateError, Sampled};
use crate::shared::Shared;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::sync::Arc;
use tracelift_domain::Seed;

/// Prompt rows that go through the network at a time; long prompts are read in pieces of this size.
const CHUNK: usize = 256;
/// Of a prompt whose tokens are scored: each row takes room for the logits of a whole vocabulary.
const SCORED_CHUNK: usize = 64;
/// Tokens that another prompt has to spare this one, for the step to end before this one is begun.
const WORTH_WAITING: usize = 16;
/// Tokens of a sample for which memory is taken at once.
const USUAL_TOKENS: usize = 4096;

/// What is asked of a session.
pub struct Order<'a> {
    /// The prompt; must not be empty.
    pub prompt: Vec<u32>,
    /// One sample per seed.
    pub seeds: Vec<Seed>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Whether a sample ends after these tokens, if nobody knows beforehand.
    pub ended: Option<Box<EndedAfter<'a>>>,
    /// How many tokens are told beside each drawn one, and each of the prompt that is scored.
    pub alternatives: usize,
    /// Whether the prompt's tokens are scored. Then the budget of new tokens may be 0.
    pub scored: bool,
}

/// Whether a sample ends after these tokens.
pub type EndedAfter<'a> = dyn Fn(&[u32]) -> bool + Send + Sync + 'a;

/// The number of an order in its session, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a session tells of its orders.
#[derive(Debug)]
pub enum Told<'t> {
    /// Scores of tokens of the prompt, from the `first` on; those before it have been told. The very first has no score.
    Prompt {
        /// Whose.
        ticket: Ticket,
        /// Where in the prompt.
        first: usize,
        /// One a token; `None` where the logits are not finite.
        scores: Vec<Option<Scored>>,
    },
    /// A token was drawn.
    Token {
        /// Whose.
        ticket: Ticket,
        /// Of which sample.
        sample: usize,
        /// Which.
        token: u32,
        /// How probable it was.
        scored: &'t Scored,
    },
    /// A sample has come to its end.
    Ended {
        /// Whose.
        ticket: Ticket,
        /// Which.
        sample: usize,
        /// All of it.
        sampled: Sampled,
        /// How many tokens of the prompt others had read before.
        reused: usize,
    },
}

/// Who brings orders to a session at work, and hears what becomes of them.
pub trait Desk<'a> {
    /// Between two steps: the time to submit and to cancel. The session stops working when nothing is left to do after that.
    fn between(&mut self, session: &mut Session<'a>);
    /// Hears it.
    fn tell(&mut self, told: Told<'_>);
}

/// Who goes first where prompts wait to be read and sequences to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Prompts, as long as they fill a step: what is sampled then is sampled by more together.
    Prompts,
    /// Both: nobody who is being answered waits for those who come later.
    Together,
}

/// An order on file.
struct Filed<'a> {
    ticket: Ticket,
    prompt: Arc<[u32]>,
    order: Order<'a>,
}

/// Samples of one order that share one reading of its prompt.
struct Piece<'a> {
    filed: Arc<Filed<'a>>,
    first: usize,
    end: usize,
}

impl Piece<'_> {
    /// Whether its prompt's tokens are scored: once is enough.
    fn is_scored(&self) -> bool {
        self.filed.order.scored && self.first == 0
    }
}

/// A prompt on its way into the cache.
struct Prefill<'a> {
    piece: Piece<'a>,
    /// Of each of its samples; the prompt is read into the first.
    places: Vec<Place>,
    /// Tokens of the prompt that are in the cache, or will be after the step that is laid out; `None` before the first.
    done: Option<usize>,
    /// Those of them that were copied.
    reused: usize,
    /// Which of the rows of logits is that of its last token, once that is read.
    last: usize,
}

/// A sequence that is being sampled.
struct Running<'a> {
    filed: Arc<Filed<'a>>,
    sample: usize,
    place: Place,
    /// Tokens in the cache.
    length: usize,
    rng: ChaCha8Rng,
    sampled: Sampled,
    reused: usize,
    /// Of the last token.
    scored: Scored,
    /// Whether that is new.
    drawn: bool,
    finish: Option<Finish>,
}

/// A part of a prompt that is read in a step.
struct Read {
    prefill: usize,
    first: usize,
    end: usize,
}

/// Sequences that are drawn from one row of logits: all of a piece after its prompt, one ever after.
struct Draw {
    row: usize,
    first: usize,
    end: usize,
}

/// Rows of logits, one after another, that score the tokens of a prompt after the `first` one's.
struct Scoring {
    prefill: usize,
    row: usize,
    first: usize,
    rows: usize,
}

/// How much a session holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Sequences that run at a time.
    pub sequences: usize,
    /// Positions of the cache.
    pub positions: usize,
    /// The longest sequence.
    pub longest: usize,
    /// Threads.
    pub members: usize,
    pub pace: Pace,
}

/// A sampler at work: orders come in while others run, and each leaves when it is done. What an order gives does not depend on
/// what else there is, nor on when it came.
pub struct Session<'a> {
    packed: &'a Packed,
    size: Size,
    cache: Cache,
    room: Room,
    network: Network<'a>,
    drawers: Vec<Drawer>,
    logits: Vec<f32>,
    waiting: VecDeque<Piece<'a>>,
    prefills: VecDeque<Prefill<'a>>,
    running: Vec<Running<'a>>,
    /// Of the step that is laid out.
    reads: Vec<Read>,
    rows: Vec<Row>,
    wanted: Vec<usize>,
    draws: Vec<Draw>,
    scorings: Vec<Scoring>,
    submitted: u64,
}

impl<'a> Session<'a> {
    pub(super) fn new(packed: &'a Packed, size: Size) -> Session<'a> {
        let config = &packed.config;
        let most = size.sequences + CHUNK;
        Session {
            packed,
            size,
            cache: Cache::new(config.layers, packed.heads, size.positions),
            room: Room::new(size.positions),
            network: Network::new(packed, size.members, most, size.longest),
            drawers: Drawer::team(config.vocab_size, size.members),
            logits: vec![0.0; size.sequences * config.vocab_size],
            waiting: VecDeque::new(),
            prefills: VecDeque::with_capacity(size.sequences),
            running: Vec::with_capacity(size.sequences),
            reads: Vec::with_capacity(size.sequences),
            rows: Vec::with_capacity(most),
            wanted: Vec::with_capacity(most),
            draws: Vec::with_capacity(size.sequences),
            scorings: Vec::new(),
            submitted: 0,
        }
    }

    /// The longest sequence, prompt and new tokens together: what the model reads, or the cache holds.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.size.longest
    }

    /// How many sequences are at work, and how many wait.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let samples = |piece: &Piece<'_>| piece.end - piece.first;
        let read: usize = self.prefills.iter().map(|prefill| samples(&prefill.piece)).sum();
        (self.running.len() + read, self.waiting.iter().map(samples).sum())
    }

    /// Puts an order behind those that wait.
    ///
    /// # Errors
    /// When its prompt or its settings cannot be used; the error calls the prompt number 0.
    pub fn submit(&mut self, order: Order<'a>) -> Result<Ticket, GenerateError> {
        let scored_alone = order.scored && order.sampling.max_tokens == 0;
        let validated = Sampling { max_tokens: order.sampling.max_tokens.max(1), ..order.sampling.clone() };
        if scored_alone { &validated } else { &order.sampling }.validate()?;
        self.packed.check(0, &order.prompt, order.sampling.max_tokens, self.size.longest)?;
        for drawer in &mut self.drawers {
            drawer.prepare(&order.sampling, self.packed.config.vocab_size);
        }
        if order.scored {
            let rows = self.size.sequences + SCORED_CHUNK;
            self.logits.resize(rows * self.packed.config.vocab_size, 0.0);
        }
        let ticket = Ticket(self.submitted);
        self.submitted += 1;
        let samples = order.seeds.len();
        let length = order.prompt.len() + order.sampling.max_tokens;
        let together = (self.size.positions / Place::of(0, length).capacity).clamp(1, self.size.sequences);
        let filed = Arc::new(Filed { ticket, prompt: order.prompt.as_slice().into(), order });
        let piece = |first: usize| {
            let end = (first + together).min(samples);
            Piece { filed: Arc::clone(&filed), first, end }
        };
        self.waiting.extend((0..samples).step_by(together).map(piece));
        Ok(ticket)
    }

    /// Forgets an order, whatever has become of it.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.waiting.retain(|piece| piece.filed.ticket != ticket);
        let room = &mut self.room;
        self.prefills.retain(|Prefill { piece, places, done, .. }| {
            let stays = piece.filed.ticket != ticket;
            if !stays {
                for (i, place) in places.iter().enumerate() {
                    let known = if i == 0 { done.unwrap_or(0) } else { 0 };
                    room.leave(*place, Arc::clone(&piece.filed.prompt), known);
                }
            }
            stays
        });
        self.running.retain(|sequence| {
            let stays = sequence.filed.ticket != ticket;
            if !stays {
                room.leave(sequence.place, sequence.text(), sequence.length);
            }
            stays
        });
    }

    /// Works until nothing is left to do.
    pub fn work(&mut self, desk: &mut dyn Desk<'a>) {
        with_team(self.size.members, |team| {
            loop {
                desk.between(self);
                if !self.step(team, &mut |told| desk.tell(told)) {
                    return;
                }
            }
        });
    }

    /// One step; whether there was anything to do.
    fn step(&mut self, team: &Team<'_>, tell: &mut dyn FnMut(Told<'_>)) -> bool {
        self.admit();
        if self.running.is_empty() && self.prefills.is_empty() {
            return false;
        }
        let alone = self.plan();
        self.network.step(team, &mut self.cache, &self.rows, alone, &self.wanted, &mut self.logits);
        self.score(team, tell);
        self.enter(team, tell);
        self.draw(team);
        let room = &mut self.room;
        self.running.retain_mut(|sequence| {
            let ticket = sequence.filed.ticket;
            if std::mem::take(&mut sequence.drawn)
                && let Some(&token) = sequence.sampled.tokens.last()
            {
                tell(Told::Token { ticket, sample: sequence.sample, token, scored: &sequence.scored });
            }
            let Some(finish) = sequence.finish else { return true };
            room.leave(sequence.place, sequence.text(), sequence.length);
            let sampled = std::mem::replace(&mut sequence.sampled, Sampled::empty(finish));
            let sampled = Sampled { finish, ..sampled };
            tell(Told::Ended { ticket, sample: sequence.sample, sampled, reused: sequence.reused });
            false
        });
        true
    }

    /// Lets in what fits.
    fn admit(&mut self) {
        while let Some(piece) = self.waiting.front() {
            let samples = piece.end - piece.first;
            if samples > self.size.sequences - self.load().0 {
                break;
            }
            let Filed { prompt, order, .. } = &*piece.filed;
            let length = prompt.len() + order.sampling.max_tokens;
            let Some(places) = self.room.take_all(samples, length) else { break };
            let Some(piece) = self.waiting.pop_front() else { break };
            self.prefills.push_back(Prefill { piece, places, done: None, reused: 0, last: 0 });
        }
    }

    /// Chooses the rows of a step: prompts as far as they go, and one row for every running sequence. Returns whether no two
    /// rows belong to one sequence.
    fn plan(&mut self) -> bool {
        self.rows.clear();
        self.wanted.clear();
        self.draws.clear();
        self.scorings.clear();
        let unfilled = self.read();
        let (rows, wanted) = (&mut self.rows, &mut self.wanted);
        if unfilled > 0 || self.size.pace == Pace::Together {
            for (i, sequence) in self.running.iter_mut().enumerate() {
                self.draws.push(Draw { row: wanted.len(), first: i, end: i + 1 });
                wanted.push(rows.len());
                let token = sequence.sampled.tokens.last().copied().unwrap_or(0);
                rows.push(Row { place: sequence.place, position: sequence.length, token });
                sequence.length += 1;
            }
        }
        for Read { prefill, first, end } in &self.reads {
            let Prefill { piece, places, last, .. } = &mut self.prefills[*prefill];
            let prompt = &piece.filed.prompt;
            let (ends, place) = (*end == prompt.len(), places[0]);
            let begun = rows.len();
            let read = prompt[*first..*end].iter().zip(*first..);
            rows.extend(read.map(|(&token, position)| Row { place, position, token }));
            let row = wanted.len();
            match piece.is_scored() {
                true => wanted.extend(begun..rows.len()),
                false if ends => wanted.push(rows.len() - 1),
                false => {}
            }
            if piece.is_scored() {
                // After the last token there is none to be scored.
                let scored = end - first - usize::from(ends);
                self.scorings.push(Scoring { prefill: *prefill, row, first: *first, rows: scored });
            }
            *last = wanted.len().saturating_sub(1);
        }
        self.reads.is_empty()
    }

    /// Chooses what of the prompts is read in a step; returns how many rows more could have been.
    fn read(&mut self) -> usize {
        self.reads.clear();
        for Prefill { piece, places, done, .. } in &self.prefills {
            if let Some(tokens) = *done {
                self.room.holds(places[0], &piece.filed.prompt, tokens);
            }
        }
        let (mut left, mut scored) = (CHUNK, SCORED_CHUNK);
        for at in 0..self.prefills.len() {
            let Some(first) = self.begin(at) else { break };
            let Prefill { piece, done, .. } = &mut self.prefills[at];
            let is_scored = piece.is_scored();
            let most = if is_scored { left.min(scored) } else { left };
            let end = piece.filed.prompt.len().min(first + most);
            *done = Some(end);
            left -= end - first;
            if is_scored {
                scored -= end - first;
            }
            self.reads.push(Read { prefill: at, first, end });
            // Those behind are not done before this one.
            if left == 0 || scored == 0 || end < piece.filed.prompt.len() {
                break;
            }
        }
        left
    }

    /// From which token on a prompt is to be read. What another place holds of its beginning, an instruction or a question
    /// that many prompts share, is copied from there and not computed again: keys and values depend on what is before
    /// them alone. `None` if more of it is being read in this very step: then it is worth waiting for the next.
    fn begin(&mut self, at: usize) -> Option<usize> {
        let Prefill { piece, places, done, .. } = &self.prefills[at];
        if done.is_some() {
            return *done;
        }
        let (filed, place) = (Arc::clone(&piece.filed), places[0]);
        // Scores are wanted of all of it.
        if piece.is_scored() {
            self.room.holds(place, &filed.prompt, 0);
            return Some(0);
        }
        // The last token goes through the network in any case: its logits are asked for.
        let (_, beginning) = filed.prompt.split_last()?;
        let found = self.room.beginning(beginning);
        let tokens = found.map_or(0, |(_, tokens)| tokens);
        let coming = self.reads.iter().map(|read| {
            let other = &self.prefills[read.prefill].piece.filed.prompt;
            common(&other[..read.end], beginning)
        });
        if coming.max().is_some_and(|coming| coming >= tokens + WORTH_WAITING) {
            return None;
        }
        if let Some((from, tokens)) = found.filter(|(from, _)| *from != place) {
            // SAFETY: nothing else runs between the steps.
            unsafe { self.cache.writer().copy(self.packed.config.layers, from, place, tokens) };
        }
        self.room.holds(place, &filed.prompt, tokens);
        self.prefills[at].reused = tokens;
        Some(tokens)
    }

    /// Scores tokens of prompts.
    fn score(&mut self, team: &Team<'_>, tell: &mut dyn FnMut(Told<'_>)) {
        let vocabulary = self.packed.config.vocab_size;
        for Scoring { prefill, row, first, rows } in &self.scorings {
            let filed = &self.prefills[*prefill].piece.filed;
            let mut scores = vec![None; *rows];
            let (out, logits) = (Shared::new(&mut scores), Shared::new(&mut self.logits));
            let drawers = Shared::new(&mut self.drawers);
            team.run(*rows, |member, run| {
                for i in run {
                    // SAFETY: a row of logits, its score and a member's drawer are one task's.
                    let (logits, score, drawer) = unsafe {
                        (
                            logits.part((row + i) * vocabulary, vocabulary),
                            &mut out.part(i, 1)[0],
                            &mut drawers.part(member, 1)[0],
                        )
                    };
                    let next = filed.prompt[first + i + 1];
                    *score = drawer.score(logits, next, filed.order.alternatives);
                }
            });
            if !scores.is_empty() {
                tell(Told::Prompt { ticket: filed.ticket, first: first + 1, scores });
            }
        }
    }

    /// Starts the sequences whose prompts have been read.
    fn enter(&mut self, team: &Team<'_>, tell: &mut dyn FnMut(Told<'_>)) {
        while let Some(prefill) = self.prefills.front() {
            let filed = Arc::clone(&prefill.piece.filed);
            if prefill.done < Some(filed.prompt.len()) {
                break;
            }
            let Some(Prefill { piece, places, reused, last, .. }) = self.prefills.pop_front() else { break };
            let length = filed.prompt.len();
            if filed.order.sampling.max_tokens == 0 {
                for (sample, place) in (piece.first..piece.end).zip(places) {
                    let known = if sample == piece.first { length } else { 0 };
                    self.room.leave(place, Arc::clone(&filed.prompt), known);
                    let sampled = Sampled::empty(Finish::Length);
                    tell(Told::Ended { ticket: filed.ticket, sample, sampled, reused });
                }
                continue;
            }
            let (first, source) = (self.running.len(), places[0]);
            for (sample, place) in (piece.first..piece.end).zip(places) {
                self.room.holds(place, &filed.prompt, length);
                self.running.push(Running {
                    filed: Arc::clone(&filed),
                    sample,
                    place,
                    length,
                    rng: filed.order.seeds[sample].rng(),
                    sampled: Sampled::with_room(filed.order.sampling.max_tokens.min(USUAL_TOKENS)),
                    reused,
                    scored: Scored::default(),
                    drawn: false,
                    finish: None,
                });
            }
            self.draws.push(Draw { row: last, first, end: self.running.len() });
            let (entered, layers) = (&self.running[first..], self.packed.config.layers);
            let cache = self.cache.writer();
            team.run(entered.len() - 1, |_, run| {
                for sibling in run {
                    // SAFETY: every sibling has its own place, and nobody writes the one that was read.
                    unsafe { cache.copy(layers, source, entered[sibling + 1].place, length) };
                }
            });
        }
    }

    /// Draws the next token of every sequence whose logits were computed.
    fn draw(&mut self, team: &Team<'_>) {
        let vocabulary = self.packed.config.vocab_size;
        let draws = &self.draws;
        let (running, drawers) = (Shared::new(&mut self.running), Shared::new(&mut self.drawers));
        let logits = Shared::new(&mut self.logits);
        team.run(draws.len(), |member, run| {
            for i in run {
                let Draw { row, first, end } = draws[i];
                // SAFETY: a row of logits, its sequences and a member's drawer are one task's.
                let (logits, sequences, drawer) = unsafe {
                    (
                        logits.part(row * vocabulary, vocabulary),
                        running.part(first, end - first),
                        &mut drawers.part(member, 1)[0],
                    )
                };
                // Samples of one order.
                let Some(filed) = sequences.first().map(|sequence| Arc::clone(&sequence.filed)) else {
                    continue;
                };
                let Order { sampling, ended, alternatives, .. } = &filed.order;
                let Some(mut distribution) = drawer.read(sampling, logits) else {
                    sequences.iter_mut().for_each(|sequence| sequence.finish = Some(Finish::NonFinite));
                    continue;
                };
                for sequence in sequences {
                    let (token, log_prob) = distribution.draw(&mut sequence.rng);
                    sequence.sampled.tokens.push(token);
                    sequence.sampled.log_probs.push(log_prob);
                    sequence.scored.log_prob = log_prob;
                    if *alternatives > 0 {
                        sequence.scored.alternatives = distribution.alternatives(*alternatives);
                    }
                    sequence.drawn = true;
                    let tokens = &sequence.sampled.tokens;
                    let ends = || ended.as_ref().is_some_and(|ended| ended(tokens));
                    sequence.finish = if sampling.stop.contains(&token) || ends() {
                        Some(Finish::Stop)
                    } else {
                        (tokens.len() >= sampling.max_tokens).then_some(Finish::Length)
                    };
                }
            }
        });
    }
}

impl Running<'_> {
    /// The prompt and what was sampled after it.
    fn text(&self) -> Arc<[u32]> {
        self.filed.prompt.iter().chain(&self.sampled.tokens).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::Model;
    use tracelift_testing::TinyModel;

    fn order(prompt: Vec<u32>, samples: u64) -> Order<'static> {
        Order {
            prompt,
            seeds: (0..samples).map(Seed).collect(),
            sampling: Sampling::greedy(8, Vec::new()),
            ended: None,
            alternatives: 0,
            scored: false,
        }
    }

    /// The rows of every step until all prompts have been read, without the network.
    fn prompt_rows(mut orders: Vec<Order<'static>>) -> Vec<usize> {
        let tiny = TinyModel { vocabulary: 600, ..TinyModel::BYTES };
        let model = Model::random(Config::from_json(&tiny.config()).unwrap(), Seed(1));
        let packed = Packed::new(&model);
        let size = Size { sequences: 13, positions: 13 * 512, longest: 512, members: 1, pace: Pace::Prompts };
        let mut session = Session::new(&packed, size);
        orders.sort_by(|one, other| one.prompt.cmp(&other.prompt));
        for order in orders {
            session.submit(order).unwrap();
        }
        let mut steps = Vec::new();
        with_team(1, |team| {
            session.admit();
            while !session.prefills.is_empty() {
                session.plan();
                steps.push(session.rows.len() - session.draws.len());
                session.enter(team, &mut |_| {});
            }
        });
        steps
    }

    #[test]
    fn what_prompts_begin_with_alike_is_read_once() {
        // Instructions of 300 tokens; two questions, each alone and with two traces of which one begins as the other does.
        let told: Vec<u32> = (0..300).collect();
        let asked = |question: u32, trace: &[u32]| [&told, &[500 + question; 40][..], trace].concat();
        let orders = vec![
            order(asked(1, &[7; 30]), 3),
            order(asked(2, &[7; 30]), 3),
            order(asked(1, &[]), 1),
            order(asked(2, &[]), 3),
            order([asked(1, &[7; 20]), vec![8; 20]].concat(), 3),
        ];
        // All of the first, and of the others what is their own: their last tokens at least.
        let steps = prompt_rows(orders);
        assert_eq!(steps.iter().sum::<usize>(), 340 + 30 + 20 + 40 + 30, "{steps:?}");
        assert_eq!(steps[0], CHUNK, "the first is read in whole chunks");
    }
}
