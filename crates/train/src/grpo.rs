//! GRPO with executor-grounded rewards: the whole algorithm, from problems to an updated planner.
//!
//! One step: take a few problems; sample `G` traces for each; let the frozen executor solve each problem with each
//! trace (and, once per problem, without any); judge what it hands in; let the reward model read the traces; turn
//! that into rewards and those into advantages within each rollout group; move the planner by a clipped
//! token-level policy loss.
//!
//! What is deliberately plain here: one process, rollouts and updates in turn, one pass over a step's rollouts. The
//! loss is a mean over the tokens of all rollouts with known rewards (not a mean of per-sequence means, which
//! favours short wrong traces). Log-probabilities are of the whole distribution at the sampling temperature, in the
//! sampler and here alike; with top-p below 1 the sampler draws from a slightly narrower distribution than the one
//! whose log-probabilities it reports. A step's draws follow from the run's seed and the step's number alone.

use crate::advantage::{Normalize, advantages};
use crate::metrics::{StepMetrics, name};
use crate::rollouts::RolloutRecord;
use crate::source::{Item, Source};
use crate::state::{Learner, StateError};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Instant;
use tracelift_domain::{Probability, Problem, PromptFormat, Seed, Trace, TraceDefect};
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::sampling::GenerateError;
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_engine::{
    AdamWConfig, Batch, Checkpoint, Finish, Memory, Model, Packed, Pass, Request, Sampling, Schedule, Target,
};
use tracelift_executor::Executor;
use tracelift_reward::{Baselines, Evidence, Measured, Needs, RewardModel, Rule, leak, measure};
use tracelift_verify::Verifier;

/// Tokens that go through a training pass at a time.
const MICRO_BATCH: usize = 8192;

/// How the planner is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpoConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Problems a step.
    pub problems: usize,
    /// `G`: traces per problem.
    pub group: usize,
    /// `K`: executor runs behind `w` and behind `b`.
    pub runs: usize,
    /// The reward rule.
    pub rule: Rule,
    /// `λ`: the weight of the reason.
    pub lambda: Probability,
    /// What advantages are divided by.
    pub normalize: Normalize,
    /// How far the probability ratio may fall below 1 before its gradient stops.
    pub clip_low: f32,
    /// How far it may rise above 1 (clip-higher where it is more than `clip_low`).
    pub clip_high: f32,
    /// Weight of the divergence from the start policy; 0 leaves it out.
    pub kl: f32,
    /// Passes over each step's rollouts.
    pub epochs: usize,
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps of warm-up.
    pub warmup: u64,
    /// Sampling temperature of the planner.
    pub temperature: f32,
    /// Nucleus of the planner.
    pub top_p: f32,
    /// The longest completion of the planner, in tokens.
    pub max_tokens: usize,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// The optimizer's constants.
    pub optimizer: AdamWConfig,
}

impl Default for GrpoConfig {
    fn default() -> GrpoConfig {
        GrpoConfig {
            steps: 600,
            problems: 16,
            group: 4,
            runs: 3,
            rule: Rule::Tracelift,
            lambda: HALF,
            normalize: Normalize::GroupStd,
            clip_low: 0.2,
            clip_high: 0.2,
            kl: 0.0,
            epochs: 1,
            learning_rate: 5e-6,
            warmup: 0,
            temperature: 0.7,
            top_p: 0.95,
            max_tokens: 512,
            checkpoint_every: 20,
            optimizer: AdamWConfig::default(),
        }
    }
}

const HALF: Probability = Probability::HALF;

/// A setting that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("`grpo.{key}` is {value}, expected {expected}")]
pub struct GrpoConfigError {
    key: &'static str,
    value: String,
    expected: &'static str,
}

