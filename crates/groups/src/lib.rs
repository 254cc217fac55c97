//! TraceLift-Groups: one problem, a reference trace and flawed ones, each with rubric labels.
//!
//! A group file is JSONL, one [`Group`](tracelift_domain::Group) a line. It is [read](GroupReader) as a stream and
//! [written](write_groups) whole or not at all. Groups of the embedded worlds are [made by rules](world_groups), which
//! know exactly what they broke and where, so that their [labels](label) follow by construction. The training and the
//! held-out part of a file are told apart by [`split()`].

pub mod build;
pub mod code;
mod error;
pub mod export;
mod file;
pub mod gate;
pub mod html;
pub mod label;
pub mod llm;
pub mod math;
pub mod probe;
pub mod proposal;
mod split;
pub mod survey;
mod world;

pub use error::GroupsError;
pub use file::{GroupReader, GroupWriter, write_groups};
pub use gate::{GateLimits, GateReason, gate, gate_trace};
pub use label::{label, noisy_rubric};
pub use proposal::{Consequence, Flaw, FlawSource, Proposal, SeedProblem, Span};
pub use split::{Part, split};
pub use world::{WorldGroupConfig, noisy_negatives, world_group, world_groups};
