//! Traces that are worth learning: references of groups, and what a planner wrote that led to right answers.

use super::config::{ExamplesConfig, From};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use tracelift_datasets::values;
use tracelift_domain::{Question, TaskDomain, Trace};
use tracelift_groups::GroupReader;
use tracelift_train::run::RunLayout;

/// A trace of a problem.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Worked {
    /// The problem, unique within its source.
    pub problem: String,
    /// What is held out together.
    pub family: String,
    pub question: Question,
    pub trace: Trace,
    /// Success with the trace, where it is known.
    w: Option<f64>,
}

/// Traces of a problem at most, unless told otherwise.
const AT_MOST: usize = 4;

/// The traces that a part of a configuration names, each once, in the order of their problems in the file.
///
/// # Errors
/// Names the file and the line that is wrong; and where there is no trace.
pub(super) fn read(config: &ExamplesConfig) -> Result<Vec<Worked>> {
    let (found, file, what) = match config.from()? {
        From::Groups(file) => (of_groups(file)?, file, "there are no groups"),
        From::Run(run) => {
            let found = of_run(run, config)?;
            (found, run, "no rollout has a usable trace that led to a right answer")
        }
        From::Samples(file) => {
            let found = successful(file, Columns::SAMPLES, config)?;
            (found, file, "no sample has a usable trace that led to a right answer")
        }
        From::Lines(_) => return Ok(Vec::new()),
    };
    let worked = few_of_each(found, config.at_most.unwrap_or(AT_MOST), config.limit);
    ensure!(!worked.is_empty(), "{}: {what}", file.display());
    Ok(worked)
}

fn of_groups(file: &Path) -> Result<Vec<Worked>> {
    let mut worked = Vec::new();
    for group in GroupReader::open(file)? {
        let group = group?;
        let key = |id: &str| format!("{}/{id}", group.source);
        for reference in &group.positive_pool {
            worked.extend(Trace::new(&reference.reasoning).map(|trace| Worked {
                problem: group.problem_id.clone(),
                family: key(group.family()),
                question: group.question(),
                trace,
                w: None,
            }));
        }
    }
    Ok(worked)
}

/// The rollouts of all steps of a run.
fn of_run(run: &Path, config: &ExamplesConfig) -> Result<Vec<Worked>> {
    let layout = RunLayout::of(run);
    let steps = layout.rollout_steps().with_context(|| format!("{} holds no rollouts", run.display()))?;
    ensure!(
        !steps.is_empty(),
        "{} holds no rollouts; name the folder of a run of `tracelift train`",
        run.display()
    );
    let files: Vec<PathBuf> = steps.into_iter().map(|step| layout.rollouts(step)).collect();
    let mut worked = Vec::new();
    for file in files {
        worked.extend(successful(&file, Columns::ROLLOUTS, config)?);
    }
    Ok(worked)
}

/// How two tables call the same things.
#[derive(Clone, Copy)]
struct Columns {
    right: &'static str,
    w: &'static str,
}

impl Columns {
    const ROLLOUTS: Columns = Columns { right: "e", w: "w" };
    const SAMPLES: Columns = Columns { right: "correct", w: "with_success" };
}

/// The rows of a table whose trace is usable and led the executor to a right answer.
fn successful(file: &Path, columns: Columns, config: &ExamplesConfig) -> Result<Vec<Worked>> {
    let mut worked = Vec::new();
    for row in values(file)? {
        let (line, row) = row?;
        let text = |key: &str| row.get(key).and_then(Value::as_str);
        let number = |key: &str| match row.get(key)? {
            Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
            value => value.as_f64(),
        };
        let missing = |key: &str| {
            format!("{}:{line}: `{key}` is missing; this is no table of rollouts or samples", file.display())
        };
        ensure!(row.get(columns.right).is_some(), missing(columns.right));
        let Some(trace) = text("trace").and_then(Trace::new) else { continue };
        let leaked = row.get("leaked").and_then(Value::as_bool).unwrap_or(false);
        if number(columns.right) != Some(1.0) || (leaked && config.leaks == Some(false)) {
            continue;
        }
        let of = |key: &str| text(key).with_context(|| missing(key));
        let domain = row.get("domain").cloned().unwrap_or_default();
        let domain: TaskDomain = serde_json::from_value(domain).with_context(|| {
            format!("{}:{line}: `domain`, expected `math`, `code` or `steps`", file.display())
        })?;
        let problem = of("problem_id")?.to_owned();
        worked.push(Worked {
            family: format!("{}/{problem}", of("source")?),
            question: Question::new(of("source")?, domain, of("question")?),
            problem,
            trace,
            w: number(columns.w),
        });
    }
    Ok(worked)
}

/// Each trace of a problem once, the best of them first, and few of each problem.
fn few_of_each(worked: Vec<Worked>, at_most: usize, limit: Option<usize>) -> Vec<Worked> {
    let (mut places, mut problems) = (HashMap::new(), Vec::<Vec<Worked>>::new());
    for one in worked {
        let place = *places.entry((one.family.clone(), one.problem.clone())).or_insert(problems.len());
        if place == problems.len() {
            problems.push(Vec::new());
        }
        problems[place].push(one);
    }
    let mut few = Vec::new();
    for mut of_problem in problems {
        // Stable: of equally good ones the first that was written stays the first. What is unknown comes last.
        let order = |one: &Worked| one.w.unwrap_or(f64::NEG_INFINITY);
        of_problem.sort_by(|a, b| order(b).total_cmp(&order(a)));
        let mut seen = HashSet::new();
        of_problem.retain(|one| seen.insert(one.trace.as_str().to_owned()));
        few.extend(of_problem.into_iter().take(at_most));
    }
    few.truncate(limit.unwrap_or(usize::MAX));
    few
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worked(problem: &str, trace: &str, w: impl Into<Option<f64>>) -> Worked {
        Worked {
            problem: problem.into(),
            family: problem.into(),
            question: Question::new("s", TaskDomain::Math, "?"),
            trace: Trace::new(trace).unwrap(),
            w: w.into(),
        }
    }

    #[test]
    fn of_each_problem_the_best_traces_are_taken_each_once() {
        let all = vec![
            worked("b", "first", 0.5),
            worked("a", "only", 1.0),
            worked("b", "best", 1.0),
            worked("b", "best", 1.0),
            worked("b", "worst", 0.1),
        ];
        let few = few_of_each(all.clone(), 2, None);
        let told: Vec<(&str, &str)> =
            few.iter().map(|one| (one.problem.as_str(), one.trace.as_str())).collect();
        assert_eq!(told, [("b", "best"), ("b", "first"), ("a", "only")]);
        assert_eq!(few_of_each(all, 9, Some(1)).len(), 1);
        let unknown = few_of_each(vec![worked("a", "unknown", None), worked("a", "never", 0.0)], 9, None);
        assert_eq!(unknown[0].trace.as_str(), "never", "what is unknown is no zero, and comes last");
    }
}
