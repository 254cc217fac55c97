//! A planner in training, looked at every few steps on problems that it is not trained on.

use crate::config::DevConfig;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;
use tracelift_domain::{Fingerprint, Problem, Seed};
use tracelift_eval::{Metric, Protocol, RowSummary, SampleRecord, summarise};
use tracelift_executor::Executor;
use tracelift_executor::spending::Stopped;
use tracelift_reward::Baselines;
use tracelift_train::grpo::Grpo;
use tracelift_train::metrics::{StepMetrics, name};
use tracelift_train::source::{Exercise, Source, Stock};
use tracelift_verify::Verifier;

/// The development problems, and what is known of the run by them.
pub struct Dev<'a> {
    protocol: Protocol<'a>,
    /// Measured once and kept in checkpoints, as those of training are.
    baselines: Baselines,
    every: u64,
    best_by: Metric,
    best: Option<Best>,
}

/// The best planner so far: what `dev.json` beside it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// After which step it was what it is.
    pub step: u64,
    /// By what it is the best.
    pub metric: Metric,
    /// How good it was in that.
    pub value: f64,
}

/// What a look found.
pub struct Look {
    /// Every sample.
    pub samples: Vec<SampleRecord>,
    /// How good the planner is in what decides; `None` is unknown.
    pub value: Option<f64>,
    /// The same for people.
    pub told: String,
}

const BEST: &str = "dev.json";
const BASELINES: &str = "dev-baselines.json";
/// What samples of a look are said to be a row of.
const ROW: &str = "in training";

impl<'a> Dev<'a> {
    /// Who looks, with what.
    pub fn new(
        config: &DevConfig,
        items: &'a [Exercise],
        executor: &'a dyn Executor,
        verifier: &'a Verifier,
        seed: Seed,
    ) -> Dev<'a> {
        // Every look draws alike, so that what differs is the planner.
        let protocol = Protocol {
            items,
            executor,
            verifier,
            rubric: None,
            runs: config.runs,
            seeds: config.seeds,
            seed: seed.child("look", 0),
        };
        let baselines = protocol.baselines();
        Dev { protocol, baselines, every: config.every, best_by: config.best_by.metric(), best: None }
    }

    /// Whether the planner is looked at after a step that is not the last, which is not missed.
    pub fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.every)
    }

    /// Looks at the planner as it is, and notes the numbers among those of the step. Nothing is noted where the executor makes
    /// no more calls, which is handed back.
    pub fn look(&mut self, grpo: &Grpo<'_>, metrics: &mut StepMetrics) -> Result<Result<Look, Stopped>> {
        let (start, before) = (Instant::now(), self.protocol.executor.usage());
        let samples = self.protocol.row(ROW, Some(grpo.planner()), &mut self.baselines)?;
        if let Some(stopped) = self.protocol.executor.bill().and_then(|bill| bill.stopped) {
            return Ok(Err(stopped));
        }
        let rows = summarise(&samples)?;
        let row = rows.first().context("there are no development problems")?;
        // What is noted of costs and of usable traces has names of its own.
        let new =
            |metric: &Metric| !metric.is_cost() && ![Metric::Usable, Metric::Truncated].contains(metric);
        for metric in Metric::ALL.into_iter().filter(new) {
            // What nothing here can tell is left out; what decides is noted as unknown.
            let decides = [Metric::Accuracy, Metric::Uplift, self.best_by].contains(&metric);
            let Some(estimate) = row.estimate(metric).filter(|found| decides || found.mean.is_some()) else {
                continue;
            };
            metrics.set(format!("{}{}", name::DEV, metric.name()), estimate.mean);
            metrics.set(format!("{}{}_error", name::DEV, metric.name()), estimate.standard_error);
        }
        let share = |of: fn(&SampleRecord) -> bool| {
            samples.iter().filter(|sample| of(sample)).count() as f64 / samples.len() as f64
        };
        metrics.set(name::DEV_UNSCORED, share(|sample| sample.correct.is_none()));
        metrics.set(name::DEV_DEFECTIVE, share(|sample| sample.defect.is_some()));
        let used = self.protocol.executor.usage().since(&before);
        metrics.set(name::DEV_CALLS, used.calls as f64);
        metrics.set(format!("{}{}", name::SECONDS, name::DEV_STAGE), start.elapsed().as_secs_f64());
        let value = row.estimate(self.best_by).and_then(|estimate| estimate.mean);
        let told = told(row, share(|sample| sample.correct.is_none()));
        Ok(Ok(Look { samples, value, told }))
    }

    /// Whether a planner of this value is better than the best so far.
    pub fn is_best(&self, value: f64) -> bool {
        self.best.as_ref().is_none_or(|best| value > best.value)
    }

    /// Writes what the best planner is beside it.
    pub fn note_best(&mut self, step: u64, value: f64, dir: &Path) -> Result<()> {
        let best = Best { step, metric: self.best_by, value };
        tracelift_files::write(dir.join(BEST), serde_json::to_string(&best)? + "\n")?;
        self.best = Some(best);
        Ok(())
    }

    /// The best so far.
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// The name of what decides which is the best, with a value of it, for people.
    pub fn valued(best: &Best) -> String {
        format!("{} {}{}", best.metric.title(), best.metric.format(best.value), unit(best.metric))
    }

    /// Goes on from what an earlier attempt at the run left.
    pub fn resume(&mut self, checkpoint: Option<&Path>, best: &Path) -> Result<()> {
        if let Some(baselines) = checkpoint.map(|dir| read(&dir.join(BASELINES))).transpose()?.flatten() {
            let baselines: Baselines = baselines;
            baselines.check(self.protocol.executor.fingerprint())?;
            self.baselines = baselines;
        }
        self.best = read(&best.join(BEST))?;
        Ok(())
    }

    /// Writes what is needed to go on into a checkpoint.
    pub fn save(&self, dir: &Path) -> Result<()> {
        Ok(tracelift_files::write(dir.join(BASELINES), serde_json::to_string(&self.baselines)?)?)
    }

    /// What tells apart development problems that are not the same.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        let problems: Vec<&Problem> = self.protocol.items.iter().map(|item| &item.problem).collect();
        Ok(Fingerprint::of([("problems", serde_json::to_vec(&problems)?.as_slice())]))
    }
}

