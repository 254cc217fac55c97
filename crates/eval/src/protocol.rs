//! The frozen-executor protocol: the same problems, the same executor, the same seeds; only the planner changes.

use crate::{plan::Plan, rubric, sample::SampleRecord};
use tracelift_domain::{Probability, Problem, Seed, Trace};
use tracelift_executor::{Completion, Executor};
use tracelift_planner::{Asked, Planner, PlannerError};
use tracelift_reward::measure::Run;
use tracelift_reward::{Baselines, Measured, TraceScorer, measure};
use tracelift_train::source::Exercise;
use tracelift_verify::Verifier;

/// What all rows share.
pub struct Protocol<'a> {
    /// The problems.
    pub items: &'a [Exercise],
    /// The frozen executor.
    pub executor: &'a dyn Executor,
    /// The verifier.
    pub verifier: &'a Verifier,
    /// Who reads the traces against the rubric, where that is wanted.
    pub rubric: Option<&'a dyn TraceScorer>,
    /// Executor runs behind each `w` and `b`; the first of them is the primary run.
    pub runs: usize,
    /// Traces per problem.
    pub seeds: u64,
    /// Of all draws.
    pub seed: Seed,
}

/// Why a row cannot be evaluated.
#[derive(Debug, thiserror::Error)]
#[error("row `{row}`: {source}")]
pub struct ProtocolError {
    /// Which row.
    row: String,
    /// Why its planner cannot write.
    source: PlannerError,
}

impl Protocol<'_> {
    /// An empty store of baselines that [`Protocol::row`] fills: `b` is measured once and shared by all rows.
    #[must_use]
    pub fn baselines(&self) -> Baselines {
        Baselines::new(self.executor.fingerprint(), self.runs, self.seed)
    }

    /// Evaluates one row: a planner, or no trace at all.
    ///
    /// # Errors
    /// When the planner cannot be sampled. Failed executor calls are no error: they leave samples unscored.
    pub fn row(
        &self,
        row: &str,
        planner: Option<Planner<'_>>,
        baselines: &mut Baselines,
    ) -> Result<Vec<SampleRecord>, ProtocolError> {
        let written = planner.map(|planner| self.write(row, planner)).transpose()?;
        Ok(self.read(row, written.as_deref(), baselines))
    }

    /// What the planner of a row writes: of each problem a trace a seed.
    ///
    /// # Errors
    /// When it cannot be sampled.
    pub fn write(&self, row: &str, planner: Planner<'_>) -> Result<Vec<Vec<Plan>>, ProtocolError> {
        write(self.items, planner, self.seeds, self.seed, row)
    }

    /// What becomes of a row's traces, or of none: the executor reads them, and so does who reads them against the rubric.
    pub fn read(
        &self,
        row: &str,
        written: Option<&[Vec<Plan>]>,
        baselines: &mut Baselines,
    ) -> Vec<SampleRecord> {
        let problems: Vec<&Problem> = self.items.iter().map(|item| &item.problem).collect();
        let without = baselines.of(self.executor, self.verifier, &problems);
        let plan = |item: usize, seed: u64| written.and_then(|of| of[item].get(usize::try_from(seed).ok()?));
        // In a row with a planner, a completion without a usable trace is a known failure; nobody need be asked.
        let mut asked = Vec::new();
        for (i, item) in self.items.iter().enumerate() {
            for seed in 0..self.seeds {
                let draw = self.seed.child("evaluate", seed).child(&item.problem.id, 0);
                match (written, plan(i, seed).map(|plan| &plan.trace)) {
                    (None, _) => asked.push((i, seed, None, draw)),
                    (Some(_), Some(Ok(trace))) => asked.push((i, seed, Some(trace), draw)),
                    (Some(_), _) => {}
                }
            }
        }
        let calls: Vec<(&Problem, Option<&Trace>, Seed)> =
            asked.iter().map(|&(i, _, trace, draw)| (problems[i], trace, draw)).collect();
        let measured = measure(self.executor, self.verifier, &calls, self.runs);
        let mut results =
            asked.iter().zip(measured).map(|(&(i, seed, ..), measured)| (i, seed, measured)).peekable();

        let mut records = Vec::new();
        for (i, without) in without.iter().enumerate() {
            for seed in 0..self.seeds {
                let measured =
                    results.next_if(|&(item, s, _)| (item, s) == (i, seed)).map(|(.., measured)| measured);
                let baseline = without.map(Probability::get);
                records.push(self.record(row, i, seed, plan(i, seed), measured.as_ref(), baseline));
            }
        }
        if let (Some(scorer), Some(written)) = (self.rubric, written) {
            rubric::read(scorer, &problems, written, &mut records);
        }
        records
    }

    fn record(
        &self,
        row: &str,
        item: usize,
        seed: u64,
        sample: Option<&Plan>,
        measured: Option<&Measured>,
        baseline: Option<f64>,
    ) -> SampleRecord {
        let Exercise { problem, instance } = &self.items[item];
        let question = &problem.question;
        let trace = sample.and_then(|sample| sample.trace.as_ref().ok());
        let report = instance.as_ref().zip(trace).map(|(instance, trace)| instance.check(trace.as_str()));
        // What was not measured had no usable trace: a known failure.
        let (correct, mean) = match measured {
            Some(measured) => (measured.runs.first().and_then(Run::success), measured.mean()),
            None => (Some(false), Some(Probability::ZERO)),
        };
        let shown = measured.map(Measured::shown).unwrap_or_default();
        let mut unknown_because = measured.map(Measured::unknown_because).unwrap_or_default();
        unknown_because.extend(baseline.is_none().then(|| "no_baseline".to_owned()));
        SampleRecord {
            level: instance.as_ref().map(|instance| instance.level()),
            planner_prompt_sha256: sample.map(|sample| sample.prompt.clone()),
            executor_prompt_sha256: measured
                .and_then(|_| self.executor.prompt(question, trace).ok())
                .map(|prompt| prompt.fingerprint()),
            completion: sample.map(|sample| sample.completion.clone()),
            trace: trace.map(|trace| trace.as_str().to_owned()),
            trace_tokens: sample.map(|sample| sample.tokens),
            truncated: sample.map(|sample| sample.truncated),
            defect: sample.and_then(|sample| sample.trace.as_ref().err()).map(ToString::to_string),
            executor_completions: shown.completions,
            artifacts: shown.artifacts,
            verdicts: shown.verdicts,
            executor_calls: measured.map(|measured| count(measured.runs.len())),
            executor_prompt_tokens: measured.and_then(|measured| tokens(measured, |said| said.prompt_tokens)),
            executor_tokens: measured.and_then(|measured| tokens(measured, |said| said.completion_tokens)),
            executor_truncated: measured
                .map(|measured| count(completions(measured).filter(|said| said.truncated).count())),
            unknown_because,
            correct,
            baseline_success: baseline,
            with_success: sample.and(mean).map(Probability::get),
            verified: sample.and(instance.as_ref()).map(|_| report.is_some_and(|report| report.verified())),
            leaked: trace.map(|trace| self.items[item].leaks(trace)),
            ..SampleRecord::of(row, problem, seed, self.executor.fingerprint())
        }
    }
}

