#![doc = include_str!("../README.md")]
//!
//! # Invariants
//! What a program is judged by never enters its process: not the expected output, not the tests of a function.
//! What broke here is a [`Fault`], never the ending of a program.

mod config;
mod error;
mod exchange;
mod function;
mod home;
mod interpreter;
mod level;
mod machine;
mod observed;
mod probe;
pub mod protocol;
mod run;
mod sandbox;
mod seccomp;
mod worker;

pub use config::{Limits, SandboxConfig};
pub use error::{Fault, SandboxError};
pub use function::{AssertOutcome, FunctionEnding, FunctionRun, FunctionTest};
pub use level::{Level, UnknownLevel};
pub use observed::{Access, MemoryBound, Observed, ProcessBound, TimeBound, Watch};
pub use run::{Ending, Run};
pub use sandbox::Sandbox;
