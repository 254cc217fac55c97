//! Programs to be judged, one JSON object a line, and the published sets of them.
//!
//! ```text
//! {"id": …, "code" | "completion": …, "tests": [{"stdin": …, "stdout": …}, …] | {"entry": …, "asserts": […], …},
//!  "limits"?: {…}, "compare"?: "tokens" | "lines" | "exact" | {"float": {…}}, "checker"?: …}
//! ```
//!
//! `code` runs as it is; from `completion` the program is taken as from a model's. What belongs to tests of the second kind
//! (`entry`, `asserts`, `check`, `given`, `setup`) may also stand beside `id`, but none of it in both places. Fields for
//! people are `expected`, `source`, `kind`, `name`, `note` and `tags`. Any other is an error: a misspelt field is no remark.

use super::{CaseError, CaseId, lines, named, row};
use crate::{
    config::{LimitOverrides, ProgramConfig},
    programs::{Comparison, Tests, defines, extract, wanted},
};
use serde::{Deserialize, de::IgnoredAny};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};
use tracelift_datasets::{DataSet, DatasetError, Format, Row};
use tracelift_domain::{FunctionTests, Gold, IoTest};

/// One program and its tests.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeCase {
    /// Its name in the file.
    pub id: CaseId,
    /// The program; `None` where a completion holds none.
    pub source: Option<String>,
    /// What it is judged by.
    pub tests: Tests,
    /// Limits that differ from the configured ones.
    pub limits: LimitOverrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRow {
    id: CaseId,
    code: Option<String>,
    completion: Option<String>,
    tests: Option<RowTests>,
    entry: Option<String>,
    asserts: Option<Vec<String>>,
    check: Option<String>,
    given: Option<String>,
    setup: Option<String>,
    // Files of others call it so.
    #[serde(default, alias = "limit", deserialize_with = "row::object")]
    limits: LimitOverrides,
    compare: Option<Comparison>,
    checker: Option<String>,
    #[serde(rename = "expected")]
    _expected: Option<IgnoredAny>,
    #[serde(rename = "source")]
    _source: Option<IgnoredAny>,
    #[serde(rename = "kind")]
    _kind: Option<IgnoredAny>,
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "note")]
    _note: Option<IgnoredAny>,
    #[serde(rename = "tags")]
    _tags: Option<IgnoredAny>,
}

/// `tests` of either kind. Told apart by hand: what serde says of untagged enums helps nobody.
enum RowTests {
    Io(Vec<IoTest>),
    Function(FunctionTests),
}

impl<'de> Deserialize<'de> for RowTests {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<RowTests, D::Error> {
        use serde::de::Error;
        let value = serde_json::Value::deserialize(deserializer)?;
        let read = match value {
            serde_json::Value::Array(all) => {
                let tests = all.into_iter().enumerate().map(|(at, test)| {
                    let test = row::object(test);
                    test.map_err(|error: serde_json::Error| format!("`tests[{at}]`: {error}"))
                });
                tests.collect::<Result<_, _>>().map(RowTests::Io)
            }
            value => row::object(value)
                .map(RowTests::Function)
                .map_err(|error: serde_json::Error| format!("`tests`: {error}")),
        };
        read.map_err(D::Error::custom)
    }
}

