//! What is said of a program and of each of its tests.

use super::Tests;
use serde::{Deserialize, Serialize};
use tracelift_domain::FailureKind;

/// The verdict on a program, or on one of its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProgramVerdict {
    /// Right.
    Accepted,
    /// It ran, and what came out is wrong; or a test of what it defines failed.
    WrongAnswer,
    /// It ended with an exception, a status other than 0, or a signal (syntax errors too).
    RuntimeError,
    /// It used too much time.
    TimeLimit,
    /// It used too much memory.
    MemoryLimit,
    /// It printed too much.
    OutputLimit,
    /// Not known: the sandbox broke, twice. Never the program's fault.
    Infrastructure,
}

impl ProgramVerdict {
    /// How the program failed; `None` if it passed or nothing is known.
    #[must_use]
    pub fn failure(self) -> Option<FailureKind> {
        match self {
            ProgramVerdict::Accepted | ProgramVerdict::Infrastructure => None,
            ProgramVerdict::WrongAnswer => Some(FailureKind::WrongAnswer),
            ProgramVerdict::RuntimeError => Some(FailureKind::RuntimeError),
            ProgramVerdict::TimeLimit => Some(FailureKind::TimeLimit),
            ProgramVerdict::MemoryLimit => Some(FailureKind::MemoryLimit),
            ProgramVerdict::OutputLimit => Some(FailureKind::OutputLimit),
        }
    }

    /// The name used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ProgramVerdict::Accepted => "Accepted",
            ProgramVerdict::WrongAnswer => "WrongAnswer",
            ProgramVerdict::RuntimeError => "RuntimeError",
            ProgramVerdict::TimeLimit => "TimeLimit",
            ProgramVerdict::MemoryLimit => "MemoryLimit",
            ProgramVerdict::OutputLimit => "OutputLimit",
            ProgramVerdict::Infrastructure => "Infrastructure",
        }
    }
}

/// What is said of one test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestReport {
    /// Its verdict.
    pub verdict: ProgramVerdict,
    /// For a person: how it ended and its last words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// CPU time of all its processes, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_s: Option<f64>,
    /// Wall time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
    /// Most memory it held, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<f64>,
}

impl TestReport {
    pub(super) fn bare(verdict: ProgramVerdict, message: Option<String>) -> TestReport {
        TestReport { verdict, message, cpu_s: None, wall_s: None, memory_mib: None }
    }

    pub(super) fn infrastructure(why: String) -> TestReport {
        TestReport::bare(ProgramVerdict::Infrastructure, Some(why))
    }
}

/// What is said of a program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProgramReport {
    /// Accepted if all tests passed; else the verdict of the first that did not.
    pub verdict: ProgramVerdict,
    /// Tests that passed.
    pub passed: usize,
    /// Tests that there are, also those that were not run.
    pub total: usize,
    /// Tests that were run, in order.
    pub tests: Vec<TestReport>,
    /// Objects of the program's own classes were compared by its own code in a test that passed.
    pub weak: bool,
}

impl ProgramReport {
    /// Of a program without any source.
    #[must_use]
    pub fn nothing_to_run(tests: &Tests) -> ProgramReport {
        let why = Some("no program in the completion".to_owned());
        ProgramReport::of(vec![TestReport::bare(ProgramVerdict::RuntimeError, why)], tests.len(), false)
    }

    /// What is known if our side broke before any test.
    pub(super) fn infrastructure(tests: &Tests, why: String) -> ProgramReport {
        ProgramReport::of(vec![TestReport::infrastructure(why)], tests.len(), false)
    }

    /// From the tests that were run, in order.
    pub(super) fn of(tests: Vec<TestReport>, total: usize, weak: bool) -> ProgramReport {
        let passed = tests.iter().filter(|test| test.verdict == ProgramVerdict::Accepted).count();
        // A test that failed is known to have failed, whatever became of others; but what is unknown is not right.
        let failure = tests.iter().map(|test| test.verdict).find(|verdict| verdict.failure().is_some());
        let unknown = tests.iter().any(|test| test.verdict == ProgramVerdict::Infrastructure);
        let verdict = match failure {
            Some(verdict) => verdict,
            None if unknown || passed < total => ProgramVerdict::Infrastructure,
            None => ProgramVerdict::Accepted,
        };
        ProgramReport { verdict, passed, total, tests, weak }
    }

    /// Why nothing is known, for a person.
    #[must_use]
    pub fn why(&self) -> String {
        let unknown =
            self.tests.iter().enumerate().find(|(_, test)| test.verdict == ProgramVerdict::Infrastructure);
        match unknown {
            Some((place, TestReport { message: Some(message), .. })) => {
                format!("test {}: {message}", place + 1)
            }
            _ => "some tests were not run".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdicts: &[ProgramVerdict], total: usize) -> ProgramReport {
        let tests = verdicts.iter().map(|&verdict| TestReport::bare(verdict, None)).collect();
        ProgramReport::of(tests, total, false)
    }

    #[test]
    fn one_failure_is_enough_and_the_unknown_is_not_right() {
        use ProgramVerdict::{Accepted, Infrastructure, TimeLimit, WrongAnswer};
        for (verdicts, total, expected) in [
            (&[Accepted, Accepted][..], 2, Accepted),
            (&[Accepted, TimeLimit, WrongAnswer], 3, TimeLimit),
            (&[Infrastructure, WrongAnswer], 2, WrongAnswer),
            (&[Accepted, Infrastructure], 2, Infrastructure),
            (&[Accepted], 2, Infrastructure),
            (&[], 1, Infrastructure),
        ] {
            assert_eq!(report(verdicts, total).verdict, expected, "{verdicts:?} of {total}");
        }
    }

    #[test]
    fn names_are_those_of_the_files() {
        for verdict in [ProgramVerdict::Accepted, ProgramVerdict::OutputLimit, ProgramVerdict::Infrastructure]
        {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.name());
        }
    }
}
