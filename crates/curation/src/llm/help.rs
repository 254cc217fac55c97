//! What models add to a group that rules began.

use super::{
    FlawUse, Flaws, GroupJudge, JudgeSection, LlmConfig, LlmCounts, Referee, Unanswered, Writer, gold_check,
};
use crate::gate::{GateLimits, GateReason, gate};
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt, path::Path};
use tracelift_domain::{FlawKind, Gold, Group, Seed, TaskDomain, Trace};
use tracelift_flaws::{Proposal, SeedProblem};
use tracelift_oracle::{Failure, OracleError, Progress};

/// A group on its way: a reference trace, and proposals in blocks of which the group takes one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Seedling {
    /// The reference trace.
    pub positive: String,
    /// Proposals, a block for each kind and source, the preferred first in each.
    pub blocks: Vec<Vec<Proposal>>,
}

/// What a group is to hold.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// How many flawed traces are wanted.
    pub wanted: usize,
    /// What they must meet.
    pub limits: GateLimits,
    /// Of everything random in this group.
    pub seed: Seed,
}

/// The models of a build.
pub struct Help {
    writer: Option<(LlmConfig, Writer)>,
    judge: Option<GroupJudge>,
    /// Confirms reference traces; gold does where there is none.
    referee: Option<Referee>,
}

impl fmt::Debug for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Help")
            .field("writer", &self.writer)
            .field("judge", &self.judge)
            .field("referee", &self.referee)
            .finish()
    }
}

impl Help {
    /// The models that a build of the file `out` names, or nothing if it names none. Ledgers lie beside `out` unless the
    /// settings say where. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`Writer::new`] and [`GroupJudge::new`].
    pub fn new(
        llm: Option<&LlmConfig>,
        judge: Option<&JudgeSection>,
        out: &Path,
    ) -> Result<Option<Help>, OracleError> {
        if llm.is_none() && judge.is_none() {
            return Ok(None);
        }
        let writer = llm.cloned().map(|mut config| {
            config.oracle.keep_beside(out, "llm");
            Writer::new(config.clone()).map(|writer| (config, writer))
        });
        let judge = judge.cloned().map(|mut section| {
            section.oracle.keep_beside(out, "judge");
            GroupJudge::new(section)
        });
        Ok(Some(Help { writer: writer.transpose()?, judge: judge.transpose()?, referee: None }))
    }

