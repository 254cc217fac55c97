//! GRPO with executor-grounded rewards: the whole algorithm, from problems to an updated planner.
//!
//! One step: take a few problems; sample `G` traces for each; let the frozen executor solve each problem with each
//! trace (and, once per problem, without any); judge what it hands in; let the reward model read the traces; turn
//! that into rewards and those into advantages within each rollout group; move the planner by a clipped
//! token-level policy loss.
//!
//! Groups whose rewards are all one teach nothing; where the configuration says so, others are drawn in their place, of further
//! problems, and only those that stay are learned from.
//!
//! What is deliberately plain here: one process, rollouts and updates in turn, one pass over a step's rollouts. The
//! loss is a mean over the tokens of all rollouts with known rewards (not a mean of per-sequence means, which
//! favours short wrong traces). Log-probabilities are of the whole distribution at the sampling temperature, in the
//! sampler and here alike; with top-p below 1 the sampler draws from a slightly narrower distribution than the one
//! whose log-probabilities it reports. A step's draws follow from the run's seed and the step's number alone.

mod budget;
mod config;
mod drawn;
mod policy_term;
mod record;
mod update;

pub use budget::{Budget, Spent};
pub use config::{Aggregate, Decay, GrpoConfig, Overlong, Punishment, Ratio};
pub use policy_term::{Clip, Divergence, Importance, Objective, PolicyTerm, importance, policy_term};

use crate::advantage::{Normalize, advantages};
use crate::metrics::{StepMetrics, name};
use crate::rollouts::RolloutRecord;
use crate::source::Source;
use crate::state::StateError;
use drawn::{Drawn, Group, Rollout};
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;
use tracelift_domain::{Probability, Problem, Seed, Trace};
use tracelift_engine::optimizer::NonFinite;
use tracelift_engine::{Checkpoint, Model, Numbers, Tokenizer};
use tracelift_executor::spending::Stopped;
use tracelift_executor::{CallFailure, Executor};
use tracelift_planner::{Asked, Planner, PlannerError, Sampling, Weights};
use tracelift_prompt::PlannerPrompt;
use tracelift_reward::{Baselines, RewardConfig, ScoreItem, TraceScorer, measure};
use tracelift_verify::Verifier;
use update::{Lesson, Policy, Terms};

/// Why a step cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum GrpoError {
    /// The planner cannot write.
    #[error(transparent)]
    Planner(#[from] PlannerError),
    /// The executor makes no more calls: the step was not done, and the planner is what it was before.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The update is not finite.
    #[error(transparent)]
    NonFinite(#[from] NonFinite),
}

/// Who and what takes part in a training beside the planner that learns.
pub struct Cast<'a> {
    /// How questions are put to the planner.
    pub prompt: PlannerPrompt,
    /// How it is sampled.
    pub sampling: Sampling,
    /// The numbers in which products are computed when it is sampled.
    pub numbers: Numbers,
    /// Where problems come from.
    pub source: Source,
    /// The frozen executor.
    pub executor: &'a dyn Executor,
    /// The verifier.
    pub verifier: &'a Verifier,
    /// How rewards are made.
    pub reward: RewardConfig,
    /// Who reads traces against the rubric, where the rule needs it.
    pub rubric: Option<&'a dyn TraceScorer>,
    /// Of everything random.
    pub seed: Seed,
}

/// A planner in training, with everything that judges it.
pub struct Grpo<'a> {
    /// How it is trained.
    pub config: GrpoConfig,
    /// Who takes part.
    pub cast: Cast<'a>,
    baselines: Baselines,
    /// Of the budget, where there is one.
    spent: Spent,
    /// The planner: what learns of it, and its tokenizer.
    policy: Policy,
    tokenizer: Tokenizer,
}

/// What a step leaves behind.
pub struct StepOutcome {
    /// Numbers.
    pub metrics: StepMetrics,
    /// Every rollout.
    pub rollouts: Vec<RolloutRecord>,
    /// The last executor call that failed, if any did.
    pub last_failure: Option<CallFailure>,
}

impl<'a> Grpo<'a> {
    /// Sets up the training of a planner.
    #[must_use]
    pub fn new(config: GrpoConfig, planner: Checkpoint, cast: Cast<'a>) -> Grpo<'a> {
        let baselines = Baselines::new(cast.executor.fingerprint(), cast.reward.runs, cast.seed);
        let terms = Terms::of(&config, &cast.sampling);
        let Checkpoint { model, tokenizer } = planner;
        let policy = Policy::new(model, terms, config.optimizer);
        Grpo { config, cast, baselines, spent: Spent::default(), policy, tokenizer }
    }

    /// The planner at work, as it is.
    #[must_use]
    pub fn planner(&self) -> Planner<'_> {
        Planner {
            weights: Weights::Learning(&self.policy.learner),
            tokenizer: &self.tokenizer,
            prompt: &self.cast.prompt,
            sampling: &self.cast.sampling,
            numbers: self.cast.numbers,
        }
    }