impl GrpoConfig {
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn validate(&self) -> Result<(), GrpoConfigError> {
        let checks = [
            ("steps", self.steps >= 1, self.steps.to_string(), "at least 1"),
            ("problems", self.problems >= 1, self.problems.to_string(), "at least 1"),
            ("group", self.group >= 2, self.group.to_string(), "at least 2, or no rollout has a sibling"),
            ("runs", self.runs >= 1, self.runs.to_string(), "at least 1"),
            ("epochs", self.epochs >= 1, self.epochs.to_string(), "at least 1"),
            ("clip_low", (0.0..1.0).contains(&self.clip_low), self.clip_low.to_string(), "from 0 to below 1"),
            ("clip_high", self.clip_high >= 0.0, self.clip_high.to_string(), "0 or more"),
            ("kl", self.kl >= 0.0, self.kl.to_string(), "0 or more"),
            ("learning_rate", self.learning_rate > 0.0, self.learning_rate.to_string(), "above 0"),
            (
                "temperature",
                self.temperature > 0.0,
                self.temperature.to_string(),
                "above 0, or all traces are one",
            ),
            ("top_p", self.top_p > 0.0 && self.top_p <= 1.0, self.top_p.to_string(), "above 0 and at most 1"),
            ("max_tokens", self.max_tokens >= 1, self.max_tokens.to_string(), "at least 1"),
            ("checkpoint_every", self.checkpoint_every >= 1, self.checkpoint_every.to_string(), "at least 1"),
        ];
        match checks.into_iter().find(|(_, fine, ..)| !fine) {
            None => Ok(()),
            Some((key, _, value, expected)) => Err(GrpoConfigError { key, value, expected }),
        }
    }

    fn schedule(&self) -> Schedule {
        Schedule { peak: self.learning_rate, warmup: self.warmup, total: self.steps, floor: 0.1 }
    }
}

/// Why a step cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum GrpoError {
    /// The planner cannot be sampled.
    #[error("the planner cannot be sampled: {0}")]
    Generate(#[from] GenerateError),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The update is not finite.
    #[error(transparent)]
    NonFinite(#[from] NonFinite),
}

/// One trace and what became of it.
struct Rollout {
    item: usize,
    sample: usize,
    tokens: Vec<u32>,
    log_probs: Vec<f32>,
    truncated: bool,
    completion: String,
    trace: Result<Trace, TraceDefect>,
    measured: Option<Measured>,
    evidence: Evidence,
    reward: Option<f64>,
    advantage: f64,
}

/// A planner in training, with everything that judges it.
pub struct Grpo<'a> {
    /// How it is trained.
    pub config: GrpoConfig,
    /// The planner.
    pub planner: Checkpoint,
    /// How problems are put to it.
    pub format: PromptFormat,
    /// Where problems come from.
    pub source: Source,
    /// The frozen executor.
    pub executor: &'a dyn Executor,
    /// The verifier.
    pub verifier: &'a Verifier,
    /// The reward model, where the rule needs one.
    pub rubric: Option<&'a RewardModel>,
    seed: Seed,
    baselines: Baselines,
    /// The start policy, where the divergence from it counts.
    reference: Option<Model>,
    learner: Learner,
    pass: Pass,
}

/// What a step leaves behind.
pub struct StepOutcome {
    /// Numbers.
    pub metrics: StepMetrics,
    /// Every rollout.
    pub rollouts: Vec<RolloutRecord>,
}

