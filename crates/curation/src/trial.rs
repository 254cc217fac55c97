//! Trials: the programs of code groups, whole and broken, run on their problems' tests.

use std::{num::NonZeroUsize, sync::Arc, thread};
use tracelift_domain::{Gold, Problem, SettingError};
use tracelift_verify::{
    ProgramConfig,
    config::LimitOverrides,
    programs::{Extent, ProgramReport, ProgramVerdict, Runner, Tests},
};

/// Least CPU seconds that a broken program is given.
const LEAST: f64 = 0.5;
/// How many times the CPU time of the canonical solution a broken program is given.
const TIMES: f64 = 20.0;

/// Where programs are tried.
#[derive(Debug)]
pub struct Trials {
    runner: Runner,
    config: ProgramConfig,
}

/// What tests say of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It passes all of them.
    Passed,
    /// It fails one.
    Failed,
    /// There are none, or the sandbox broke.
    Unknown,
}

impl Trials {
    /// A place with these settings. The sandbox starts with the first program.
    ///
    /// # Errors
    /// A setting that is out of range.
    pub fn new(config: ProgramConfig) -> Result<Trials, SettingError> {
        config.validate()?;
        let jobs = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Ok(Trials { runner: Runner::new(config.clone(), jobs), config })
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// What keeps programs from running here.
    pub fn start(&self) -> Result<(), Arc<tracelift_sandbox::SandboxError>> {
        self.runner.start().map(|_| ())
    }

    /// A problem on whose tests broken programs can be told from the canonical one; nothing where that one does not pass.
    #[must_use]
    pub fn of(&self, problem: &Problem, canonical: &str) -> (Tried, Option<Trial<'_>>) {
        let tests = match &problem.gold {
            Gold::Function(tests) => Tests::Function(tests.clone()),
            Gold::Tests(tests) => {
                Tests::Io { tests: tests.clone(), comparison: self.config.compare.clone(), checker: None }
            }
            Gold::Answer(_) => return (Tried::Unknown, None),
        };
        if tests.is_empty() {
            return (Tried::Unknown, None);
        }
        let report = self.runner.run(canonical, &tests, &LimitOverrides::default(), Extent::All);
        let cpu = report.tests.iter().filter_map(|test| test.cpu_s).fold(0.0, f64::max);
        let limit = (TIMES * cpu).max(LEAST).min(self.config.time_limit_s);
        let limits = LimitOverrides { time_s: Some(limit), ..LimitOverrides::default() };
        match tried(&report) {
            Tried::Passed => (Tried::Passed, Some(Trial { runner: &self.runner, tests, limits })),
            other => (other, None),
        }
    }
}

/// A problem whose canonical solution passes its tests.
#[derive(Debug)]
pub struct Trial<'t> {
    runner: &'t Runner,
    tests: Tests,
    limits: LimitOverrides,
}

impl Trial<'_> {
    /// What the tests say of another program.
    #[must_use]
    pub fn run(&self, program: &str) -> Tried {
        tried(&self.runner.run(program, &self.tests, &self.limits, Extent::ToFirstFailure))
    }
}

fn tried(report: &ProgramReport) -> Tried {
    match report.verdict {
        ProgramVerdict::Accepted => Tried::Passed,
        verdict if verdict.failure().is_some() => Tried::Failed,
        _ => Tried::Unknown,
    }
}