/// What a planner writes about problems: of each a trace a seed. It follows from the planner, the problem, and the seed of the draws
/// alone, whatever else is asked, and whichever executor reads it.
///
/// # Errors
/// When it cannot be sampled.
pub fn write(
    items: &[Exercise],
    planner: Planner<'_>,
    seeds: u64,
    seed: Seed,
    row: &str,
) -> Result<Vec<Vec<Plan>>, ProtocolError> {
    let draws = |item: &Exercise| -> Vec<Seed> {
        (0..seeds).map(|s| seed.child("plan", s).child(&item.problem.id, 0)).collect()
    };
    let asked: Vec<Asked<'_>> =
        items.iter().map(|item| Asked { question: &item.problem.question, seeds: draws(item) }).collect();
    let traces = planner.write(&asked).map_err(|source| ProtocolError { row: row.to_owned(), source })?;
    Ok(traces.into_iter().map(|traces| traces.written.into_iter().map(Plan::from).collect()).collect())
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

fn completions(measured: &Measured) -> impl Iterator<Item = &Completion> {
    measured.runs.iter().filter_map(|run| match run {
        Run::Judged { completion, .. } => Some(completion),
        Run::Failed(_) => None,
    })
}

/// The tokens of all runs; `None` where one does not say.
fn tokens(measured: &Measured, of: impl Fn(&Completion) -> Option<u32>) -> Option<u32> {
    completions(measured).map(of).try_fold(0_u32, |sum, tokens| Some(sum.saturating_add(tokens?)))
}
