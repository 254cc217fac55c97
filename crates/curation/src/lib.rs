//! Curation: problems in, groups out.
//!
//! A seed problem's reference trace is read from its published solution, or written by a [model](llm). Rules
//! ([`tracelift_flaws`]) and models propose flawed traces; [gates](gate()) keep out what is no flaw, or gives itself away;
//! programs are [tried out](Trials) on their problems' tests; what is left becomes a group with rubric labels. Groups of
//! the [embedded worlds](world_groups) are made by the worlds' own rules.
//!
//! [`build`] does so for all seeds that a configuration names, in order, in parallel and in constant memory; a build that
//! was interrupted goes on. What a group looks like depends on its seed problem, the recipe and the build's random seed, and
//! on nothing else: not on the number of threads, not on where an earlier attempt stopped.

mod config;
mod error;
mod gate;
mod growth;
pub mod llm;
mod output;
mod overlap;
mod report;
mod run;
mod sources;
mod trial;
mod world;

pub use config::{BenchmarkConfig, BuildConfig, SeedConfig};
pub use error::BuildError;
pub use gate::{GateLimits, GateReason, gate, gate_trace, words};
pub use growth::{Grown, Recipe, Skip, assemble, grow, grow_with, seedling};
pub use overlap::{Benchmarks, Overlap};
pub use report::BuildReport;
pub use run::{build, build_with, help};
pub use sources::{Offer, count, items, seed_of};
pub use trial::{Trial, Trials, Tried};
pub use world::{WorldGroupConfig, noisy_negatives, world_groups};
