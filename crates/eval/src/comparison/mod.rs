//! Trainings and evaluations beside each other: what several seeds of each arm came to, how arms differ, what they cost, and what their own
//! rollouts say of their rewards.
//!
//! [`entrant`] reads what lies in folders, [`contrast`] makes means and differences of it, [`course`] curves and costs; [`show`] writes
//! all that for people and programs.

mod contrast;
mod course;
mod entrant;
mod naming;
mod show;

pub use naming::{arm_name, folder_name, settings};
pub use show::{Format, Section};

use crate::{EvalError, Metric};
use contrast::TestSet;
use course::{Cost, Curve, Judged};
use entrant::{Entrant, Role};
use serde::Serialize;
use std::path::PathBuf;
use tracelift_domain::Seed;
use tracelift_statistics::OverSeeds;

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct Request {
    /// Folders of runs, experiments or evaluations, or folders of those.
    pub folders: Vec<PathBuf>,
    /// The arms that the others are compared with; without any, the first one that was trained.
    pub against: Vec<String>,
    /// Of the bootstrap.
    pub seed: Seed,
}

/// Everything that there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// By test set.
    tests: Vec<TestSet>,
    /// Learning curves by arm and metric.
    curves: Vec<Curve>,
    /// What the trainings of an arm cost.
    costs: Vec<Cost>,
    /// What each run's rollouts say.
    diagnoses: Vec<Judged>,
    /// What was left out, and why.
    notes: Vec<String>,
}

impl Comparison {
    /// Reads folders and compares what is in them. Whatever must not be compared is not, and said.
    ///
    /// # Errors
    /// When a folder holds nothing of the kind, a file is damaged, or there is no arm of a name that was asked for.
    pub fn of(request: &Request) -> Result<Comparison, EvalError> {
        let mut notes = Vec::new();
        let entrants = entrant::read(&request.folders, &mut notes)?;
        let against = against(&entrants, &request.against)?;
        let tests = contrast::test_sets(&entrants, &against, request.seed)?;
        let arms = entrant::arms(&entrants);
        Ok(Comparison {
            tests,
            curves: course::curves(&entrants, &arms),
            costs: course::costs(&entrants, &arms),
            diagnoses: course::judged(&entrants),
            notes,
        })
    }
}

/// A metric of an arm in the course of training.
#[derive(Clone, Debug)]
pub struct CurveOverSeeds<'c> {
    /// The arm.
    pub arm: &'c str,
    /// The metric, as in `metrics.jsonl`.
    pub metric: &'c str,
    /// Steps with what the seeds came to there.
    pub points: Vec<(u64, OverSeeds)>,
}

/// What the trainings of an arm cost, and what they came to.
#[derive(Clone, Copy, Debug)]
pub struct CostAndQuality<'c> {
    /// The arm.
    pub arm: &'c str,
    /// Executor calls of a training, the mean over seeds.
    pub calls: f64,
    /// What it came to on the first test set.
    pub mean: f64,
    /// `s/√S` of the seeds, or of one seed its error over problems.
    pub error: Option<f64>,
}

impl Comparison {
    /// The learning curves, by metric and arm.
    pub fn curves_over_seeds(&self) -> impl Iterator<Item = CurveOverSeeds<'_>> {
        self.curves.iter().map(|curve| CurveOverSeeds {
            arm: &curve.arm,
            metric: &curve.metric,
            points: curve.points.iter().map(|point| (point.step, point.value)).collect(),
        })
    }

    /// What each trained arm cost, and what it came to in a metric on the first test set.
    pub fn cost_and_quality(&self, metric: Metric) -> impl Iterator<Item = CostAndQuality<'_>> {
        self.costs.iter().filter_map(move |cost| {
            let found =
                self.tests.first()?.arms.iter().find(|arm| arm.arm == cost.arm)?.metrics.get(&metric)?;
            let mean = found.over_seeds.mean;
            Some(CostAndQuality { arm: &cost.arm, calls: cost.calls, mean, error: found.error() })
        })
    }

    /// What was left out, and why.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// The arms that the others are compared with.
fn against(entrants: &[Entrant], wanted: &[String]) -> Result<Vec<String>, EvalError> {
    let arms = entrant::arms(entrants);
    for arm in wanted {
        if !arms.contains(arm) {
            let known = arms.iter().map(|arm| format!("`{arm}`")).collect::<Vec<_>>().join(", ");
            return Err(EvalError::UnknownRow { row: arm.clone(), known });
        }
    }
    if !wanted.is_empty() {
        return Ok(wanted.to_vec());
    }
    let trained = entrants.iter().find(|entrant| entrant.role == Role::Trained);
    Ok(trained.or(entrants.first()).map(|first| first.arm.clone()).into_iter().collect())
}

#[cfg(test)]
mod tests;
