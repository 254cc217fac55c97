//! The work of an evaluation: what every planner writes, then what every executor makes of it, in portions that are kept as they are done.

use super::rows::PlannerRow;
use super::suite::Part;
use super::told::Told;
use super::{NO_TRACE, executors::Seat};
use crate::config::{Origin, RunConfig};
use crate::setup;
use anyhow::{Context, Result, bail};
use std::time::Instant;
use tracelift_domain::{Fingerprint, Seed};
use tracelift_eval::{Kept, Plan, Plans, Protocol, Remembering, SampleRecord, Shard, follow, write};
use tracelift_executor::{Executor, Intake};
use tracelift_reward::{Baselines, TraceScorer};
use tracelift_train::source::Exercise;

/// Problems that are worked on together: enough for the passes of a model in this process to be full, few enough for little to be lost.
const PORTION: usize = 32;
/// The same for a server, whose calls are kept one by one: every portion ends with waiting for its slowest call.
const LARGE_PORTION: usize = 256;
/// So many problems are asked about one by one at first, where a server says that it was asked wrongly: then nothing more is.
const TRIED: usize = 3;

/// An evaluation under way.
pub struct Work<'w> {
    /// The configuration.
    pub config: &'w RunConfig,
    /// Where its settings stand.
    pub origin: &'w Origin,
    /// The problems.
    pub parts: &'w [Part],
    /// Whether there is a row without a planner.
    pub no_trace: bool,
    /// The rows with one.
    pub planners: &'w [PlannerRow],
    /// Who reads traces against the rubric.
    pub rubric: Option<&'w dyn TraceScorer>,
    /// Traces per problem and row.
    pub seeds: u64,
    /// Executor runs behind each `w` and `b`.
    pub runs: usize,
    /// Of all draws.
    pub seed: Seed,
    /// Which part of the problems.
    pub shard: Shard,
}

