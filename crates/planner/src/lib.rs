//! Planners: questions in, traces out.
//!
//! There is one way from a question to a trace: the prompt in the planner's format, sampled by the engine, decoded, and
//! read as a [`Trace`](tracelift_domain::Trace) or as the defect that keeps it from being one. Training, evaluation and
//! whoever else wants traces go it through [`Planner::write`]. A planner is given [`Question`](tracelift_domain::Question)s;
//! it cannot see what its executor's work is judged by.

pub mod config;
pub mod sampling;
mod write;

pub use config::{OpenError, PlannerConfig};
pub use sampling::Sampling;
pub use write::{Asked, Planner, PlannerError, Traces, Weights, Written};
