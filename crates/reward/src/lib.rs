//! Rewards: what a trace is worth.
//!
//! [`rule`] turns measurements into a number; [`measure`] takes the measurements with a frozen executor and a
//! verifier; [`model`] is the rubric reward model that reads the trace itself. Whatever could not be measured is
//! unknown (`None`) and stays so.

pub mod leak;
pub mod loss;
pub mod measure;
pub mod model;
pub mod rule;

pub use measure::{Baselines, Measured, measure};
pub use model::{RewardModel, RubricScore};
pub use rule::{Evidence, Needs, Rule};
