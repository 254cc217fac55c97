//! Programs: a completion's Python source, run on stdin/stdout tests under limits. Linux only.
//!
//! Each test is one fresh interpreter in a fresh temporary directory that is removed afterwards. Its standard input
//! is a file; its output is drained while it runs; the first test that fails ends the judgement unless
//! [`all_tests`](crate::ProgramConfig::all_tests) is set. Output is right if it has the same tokens as the expected
//! output (split at ASCII white space and U+001C..U+001F) and the interpreter ended with status 0.
//!
//! # What is covered
//! - Wall time, CPU time, address space, file size, open files, core files, number of processes (not for root: the
//!   kernel does not apply it to root), bytes of standard output; standard error is drained and forgotten but for
//!   its end. A limit that cannot be set is an error, so that no program ever runs without it.
//! - Each run is a session of its own. All its processes that are still in that session's first process group are
//!   killed at the verdict, also after a normal end, and when the thread that waits for it dies.
//! - The environment is scrubbed, string hashing is not random, the interpreter sees neither site packages nor the
//!   working directory, descriptors are not inherited. `no_new_privs` is set.
//! - An interpreter that never reached the program (broken installation, limits too low for it) is a fault of ours,
//!   tried once more and then `Unscorable`, never a failed program.
//!
//! # What is not covered
//! This is not a sandbox. There are no namespaces, no Landlock, no seccomp filter, no other user:
//! - a program can read and write whatever the user can, reach the network, and signal the user's processes,
//!   this one included;
//! - a process that starts a session of its own (a daemon by double fork and `setsid`) survives the verdict;
//! - memory is limited for each process, not for their sum; disk space for each file, not for their sum;
//! - System V IPC objects, `/dev/shm` files and files outside the working directory stay behind.
//!
//! So run only programs from models that you would run by hand, or put the whole of TraceLift into a container.

mod extraction;
mod interpreter;
mod process;
mod tokens;
mod workspace;

use crate::{
    config::ProgramConfig,
    judgement::{Artifact, Judgement},
};
use interpreter::Interpreter;
use process::{Ending, Limits};
use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use tracelift_domain::{FailureKind, IoTest, Probability, Verdict};
use workspace::Workspace;

/// How often a run is tried before a fault of ours makes it unscorable.
const ATTEMPTS: usize = 2;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Runs programs.
#[derive(Debug)]
pub(crate) struct Runner {
    config: ProgramConfig,
    interpreter: Interpreter,
    leftovers: Mutex<Vec<PathBuf>>,
}

/// A run that broke for a reason that is not the program's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("{0}")]
    Interpreter(#[from] interpreter::InterpreterError),
    #[error("cannot prepare a temporary directory for a program: {0}")]
    Workspace(#[source] std::io::Error),
    #[error("cannot start {python} under its limits: {source}")]
    Start { python: String, source: std::io::Error },
    #[error("cannot watch a running program: {0}")]
    Watch(#[source] std::io::Error),
    #[error("the interpreter never reached the program ({ending}); its last words: {last_words:?}")]
    NeverStarted { ending: String, last_words: String },
}

impl Runner {
    pub(crate) fn new(config: ProgramConfig) -> Runner {
        let interpreter = Interpreter::named(config.python.clone());
        Runner { config, interpreter, leftovers: Mutex::default() }
    }

    /// Judges a completion by the tests of a problem.
    pub(crate) fn judge(&self, tests: &[IoTest], completion: &str) -> Judgement {
        let Some(source) = extraction::program(completion) else { return Judgement::no_artifact() };
        let artifact = Artifact::Program(source);
        if tests.is_empty() {
            return Judgement::unscorable("the problem has no tests", Some(artifact));
        }
        let mut passed = 0;
        let mut first_failure = None;
        for (index, test) in tests.iter().enumerate() {
            match self.outcome(artifact.as_str(), test) {
                Ok(None) => passed += 1,
                Ok(Some(kind)) => {
                    if !self.config.all_tests {
                        return Judgement::failed(kind, artifact);
                    }
                    first_failure.get_or_insert(kind);
                }
                Err(error) => {
                    return Judgement::unscorable(format!("test {}: {error}", index + 1), Some(artifact));
                }
            }
        }
        let verdict = first_failure.map_or(Verdict::Passed, |kind| Verdict::Failed { kind });
        Judgement { verdict, artifact: Some(artifact), score: Probability::share(passed, tests.len()) }
    }

    /// Runs the smallest program.
    pub(crate) fn probe(&self) -> Result<(), RunError> {
        let test = IoTest { stdin: String::new(), stdout: "1".into() };
        match self.outcome("print(1)", &test)? {
            None => Ok(()),
            Some(kind) => Err(RunError::NeverStarted {
                ending: format!("{kind:?} where `print(1)` was run"),
                last_words: String::new(),
            }),
        }
    }

    /// Temporary directories that could not be removed.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `None` if the test passed.
    fn outcome(&self, source: &str, test: &IoTest) -> Result<Option<FailureKind>, RunError> {
        let mut attempt = 1;
        loop {
            match self.run(source, test) {
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    fn run(&self, source: &str, test: &IoTest) -> Result<Option<FailureKind>, RunError> {
        let workspace = Workspace::create(source, &test.stdin).map_err(RunError::Workspace)?;
        let result = self.run_in(&workspace, test);
        if let Err(path) = workspace.remove() {
            self.leftovers.lock().unwrap_or_else(PoisonError::into_inner).push(path);
        }
        result
    }

    fn run_in(&self, workspace: &Workspace, test: &IoTest) -> Result<Option<FailureKind>, RunError> {
        let command = self.interpreter.command(workspace)?;
        let report = process::run(command, &self.limits(&test.stdout))?;
        let Some(stderr) = interpreter::after_start(&report.stderr_head, &report.stderr_tail) else {
            let last_words = String::from_utf8_lossy(&report.stderr_tail).trim().to_owned();
            return Err(RunError::NeverStarted { ending: report.ending.to_string(), last_words });
        };
        Ok(match report.ending {
            Ending::Exited(0) if tokens::equal(&report.stdout, test.stdout.as_bytes()) => None,
            Ending::Exited(0) => Some(FailureKind::WrongAnswer),
            Ending::TimeLimit | Ending::Signalled(libc::SIGXCPU) => Some(FailureKind::TimeLimit),
            Ending::OutputLimit => Some(FailureKind::OutputLimit),
            Ending::Exited(_) | Ending::Signalled(_) if interpreter::ran_out_of_memory(stderr) => {
                Some(FailureKind::MemoryLimit)
            }
            Ending::Exited(_) | Ending::Signalled(_) => Some(FailureKind::RuntimeError),
        })
    }

    fn limits(&self, expected: &str) -> Limits {
        let config = &self.config;
        Limits {
            wall: config.time_limit(),
            memory_bytes: config.memory_limit_mib * MIB,
            file_bytes: config.file_limit_mib * MIB,
            output_bytes: (config.output_limit_kib * KIB).max(4 * expected.len() as u64),
            processes: config.processes,
            open_files: config.open_files,
        }
    }
}