impl CaseRow {
    fn into_case(mut self) -> Result<CodeCase, String> {
        let tests = match self.tests.take() {
            Some(RowTests::Io(tests)) => {
                if let Some(key) = self.function_fields().first() {
                    return Err(format!(
                        "`{key}` stands beside `tests` on standard input and output, which have none"
                    ));
                }
                if self.compare.is_some() && self.checker.is_some() {
                    return Err(
                        "`compare` stands beside `checker`, which decides alone; expected one of them".into(),
                    );
                }
                if let Some(compare) = &self.compare {
                    compare.validate().map_err(|error| error.under("compare").to_string())?;
                }
                if self.checker.as_ref().is_some_and(|source| source.trim().is_empty()) {
                    return Err("`checker` is empty, expected the source of a program".into());
                }
                Tests::Io {
                    tests,
                    comparison: self.compare.take().unwrap_or_default(),
                    checker: self.checker.take(),
                }
            }
            Some(RowTests::Function(tests)) => Tests::Function(self.joined(tests)?),
            None if self.asserts.is_some() || self.check.is_some() => {
                Tests::Function(self.joined(FunctionTests::default())?)
            }
            None => return Err("it has no `tests`".into()),
        };
        if let (Tests::Function(_), Some(key)) =
            (&tests, self.compare.as_ref().map(|_| "compare").or(self.checker.as_ref().map(|_| "checker")))
        {
            return Err(format!(
                "`{key}` is for tests on standard input and output; these call what is defined"
            ));
        }
        if tests.is_empty() {
            return Err("its `tests` are empty; a program that is not tested cannot be judged".into());
        }
        if let Tests::Function(tests) = &tests {
            check_function(tests)?;
        }
        self.limits
            .applied_to(&ProgramConfig::default())
            .map_err(|error| error.under("limits").to_string())?;
        let source = match (self.code, self.completion) {
            (Some(code), None) => Some(code),
            (None, Some(completion)) => extract(&completion, tests.wanted()),
            _ => return Err("it needs exactly one of `code` and `completion`".into()),
        };
        Ok(CodeCase { id: self.id, source, tests, limits: self.limits })
    }

    /// The fields beside `tests` that belong into them.
    fn function_fields(&self) -> Vec<&'static str> {
        [
            ("entry", self.entry.is_some()),
            ("asserts", self.asserts.is_some()),
            ("check", self.check.is_some()),
            ("given", self.given.is_some()),
            ("setup", self.setup.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, there)| there.then_some(key))
        .collect()
    }

    /// The tests, with what stands beside them.
    fn joined(&mut self, mut tests: FunctionTests) -> Result<FunctionTests, String> {
        for key in self.function_fields() {
            let free = match key {
                "entry" => tests.entry.is_none(),
                "asserts" => tests.asserts.is_empty(),
                "check" => tests.check.is_none(),
                "given" => tests.given.is_empty(),
                _ => tests.setup.is_empty(),
            };
            if !free {
                return Err(format!("`{key}` stands in `tests` and beside them; expected one of them"));
            }
        }
        tests.entry = tests.entry.or(self.entry.take());
        tests.check = tests.check.or(self.check.take());
        tests.asserts.extend(self.asserts.take().unwrap_or_default());
        tests.given.push_str(&self.given.take().unwrap_or_default());
        tests.setup.push_str(&self.setup.take().unwrap_or_default());
        Ok(tests)
    }
}

/// Tests of what a program defines that would test nothing, or cannot begin.
fn check_function(tests: &FunctionTests) -> Result<(), String> {
    if tests.entry.as_ref().is_some_and(|entry| entry.trim().is_empty()) {
        return Err("`entry` is empty, expected the name of what the program defines".into());
    }
    if tests.entry.is_none() && tests.check.is_some() {
        return Err("`check` is called with what `entry` names, and there is no `entry`".into());
    }
    match tests.asserts.iter().position(|assert| assert.trim().is_empty()) {
        Some(at) => Err(format!("`asserts[{at}]` is empty, expected a few statements")),
        None => Ok(()),
    }
}

/// Reads a case file.
///
/// # Errors
/// Names the file and the line.
pub fn read(path: &Path) -> Result<Vec<CodeCase>, CaseError> {
    named(path, |line: CaseRow| line.into_case(), |case| &case.id)
}

/// One task of a published set.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// `task_id`.
    pub id: CaseId,
    /// What a completion goes on from; empty where solutions stand alone.
    pub prompt: String,
    /// The program of the set's authors.
    pub canonical: String,
    /// What programs are judged by.
    pub tests: FunctionTests,
}

