//! Building: seeds become groups, in order, in parallel and in constant memory; a build that was interrupted goes on.
//!
//! What a group looks like depends on its seed problem, the recipe and the build's random seed, and on nothing else:
//! not on the number of threads, not on where an earlier attempt stopped.

mod assemble;
mod config;
mod output;
mod overlap;
mod report;
mod run;
mod sources;
mod trial;

pub use assemble::{Grown, Recipe, Skip, assemble, draft, grow, grow_with};
pub use config::{BenchmarkConfig, BuildConfig, SeedConfig};
pub use overlap::{Benchmarks, Overlap};
pub use report::BuildReport;
pub use run::{BuildError, build, build_with, help};
pub use sources::{Item, count, items, seed_of};
pub use trial::{Trial, Trials, Tried};
