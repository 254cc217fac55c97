//! Training: what a run does, and what it leaves behind.
//!
//! [`grpo`] trains planners, [`rubric`] reward models, [`sft`] whatever learns from text. A run lives in a folder
//! ([`run`]) and goes on after a crash from its last checkpoint ([`state`]), bit for bit on the same machine.

pub mod advantage;
pub mod diagnosis;
pub mod difficulty;
pub mod events;
pub mod grpo;
pub mod metrics;
pub mod patience;
pub mod pretrain;
pub mod rollouts;
pub mod rubric;
pub mod run;
pub mod sft;
pub mod source;
pub mod state;
