//! The frozen-executor protocol: the same problems, the same executor, the same seeds; only the planner changes.

use crate::{rubric, sample::SampleRecord};
use tracelift_domain::{Probability, Problem, Seed, Trace};
use tracelift_executor::Executor;
use tracelift_planner::{Asked, Planner, PlannerError, Written};
use tracelift_reward::measure::Run;
use tracelift_reward::{Baselines, Measured, TraceScorer, leak, measure};
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
        let problems: Vec<&Problem> = self.items.iter().map(|item| &item.problem).collect();
        let without = baselines.of(self.executor, self.verifier, &problems);
        let written: Vec<Vec<Option<Written>>> = match planner {
            Some(planner) => self.write(row, planner)?,
            None => self.items.iter().map(|_| (0..self.seeds).map(|_| None).collect()).collect(),
        };
        // In a row with a planner, a completion without a usable trace is a known failure; nobody need be asked.
        let mut asked = Vec::new();
        for (i, samples) in written.iter().enumerate() {
            for (seed, sample) in samples.iter().enumerate() {
                let draw = self.seed.child("evaluate", seed as u64).child(&self.items[i].problem.id, 0);
                match sample {
                    None => asked.push((i, seed, None, draw)),
                    Some(Written { trace: Ok(trace), .. }) => asked.push((i, seed, Some(trace), draw)),
                    Some(Written { trace: Err(_), .. }) => {}
                }
            }
        }
        let calls: Vec<(&Problem, Option<&Trace>, Seed)> =
            asked.iter().map(|&(i, _, trace, draw)| (problems[i], trace, draw)).collect();
        let measured = measure(self.executor, self.verifier, &calls, self.runs);
        let mut results =
            asked.iter().zip(measured).map(|(&(i, seed, ..), measured)| (i, seed, measured)).peekable();

        let mut records = Vec::new();
        for (i, samples) in written.iter().enumerate() {
            let baseline = without[i].map(Probability::get);
            for (seed, sample) in samples.iter().enumerate() {
                let measured =
                    results.next_if(|&(item, s, _)| (item, s) == (i, seed)).map(|(.., measured)| measured);
                records.push(self.record(row, i, seed as u64, sample.as_ref(), measured.as_ref(), baseline));
            }
        }
        if let Some(scorer) = self.rubric {
            rubric::read(scorer, &problems, &written, &mut records);
        }
        Ok(records)
    }

    fn write(&self, row: &str, planner: Planner<'_>) -> Result<Vec<Vec<Option<Written>>>, ProtocolError> {
        let ask = |item: &'_ Exercise| -> Vec<Seed> {
            (0..self.seeds).map(|s| self.seed.child("plan", s).child(&item.problem.id, 0)).collect()
        };
        let asked: Vec<Asked<'_>> = self
            .items
            .iter()
            .map(|item| Asked { question: &item.problem.question, seeds: ask(item) })
            .collect();
        let traces = planner.write(&asked).map_err(|source| ProtocolError { row: row.to_owned(), source })?;
        Ok(traces.into_iter().map(|traces| traces.written.into_iter().map(Some).collect()).collect())
    }

    fn record(
        &self,
        row: &str,
        item: usize,
        seed: u64,
        sample: Option<&Written>,
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
            trace_tokens: sample.and_then(|sample| u32::try_from(sample.tokens.len()).ok()),
            truncated: sample.map(|sample| sample.truncated),
            defect: sample.and_then(|sample| sample.trace.as_ref().err()).map(ToString::to_string),
            executor_completions: shown.completions,
            artifacts: shown.artifacts,
            verdicts: shown.verdicts,
            unknown_because,
            correct,
            baseline_success: baseline,
            with_success: sample.and(mean).map(Probability::get),
            verified: sample.and(instance.as_ref()).map(|_| report.is_some_and(|report| report.verified())),
            leaked: trace
                .map(|trace| report.map_or_else(|| leak::leaks(problem, trace), |report| report.leaks)),
            ..SampleRecord::of(row, problem, seed, self.executor.fingerprint())
        }
    }
}
