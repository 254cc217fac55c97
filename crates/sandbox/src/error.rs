//! What can go wrong with the sandbox itself. What goes wrong with a program is an [`crate::Ending`].

use crate::Level;
use std::{io, path::PathBuf};

/// Why no sandbox was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The interpreter cannot be run.
    #[error("run the Python interpreter {}: {message}; install Python 3.8 or later, or name another one", path.display())]
    Interpreter {
        /// The interpreter as configured.
        path: PathBuf,
        /// What happened.
        message: String,
    },
    /// The machine gives less than what is required.
    #[error("the sandbox reaches {observed}, but {required} is required ({reason})")]
    TooWeak {
        /// What can be had.
        observed: String,
        /// What was asked for.
        required: Level,
        /// Why not more.
        reason: String,
    },
    /// Only resource limits can be had, and nobody has said that this is acceptable.
    #[error(
        "nothing but resource limits can be had here ({reason}): model-written code is only run so when told to accept no sandbox"
    )]
    NotAccepted {
        /// Why not more.
        reason: String,
    },
    /// The machine lacks what no worker can do without.
    #[error("no sandbox can start on this machine: {}", .0.join("; "))]
    Machine(Vec<String>),
    /// No worker came up.
    #[error("start a sandbox worker: {0}")]
    Worker(Fault),
    /// The sandbox's folder cannot be had.
    #[error("{what}: {source}{}", remedy(source))]
    Folder {
        /// What was tried, and where.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// The next step for an error of the folder for temporary files.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room there, or set TMPDIR to a folder on another disk"
        }
        io::ErrorKind::NotFound
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => "; set TMPDIR to a folder that this user may write to",
        _ => "",
    }
}

/// The sandbox broke: nothing is known about the program. Never a verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An operation of this process failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A worker said something that is not in the protocol.
    #[error("a sandbox worker broke the protocol: {0}")]
    Protocol(String),
    /// A worker ended by itself.
    #[error("a sandbox worker ended unexpectedly ({status}){}{}", if .said.is_empty() { "" } else { ": " }, .said)]
    Ended {
        /// How: its status, where it is known.
        status: String,
        /// Its last words.
        said: String,
    },
    /// A worker did not answer in time.
    #[error("a sandbox worker did not answer within {seconds} s")]
    Silent {
        /// How long it had.
        seconds: u64,
    },
    /// A worker could not do what its level promises.
    #[error("a sandbox worker failed: {0}")]
    Worker(String),
    /// A worker cannot be had at the level at which the sandbox was started.
    #[error("a sandbox worker cannot reach {level}: {reason}")]
    Refused {
        /// The level of the sandbox.
        level: Level,
        /// Why not.
        reason: String,
    },
    /// The request itself cannot be run.
    #[error("{0}")]
    Request(String),
}

impl Fault {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    pub(crate) fn os(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |errno| Self::Io { what, source: errno.into() }
    }
}
