//! Moving the planner: from rollouts with advantages to new weights.
//!
//! An epoch's loss is the sum of [`policy_term`] over all tokens of the step's rollouts with known rewards, divided by
//! the number of these tokens, whatever rollout or micro-batch they are in (or as [`Aggregate`] says). Each epoch takes one optimizer step along the
//! gradient of exactly that. What is reported is the mean over epochs of these losses, each at the weights before its
//! step, so with one epoch it is the loss at the weights that sampled.
//!
//! Where sampler and trainer are corrected for ([`importance`]), a token's term is weighed by its truncated importance ratio, and
//! the ratio that is clipped is against the trainer's own log-probability at the weights that sampled. The first epoch is at those
//! weights, so it finds that log-probability itself, and no further pass is needed: its ratio is 1.

use super::{Aggregate, Clip, GrpoConfig, Importance, Objective, PolicyTerm, Ratio, importance, policy_term};
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::{AdamWConfig, Batch, Device, Learner, Memory, Model, Start, Target, TokenScore};
use tracelift_planner::Sampling;

/// Tokens that go through a training pass at a time.
const MICRO_BATCH: usize = 8192;

/// The constants of the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    pub objective: Objective,
    /// Whose ratio counts.
    pub ratio: Ratio,
    /// What the loss is a mean over.
    pub aggregate: Aggregate,
    /// The most tokens of a completion.
    pub budget: usize,
    /// Of all log-probabilities.
    pub temperature: f32,
    /// Optimizer steps over the same rollouts.
    pub epochs: usize,
    /// Of importance ratios between sampler and trainer, where these are corrected for.
    pub importance_cap: Option<f32>,
}

impl Terms {
    pub fn of(config: &GrpoConfig, sampling: &Sampling) -> Terms {
        let clip = Clip { low: config.clip_low, high: config.clip_high, dual: config.dual_clip };
        Terms {
            objective: Objective { clip, kl: config.kl, divergence: config.divergence },
            ratio: config.ratio,
            aggregate: config.aggregate,
            budget: sampling.max_tokens,
            temperature: sampling.temperature,
            epochs: config.epochs,
            importance_cap: config.importance_cap,
        }
    }
}

/// What a rollout with a known reward teaches. Rollouts of one prompt stand side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lesson<'r> {
    pub prompt: &'r [u32],
    /// The completion.
    pub tokens: &'r [u32],
    /// Log-probabilities of its tokens when they were sampled.
    pub log_probs: &'r [f32],
    pub advantage: f32,
}

/// What an update found; means are over tokens and epochs, and unknown where nothing was taught.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Update {
    pub loss: f64,
    pub clipped: Option<f64>,
    pub entropy: Option<f64>,
    /// Mean distance of log-probabilities from those of the sampler.
    pub gap: Option<f64>,
    pub divergence: Option<f64>,
    /// Mean weight of tokens, and the share at the cap; unknown where nothing is corrected for.
    pub importance: Option<f64>,
    pub capped: Option<f64>,
    /// Of the last epoch, before clipping.
    pub gradient_norm: Option<f64>,
}

/// The planner in motion.
pub(super) struct Policy {
    pub learner: Learner,
    terms: Terms,
    micro_batch: usize,
}

/// Sums over tokens.
#[derive(Default)]
struct Sums {
    loss: f64,
    clipped: usize,
    entropy: f64,
    gap: f64,
    divergence: f64,
    importance: f64,
    capped: usize,
    seen: usize,
}

/// A token to learn from.
#[derive(Clone, Copy, Debug)]
struct Sampled {
    /// Its log-probability when it was sampled.
    log_prob: f32,
    /// Its rollout's advantage.
    advantage: f32,
    /// Which of the rollouts.
    rollout: usize,
}

/// What a token's term weighs in the loss, in which these are the rollouts with known rewards.
#[derive(Clone, Copy, Debug)]
struct Weighing {
    aggregate: Aggregate,
    tokens: usize,
    rollouts: usize,
    budget: usize,
}

