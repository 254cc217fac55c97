//! What a sandbox was seen to hold.

use crate::Level;
use serde::Serialize;
use std::fmt;

/// The level of a sandbox and the outcome of the attacks made on it at its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// The level at which workers run.
    pub level: Level,
    /// Writing to, and reading of, a file of the machine outside the sandbox; reading the runner's environment.
    pub files: Access,
    /// Connecting to listeners of this process: TCP, UDP, abstract Unix sockets.
    pub net: Access,
    /// Signals to, and tracing of, processes outside the run.
    pub kill: Access,
    /// How many processes a run can have at once.
    pub procs: ProcessBound,
    /// What happens to processes that a program leaves behind.
    pub survivors: Access,
    /// How memory is bounded.
    pub memory: MemoryBound,
    /// Priorities and limits of other processes, signals by way of descriptors, leases and locks on the machine's files.
    pub others: Access,
    /// Memory that is in no process: shared without a file, files without a path, buffers that were enlarged or are many.
    pub hidden: Access,
    /// Whether the time of all processes of a run is counted.
    pub cpu: TimeBound,
    /// Whether what counts has to wait for its turn: on a busy machine limits of many processes are then late.
    pub watch: Watch,
    /// Descriptors of the runner in the program.
    pub descriptors: Access,
    /// Which control group the run is in: none is used.
    pub cgroup: &'static str,
    /// The version of Landlock, 0 without.
    pub landlock: u32,
    /// The version of the interpreter.
    pub python: String,
    /// Why the level is not higher, and what else a reader should know; empty at full strength.
    pub reason: String,
}

/// Whether an attack got through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Access {
    /// It did not.
    Blocked,
    /// It did.
    Open,
}

/// How many processes a run can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ProcessBound {
    /// No more than so many were reached when eight were allowed.
    Limited(u64),
    /// Hundreds were reached when eight were allowed.
    Open,
}

/// What bounds the memory of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MemoryBound {
    /// Each process by the kernel; all together by a watchdog that looks every few milliseconds.
    Watched,
    /// Each process by the kernel; nothing more was seen to hold.
    PerProcessOnly,
    /// Nothing was seen to hold.
    Open,
}

/// What bounds the processor time of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TimeBound {
    /// That of every process, whether or not anybody waits for its end.
    Counted,
    /// Processes were seen to leave the account.
    Open,
}

/// How soon what watches a run gets to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Watch {
    /// However busy the machine is.
    AtOnce,
    /// When the others that are ready to run have had their turns: the runner may not give it more.
    InTurn,
}

impl Observed {
    /// Before anything was seen.
    pub(crate) fn nothing(level: Level) -> Self {
        Self {
            level,
            files: Access::Open,
            net: Access::Open,
            kill: Access::Open,
            procs: ProcessBound::Open,
            survivors: Access::Open,
            memory: MemoryBound::Open,
            others: Access::Open,
            hidden: Access::Open,
            cpu: TimeBound::Open,
            watch: Watch::InTurn,
            descriptors: Access::Open,
            cgroup: "none",
            landlock: 0,
            python: String::new(),
            reason: String::new(),
        }
    }

    /// What the level promises and was not seen to hold.
    pub(crate) fn broken_promises(&self) -> Vec<&'static str> {
        let isolated = self.level >= Level::L2;
        let filtered = self.level >= Level::L1;
        let open = Access::Open;
        [
            (isolated && self.files == open, "files outside were reached"),
            (filtered && self.net == open, "the network was reached"),
            (filtered && self.kill == open, "processes outside were reached"),
            (filtered && self.procs == ProcessBound::Open, "the number of processes was not bounded"),
            (self.survivors == open, "a process outlived its run"),
            (self.memory != MemoryBound::Watched, "memory was not bounded"),
            (filtered && self.others == open, "other processes or the machine's files were interfered with"),
            (isolated && self.hidden == open, "memory was not counted"),
            (filtered && self.cpu == TimeBound::Open, "processor time was not counted"),
            (self.descriptors == open, "descriptors of the runner were found"),
        ]
        .into_iter()
        .filter_map(|(broken, what)| broken.then_some(what))
        .collect()
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = |access| match access {
            Access::Blocked => "blocked",
            Access::Open => "open",
        };
        write!(
            f,
            "sandbox: {} files={} net={} kill={} procs=",
            self.level,
            access(self.files),
            access(self.net),
            access(self.kill)
        )?;
        match self.procs {
            ProcessBound::Limited(count) => write!(f, "limited({count})")?,
            ProcessBound::Open => f.write_str("open")?,
        }
        let survivors = if self.survivors == Access::Blocked { "reaped" } else { "open" };
        let memory = match self.memory {
            MemoryBound::Watched => "watched",
            MemoryBound::PerProcessOnly => "per-process-only",
            MemoryBound::Open => "open",
        };
        let watch = if self.watch == Watch::AtOnce { "at-once" } else { "in-turn" };
        let cpu = if self.cpu == TimeBound::Counted { "counted" } else { "open" };
        write!(
            f,
            " survivors={survivors} others={} cpu={cpu} watch={watch} memory={memory} hidden={} cgroup={}",
            access(self.others),
            access(self.hidden),
            self.cgroup
        )?;
        if !self.reason.is_empty() {
            write!(f, " reason: {}", self.reason)?;
        }
        Ok(())
    }
}
