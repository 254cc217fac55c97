//! Tests of a function: the candidate in one process, its tests in another.

use crate::{
    Fault, Limits,
    exchange::{Drain, Keep, exchange},
    protocol::{End, JobKind},
    worker::{Worker, sealed_file},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How much of the results is read: an outcome is a line.
const RESULTS_KEPT: usize = 4 << 20;
/// How much of what candidate and tests print is kept, for messages.
const OUTPUT_KEPT: usize = 4 << 10;
/// The longest candidate, and the longest tests.
const LONGEST: usize = 16 << 20;

/// A function to be tested.
#[derive(Clone, Copy, Debug)]
pub struct FunctionTest<'a> {
    /// The source that defines the function.
    pub candidate: &'a str,
    /// Source that the problem gives to both sides: it runs before the candidate's source in its process, and in the
    /// tests' process where they use a name that it defines. Such names are the problem's, never the candidate's.
    pub given: &'a str,
    /// Source of the tests alone: it runs before them and sees what of the candidate's they use.
    pub setup: &'a str,
    /// What is tested, and has to be there when it is named: a name, or a path such as `Solution().solve`.
    pub entry: Option<&'a str>,
    /// Tests as statements, each by itself.
    pub asserts: &'a [String],
    /// Source that defines `check(candidate)`: one more test, and the last.
    pub check: Option<&'a str>,
}

/// What came out of the tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRun {
    /// How the run ended.
    pub ending: FunctionEnding,
    /// How many tests passed.
    pub passed: usize,
    /// How many tests there are.
    pub total: usize,
    /// The tests, in their order.
    pub tests: Vec<AssertOutcome>,
    /// Whether a passed test asked objects of the candidate's own classes whether they are equal, true or ordered, or
    /// looked at what is in them in more than one way.
    pub weak: bool,
    /// What the first failure says; empty if all is well.
    pub message: String,
    /// Time on processors, both processes together.
    pub cpu: Duration,
    /// Time on the clock.
    pub wall: Duration,
    /// The most memory, bytes.
    pub peak_memory: u64,
}

impl FunctionRun {
    /// Whether every test passed, to the end.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.ending == FunctionEnding::Completed && self.total > 0 && self.passed == self.total
    }
}

/// How a function's tests ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FunctionEnding {
    /// All tests were run.
    Completed,
    /// Too much processor time.
    CpuLimit,
    /// Too long.
    WallLimit,
    /// Too much memory.
    MemoryLimit,
    /// Too much output.
    OutputLimit,
    /// The process of the tests ended before all of them had run.
    Broken,
}

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AssertOutcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed(String),
    /// It could not be finished: the candidate raised, ended, or is not there.
    Raised(String),
    /// Nothing is known: the test itself is at fault, whatever the candidate does.
    Unknown(String),
    /// It was not reached.
    NotRun,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    test: Option<usize>,
    outcome: String,
    message: String,
    weak: bool,
}

pub(crate) fn run(
    worker: &mut Worker,
    number: u64,
    test: &FunctionTest<'_>,
    limits: &Limits,
) -> Result<FunctionRun, Fault> {
    let total = test.asserts.len() + usize::from(test.check.is_some());
    let candidate = json!({ "source": test.candidate, "given": test.given }).to_string();
    let tests = json!({
        "entry": test.entry,
        "given": test.given,
        "setup": test.setup,
        "asserts": test.asserts,
        "check": test.check,
    })
    .to_string();
    if candidate.len() > LONGEST || tests.len() > LONGEST {
        return Err(Fault::Request(format!(
            "a candidate or tests of more than {LONGEST} bytes cannot be run"
        )));
    }
    let (mut results, results_end) = Drain::new(Keep::All(RESULTS_KEPT))?;
    let (mut output, output_end) = Drain::new(Keep::Tail(OUTPUT_KEPT))?;
    let descriptors = vec![
        sealed_file("candidate", candidate.as_bytes())?,
        sealed_file("tests", tests.as_bytes())?,
        results_end,
        output_end,
    ];
    let reply =
        exchange(worker, JobKind::Function, number, limits, descriptors, &mut [&mut results, &mut output])?;
    let over = results.over;
    let (tests, done, weak, note) = outcomes(&results.finish(), total)?;
    let ending = match reply.end {
        _ if over => FunctionEnding::OutputLimit,
        End::Exited(0) if done => FunctionEnding::Completed,
        End::Exited(_) | End::Signalled(_) => FunctionEnding::Broken,
        End::Cpu => FunctionEnding::CpuLimit,
        End::Wall => FunctionEnding::WallLimit,
        End::Memory => FunctionEnding::MemoryLimit,
        End::Killed => FunctionEnding::OutputLimit,
        End::Fault(message) => return Err(Fault::Worker(message)),
    };
    let passed = tests.iter().filter(|outcome| **outcome == AssertOutcome::Passed).count();
    let message = tests
        .iter()
        .find_map(|outcome| match outcome {
            AssertOutcome::Failed(message)
            | AssertOutcome::Raised(message)
            | AssertOutcome::Unknown(message) => Some(message.clone()),
            AssertOutcome::Passed | AssertOutcome::NotRun => None,
        })
        .filter(|message| !message.is_empty())
        .or(note)
        .unwrap_or_default();
    let (cpu, wall, peak_memory) = (reply.cpu, reply.wall, reply.peak_memory);
    Ok(FunctionRun { ending, passed, total, tests, weak, message, cpu, wall, peak_memory })
}

type Outcomes = (Vec<AssertOutcome>, bool, bool, Option<String>);

/// Reads what the tester wrote, a line a test. Its last line says that it came to its end.
fn outcomes(written: &[u8], total: usize) -> Result<Outcomes, Fault> {
    let mut tests = vec![AssertOutcome::NotRun; total];
    let (mut done, mut weak, mut note) = (false, false, None);
    let broken = |what: String| Fault::Protocol(what);
    for line in written.split_inclusive(|&byte| byte == b'\n') {
        // The tester may have been killed in the middle of a line.
        let Some(line) = line.strip_suffix(b"\n") else { break };
        let line: Line = serde_json::from_slice(line)
            .map_err(|error| broken(format!("a test's outcome that cannot be read: {error}")))?;
        if done {
            return Err(broken("an outcome after the last".into()));
        }
        let outcome = match line.outcome.as_str() {
            "passed" => AssertOutcome::Passed,
            "failed" => AssertOutcome::Failed(line.message),
            "raised" => AssertOutcome::Raised(line.message),
            "unknown" => AssertOutcome::Unknown(line.message),
            "done" => {
                done = true;
                note = (!line.message.is_empty()).then_some(line.message);
                continue;
            }
            other => return Err(broken(format!("an outcome {other:?}"))),
        };
        weak |= line.weak && outcome == AssertOutcome::Passed;
        let place = line.test.and_then(|index| tests.get_mut(index));
        *place.ok_or_else(|| broken(format!("an outcome of test {:?} of {total}", line.test)))? = outcome;
    }
    Ok((tests, done, weak, note))
}

#[cfg(test)]
mod tests;