impl<'a> Grpo<'a> {
    /// Sets up the training of a planner.
    #[must_use]
    #[allow(clippy::too_many_arguments)] // the parts of the system, each named once
    pub fn new(
        config: GrpoConfig,
        planner: Checkpoint,
        format: impl Into<PromptFormat>,
        source: Source,
        executor: &'a dyn Executor,
        verifier: &'a Verifier,
        rubric: Option<&'a RewardModel>,
        seed: Seed,
    ) -> Grpo<'a> {
        let learner = Learner::new(planner.model.trainable().len(), config.optimizer);
        let baselines = Baselines::new(executor.fingerprint(), config.runs, seed);
        // Adapters start at zero: without them the planner is its own start.
        let apart = config.kl > 0.0 && planner.model.lora.is_none();
        let reference = apart.then(|| planner.model.clone());
        let pass = Pass::new(Memory::suited(&planner.model.config, MICRO_BATCH));
        Grpo {
            config,
            planner,
            format: format.into(),
            source,
            executor,
            verifier,
            rubric,
            seed,
            baselines,
            reference,
            learner,
            pass,
        }
    }

    /// The seed of everything random in it.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.learner.step
    }

    /// Writes what is needed to go on.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), StateError> {
        crate::state::save_json(dir, BASELINES, &self.baselines)?;
        self.learner.save(self.planner.model.trainable(), dir)
    }

    /// Goes on from what [`Grpo::save`] wrote.
    ///
    /// # Errors
    /// When a file cannot be read, or belongs to another model or executor.
    pub fn restore(&mut self, dir: &Path) -> Result<(), StateError> {
        let baselines: Baselines = crate::state::load_json(dir, BASELINES)?;
        baselines.check(self.executor.fingerprint())?;
        self.baselines = baselines;
        self.learner.restore(self.planner.model.trainable_mut(), dir)
    }

    /// One step.
    ///
    /// # Errors
    /// When the planner cannot be sampled or the update is not finite. Failed executor calls are no error: they
    /// leave rewards unknown.
    pub fn step(&mut self) -> Result<StepOutcome, GrpoError> {
        let step = self.learner.step + 1;
        let mut metrics = StepMetrics::now(step);
        let first = self.learner.step * self.config.problems as u64;
        let items: Vec<Item> =
            (first..first + self.config.problems as u64).map(|position| self.source.item(position)).collect();

        let start = Instant::now();
        let (prompts, mut rollouts) = self.sample(&items, step)?;
        clock(&mut metrics, "sample", start);

        let (start, usage) = (Instant::now(), self.executor.usage());
        self.execute(&items, &mut rollouts, step);
        clock(&mut metrics, "execute", start);
        let used = self.executor.usage().since(&usage);
        metrics.set(name::CALLS, used.calls as f64);
        metrics.set(name::FAILED_CALLS, used.failed() as f64);
        metrics.set(name::EXECUTOR_TOKENS, (used.prompt_tokens + used.completion_tokens) as f64);

        let start = Instant::now();
        self.read_rubric(&items, &mut rollouts)?;
        clock(&mut metrics, "rubric", start);

        self.reward(&mut rollouts, &mut metrics);

        let start = Instant::now();
        self.update(&prompts, &rollouts, &mut metrics)?;
        clock(&mut metrics, "update", start);

        let rollouts = self.record(&items, rollouts, step, &mut metrics);
        metrics.wall_time = StepMetrics::now(step).wall_time;
        Ok(StepOutcome { metrics, rollouts })
    }

    /// `G` traces for each problem.
    fn sample(&self, items: &[Item], step: u64) -> Result<(Vec<Vec<u32>>, Vec<Rollout>), GrpoError> {
        let tokenizer = &self.planner.tokenizer;
        let seed = self.seed.child("rollout", step);
        let mut requests = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let prompt = tokenizer.planner_prompt(self.format, &item.problem.question)?;
            let seed = seed.child("problem", i as u64);
            let seeds = (0..self.config.group as u64).map(|sample| seed.child("sample", sample)).collect();
            requests.push(Request { prompt, seeds });
        }
        let sampling = Sampling {
            temperature: self.config.temperature,
            top_k: 0,
            top_p: self.config.top_p,
            max_tokens: self.config.max_tokens,
            stop: tokenizer.eos().to_vec(),
        };
        let groups = Packed::new(&self.planner.model).generate(&requests, &sampling)?;
        let mut rollouts = Vec::with_capacity(items.len() * self.config.group);
        for (item, group) in groups.into_iter().enumerate() {
            for (sample, sampled) in group.into_iter().enumerate() {
                let completion = tokenizer.decode(&sampled.tokens)?;
                rollouts.push(Rollout {
                    item,
                    sample,
                    trace: Trace::from_completion(&completion),
                    completion,
                    truncated: sampled.finish == Finish::Length,
                    tokens: sampled.tokens,
                    log_probs: sampled.log_probs,
                    measured: None,
                    evidence: Evidence::default(),
                    reward: None,
                    advantage: 0.0,
                });
            }
        }
        Ok((requests.into_iter().map(|request| request.prompt).collect(), rollouts))
    }

    /// Lets the executor solve each problem with each trace, and without any.
    fn execute(&mut self, items: &[Item], rollouts: &mut [Rollout], step: u64) {
        let needs = self.config.rule.needs(self.config.runs);
        let without = if needs.baseline {
            let problems: Vec<&Problem> = items.iter().map(|item| &item.problem).collect();
            self.baselines.of(self.executor, self.verifier, &problems)
        } else {
            vec![None; items.len()]
        };
        let seed = self.seed.child("execute", step);
        let usable: Vec<usize> = (0..rollouts.len()).filter(|&i| rollouts[i].trace.is_ok()).collect();
        let calls: Vec<(&Problem, Option<&Trace>, Seed)> = usable
            .iter()
            .map(|&i| {
                (
                    &items[rollouts[i].item].problem,
                    rollouts[i].trace.as_ref().ok(),
                    seed.child("rollout", i as u64),
                )
            })
            .collect();
        let measured = measure(self.executor, self.verifier, &calls, needs.with_runs);
        for (i, measured) in usable.into_iter().zip(measured) {
            rollouts[i].evidence.outcome = measured.outcome();
            rollouts[i].evidence.with_trace = measured.mean();
            rollouts[i].measured = Some(measured);
        }
        for rollout in rollouts {
            if rollout.trace.is_err() {
                // No usable trace is the planner's fault: a known failure, for which nobody need be asked.
                rollout.evidence.outcome = Some(Probability::ZERO);
                rollout.evidence.with_trace = Some(Probability::ZERO);
            }
            rollout.evidence.without = without[rollout.item];
        }
    }

    /// Lets the reward model read the traces.
    fn read_rubric(&self, items: &[Item], rollouts: &mut [Rollout]) -> Result<(), GrpoError> {
        let needed = self.config.rule.needs(self.config.runs).rubric;
        let Some(model) = self.rubric.filter(|_| needed) else { return Ok(()) };
        let (mut readers, mut inputs) = (Vec::new(), Vec::new());
        for (i, rollout) in rollouts.iter_mut().enumerate() {
            match &rollout.trace {
                Ok(trace) => {
                    readers.push(i);
                    inputs.push(model.encode(&items[rollout.item].problem.question, trace)?);
                }
                Err(_) => rollout.evidence.rubric = Some(Probability::ZERO),
            }
        }
        for (i, score) in readers.into_iter().zip(model.score(&inputs)) {
            rollouts[i].evidence.rubric = score.probability();
        }
        Ok(())
    }

    /// Rewards, and advantages within each rollout group.
    fn reward(&self, rollouts: &mut [Rollout], metrics: &mut StepMetrics) {
        let (mut flat, mut deviations) = (0, Vec::new());
        let groups = rollouts.chunks_mut(self.config.group);
        let count = groups.len();
        for group in groups {
            for rollout in group.iter_mut() {
                rollout.reward = self.config.rule.reward(self.config.lambda, &rollout.evidence);
            }
            let rewards: Vec<Option<f64>> = group.iter().map(|rollout| rollout.reward).collect();
            let found = advantages(&rewards, self.config.normalize);
            flat += usize::from(found.zero_spread);
            deviations.push(found.deviation);
            for (rollout, advantage) in group.iter_mut().zip(found.values) {
                rollout.advantage = advantage;
            }
        }
        metrics.set(name::ZERO_SPREAD, flat as f64 / count.max(1) as f64);
        metrics.set(name::REWARD_SPREAD, mean(deviations.into_iter().map(Some)));
    }

    /// Moves the planner.
    fn update(
        &mut self,
        prompts: &[Vec<u32>],
        rollouts: &[Rollout],
        metrics: &mut StepMetrics,
    ) -> Result<(), GrpoError> {
        let GrpoConfig { clip_low, clip_high, kl, temperature, .. } = self.config;
        // A rollout of advantage 0 moves nothing, unless it holds the planner to its start.
        let taught: Vec<&Rollout> = rollouts
            .iter()
            .filter(|rollout| rollout.reward.is_some() && (rollout.advantage != 0.0 || kl > 0.0))
            .collect();
        let tokens: usize = rollouts
            .iter()
            .filter(|rollout| rollout.reward.is_some())
            .map(|rollout| rollout.tokens.len())
            .sum();
        let share = 1.0 / tokens.max(1) as f32;
        let rate = self.config.schedule().rate(self.learner.step);
        let (mut loss, mut divergence, mut clipped, mut entropy, mut gap, mut seen) =
            (0.0, 0.0, 0, 0.0, 0.0, 0);
        let mut norm = None;
        // Where nothing is taught, nothing moves: neither by the momentum of earlier steps nor by decay.
        let epochs = if taught.is_empty() { 0 } else { self.config.epochs };
        for _ in 0..epochs {
            for micro in micro_batches(&taught, prompts) {
                let (mut batch, mut targets, mut terms) = (Batch::default(), Vec::new(), Vec::new());
                let mut item = None;
                for rollout in micro {
                    let prompt = &prompts[rollout.item];
                    let whole = [prompt.as_slice(), &rollout.tokens].concat();
                    // A rollout group's prompt is computed once.
                    if item.replace(rollout.item) == Some(rollout.item) {
                        batch.branch(&whole);
                    } else {
                        batch.push(&whole);
                    }
                    let span = &batch.spans()[batch.sequences() - 1];
                    for (at, (&token, &old)) in rollout.tokens.iter().zip(&rollout.log_probs).enumerate() {
                        targets.push(Target { row: span.row(prompt.len() + at - 1) as u32, token });
                        terms.push((old, rollout.advantage as f32));
                    }
                }
                let start = (kl > 0.0).then(|| self.start_log_probs(&batch, &targets));
                let model = &self.planner.model;
                self.pass.forward(model, &batch);
                let gradients = &mut self.learner.gradients;
                let scores = self.pass.score_backward(model, gradients, &targets, temperature, |i, score| {
                    let (old, advantage) = terms[i];
                    let ratio = (score.log_prob - old).exp();
                    // −min(ρ·A, clip(ρ)·A), by its derivative: −ρ·A where the unclipped term is the smaller.
                    let policy = if is_clipped(ratio, advantage, clip_low, clip_high) {
                        0.0
                    } else {
                        -advantage * ratio
                    };
                    // k3 = exp(d) − d − 1 with d = log p_start − log p.
                    let pull = start.as_ref().map_or(0.0, |start| 1.0 - (start[i] - score.log_prob).exp());
                    share * (policy + kl * pull)
                });
                self.pass.backward(model, &batch, gradients);
                for (i, score) in scores.iter().enumerate() {
                    let (old, advantage) = terms[i];
                    let ratio = (score.log_prob - old).exp();
                    let limited = ratio.clamp(1.0 - clip_low, 1.0 + clip_high);
                    loss -= f64::from((ratio * advantage).min(limited * advantage));
                    clipped += usize::from(is_clipped(ratio, advantage, clip_low, clip_high));
                    entropy += f64::from(score.entropy);
                    gap += f64::from((score.log_prob - old).abs());
                    if let Some(start) = &start {
                        let d = f64::from(start[i] - score.log_prob);
                        divergence += d.exp() - d - 1.0;
                    }
                }
                seen += targets.len();
            }
            let (parameters, tensors) = self.planner.model.learnable();
            norm = Some(self.learner.apply(parameters, tensors, loss, rate)?);
        }
        self.learner.step += 1;
        let per_token = |sum: f64| (seen > 0).then(|| sum / seen as f64);
        metrics.set(name::LOSS, loss / (tokens.max(1) * self.config.epochs) as f64);
        metrics.set(name::CLIPPED, per_token(clipped as f64));
        metrics.set(name::ENTROPY, per_token(entropy));
        metrics.set(name::LOGPROB_GAP, per_token(gap));
        if kl > 0.0 {
            metrics.set(name::KL, per_token(divergence));
        }
        metrics.set(name::GRADIENT_NORM, norm);
        metrics.set(name::LEARNING_RATE, f64::from(rate));
        Ok(())
    }

    /// What the planner at its start says of the targets.
    fn start_log_probs(&mut self, batch: &Batch, targets: &[Target]) -> Vec<f32> {
        let adapters = self.planner.model.lora.take();
        let start = self.reference.as_ref().unwrap_or(&self.planner.model);
        self.pass.forward(start, batch);
        let scores = self.pass.score(start, targets, self.config.temperature);
        self.planner.model.lora = adapters;
        scores.iter().map(|score| score.log_prob).collect()
    }

    /// Turns rollouts into records and sums them up.
    fn record(
        &self,
        items: &[Item],
        rollouts: Vec<Rollout>,
        step: u64,
        metrics: &mut StepMetrics,
    ) -> Vec<RolloutRecord> {
        let needs = self.config.rule.needs(self.config.runs);
        let reason = rollouts.iter().map(|rollout| self.config.rule.reason(&rollout.evidence));
        metrics.set(name::REASON_REWARD, mean(reason));
        let records: Vec<RolloutRecord> =
            rollouts.into_iter().map(|rollout| record(&items[rollout.item], rollout, step, needs)).collect();
        let of = |pick: fn(&RolloutRecord) -> Option<f64>| mean(records.iter().map(pick));
        let count = |pick: fn(&RolloutRecord) -> bool| {
            mean(records.iter().map(|record| Some(f64::from(u8::from(pick(record))))))
        };
        metrics.set(name::REWARD, of(|r| r.reward));
        metrics.set(name::OUTCOME, of(|r| r.e));
        metrics.set(name::WITH_TRACE, of(|r| r.w));
        if needs.baseline {
            metrics.set(name::WITHOUT_TRACE, of(|r| r.b));
            metrics.set(name::UPLIFT, of(|r| r.u));
        }
        if needs.rubric {
            metrics.set(name::RUBRIC, of(|r| r.s));
        }
        metrics.set(name::VERIFIED, of(|r| r.verified.map(|yes| f64::from(u8::from(yes)))));
        metrics.set(name::LEAKED, of(|r| r.leaked.map(|yes| f64::from(u8::from(yes)))));
        metrics.set(name::TRACE_TOKENS, of(|r| Some(r.trace_tokens as f64)));
        metrics.set(name::UNKNOWN, count(|r| r.reward.is_none()));
        metrics.set(name::DEFECTIVE, count(|r| r.defect.is_some()));
        metrics.set(name::TRUNCATED, count(|r| r.truncated));
        records
    }
}

