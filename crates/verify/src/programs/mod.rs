//! Programs: Python source from a model, run in the [sandbox](tracelift_sandbox) and judged by tests.
//!
//! Two kinds of [`Tests`]: on standard input and output, compared as [`Comparison`] says or by a checker program; and on
//! what a program defines, where the tests run in another process than the program. What is expected never enters the
//! program's process.
//!
//! CPU time is what a program is judged by; wall time is the backstop for programs that wait. A fault of ours (the sandbox
//! broke, twice) is [`ProgramVerdict::Infrastructure`] and never a failed program. What the sandbox covers at which level
//! is in its own documentation.

mod comparison;
mod extraction;
mod report;

pub use comparison::Comparison;
pub use extraction::{Wanted, defines, program as extract};
pub use report::{ProgramReport, ProgramVerdict, TestReport};

use crate::{
    config::{LimitOverrides, ProgramConfig},
    judgement::{Artifact, Judgement},
};
use serde_json::json;
use std::{
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
};
use tracelift_domain::{FunctionTests, IoTest, Probability, Verdict};
use tracelift_sandbox::{
    AssertOutcome, Ending, FunctionEnding, FunctionRun, FunctionTest, Limits, Observed, Run, Sandbox,
    SandboxConfig, SandboxError,
};

/// How much of a program's last words is kept for people.
const WORDS: usize = 400;

/// What a program is judged by.
#[derive(Clone, Debug, PartialEq)]
pub enum Tests {
    /// Standard input and output.
    Io {
        /// The tests.
        tests: Vec<IoTest>,
        /// When an output is right.
        comparison: Comparison,
        /// The source of a Python program that decides instead: it reads `{"stdin", "expected", "actual"}` as JSON from its
        /// standard input, and ends with status 0 to accept, 1 to reject.
        checker: Option<String>,
    },
    /// What the program defines.
    Function(FunctionTests),
}

impl Tests {
    /// Whether there is nothing to judge by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Tests::Io { tests, .. } => tests.len(),
            Tests::Function(tests) => tests.asserts.len() + usize::from(tests.check.is_some()),
        }
    }

    /// What to look for in a completion.
    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        match self {
            Tests::Io { .. } => Wanted::Program,
            Tests::Function(tests) => wanted(tests.entry.as_deref()),
        }
    }
}

/// What to look for where this is tested: of `Solution().solve`, the class.
#[must_use]
pub(crate) fn wanted(entry: Option<&str>) -> Wanted<'_> {
    entry.map_or(Wanted::Program, |path| {
        Wanted::Definition(path.split_once(['.', '(']).map_or(path, |(root, _)| root))
    })
}

/// Runs programs. The sandbox starts with the first of them.
#[derive(Debug)]
pub struct Runner {
    config: ProgramConfig,
    jobs: NonZeroUsize,
    sandbox: OnceLock<Result<Sandbox, Arc<SandboxError>>>,
}

impl Runner {
    /// A runner with these settings, for this many programs at the same time.
    #[must_use]
    pub fn new(config: ProgramConfig, jobs: NonZeroUsize) -> Runner {
        Runner { config, jobs, sandbox: OnceLock::new() }
    }

    /// Starts the sandbox and says what was observed of it.
    ///
    /// # Errors
    /// What keeps programs from running here, or a sandbox that is weaker than required.
    pub fn start(&self) -> Result<&Observed, Arc<SandboxError>> {
        self.sandbox().map(Sandbox::observed)
    }

    /// What was observed of the sandbox, if it has started.
    #[must_use]
    pub fn observed(&self) -> Option<&Observed> {
        self.sandbox.get().and_then(|sandbox| sandbox.as_ref().ok()).map(Sandbox::observed)
    }

    /// The sandbox itself.
    ///
    /// # Errors
    /// As [`Runner::start`].
    pub fn sandbox(&self) -> Result<&Sandbox, Arc<SandboxError>> {
        let start = || {
            Sandbox::start(SandboxConfig {
                python: self.config.python.clone(),
                workers: self.jobs,
                level: self.config.sandbox_level,
                require: self.config.require_sandbox,
                accept_no_sandbox: self.config.accept_no_sandbox,
                ..SandboxConfig::default()
            })
            .map_err(Arc::new)
        };
        self.sandbox.get_or_init(start).as_ref().map_err(Arc::clone)
    }

