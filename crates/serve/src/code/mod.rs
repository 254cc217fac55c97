//! The code service: runs programs, in SandboxFusion's dialect.
//!
//! What runs them is a [`CodeRunner`]; this crate neither knows nor replaces a sandbox.

mod sandbox_fusion;
mod service;

pub use service::{CodeServiceConfig, code_section, code_service};

use std::collections::BTreeMap;
use std::time::Duration;

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// As the caller names it; a runner refuses those that it cannot run.
    pub language: String,
    /// The program.
    pub code: String,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// Files to put into its working directory, by relative path (no `..`).
    pub files: BTreeMap<String, Vec<u8>>,
    /// Files to bring back from there, where they are; by relative path (no `..`).
    pub fetch_files: Vec<String>,
    /// How long compiling may take, for languages that are compiled.
    pub compile_timeout: Duration,
    /// How long the program may run.
    pub run_timeout: Duration,
    /// How much memory it may use; `None` for the runner's own limit.
    pub memory_bytes: Option<u64>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It ran too long.
    TimeLimit,
    /// It used too much memory.
    MemoryLimit,
    /// It printed too much.
    OutputLimit,
}

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOutcome {
    /// How it ended.
    pub ending: Ending,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it printed to standard error.
    pub stderr: Vec<u8>,
    /// From start to end.
    pub wall: Duration,
    /// The processor time that it used, where that was measured.
    pub cpu: Option<Duration>,
    /// Those of the files to fetch that were there.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Why a program was not run, or what it did is not known. Never the program's own fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunFault {
    /// The runner does not do this.
    #[error("{0}")]
    Unsupported(String),
    /// The runner failed.
    #[error("the sandbox failed: {0}")]
    Infrastructure(String),
}

/// Something that runs programs. It is called from several threads at once.
pub trait CodeRunner: Send + Sync + 'static {
    /// Runs a program to its end, within its limits.
    ///
    /// # Errors
    /// When what the program did is not known.
    fn run(&self, request: &RunRequest) -> Result<RunOutcome, RunFault>;

    /// What it is, for `/health`: a name, and the level of isolation that it really has.
    fn describe(&self) -> serde_json::Value;
}