    /// The seed of everything random in it.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.cast.seed
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.policy.learner.steps_done()
    }

    /// Whether all steps are done, or the budget is spent.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps_done() >= self.config.steps
            || self.config.budget.is_some_and(|budget| self.spent.is_all(budget))
    }

    /// How many steps there will be in all, as far as that can be told.
    #[must_use]
    pub fn expected_steps(&self) -> u64 {
        let (done, most) = (self.steps_done(), self.config.steps);
        let paid = self.config.budget.and_then(|budget| self.spent.steps_left(budget));
        paid.map_or(most, |left| most.min(done + left))
    }

    /// Takes into account what the steps before have spent, where a run is gone on with.
    pub fn count_spent(&mut self, steps: &[StepMetrics]) {
        if let Some(budget) = self.config.budget {
            self.spent = steps.iter().fold(Spent::default(), |spent, step| spent.and(budget, step));
        }
    }

    /// The planner's model as it is.
    #[must_use]
    pub fn model(&self) -> Cow<'_, Model> {
        self.policy.learner.model()
    }

    /// The planner as it is, for others: a copy.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { model: self.model().into_owned(), tokenizer: self.tokenizer.clone() }
    }

    /// The planner, to have.
    #[must_use]
    pub fn into_planner(self) -> Checkpoint {
        Checkpoint { model: self.policy.learner.into_model(), tokenizer: self.tokenizer }
    }

    /// Writes what is needed to go on.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), StateError> {
        self.save_as_of(self.steps_done(), dir)
    }

    /// [`Grpo::save`] as of an earlier step, after which no reward was known and so nothing moved: a run that goes on from
    /// there does those steps again.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save_as_of(&self, step: u64, dir: &Path) -> Result<(), StateError> {
        crate::state::save_json(dir, BASELINES, &self.baselines)?;
        Ok(self.policy.learner.save_as_of(step, dir)?)
    }

    /// Goes on from what [`Grpo::save`] wrote.
    ///
    /// # Errors
    /// When a file cannot be read, or belongs to another model or executor.
    pub fn restore(&mut self, dir: &Path) -> Result<(), StateError> {
        let baselines: Baselines = crate::state::load_json(dir, BASELINES)?;
        baselines.check(self.cast.executor.fingerprint())?;
        self.baselines = baselines;
        Ok(self.policy.learner.restore(dir)?)
    }

    /// One step.
    ///
    /// # Errors
    /// When the planner cannot be sampled, the executor may spend no more, or the update is not finite. Failed executor calls
    /// are no error: they leave rewards unknown.
    pub fn step(&mut self) -> Result<StepOutcome, GrpoError> {
        let step = self.steps_done() + 1;
        let mut metrics = StepMetrics::now(step);
        let usage = self.cast.executor.usage();
        let mut drawn = Drawn::default();
        let mut places =
            self.cast.source.places((step - 1) * self.config.problems as u64, self.config.problems);
        for round in 0.. {
            let new = self.sample(&mut drawn, places, step, &mut metrics)?;
            self.execute(&mut drawn, new.clone(), step, &mut metrics)?;
            self.read_rubric(&mut drawn, new.clone(), &mut metrics);
            self.reward(&mut drawn, new);
            places = self.further(&mut drawn, round, step);
            if places.is_empty() {
                break;
            }
        }
        if self.config.normalize == Normalize::BatchStd {
            drawn.scale();
        }
        self.update(&drawn, &mut metrics)?;

        drawn.note_spread(&mut metrics);
        if self.config.resample > 0 {
            drawn.note_replaced(&mut metrics);
        }
        let (position, epoch) = (step * self.config.problems as u64, self.cast.source.len());
        metrics.set(name::PROBLEMS, epoch as f64);
        metrics.set(name::EPOCH, position as f64 / epoch as f64);
        let used = self.cast.executor.usage().since(&usage);
        metrics.set(name::CALLS, used.calls as f64);
        metrics.set(name::FAILED_CALLS, used.failed() as f64);
        for (cause, count) in &used.failures {
            metrics.set(format!("{}{cause}", name::FAILED_BY), *count as f64);
        }
        metrics.set(name::EXECUTOR_TOKENS, (used.prompt_tokens + used.completion_tokens) as f64);
        let written: usize = drawn.rollouts.iter().map(|rollout| rollout.written.tokens.len()).sum();
        metrics.set(name::PLANNER_TOKENS, written as f64);
        if let Some(budget) = self.config.budget {
            self.spent = self.spent.and(budget, &metrics);
        }
        let rollouts = record::all(&self.cast, drawn, step, &mut metrics);
        metrics.wall_time = StepMetrics::now(step).wall_time;
        Ok(StepOutcome { metrics, rollouts, last_failure: used.last_failure })
    }

    /// `G` traces for each of some problems. Hands back which of the step's groups they are.
    fn sample(
        &self,
        drawn: &mut Drawn,
        places: Vec<u64>,
        step: u64,
        metrics: &mut StepMetrics,
    ) -> Result<Range<usize>, GrpoError> {
        let start = Instant::now();
        let new = drawn.items.len()..drawn.items.len() + places.len();
        drawn.items.extend(places.iter().map(|&place| self.cast.source.at(place)));
        drawn.places.extend(places);
        let seed = self.cast.seed.child("rollout", step);
        let mut asked = Vec::with_capacity(new.len());
        for item in new.clone() {
            let seed = seed.child("problem", item as u64);
            let seeds = (0..self.config.group as u64).map(|sample| seed.child("sample", sample)).collect();
            asked.push(Asked { question: &drawn.items[item].problem.question, seeds });
        }
        for (item, traces) in new.clone().zip(self.planner().write(&asked)?) {
            drawn.prompts.push(traces.prompt);
            for (sample, written) in traces.written.into_iter().enumerate() {
                drawn.rollouts.push(Rollout::of(item, sample, written));
            }
        }
        clock(metrics, "sample", start);
        Ok(new)
    }

    /// Lets the executor solve each problem with each trace, and without any.
    fn execute(
        &mut self,
        drawn: &mut Drawn,
        new: Range<usize>,
        step: u64,
        metrics: &mut StepMetrics,
    ) -> Result<(), GrpoError> {
        let start = Instant::now();
        let needs = self.cast.reward.needs();
        let without = if needs.baseline {
            let problems: Vec<&Problem> = drawn.items[new.clone()].iter().map(|item| &item.problem).collect();
            self.baselines.of(self.cast.executor, self.cast.verifier, &problems)
        } else {
            vec![None; new.len()]
        };
        let seed = self.cast.seed.child("execute", step);
        let (items, span) = (&drawn.items, self.rollouts_of(&new));
        let rollouts = &mut drawn.rollouts;
        let usable: Vec<usize> = span.clone().filter(|&i| rollouts[i].written.trace.is_ok()).collect();
        let calls: Vec<(&Problem, Option<&Trace>, Seed)> = usable
            .iter()
            .map(|&i| {
                (
                    &items[rollouts[i].item].problem,
                    rollouts[i].written.trace.as_ref().ok(),
                    seed.child("rollout", i as u64),
                )
            })
            .collect();
        let measured = measure(self.cast.executor, self.cast.verifier, &calls, needs.with_runs);
        for (i, measured) in usable.into_iter().zip(measured) {
            rollouts[i].evidence.outcome = measured.outcome();
            rollouts[i].evidence.with_trace = measured.mean();
            rollouts[i].measured = Some(measured);
        }
        for rollout in &mut rollouts[span] {
            if rollout.written.trace.is_err() {
                // No usable trace is the planner's fault: a known failure, for which nobody need be asked.
                rollout.evidence.outcome = Some(Probability::ZERO);
                rollout.evidence.with_trace = Some(Probability::ZERO);
            }
            rollout.evidence.without = without[rollout.item - new.start];
        }
        clock(metrics, "execute", start);
        let Some(bill) = self.cast.executor.bill() else { return Ok(()) };
        // What was asked of this step before is paid, and asked again; to learn from half a step would be another run.
        bill.stopped.map_or(Ok(()), Err)?;
        metrics.set(name::SPENT_CALLS, bill.spent.calls as f64);
        metrics.set(name::SPENT_TOKENS, bill.spent.tokens() as f64);
        if let Some(price) = &bill.price {
            metrics.set(name::SPENT_MONEY, bill.spent.money(price));
        }
        Ok(())
    }

    /// Where the rollouts of some groups stand.
    fn rollouts_of(&self, groups: &Range<usize>) -> Range<usize> {
        groups.start * self.config.group..groups.end * self.config.group
    }

    /// Lets the traces be read against the rubric.
    fn read_rubric(&self, drawn: &mut Drawn, new: Range<usize>, metrics: &mut StepMetrics) {
        let start = Instant::now();
        let (items, rollouts) = (&drawn.items, &mut drawn.rollouts[self.rollouts_of(&new)]);
        let needed = self.cast.reward.needs().rubric;
        let Some(scorer) = self.cast.rubric.filter(|_| needed) else {
            return clock(metrics, "rubric", start);
        };
        let usable: Vec<(usize, ScoreItem<'_>)> = rollouts
            .iter()
            .enumerate()
            .filter_map(|(i, rollout)| {
                let question = &items[rollout.item].problem.question;
                Some((i, ScoreItem { question, trace: rollout.written.trace.as_ref().ok()? }))
            })
            .collect();
        let asked: Vec<ScoreItem<'_>> = usable.iter().map(|(_, item)| *item).collect();
        let (scores, read) = (scorer.score(&asked), usable.iter().map(|(i, _)| *i).collect::<Vec<_>>());
        for rollout in rollouts.iter_mut().filter(|rollout| rollout.written.trace.is_err()) {
            rollout.evidence.rubric = Some(Probability::ZERO);
        }
        for (i, score) in read.into_iter().zip(scores) {
            if let Ok(score) = &score {
                rollouts[i].evidence.rubric = score.probability();
            }
            rollouts[i].read = Some(score.map_err(|failure| failure.cause()));
        }
        clock(metrics, "rubric", start);
    }

    /// Rewards, and advantages within each rollout group.
    fn reward(&self, drawn: &mut Drawn, new: Range<usize>) {
        for group in drawn.rollouts[self.rollouts_of(&new)].chunks_mut(self.config.group) {
            for rollout in group.iter_mut() {
                let written = &rollout.written;
                rollout.reward = self.cast.reward.reward(&rollout.evidence);
                rollout.format = self.cast.reward.format_term(written.trace.is_ok());
                rollout.overlong =
                    self.config.overlong.punishment(written.tokens.len(), self.cast.sampling.max_tokens);
            }
            let rewards: Vec<Option<f64>> = group.iter().map(Rollout::total).collect();
            let found = advantages(&rewards, self.config.normalize);
            drawn.groups.push(Group::of(&rewards, &found));
            for (rollout, advantage) in group.iter_mut().zip(found.values) {
                rollout.advantage = advantage;
            }
        }
    }

    /// Problems for groups in the place of those without spread, while rounds are left. They are drawn beside the order of the data,
    /// so that a step's first problems follow from its number alone.
    fn further(&self, drawn: &mut Drawn, round: u64, step: u64) -> Vec<u64> {
        if round >= self.config.resample {
            return Vec::new();
        }
        let flat = drawn.without_spread();
        let seed = self.cast.seed.child("resample", step).child("round", round);
        let places = self.cast.source.further(flat.len(), &drawn.places, seed);
        drawn.replace(&flat[..places.len()]);
        places
    }

    /// Moves the planner.
    fn update(&mut self, drawn: &Drawn, metrics: &mut StepMetrics) -> Result<(), GrpoError> {
        let start = Instant::now();
        let Drawn { prompts, rollouts, .. } = drawn;
        let masks = self.config.overlong == Overlong::Mask;
        let masked = |rollout: &Rollout| masks && rollout.written.truncated;
        if masks {
            metrics.set(name::MASKED, mean(rollouts.iter().map(|r| Some(f64::from(u8::from(masked(r)))))));
        }
        let stays = |rollout: &&Rollout| drawn.stays(rollout) && !masked(rollout);
        let known = rollouts.iter().filter(|rollout| rollout.reward.is_some()).filter(stays);
        let lessons: Vec<Lesson<'_>> = known
            .map(|rollout| Lesson {
                prompt: &prompts[rollout.item],
                tokens: &rollout.written.tokens,
                log_probs: &rollout.written.log_probs,
                advantage: rollout.advantage as f32,
            })
            .collect();
        let rate = self.config.rate(self.steps_done() + 1, self.spent);
        let found = self.policy.update(&lessons, rate)?;
        self.policy.learner.finish_step();
        metrics.set(name::LOSS, found.loss);
        metrics.set(name::CLIPPED, found.clipped);
        metrics.set(name::ENTROPY, found.entropy);
        metrics.set(name::LOGPROB_GAP, found.gap);
        if self.config.importance_cap.is_some() {
            metrics.set(name::IMPORTANCE, found.importance);
            metrics.set(name::IMPORTANCE_CAPPED, found.capped);
        }
        if self.config.kl > 0.0 {
            metrics.set(name::KL, found.divergence);
        }
        metrics.set(name::GRADIENT_NORM, found.gradient_norm);
        metrics.set(name::LEARNING_RATE, f64::from(rate));
        clock(metrics, "update", start);
        Ok(())
    }
}

const BASELINES: &str = "baselines.json";

/// Adds to the time that a stage has taken in the step.
fn clock(metrics: &mut StepMetrics, stage: &str, start: Instant) {
    let stage = format!("{}{stage}", name::SECONDS);
    let before = metrics.get(&stage).unwrap_or(0.0);
    metrics.set(stage, before + start.elapsed().as_secs_f64());
}

/// The mean of what is known; `None` if nothing is.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) = values.flatten().fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