    /// Judges a completion.
    pub(crate) fn judge(&self, tests: &Tests, completion: &str) -> Judgement {
        let Some(source) = extract(completion, tests.wanted()) else { return Judgement::no_artifact() };
        if tests.is_empty() {
            return Judgement::unscorable("the problem has no tests", Some(Artifact::Program(source)));
        }
        let extent = if self.config.all_tests { Extent::All } else { Extent::ToFirstFailure };
        let report = self.run(&source, tests, &LimitOverrides::default(), extent);
        let artifact = Artifact::Program(source);
        match report.verdict.failure() {
            Some(kind) if self.config.all_tests => Judgement {
                verdict: Verdict::Failed { kind },
                artifact: Some(artifact),
                score: Probability::share(report.passed, report.total),
            },
            Some(kind) => Judgement::failed(kind, artifact),
            None if report.verdict == ProgramVerdict::Accepted => Judgement::passed(artifact),
            None => Judgement::unscorable(report.why(), Some(artifact)),
        }
    }

    /// Runs a program on its tests.
    #[must_use]
    pub fn run(&self, source: &str, tests: &Tests, limits: &LimitOverrides, extent: Extent) -> ProgramReport {
        let config = match limits.applied_to(&self.config) {
            Ok(config) => config,
            Err(error) => return ProgramReport::infrastructure(tests, error.to_string()),
        };
        let sandbox = match self.sandbox() {
            Ok(sandbox) => sandbox,
            Err(error) => return ProgramReport::infrastructure(tests, error.to_string()),
        };
        match tests {
            Tests::Io { tests, comparison, checker } => {
                let judge = IoJudge { sandbox, config: &config, comparison, checker: checker.as_deref() };
                let mut reports = Vec::with_capacity(tests.len());
                for test in tests {
                    let report = judge.test(source, test);
                    let go_on = extent == Extent::All || report.verdict == ProgramVerdict::Accepted;
                    reports.push(report);
                    if !go_on {
                        break;
                    }
                }
                ProgramReport::of(reports, tests.len(), false)
            }
            Tests::Function(function) => {
                let test = FunctionTest {
                    candidate: source,
                    given: &function.given,
                    setup: &function.setup,
                    entry: function.entry.as_deref(),
                    asserts: &function.asserts,
                    check: function.check.as_deref(),
                };
                match sandbox.test_function(&test, &config.limits(0)) {
                    Ok(run) => of_function(run),
                    Err(fault) => ProgramReport::infrastructure(tests, fault.to_string()),
                }
            }
        }
    }
}

/// How many of the tests are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    All,
    /// Up to the first that fails: enough to know whether a program passes.
    ToFirstFailure,
}

/// Judges runs on standard input and output.
struct IoJudge<'a> {
    sandbox: &'a Sandbox,
    config: &'a ProgramConfig,
    comparison: &'a Comparison,
    checker: Option<&'a str>,
}

impl IoJudge<'_> {
    fn test(&self, source: &str, test: &IoTest) -> TestReport {
        let limits = self.config.limits(test.stdout.len() as u64);
        let run = match self.sandbox.run(source, test.stdin.as_bytes(), &limits) {
            Ok(run) => run,
            Err(fault) => return TestReport::infrastructure(fault.to_string()),
        };
        let (verdict, message) = match verdict(&run) {
            Some(verdict) => (verdict, Some(last_words(&run))),
            None => match self.right(test, &run.stdout, &limits) {
                Ok(true) => (ProgramVerdict::Accepted, None),
                Ok(false) => (ProgramVerdict::WrongAnswer, None),
                Err(why) => (ProgramVerdict::Infrastructure, Some(why)),
            },
        };
        TestReport {
            verdict,
            message: message.filter(|message| !message.is_empty()),
            cpu_s: Some(run.cpu.as_secs_f64()),
            wall_s: Some(run.wall.as_secs_f64()),
            memory_mib: Some(run.peak_memory as f64 / f64::from(1 << 20)),
        }
    }

    /// Whether an output is right; what went wrong if that cannot be known.
    fn right(&self, test: &IoTest, output: &[u8], limits: &Limits) -> Result<bool, String> {
        let Some(checker) = self.checker else {
            return Ok(self.comparison.equal(output, test.stdout.as_bytes()));
        };
        let question = json!({
            "stdin": test.stdin,
            "expected": test.stdout,
            // A checker sees text; what is not UTF-8 shows as replacement characters, as it does on a terminal.
            "actual": String::from_utf8_lossy(output),
        });
        let run = self.sandbox.run(checker, question.to_string().as_bytes(), limits);
        match run.map_err(|fault| fault.to_string())? {
            Run { ending: Ending::Exited(0), .. } => Ok(true),
            Run { ending: Ending::Exited(1), stderr, .. } if !has_traceback(&stderr) => Ok(false),
            run => Err(format!("the checker broke: {}", last_words(&run))),
        }
    }
}

