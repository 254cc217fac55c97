//! Runs Python programs that a model wrote: apart from the machine, under limits, and fast.
//!
//! A [`Sandbox`] keeps one *zygote* per worker: a Python process that has the usual modules loaded, lives in namespaces
//! of its own, and forks a child for every program. The child puts itself under resource limits, Landlock and a system
//! call filter before the first line of the program runs. When the program's first process ends, or a limit is
//! reached, everything that it left behind is killed before anybody hears of the verdict.
//!
//! How much of that a machine allows differs ([`Level`]); [`Sandbox::start`] finds out by attacking what it has set up
//! and says what it [`Observed`]. `docs/sandbox.md` says what is covered at which level, and what is not.
//!
//! # Invariants
//! What a program is judged by never enters its process: not the expected output, not the tests of a function.
//! What broke here is a [`Fault`], never the ending of a program.
//!
//! Linux only, x86-64 and AArch64.

mod config;
mod error;
mod exchange;
mod function;
mod interpreter;
mod level;
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
pub use observed::{Access, MemoryBound, Observed, ProcessBound};
pub use run::{Ending, Run};
pub use sandbox::Sandbox;
