//! How trainings went: learning curves, what they cost, and what their rollouts say.

use super::entrant::{Entrant, Role, Training};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tracelift_statistics::OverSeeds;
use tracelift_train::diagnosis::Diagnosis;
use tracelift_train::metrics::{StepMetrics, name};

/// A metric of an arm in the course of training.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// The arm.
    pub arm: String,
    /// The metric, as in `metrics.jsonl`.
    pub metric: String,
    /// In the order of steps.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The step.
    pub step: u64,
    /// Executor calls of training until then, the mean over seeds.
    pub calls: f64,
    /// The metric. Its band is the mean ± what seeds differ by.
    pub value: OverSeeds,
}

/// What the trainings of an arm cost, as means over its seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// The arm.
    pub arm: String,
    /// Its seeds.
    pub seeds: usize,
    /// Steps.
    pub steps: f64,
    /// Executor calls in training, those of baselines among them.
    pub calls: f64,
    /// Executor calls for looks at development problems.
    pub dev_calls: f64,
    /// Tokens that the executor read and wrote in training.
    pub executor_tokens: f64,
    /// Tokens that the planner wrote in training; `None` where an older version did not count them.
    pub planner_tokens: Option<f64>,
    /// Seconds by stage.
    pub seconds: BTreeMap<String, f64>,
}

/// What the rollouts of a run say.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// Its arm.
    pub arm: String,
    /// Its seed.
    pub seed: u64,
    /// What.
    pub diagnosis: Diagnosis,
}

/// Of development problems, where those are looked at.
const LOOKED_AT: [&str; 3] = ["dev/accuracy", "dev/verified_accuracy", "dev/uplift"];
/// Of training itself, elsewhere.
const TRAINED_ON: [&str; 4] = [name::OUTCOME, name::VERIFIED, name::UPLIFT, name::RUBRIC];

fn trainings<'e>(arm: &str, entrants: &'e [Entrant]) -> Vec<&'e Training> {
    let own = entrants.iter().filter(|entrant| entrant.arm == arm && entrant.role == Role::Trained);
    own.filter_map(|entrant| entrant.training.as_ref()).collect()
}

/// The curves of all arms.
#[must_use]
pub fn curves(entrants: &[Entrant], arms: &[String]) -> Vec<Curve> {
    let every = || entrants.iter().filter_map(|entrant| entrant.training.as_ref());
    let measured = |metric: &&str| {
        every().any(|training| training.metrics.iter().any(|step| step.get(metric).is_some()))
    };
    let looked: Vec<&str> = LOOKED_AT.into_iter().filter(measured).collect();
    let metrics = if looked.is_empty() { TRAINED_ON.into_iter().filter(measured).collect() } else { looked };
    let each = metrics.iter().flat_map(|metric| arms.iter().map(move |arm| (arm, *metric)));
    each.filter_map(|(arm, metric)| curve(arm, metric, &trainings(arm, entrants))).collect()
}

fn curve(arm: &str, metric: &str, trainings: &[&Training]) -> Option<Curve> {
    let mut values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    let mut calls: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    // Trainings that end by a budget differ in their last step; their ends are one point.
    let last = |training: &Training| {
        training.metrics.iter().rev().find(|step| step.get(metric).is_some()).map(|step| step.step)
    };
    let end = trainings.iter().copied().filter_map(last).max();
    for training in trainings {
        let mut spent = 0.0;
        for step in &training.metrics {
            spent += step.get(name::CALLS).unwrap_or(0.0);
            if let Some(value) = step.get(metric) {
                let at = if Some(step.step) == last(training) { end.unwrap_or(step.step) } else { step.step };
                values.entry(at).or_default().push(value);
                calls.entry(at).or_default().push(spent);
            }
        }
    }
    let points: Vec<Point> = values
        .into_iter()
        .filter_map(|(step, values)| {
            let calls = OverSeeds::of(calls.get(&step)?)?.mean;
            Some(Point { step, calls, value: OverSeeds::of(&values)? })
        })
        .collect();
    (!points.is_empty()).then(|| Curve { arm: arm.to_owned(), metric: metric.to_owned(), points })
}

/// The costs of all arms.
#[must_use]
pub fn costs(entrants: &[Entrant], arms: &[String]) -> Vec<Cost> {
    arms.iter().filter_map(|arm| cost(arm, &trainings(arm, entrants))).collect()
}

fn cost(arm: &str, trainings: &[&Training]) -> Option<Cost> {
    let count = trainings.len();
    if count == 0 {
        return None;
    }
    let sum = |of: &dyn Fn(&StepMetrics) -> f64| {
        trainings.iter().flat_map(|training| &training.metrics).map(of).sum::<f64>() / count as f64
    };
    let metric = |name: &'static str| sum(&|step| step.get(name).unwrap_or(0.0));
    let steps = || trainings.iter().flat_map(|training| &training.metrics);
    let stages: BTreeSet<&str> = steps()
        .flat_map(|step| step.iter().filter_map(|(name, _)| name.strip_prefix(name::SECONDS)))
        .collect();
    let stage = |stage: &str| {
        let name = format!("{}{stage}", name::SECONDS);
        (stage.to_owned(), sum(&|step| step.get(&name).unwrap_or(0.0)))
    };
    let counted = steps().all(|step| step.get(name::PLANNER_TOKENS).is_some());
    Some(Cost {
        arm: arm.to_owned(),
        seeds: count,
        steps: sum(&|_| 1.0),
        calls: metric(name::CALLS),
        dev_calls: metric(name::DEV_CALLS),
        executor_tokens: metric(name::EXECUTOR_TOKENS),
        planner_tokens: counted.then(|| metric(name::PLANNER_TOKENS)),
        seconds: stages.into_iter().map(stage).collect(),
    })
}

/// What the rollouts of every run say.
#[must_use]
pub fn judged(entrants: &[Entrant]) -> Vec<Judged> {
    let of = |entrant: &Entrant| {
        let diagnosis = entrant.training.as_ref()?.diagnosis.clone();
        Some(Judged { arm: entrant.arm.clone(), seed: entrant.seed, diagnosis })
    };
    entrants.iter().filter_map(of).filter(|judged| judged.diagnosis.groups > 0).collect()
}
