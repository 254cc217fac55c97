//! Training the reward model on groups: one reference trace and several flawed ones per problem.

mod accuracy;
mod config;
mod encode;
mod trainer;

pub use accuracy::{RubricAccuracy, evaluate};
pub use config::RubricConfig;
pub use encode::{EncodedGroup, GroupError, Labelled, encode};
pub use trainer::{RubricStep, RubricTrainer};
