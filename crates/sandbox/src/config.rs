//! What a sandbox is started with, and what one run may use.

use crate::Level;
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// How to start a [`crate::Sandbox`].
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// The interpreter: a path, or a name to look for in `PATH`. A virtual environment's brings its packages.
    pub python: PathBuf,
    /// How many programs may run at the same time.
    pub workers: NonZeroUsize,
    /// At most this level, where a stronger one could be had (for tests); `None`: the strongest.
    pub level: Option<Level>,
    /// Starting fails where the observed level is below this one.
    pub require: Level,
    /// Says that model-written code may run with the rights of this process ([`Level::L0`]).
    pub accept_no_sandbox: bool,
    /// A worker is started anew after so many runs.
    pub runs_per_worker: u32,
    /// Further files and folders that programs may read.
    pub read_only: Vec<PathBuf>,
}

impl Default for SandboxConfig {
    /// `python3`, a worker per core, and no level below [`Level::L2`].
    fn default() -> Self {
        Self {
            python: PathBuf::from("python3"),
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            level: None,
            require: Level::L2,
            accept_no_sandbox: false,
            runs_per_worker: 1000,
            read_only: Vec::new(),
        }
    }
}

/// What one run may use. All processes of the run together, except where said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time on a processor. This is what a program is judged by: it does not depend on how busy the machine is.
    pub cpu: Duration,
    /// Time on the clock, without that in which the machine had no processor for the program: the end of those that
    /// wait.
    pub wall: Duration,
    /// Memory, the interpreter's own (about 20 MiB) included.
    pub memory_bytes: u64,
    /// Standard output.
    pub output_bytes: u64,
    /// Files: each file, and in namespaces all of them.
    pub file_bytes: u64,
    /// Processes and threads beside the first.
    pub processes: u64,
    /// Open files of each process.
    pub open_files: u64,
}

impl Limits {
    /// The default limits with another time on a processor, and the time on the clock that goes with it.
    #[must_use]
    pub fn with_cpu(cpu: Duration) -> Self {
        Self { cpu, wall: cpu * 3 + Duration::from_secs(2), ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(5),
            wall: Duration::from_secs(17),
            memory_bytes: 512 << 20,
            output_bytes: 4 << 20,
            file_bytes: 64 << 20,
            processes: 32,
            open_files: 256,
        }
    }
}