const BASELINES: &str = "baselines.json";

/// Whether the clip holds the gradient of this token back.
fn is_clipped(ratio: f32, advantage: f32, low: f32, high: f32) -> bool {
    (advantage > 0.0 && ratio > 1.0 + high) || (advantage < 0.0 && ratio < 1.0 - low)
}

/// Runs of rollouts that fit into a training pass.
fn micro_batches<'r>(rollouts: &'r [&'r Rollout], prompts: &[Vec<u32>]) -> Vec<&'r [&'r Rollout]> {
    let (mut batches, mut first, mut rows) = (Vec::new(), 0, 0);
    for (i, rollout) in rollouts.iter().enumerate() {
        let length = prompts[rollout.item].len() + rollout.tokens.len();
        if i > first && rows + length > MICRO_BATCH {
            batches.push(&rollouts[first..i]);
            (first, rows) = (i, 0);
        }
        rows += length;
    }
    if first < rollouts.len() {
        batches.push(&rollouts[first..]);
    }
    batches
}

fn record(item: &Item, rollout: Rollout, step: u64, needs: Needs) -> RolloutRecord {
    let Rollout { evidence, measured, trace, .. } = &rollout;
    let primary = measured.as_ref().and_then(|measured| measured.runs.first());
    let mut causes: Vec<String> =
        measured.iter().flat_map(|measured| &measured.runs).filter_map(|run| run.unknown_because()).collect();
    for (cause, needed, found) in [
        ("no_baseline", needs.baseline, evidence.without),
        ("no_rubric_score", needs.rubric, evidence.rubric),
    ] {
        causes.extend((needed && found.is_none()).then(|| cause.to_owned()));
    }
    let (verdict, artifact) = match primary {
        Some(tracelift_reward::measure::Run::Judged { completion, judgement }) => {
            (Some(verdict_name(&judgement.verdict)), Some(completion.text.clone()))
        }
        _ => (None, None),
    };
    let report = item
        .instance
        .as_ref()
        .zip(trace.as_ref().ok())
        .map(|(instance, trace)| instance.check(trace.as_str()));
    RolloutRecord {
        step,
        problem_id: item.problem.id.clone(),
        group_index: rollout.item as u64,
        sample_index: rollout.sample as u64,
        trace_tokens: rollout.tokens.len() as u64,
        defect: trace.as_ref().err().map(ToString::to_string),
        e: evidence.outcome.map(Probability::get),
        w: evidence.with_trace.map(Probability::get),
        b: evidence.without.map(Probability::get),
        u: evidence.uplift().map(|u| u.get()),
        s: evidence.rubric.map(Probability::get),
        reward: rollout.reward,
        advantage: rollout.reward.map(|_| rollout.advantage),
        failure: (!causes.is_empty()).then(|| causes.join(",")),
        verdict,
        artifact,
        leaked: trace
            .as_ref()
            .ok()
            .map(|trace| report.map_or_else(|| leak::leaks(&item.problem, trace), |r| r.leaks)),
        verified: match (&item.instance, report) {
            (None, _) => None,
            (Some(_), report) => Some(report.is_some_and(|report| report.verified())),
        },
        truncated: rollout.truncated,
        trace: rollout.completion,
    }
}

fn verdict_name(verdict: &tracelift_domain::Verdict) -> String {
    use tracelift_domain::{FailureKind, Verdict};
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Unscorable { .. } => "unscorable",
        Verdict::Failed { kind } => match kind {
            FailureKind::WrongAnswer => "wrong_answer",
            FailureKind::NoArtifact => "no_artifact",
            FailureKind::RuntimeError => "runtime_error",
            FailureKind::TimeLimit => "time_limit",
            FailureKind::MemoryLimit => "memory_limit",
            FailureKind::OutputLimit => "output_limit",
        },
    }
    .to_owned()
}

fn clock(metrics: &mut StepMetrics, stage: &str, start: Instant) {
    metrics.set(format!("{}{stage}", name::SECONDS), start.elapsed().as_secs_f64());
}

/// The mean of what is known; `None` if nothing is.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) = values.flatten().fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