/// An exception also ends with status 1, and is no verdict.
fn has_traceback(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).contains("Traceback (most recent call last)")
}

/// The verdict that the way it ended already gives; `None` if it ended well and the output decides.
fn verdict(run: &Run) -> Option<ProgramVerdict> {
    match run.ending {
        Ending::Exited(0) => None,
        Ending::CpuLimit | Ending::WallLimit | Ending::Signalled(libc::SIGXCPU) => {
            Some(ProgramVerdict::TimeLimit)
        }
        Ending::MemoryLimit => Some(ProgramVerdict::MemoryLimit),
        Ending::OutputLimit => Some(ProgramVerdict::OutputLimit),
        Ending::Exited(_) | Ending::Signalled(_) if ran_out_of_memory(&run.stderr) => {
            Some(ProgramVerdict::MemoryLimit)
        }
        // However else a program may end: not well, or it would be the first case.
        _ => Some(ProgramVerdict::RuntimeError),
    }
}

/// Whether the last line says so: a limit on the address space makes Python raise rather than die.
fn ran_out_of_memory(stderr: &[u8]) -> bool {
    let text = String::from_utf8_lossy(stderr);
    text.trim_end()
        .lines()
        .last()
        .is_some_and(|line| line.trim() == "MemoryError" || line.starts_with("MemoryError:"))
}

fn last_words(run: &Run) -> String {
    let how = match run.ending {
        Ending::Exited(code) => format!("status {code}"),
        Ending::Signalled(signal) => format!("signal {signal}"),
        Ending::CpuLimit => "CPU time limit".to_owned(),
        Ending::WallLimit => "wall time limit".to_owned(),
        Ending::MemoryLimit => "memory limit".to_owned(),
        Ending::OutputLimit => "output limit".to_owned(),
        other => format!("{other:?}"),
    };
    let text = String::from_utf8_lossy(&run.stderr);
    let line = text.trim_end().lines().last().unwrap_or("").trim();
    let line: String = line.chars().take(WORDS).collect();
    if line.is_empty() { how } else { format!("{how}: {line}") }
}

/// What a run of function tests says of a program.
fn of_function(run: FunctionRun) -> ProgramReport {
    let mut reports: Vec<TestReport> = run
        .tests
        .into_iter()
        .filter_map(|outcome| match outcome {
            AssertOutcome::Passed => Some(TestReport::bare(ProgramVerdict::Accepted, None)),
            AssertOutcome::Failed(message) => {
                Some(TestReport::bare(ProgramVerdict::WrongAnswer, said(message)))
            }
            AssertOutcome::Raised(message) => {
                Some(TestReport::bare(ProgramVerdict::RuntimeError, said(message)))
            }
            AssertOutcome::Unknown(message) => Some(TestReport::infrastructure(message)),
            AssertOutcome::NotRun => None,
            other => Some(TestReport::infrastructure(format!("{other:?}"))),
        })
        .collect();
    let ended = match run.ending {
        FunctionEnding::Completed => None,
        FunctionEnding::CpuLimit | FunctionEnding::WallLimit => Some(ProgramVerdict::TimeLimit),
        FunctionEnding::MemoryLimit => Some(ProgramVerdict::MemoryLimit),
        FunctionEnding::OutputLimit => Some(ProgramVerdict::OutputLimit),
        FunctionEnding::Broken => Some(ProgramVerdict::RuntimeError),
        // What nobody here knows is not the program's failure.
        _ => Some(ProgramVerdict::Infrastructure),
    };
    if let Some(verdict) = ended {
        // The test that was running when it ended; a program that ends after its last test has not passed it either.
        reports.truncate(run.total.saturating_sub(1));
        reports.push(TestReport::bare(verdict, said(run.message)));
    }
    if let [.., last] = reports.as_mut_slice() {
        last.cpu_s = Some(run.cpu.as_secs_f64());
        last.wall_s = Some(run.wall.as_secs_f64());
        last.memory_mib = Some(run.peak_memory as f64 / f64::from(1 << 20));
    }
    ProgramReport::of(reports, run.total, run.weak)
}

fn said(message: String) -> Option<String> {
    let message: String = message.chars().take(WORDS).collect();
    (!message.is_empty()).then_some(message)
}
