//! Whether the prompts of problems fit into contexts, before anything is asked.

use anyhow::{Result, ensure};
use rayon::prelude::*;
use std::fmt;
use tracelift_domain::{Problem, Trace};
use tracelift_executor::Executor;
use tracelift_planner::Planner;

/// Problems whose prompts leave less room than the longest completion takes.
#[derive(Debug)]
pub struct Tight {
    /// Whose context it is, and the key that says how long completions may be.
    whose: &'static str,
    key: &'static str,
    /// Of each problem that was looked at, how many tokens are missing; 0 where it fits.
    missing: Vec<usize>,
    /// The name of the one that lacks most, with what it lacks.
    worst: Option<(String, usize)>,
}

impl Tight {
    fn of(whose: &'static str, key: &'static str, problems: &[&Problem], rooms: Vec<Option<isize>>) -> Tight {
        // What cannot be known fits as far as one knows.
        let missing: Vec<usize> =
            rooms.into_iter().map(|room| room.map_or(0, |room| room.min(0).unsigned_abs())).collect();
        let worst = problems
            .iter()
            .zip(&missing)
            .filter(|(_, missing)| **missing > 0)
            .max_by_key(|(_, missing)| **missing);
        let worst = worst.map(|(problem, missing)| (problem.id.clone(), *missing));
        Tight { whose, key, missing, worst }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.missing.iter().filter(|missing| **missing > 0).count()
    }

    /// Whether a problem, by its place, fits.
    pub fn fits(&self, at: usize) -> bool {
        self.missing[at] == 0
    }

    /// Whether nothing that was looked at fits.
    fn is_all(&self) -> bool {
        self.count() == self.missing.len()
    }
}

/// What is too tight, for the beginning of a sentence.
impl fmt::Display for Tight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, of) = (self.count(), self.missing.len());
        let (whose, key) = (self.whose, self.key);
        write!(
            f,
            "the prompts of {count} of {of} problems leave less than `{key}` of the {whose}'s context"
        )?;
        match &self.worst {
            Some((id, missing)) => write!(f, " (`{id}` lacks {missing} tokens)"),
            None => Ok(()),
        }
    }
}

/// The problems that a planner cannot be asked about.
pub fn of_planner(planner: Planner<'_>, problems: &[&Problem]) -> Result<Tight> {
    let rooms: Result<Vec<_>, _> =
        problems.par_iter().map(|problem| planner.room(&problem.question).map(Some)).collect();
    Ok(Tight::of("planner", "planner.sampling.max_tokens", problems, rooms?))
}

/// The problems that an executor cannot be asked about, even without a trace.
pub fn of_executor(executor: &dyn Executor, problems: &[&Problem]) -> Tight {
    let rooms = problems.par_iter().map(|problem| executor.room(&problem.question, None)).collect();
    Tight::of("executor", "executor.in_process.sampling.max_tokens", problems, rooms)
}

/// The problems that an executor cannot be asked about with a trace of so many of its tokens.
pub fn of_executor_with(executor: &dyn Executor, problems: &[&Problem], trace_tokens: usize) -> Tight {
    // The shortest trace there is stands for what is said around it.
    let shortest = Trace::new("1");
    let beyond = isize::try_from(trace_tokens).unwrap_or(isize::MAX).saturating_sub(1);
    let rooms = problems
        .par_iter()
        .map(|problem| Some(executor.room(&problem.question, shortest.as_ref())?.saturating_sub(beyond)))
        .collect();
    Tight::of("executor", "executor.in_process.sampling.max_tokens", problems, rooms)
}

/// Says on standard error that some traces may be too long for the executor.
pub fn warn_of_long_traces(executor: &dyn Executor, problems: &[&Problem], max_tokens: usize) {
    let tight = of_executor_with(executor, problems, max_tokens);
    if tight.count() > 0 {
        eprintln!(
            "warning: with a trace of `planner.sampling.max_tokens` ({max_tokens}), {tight}: where traces are as long as that, the \
             outcome is unknown (`too_long`); lower one of the two"
        );
    }
}

/// Refuses problems to measure by that a planner cannot be asked about: what is measured is not chosen by how long it is.
///
/// # Errors
/// Where there are some, or a prompt cannot be made.
pub fn require_planner(planner: Planner<'_>, problems: &[&Problem], section: &str) -> Result<()> {
    let tight = of_planner(planner, problems)?;
    ensure!(tight.count() == 0, "`[{section}]`: {tight}; lower that, or leave those problems out");
    Ok(())
}

/// Says which problems to measure by an executor cannot be asked about.
///
/// # Errors
/// Where it can be asked about none.
pub fn require_executor(
    executor: &dyn Executor,
    problems: &[&Problem],
    trace_tokens: usize,
    section: &str,
) -> Result<()> {
    let tight = of_executor(executor, problems);
    if tight.count() == 0 {
        warn_of_long_traces(executor, problems, trace_tokens);
        return Ok(());
    }
    ensure!(!tight.is_all(), "`[{section}]`: {tight}; lower that");
    eprintln!("warning: `[{section}]`: {tight}: their outcomes are unknown (`too_long`)");
    Ok(())
}

/// Leaves problems out of a list to train on that planner or executor cannot be asked about, and says so.
///
/// # Errors
/// Where nothing is left.
pub fn keep_fitting(
    planner: Planner<'_>,
    executor: &dyn Executor,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    for reader in [Reader::Planner, Reader::Executor] {
        let all: Vec<&Problem> = problems.iter().collect();
        let tight = match reader {
            Reader::Planner => of_planner(planner, &all)?,
            Reader::Executor => of_executor(executor, &all),
        };
        if tight.count() == 0 {
            continue;
        }
        ensure!(!tight.is_all(), "`[data]`: {tight}; lower that, or take shorter problems");
        eprintln!("warning: `[data]`: {tight}; those are left out. Lower that to train on them, too");
        let mut at = 0..;
        problems.retain(|_| at.next().is_none_or(|at| tight.fits(at)));
    }
    warn_of_long_traces(executor, &problems.iter().collect::<Vec<_>>(), planner.sampling.max_tokens);
    Ok(())
}

/// Whose context it is.
#[derive(Clone, Copy)]
enum Reader {
    Planner,
    Executor,
}