impl<'w> Work<'w> {
    /// The names of all rows.
    fn rows(&self) -> impl Iterator<Item = &'w str> {
        let none = self.no_trace.then_some(NO_TRACE);
        none.into_iter().chain(self.planners.iter().map(|row| row.name.as_str()))
    }

    /// The problems of the shard, part by part.
    fn problems(&self) -> Vec<(&'w Part, Vec<&'w Exercise>)> {
        let mut place = 0..;
        let mut mine = |_: &&Exercise| place.next().is_some_and(|place| self.shard.holds(place));
        self.parts.iter().map(|part| (part, part.items.iter().filter(&mut mine).collect())).collect()
    }

    /// Whether an executor has anything left to do.
    pub fn is_missing(&self, kept: &Kept, executor: &Fingerprint) -> bool {
        let known =
            |row: &str, item: &Exercise| kept.samples(executor, row, &item.problem.id, self.seeds).is_some();
        let problems = self.problems();
        self.rows().any(|row| problems.iter().any(|(_, items)| items.iter().any(|item| !known(row, item))))
    }

    /// Lets every planner write what is not known of it.
    ///
    /// # Errors
    /// When a planner cannot be opened or sampled, or the disk refuses.
    pub fn plan(&self, kept: &mut Kept, executors: &[Seat]) -> Result<()> {
        let needed = |row: &str, item: &Exercise, kept: &Kept| {
            let id = &item.problem.id;
            kept.plans(row, id).is_none()
                && executors
                    .iter()
                    .any(|seat| kept.samples(&seat.made.fingerprint, row, id, self.seeds).is_none())
        };
        let all: Vec<&Exercise> = self.problems().into_iter().flat_map(|(_, items)| items).collect();
        let count = |kept: &Kept| {
            let missing = |row: &PlannerRow| all.iter().filter(|item| needed(&row.name, item, kept)).count();
            self.planners.iter().map(missing).sum::<usize>()
        };
        let (total, missing) = (all.len() * self.planners.len(), count(kept));
        if missing == 0 {
            return Ok(());
        }
        let told = Told::new("problems planned", total, total - missing);
        for row in self.planners {
            let missing: Vec<Exercise> =
                all.iter().filter(|item| needed(&row.name, item, kept)).map(|item| (*item).clone()).collect();
            if missing.is_empty() {
                continue;
            }
            told.begin(&row.name);
            let checkpoint = open(self.config, self.origin, row)?;
            let prompt = self.config.planner.prompt(&checkpoint.tokenizer)?;
            for portion in missing.chunks(PORTION) {
                let begun = Instant::now();
                let planner = self.config.planner.planner(&checkpoint, &prompt);
                let plans = write(portion, planner, self.seeds, self.seed, &row.name)?;
                let seconds = begun.elapsed().as_secs_f64() / portion.len() as f64;
                for (item, plans) in portion.iter().zip(plans) {
                    kept.add_plans(&row.name, &item.problem.id, Plans { plans, seconds })?;
                }
                told.add(portion.len());
            }
            told.through();
        }
        told.end();
        Ok(())
    }

    /// Lets an executor read every row; all samples of the shard, in the order of the table. Where nothing is missing, none is needed.
    ///
    /// # Errors
    /// When the server says that it is asked wrongly, or the disk refuses. Other failed calls leave samples unscored.
    pub fn read(
        &self,
        kept: &mut Kept,
        fingerprint: &Fingerprint,
        executor: Option<&dyn Executor>,
        called: Option<&str>,
    ) -> Result<Vec<SampleRecord>> {
        let problems = self.problems();
        let seeds = usize::try_from(self.seeds).unwrap_or(usize::MAX);
        let known = |row: &str, item: &Exercise, kept: &Kept| {
            kept.samples(fingerprint, row, &item.problem.id, self.seeds).is_some()
        };
        let count = |kept: &Kept| {
            let of_row = |row: &str| {
                let all = problems.iter().flat_map(|(_, items)| items);
                all.filter(|item| known(row, item, kept)).count()
            };
            self.rows().map(of_row).sum::<usize>()
        };
        let all: usize = problems.iter().map(|(_, items)| items.len()).sum::<usize>() * self.rows().count();
        let told = Told::new("samples", all * seeds, count(kept) * seeds);
        let mut baselines = Baselines::new(fingerprint, self.runs, self.seed);
        let intake = executor.map_or(Intake::Together, Executor::intake);
        let mut trial = if intake == Intake::Together { Trial::Over } else { Trial::First(0) };
        let mut samples = Vec::new();
        for row in self.rows() {
            for (part, items) in &problems {
                let name = match called {
                    Some(called) => format!("{row} on {} with {called}", part.name()),
                    None => format!("{row} on {}", part.name()),
                };
                told.begin(&name);
                let mut missing: &[Exercise] = &items
                    .iter()
                    .filter(|item| !known(row, item, kept))
                    .map(|item| (*item).clone())
                    .collect::<Vec<_>>();
                let mut found = Vec::new();
                while !missing.is_empty() {
                    let executor = executor.context("there is no executor for what is missing")?;
                    let size = match (trial, intake) {
                        (Trial::First(_), _) => 1,
                        (Trial::Over, Intake::Together) => PORTION,
                        (Trial::Over, Intake::Apart(_)) => LARGE_PORTION,
                    };
                    let (portion, rest) = missing.split_at(size.min(missing.len()));
                    let read = self.portion(kept, executor, (part, row), portion, &mut baselines, &told);
                    kept.add_samples(&read)?;
                    found.extend(read);
                    trial = trial.after(executor)?;
                    missing = rest;
                }
                if !found.is_empty() {
                    told.through();
                }
                for item in items {
                    let id = &item.problem.id;
                    match kept.samples(fingerprint, row, id, self.seeds) {
                        Some(known) => samples.extend_from_slice(known),
                        None => {
                            samples.extend(found.iter().filter(|sample| sample.problem_id == *id).cloned())
                        }
                    }
                }
            }
        }
        told.end();
        Ok(samples)
    }

    fn portion(
        &self,
        kept: &Kept,
        executor: &dyn Executor,
        (part, row): (&Part, &str),
        portion: &[Exercise],
        baselines: &mut Baselines,
        told: &Told,
    ) -> Vec<SampleRecord> {
        let units = portion.len() * usize::try_from(self.seeds).unwrap_or(1);
        let watch = |done: usize, of: usize| told.under_way(units, done as f64 / of.max(1) as f64);
        let executor = Remembering { executor, kept, watch: &watch };
        let protocol = Protocol {
            items: portion,
            executor: &executor,
            verifier: &part.verifier,
            rubric: self.rubric,
            runs: self.runs,
            seeds: self.seeds,
            seed: self.seed,
        };
        let known: Option<Vec<&Plans>> =
            portion.iter().map(|item| kept.plans(row, &item.problem.id)).collect();
        let plans: Option<Vec<Vec<Plan>>> =
            known.as_ref().map(|known| known.iter().map(|plans| plans.plans.clone()).collect());
        let begun = Instant::now();
        let mut samples = protocol.read(row, plans.as_deref(), baselines);
        let each = begun.elapsed().as_secs_f64() / samples.len().max(1) as f64;
        let per_problem = usize::try_from(self.seeds).unwrap_or(1).max(1);
        for (at, sample) in samples.iter_mut().enumerate() {
            let planned = known.as_ref().and_then(|known| known.get(at / per_problem));
            sample.seconds = Some(each + planned.map_or(0.0, |plans| plans.seconds / self.seeds as f64));
            sample.benchmark.clone_from(&part.benchmark);
            if let Some(procedure) = part.procedures.get(&sample.problem_id) {
                follow(procedure, sample);
            }
        }
        told.add(units);
        samples
    }
}

/// The first problems that a server is asked about.
#[derive(Clone, Copy)]
enum Trial {
    /// So many came to nothing.
    First(usize),
    /// It answers, or fails for reasons that pass.
    Over,
}

impl Trial {
    /// What is known after another problem.
    fn after(self, executor: &dyn Executor) -> Result<Trial> {
        let Trial::First(failed) = self else { return Ok(Trial::Over) };
        let usage = executor.usage();
        if usage.calls == 0 {
            return Ok(self);
        }
        // A server that does not want what it is asked says so to every call, and bills none.
        let wrong = ["status_4xx", "status_other", "other_model", "tool_call"];
        let refused: u64 = wrong.iter().filter_map(|cause| usage.failures.get(*cause)).sum();
        match usage.last_failure {
            Some(failure) if refused == usage.calls && failed + 1 >= TRIED => bail!(
                "all of the first {} calls were refused: {failure}; nothing more was asked. Mend that and evaluate again",
                usage.calls
            ),
            Some(_) if refused == usage.calls => Ok(Trial::First(failed + 1)),
            _ => Ok(Trial::Over),
        }
    }
}

/// The checkpoint of a row.
pub fn open(config: &RunConfig, origin: &Origin, row: &PlannerRow) -> Result<tracelift_engine::Checkpoint> {
    config
        .planner
        .open_frozen(&row.path)
        .map_err(|error| match row.key.as_str() {
            "--planner" => anyhow::Error::new(error).context(format!("--planner {}", row.path.display())),
            key => setup::of_planner(origin, key, error),
        })
        .with_context(|| format!("the planner of row `{}`", row.name))
}
