//! Problems: a statement, a domain, and gold by which an artifact is judged.

use serde::{Deserialize, Serialize};

/// Which rubric and which kind of artifact a problem calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskDomain {
    /// A final answer is wanted.
    Math,
    /// A complete program is wanted.
    Code,
    /// A final answer of a procedure that is spelled out step by step.
    Steps,
}

impl TaskDomain {
    /// The name used in files and prompts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TaskDomain::Math => "math",
            TaskDomain::Code => "code",
            TaskDomain::Steps => "steps",
        }
    }
}

/// One stdin/stdout test of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IoTest {
    /// What the program reads.
    pub stdin: String,
    /// What it must print (compared token by token).
    pub stdout: String,
}

/// Tests that call what a program defines.
///
/// The tests run in a process of their own, so that a program can neither read nor change them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionTests {
    /// The function or class that the program has to define.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Source that runs after the program and before the tests.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub setup: String,
    /// Tests, each a few statements that raise where the program is wrong (usually one `assert`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asserts: Vec<String>,
    /// Source that defines `check(candidate)`, which is called with `entry` and raises where the program is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

/// What an artifact is judged against. It never reaches a planner or an executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gold {
    /// The expected final answer, as printed in the data set.
    Answer(String),
    /// Tests that a program must pass.
    Tests(Vec<IoTest>),
    /// Tests that what a program defines must pass.
    Function(FunctionTests),
}

/// A problem `x`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Unique within its source; groups, baselines and standard errors are keyed by it.
    pub id: String,
    /// Where it comes from: `gsm8k`, `steps`, …
    pub source: String,
    /// Which rubric and artifact it calls for.
    pub domain: TaskDomain,
    /// What planner and executor read.
    pub statement: String,
    /// What the artifact is judged against.
    pub gold: Gold,
}
