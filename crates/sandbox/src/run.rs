//! How a run ended and what came out of it.

use serde::Serialize;
use std::time::Duration;

/// A program's run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How the first process ended; everything else of the run was ended then.
    pub ending: Ending,
    /// Standard output, complete unless the ending is [`Ending::OutputLimit`].
    pub stdout: Vec<u8>,
    /// The end of standard error: for messages, not for judging.
    pub stderr: Vec<u8>,
    /// Time on processors, all processes of the run together.
    pub cpu: Duration,
    /// Time on the clock.
    pub wall: Duration,
    /// The most memory, bytes, the interpreter's own included.
    pub peak_memory: u64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal that the sandbox did not send.
    Signalled(i32),
    /// It used more processor time than it may.
    CpuLimit,
    /// It took longer than it may.
    WallLimit,
    /// It used more memory than it may.
    MemoryLimit,
    /// It printed more than it may.
    OutputLimit,
}