/// Reads a file as JSON; nothing where it is not there.
fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        text => {
            let failed = || format!("failed to read {}", path.display());
            Ok(Some(serde_json::from_slice(&text.with_context(failed)?).with_context(failed)?))
        }
    }
}

/// In what a metric that can decide is told.
fn unit(metric: Metric) -> &'static str {
    if metric == Metric::Uplift { " points" } else { " %" }
}

/// The numbers of a look in a line.
fn told(row: &RowSummary, unscored: f64) -> String {
    let mut parts = Vec::new();
    for metric in [Metric::Accuracy, Metric::VerifiedAccuracy, Metric::Uplift] {
        let Some((estimate, mean)) = row.estimate(metric).and_then(|found| Some((found, found.mean?))) else {
            continue;
        };
        let error =
            estimate.standard_error.map(|error| format!(" ± {:.1}", 100.0 * error)).unwrap_or_default();
        parts.push(format!("{} {}{error}{}", metric.title(), metric.format(mean), unit(metric)));
    }
    if unscored > 0.0 {
        parts.push(format!("{:.1} % unscored", 100.0 * unscored));
    }
    parts.join(", ")
}

/// How many development problems are trained on, too: what is best by those need not be good elsewhere.
pub fn trained_on(items: &[Exercise], source: &Source) -> usize {
    let Stock::List(problems) = &source.stock else { return 0 };
    let statements: std::collections::HashSet<&str> =
        problems.iter().map(|problem| problem.question.statement.as_str()).collect();
    items.iter().filter(|item| statements.contains(item.problem.question.statement.as_str())).count()
}
