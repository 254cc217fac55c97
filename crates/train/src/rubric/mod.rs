//! Training the reward model on groups: one reference trace and several flawed ones per problem.

mod accuracy;
mod config;
mod draw;
mod encode;
mod reading;
mod renaming;
mod trainer;
mod watch;
mod weights;

pub use accuracy::{RubricAccuracy, evaluate};
pub use config::{RubricTraining, WatchConfig};
pub use encode::{EncodedGroup, GroupError, Labelled, LeftOut, encode, fitting};
pub use reading::{ReadingTerms, ReadingWeights};
pub use renaming::Renaming;
pub use trainer::{RubricStep, RubricTrainer};
pub use watch::{Best, Look, Watch};
pub use weights::Weights;
