//! Rewards: what a trace is worth.
//!
//! [`rule`] turns measurements into a number; [`measure`] takes the measurements with a frozen executor and a
//! verifier; [`model`] is the rubric reward model that reads the trace itself, [`remote`] one behind a server, and [`judge`] a
//! prompted model in its place; all are [`TraceScorer`]s, of which [`rubric`] names one, and [`assessment`] says what their scores are worth. [`appraisal`] is all of it for one
//! completion, and [`baselines`] keeps what was measured without a trace. Whatever
//! could not be measured is unknown (`None`) and stays so.

pub mod appraisal;
pub mod assessment;
pub mod baselines;
pub mod config;
pub mod conversation;
pub mod frozen;
pub mod judge;
pub mod leak;
pub mod loss;
pub mod measure;
pub mod model;
pub mod remote;
pub mod rubric;
pub mod rule;
pub mod scorer;

pub use appraisal::{Appraisal, Place, Unknown};
pub use config::RewardConfig;
pub use frozen::{FrozenRewardModel, RubricLane};
pub use judge::PromptedJudge;
pub use measure::{Baselines, Measured, measure};
pub use model::{RewardModel, RubricScore, Scoring, Shortened};
pub use remote::{RemoteError, RemoteScorer};
pub use rubric::{RubricConfig, RubricError};
pub use rule::{Evidence, Needs, Rule, Slopes};
pub use scorer::{ScoreFailure, ScoreItem, TraceScorer};