    /// Calls `observer` whenever a question has ended, with what it was asked of: `llm` or `judge`.
    #[must_use]
    pub fn observed(
        mut self,
        observer: impl Fn(&'static str, &Progress) + Clone + Send + Sync + 'static,
    ) -> Help {
        self.writer = self.writer.map(|(config, writer)| {
            let observer = observer.clone();
            (config, writer.observed(move |progress| observer("llm", progress)))
        });
        self.judge = self.judge.map(|judge| judge.observed(move |progress| observer("judge", progress)));
        self
    }

    /// Lets an executor confirm reference traces, rather than gold alone.
    #[must_use]
    pub fn confirmed_by(mut self, referee: Referee) -> Help {
        self.referee = Some(referee);
        self
    }

    /// What of the settings decides what they write and how they label, as JSON.
    #[must_use]
    pub fn decisive(&self) -> Value {
        let writer = self.writer.as_ref().map(|(config, writer)| {
            json!({
                "flaws": config.flaws,
                "references": config.references,
                "attempts": config.attempts,
                "closeness": config.closeness,
                "oracle": writer.oracle().config().decisive(),
                "templates": writer.versions(),
            })
        });
        let referee = self.referee.as_ref().map(Referee::decisive);
        json!({ "llm": writer, "judge": self.judge.as_ref().map(GroupJudge::decisive), "executor": referee })
    }

    /// What was asked so far, of `llm` and of `judge`.
    #[must_use]
    pub fn progress(&self) -> Vec<(&'static str, Progress)> {
        let writer = self.writer.iter().map(|(_, writer)| ("llm", writer.oracle().progress()));
        writer.chain(self.judge.iter().map(|judge| ("judge", judge.judge().oracle().progress()))).collect()
    }

    /// Ends the work: what is under way is finished and kept, nothing more is asked.
    pub fn stop(&self) {
        if let Some((_, writer)) = &self.writer {
            writer.oracle().stop();
        }
        if let Some(judge) = &self.judge {
            judge.judge().oracle().stop();
        }
    }

    /// Works through a list on as many threads as requests may be under way; results stand in the order of the list.
    pub fn each<I: Sync, R: Send>(&self, items: &[I], work: impl Fn(&I) -> R + Sync) -> Vec<R> {
        match (&self.writer, &self.judge) {
            (Some((_, writer)), _) => writer.oracle().each(items, |_, item| work(item)),
            (None, Some(judge)) => judge.judge().oracle().each(items, |_, item| work(item)),
            (None, None) => items.iter().map(work).collect(),
        }
    }

    /// Whether a seed that met this failure is left out, and the work goes on, rather than stopping there.
    #[must_use]
    pub fn leaves_out(&self, failure: &Failure) -> bool {
        let skips = self.writer.as_ref().is_some_and(|(config, _)| config.unanswered == Unanswered::Skip);
        skips && matches!(failure, Failure::Unanswered(_))
    }

    /// Completes what rules seeded: a reference trace where they found none (then `seeded` says why), flawed traces
    /// where the settings want them.
    ///
    /// # Errors
    /// A failure that may pass: the group is to be made later.
    pub fn complete<E>(
        &self,
        seed: &SeedProblem,
        seeded: Result<Seedling, E>,
        goal: &Goal,
        counts: &mut LlmCounts,
    ) -> Result<Result<Seedling, E>, Failure> {
        let Some((config, writer)) = &self.writer else { return Ok(seeded) };
        let mut seedling = match seeded {
            Ok(seedling) => seedling,
            Err(why) => match self.reference(seed, goal, counts)? {
                Some(positive) => Seedling { positive, blocks: Vec::new() },
                None => return Ok(Err(why)),
            },
        };
        let kinds = kinds_to_ask(config.flaws, seed, &seedling, goal);
        if config.flaws == FlawUse::Instead {
            seedling.blocks.clear();
        }
        let mut made = writer.flaws(seed, &seedling.positive, &kinds, &goal.limits)?;
        self.drop_harmless(seed, &mut made);
        counts.add_flaws(&made);
        seedling.blocks.extend(made.proposals.into_iter().map(|proposal| vec![proposal]));
        if config.flaws == FlawUse::Mixed {
            seedling.blocks.shuffle(&mut goal.seed.child("sources", 0).rng());
        }
        Ok(Ok(seedling))
    }

    /// Drops flawed traces for programs with which the executor gets there all the same. Those in math were checked by
    /// their own arithmetic.
    fn drop_harmless(&self, seed: &SeedProblem, made: &mut Flaws) {
        let Some(referee) =
            self.referee.as_ref().filter(|_| seed.problem.question.domain == TaskDomain::Code)
        else {
            return;
        };
        let before = made.proposals.len();
        made.proposals.retain(|proposal| {
            let trace = Trace::new(&proposal.reasoning);
            trace.is_none_or(|trace| !referee.finds_harmless(&seed.problem, &trace))
        });
        let dropped = (before - made.proposals.len()) as u64;
        if dropped > 0 {
            *made.gated.entry(GateReason::ChangesNothing).or_default() += dropped;
        }
    }

    /// A reference trace of the model's, if it may write one and somebody can confirm it.
    fn reference(
        &self,
        seed: &SeedProblem,
        goal: &Goal,
        counts: &mut LlmCounts,
    ) -> Result<Option<String>, Failure> {
        let Some((config, writer)) = &self.writer else { return Ok(None) };
        let made = match (&self.referee, &seed.problem.gold) {
            _ if !config.references => return Ok(None),
            (Some(referee), _) => {
                writer.reference(seed, &goal.limits, &|problem, trace, _| referee.confirms(problem, trace))?
            }
            (None, Gold::Answer(_)) => writer.reference(seed, &goal.limits, &gold_check)?,
            // Nobody could confirm it, so it is not asked for.
            (None, Gold::Tests(_) | Gold::Function(_)) => return Ok(None),
        };
        counts.add_references(&made);
        Ok(made.confirmed.map(|reference| reference.trace.as_str().to_owned()))
    }

    /// Labels a finished group, if there is a judge; nothing where the judge leaves too little of it.
    ///
    /// # Errors
    /// A failure that may pass: the group is to be made later.
    pub fn label(
        &self,
        group: Group,
        limits: &GateLimits,
        counts: &mut LlmCounts,
    ) -> Result<Option<Group>, Failure> {
        let Some(judge) = &self.judge else { return Ok(Some(group)) };
        let domain = group.task_type;
        let judged = judge.label(group, limits)?;
        counts.add_judged(domain, &judged);
        Ok(judged.group)
    }
}

/// The kinds that a model is asked for.
fn kinds_to_ask(flaws: FlawUse, seed: &SeedProblem, seedling: &Seedling, goal: &Goal) -> Vec<FlawKind> {
    let all = seed.kinds();
    match flaws {
        FlawUse::Nowhere => Vec::new(),
        FlawUse::Mixed | FlawUse::Instead => all.to_vec(),
        FlawUse::Fill => {
            let passes =
                |proposal: &&Proposal| gate(seed, &seedling.positive, proposal, &goal.limits).is_ok();
            let good: Vec<FlawKind> =
                seedling.blocks.iter().flatten().filter(passes).map(|proposal| proposal.flaw.kind).collect();
            let kinds: BTreeSet<FlawKind> = good.iter().copied().collect();
            let full = good.len() >= goal.wanted && kinds.len() >= goal.limits.kinds;
            all.iter().copied().filter(|kind| !full && !kinds.contains(kind)).collect()
        }
    }
}