impl Task {
    /// The case of the set's own program.
    #[must_use]
    pub fn canonical_case(&self) -> CodeCase {
        self.case(Some(self.canonical.clone()))
    }

    /// The case of a program.
    #[must_use]
    pub fn case(&self, source: Option<String>) -> CodeCase {
        CodeCase {
            id: self.id.clone(),
            source,
            tests: Tests::Function(self.tests.clone()),
            limits: LimitOverrides::default(),
        }
    }

    /// The program in a sample: a `solution` stands alone, a `completion` goes on from the prompt, unless it holds the
    /// whole function again, as those of chat models do.
    #[must_use]
    pub fn program(&self, sample: &Sample) -> Option<String> {
        let entry = self.tests.entry.as_deref();
        let wanted = wanted(entry);
        if let Some(solution) = &sample.solution {
            return extract(solution, wanted);
        }
        let completion = sample.completion.as_deref()?;
        if self.prompt.is_empty() {
            return extract(completion, wanted);
        }
        let extracted = extract(completion, wanted);
        match (&extracted, entry) {
            // The prompt's imports and helper functions come first; its own open definition is replaced.
            (Some(program), Some(entry)) if defines(program, entry) => {
                let open = self.prompt.rfind(&format!("def {entry}")).unwrap_or(0);
                Some(format!("{}\n{program}", &self.prompt[..open]))
            }
            _ if completion.contains("```") => extracted.map(|body| format!("{}{body}", self.prompt)),
            _ if completion.trim().is_empty() => None,
            _ => Some(format!("{}{completion}", self.prompt)),
        }
    }
}

/// Reads the tasks of a published set whose programs are tested by calls: HumanEval or MBPP, as they are published.
///
/// # Errors
/// Names the file and the line; also where the format is of another kind.
pub fn read_tasks(path: &Path, format: Format) -> Result<Vec<Task>, TaskError> {
    let rows = DataSet::open(path, Some(format), None)?.rows()?;
    let tasks = rows.map(|row| {
        let Row { problem, solution, opening, origin, .. } = row?;
        let (Gold::Function(tests), Some(canonical)) = (problem.gold, solution) else {
            return Err(TaskError::Kind { path: path.to_owned(), format });
        };
        let id = origin.get("task_id").and_then(|id| CaseId::deserialize(id).ok());
        Ok(Task {
            id: id.unwrap_or_else(|| CaseId::new(problem.id)),
            prompt: opening.unwrap_or_default(),
            canonical,
            tests,
        })
    });
    let tasks: Vec<Task> = tasks.collect::<Result<_, TaskError>>()?;
    if tasks.is_empty() { Err(DatasetError::Empty { path: path.to_owned() }.into()) } else { Ok(tasks) }
}

/// Why tasks cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The file is not as its format says.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The format has no tests that call functions, or no programs.
    #[error("{}: format `{format}` has no programs with tests that call them", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The format.
        format: Format,
    },
}

/// A model's answer to a task: `{"task_id", "completion" | "solution"}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Sample {
    /// The task.
    pub task_id: CaseId,
    /// Goes on from the task's prompt.
    pub completion: Option<String>,
    /// Stands alone.
    pub solution: Option<String>,
}

/// Reads samples and says which task each is for.
///
/// # Errors
/// Names the file and the line: also of samples for tasks that the set does not have.
pub fn read_samples(path: &Path, tasks: &[Task]) -> Result<Vec<(usize, Sample)>, CaseError> {
    let places: HashMap<&CaseId, usize> =
        tasks.iter().enumerate().map(|(place, task)| (&task.id, place)).collect();
    lines(path, |_, sample: Sample| {
        if sample.completion.is_some() == sample.solution.is_some() {
            return Err("it needs exactly one of `completion` and `solution`".into());
        }
        let place = places.get(&sample.task_id).copied();
        place
            .map(|place| (place, sample.clone()))
            .ok_or_else(|| format!("the set has no task {}", sample.task_id))
    })
}
