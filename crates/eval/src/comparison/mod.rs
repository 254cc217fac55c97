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
pub use show::Format;

use crate::EvalError;
use contrast::TestSet;
use course::{Cost, Curve, Judged};
use entrant::{Entrant, Role};
use serde::Serialize;
use std::path::PathBuf;
use tracelift_domain::Seed;

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