impl Weighing {
    /// That of a token of a completion of so many.
    fn share(self, length: usize) -> f32 {
        let Weighing { aggregate, tokens, rollouts, budget } = self;
        let among = match aggregate {
            Aggregate::Token => tokens,
            Aggregate::Sequence => rollouts * length,
            Aggregate::Budget => rollouts * budget,
        };
        1.0 / among.max(1) as f32
    }
}

impl Policy {
    pub fn new(model: Model, terms: Terms, optimizer: AdamWConfig) -> Policy {
        let memory = Memory::suited(&model.config, MICRO_BATCH);
        let start = if terms.objective.kl > 0.0 { Start::Kept } else { Start::Forgotten };
        let learner = Learner::on(Device::Cpu, model, memory, optimizer, start);
        Policy { learner, terms, micro_batch: MICRO_BATCH }
    }

    /// Learns from a step's rollouts.
    pub fn update(&mut self, lessons: &[Lesson<'_>], rate: f32) -> Result<Update, NonFinite> {
        let tokens: usize = lessons.iter().map(|lesson| lesson.tokens.len()).sum();
        let Terms { aggregate, budget, .. } = self.terms;
        let weighing = Weighing { aggregate, tokens, rollouts: lessons.len(), budget };
        // A rollout of advantage 0 moves nothing, unless it holds the planner to its start.
        let taught: Vec<Lesson<'_>> = lessons
            .iter()
            .filter(|lesson| lesson.advantage != 0.0 || self.terms.objective.kl > 0.0)
            .copied()
            .collect();
        // Where nothing is taught, nothing moves: neither by the momentum of earlier steps nor by decay.
        let epochs = if taught.is_empty() { 0 } else { self.terms.epochs };
        let (mut sums, mut gradient_norm, mut first) = (Sums::default(), None, Vec::new());
        for _ in 0..epochs {
            self.pass(&taught, weighing, &mut first, &mut sums);
            gradient_norm = Some(self.learner.apply(sums.loss, rate)?);
        }
        self.learner.rest();
        let per_token = |sum: f64| (sums.seen > 0).then(|| sum / sums.seen as f64);
        let corrected = |sum: f64| self.terms.importance_cap.and_then(|_| per_token(sum));
        Ok(Update {
            loss: sums.loss / self.terms.epochs as f64,
            clipped: per_token(sums.clipped as f64),
            entropy: per_token(sums.entropy),
            gap: per_token(sums.gap),
            divergence: per_token(sums.divergence),
            importance: corrected(sums.importance),
            capped: corrected(sums.capped as f64),
            gradient_norm,
        })
    }

    /// Adds the gradients of all rollouts. `first` is what the first pass over them found, the trainer's
    /// log-probabilities at the weights that sampled; where it is empty this pass is the first.
    fn pass(&mut self, lessons: &[Lesson<'_>], weighing: Weighing, first: &mut Vec<f32>, sums: &mut Sums) {
        let mut from = 0;
        for micro in micro_batches(lessons, self.micro_batch) {
            let scores = self.add_gradients(micro, weighing, first.get(from..).unwrap_or_default(), sums);
            from += scores.len();
            if first.len() < from {
                first.extend(scores.iter().map(|score| score.log_prob));
            }
        }
    }

    /// The same of some of them; `first` begins with their tokens.
    fn add_gradients(
        &mut self,
        lessons: &[Lesson<'_>],
        weighing: Weighing,
        first: &[f32],
        sums: &mut Sums,
    ) -> Vec<TokenScore<f32>> {
        let (batch, targets, sampled) = pack(lessons);
        let Terms { objective, ratio, temperature, importance_cap, .. } = self.terms;
        let start = (objective.kl > 0.0).then(|| self.learner.score_start(&batch, &targets, temperature));
        let shares: Vec<f32> = lessons.iter().map(|lesson| weighing.share(lesson.tokens.len())).collect();
        // What a token's ratio is against, and its weight.
        let against = |i: usize, score: TokenScore<f32>| {
            let sampler = sampled[i].log_prob;
            let Some(cap) = importance_cap else {
                return (sampler, Importance { weight: 1.0, capped: false });
            };
            let trainer = first.get(i).copied().unwrap_or(score.log_prob);
            (trainer, importance(trainer, sampler, cap))
        };
        let moved =
            |i: usize, score: TokenScore<f32>| f64::from(score.log_prob) - f64::from(against(i, score).0);
        let mut passage = self.learner.forward(&batch);
        // How far whole sequences have moved must be known before the first of their tokens has a slope: they are scored twice.
        let sequences = (ratio == Ratio::Sequence).then(|| {
            let mut means = vec![0.0; lessons.len()];
            for (i, &score) in passage.score(&targets, temperature).iter().enumerate() {
                let rollout = sampled[i].rollout;
                means[rollout] += moved(i, score) / lessons[rollout].tokens.len() as f64;
            }
            means
        });
        let term = |i: usize, score: TokenScore<f32>| -> PolicyTerm {
            let Sampled { advantage, rollout, .. } = sampled[i];
            let (weight, start) = (against(i, score).1.weight, start.as_ref().map(|start| start[i].log_prob));
            let shift = sequences.as_ref().map_or_else(|| moved(i, score), |sequences| sequences[rollout]);
            // A weight that is not negative goes through the minimum of the term: weighed is the advantage, and not the divergence.
            policy_term(score.log_prob, shift, start, weight * advantage, &objective)
        };
        let share = |i: usize| shares[sampled[i].rollout];
        let scores = passage.learn(&targets, temperature, |i, score| share(i) * term(i, score).slope);
        passage.backward();
        for (i, &score) in scores.iter().enumerate() {
            let found = term(i, score);
            let Importance { weight, capped } = against(i, score).1;
            sums.loss += f64::from(share(i)) * found.loss;
            sums.clipped += usize::from(found.clipped);
            sums.divergence += found.divergence.unwrap_or(0.0);
            sums.entropy += f64::from(score.entropy);
            sums.gap += f64::from((score.log_prob - sampled[i].log_prob).abs());
            sums.importance += f64::from(weight);
            sums.capped += usize::from(capped);
        }
        sums.seen += targets.len();
        scores
    }
}

/// The rollouts in one batch, in which a prompt that several of them share is computed once; their tokens, and what is
/// known of each.
fn pack(lessons: &[Lesson<'_>]) -> (Batch, Vec<Target>, Vec<Sampled>) {
    let (mut batch, mut targets, mut sampled) = (Batch::default(), Vec::new(), Vec::new());
    let mut last: Option<&[u32]> = None;
    for (rollout, &Lesson { prompt, tokens, log_probs, advantage }) in lessons.iter().enumerate() {
        let whole = [prompt, tokens].concat();
        if last.replace(prompt) == Some(prompt) {
            batch.branch(&whole);
        } else {
            batch.push(&whole);
        }
        let span = &batch.spans()[batch.sequences() - 1];
        for (at, (&token, &log_prob)) in tokens.iter().zip(log_probs).enumerate() {
            targets.push(Target { row: span.row(prompt.len() + at - 1) as u32, token });
            sampled.push(Sampled { log_prob, advantage, rollout });
        }
    }
    (batch, targets, sampled)
}

/// Runs of rollouts that fit into a training pass of so many rows.
fn micro_batches<'l, 'r>(lessons: &'l [Lesson<'r>], most: usize) -> Vec<&'l [Lesson<'r>]> {
    let (mut batches, mut first, mut rows) = (Vec::new(), 0, 0);
    for (i, lesson) in lessons.iter().enumerate() {
        let length = lesson.prompt.len() + lesson.tokens.len();
        if i > first && rows + length > most {
            batches.push(&lessons[first..i]);
            (first, rows) = (i, 0);
        }
        rows += length;
    }
    if first < lessons.len() {
        batches.push(&lessons[first..]);
    }
    batches
}

#[cfg(test)]
mod tests;
