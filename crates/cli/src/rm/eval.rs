//! `tracelift rm eval`: what scorers are worth, on groups and on solutions.

use super::scorers::{self, Named};
use crate::progress;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tracelift_datasets::solutions::{self, SolutionRow};
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{Ending, Field, Group, Question, TaskDomain, completion};
use tracelift_eval::{ScorerTable, SolutionTable};
use tracelift_groups::GroupReader;
use tracelift_groups::probe::Probe;
use tracelift_report::RubricReport;
use tracelift_reward::ScoreFailure;
use tracelift_reward::assessment::{
    Assessment, Constant, Contest, FirstErrors, Ranking, ScoredBeginnings, ScoredGroup, ScoredSolution,
    Solution, SolutionAssessment, StepwiseSolution, score_beginnings, score_groups, score_solutions,
};

/// Groups, or solutions, that are scored together: enough to keep every thread and every connection busy.
const TOGETHER: usize = 64;
/// The sizes of best-of-n.
const BEST_OF: [usize; 4] = [1, 2, 4, 8];
/// Rows of a file of solutions that cannot be read and are shown; all are counted.
const SHOWN: usize = 5;

/// Settings of `rm eval`.
#[derive(Args)]
pub struct Eval {
    /// A reward model's directory, a group file (JSONL), or one after the other.
    #[arg(value_name = "DIR GROUPS", num_args = 0..=2)]
    paths: Vec<PathBuf>,
    /// A server's address (`tracelift rm serve`): its reward model is measured in place of one here, or beside it.
    #[arg(long)]
    url: Option<String>,
    /// A judge's settings (TOML): it is measured in place of a reward model, or beside it.
    #[arg(long, value_name = "TOML")]
    judge: Option<PathBuf>,
    /// Solutions with verdicts (JSONL, also packed, or Parquet): `problem`, `reasoning`, `is_correct`; or as ProcessBench and PRM800K.
    #[arg(long, value_name = "FILE")]
    solutions: Option<PathBuf>,
    /// What stands in `<task>` for solutions that do not name their task [default: the model's domain].
    #[arg(long)]
    task_name: Option<String>,
    /// The groups on which the surface probe is trained [default: the other four fifths of GROUPS, five times].
    #[arg(long, value_name = "GROUPS")]
    probe_groups: Option<PathBuf>,
    /// Write a page with tables, reliability diagram and histograms.
    #[arg(long)]
    html: Option<PathBuf>,
    /// Write all numbers as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What was typed, as it is meant.
struct Meant<'a> {
    dir: Option<&'a Path>,
    groups: Option<&'a Path>,
}

impl Eval {
    /// A file is a group file; anything else is a reward model (a directory, or a name in the hub's cache).
    fn meant(&self) -> Result<Meant<'_>> {
        let meant = match self.paths.as_slice() {
            [] => Meant { dir: None, groups: None },
            [one] if one.is_file() => Meant { dir: None, groups: Some(one) },
            [one] => Meant { dir: Some(one), groups: None },
            [dir, groups, ..] => Meant { dir: Some(dir), groups: Some(groups) },
        };
        ensure!(
            meant.dir.is_some() || self.url.is_some() || self.judge.is_some(),
            "nothing to measure; give a reward model's directory, a server's address as --url, or a judge's settings as --judge"
        );
        ensure!(
            meant.groups.is_some() || self.solutions.is_some(),
            "nothing to measure on; give a group file, or solutions as --solutions"
        );
        Ok(meant)
    }
}

/// Measures scorers.
pub fn run(settings: &Eval) -> Result<()> {
    let meant = settings.meant()?;
    let bar = progress::noted("scored", 0);
    let scorers = scorers::all(meant.dir, settings.url.as_deref(), settings.judge.as_deref(), &bar)?;
    let mut silent = Silent::default();
    let groups = match meant.groups {
        Some(path) => Some(on_groups(settings, path, &scorers, &bar, &mut silent)?),
        None => None,
    };
    let solutions = match &settings.solutions {
        Some(path) => Some(on_solutions(settings, path, &scorers, &bar, &mut silent)?),
        None => None,
    };
    bar.finish_and_clear();
    print(groups.as_ref(), solutions.as_ref());
    let facts = facts(settings, meant.groups, &scorers);
    if let Some(path) = &settings.json {
        let all = json!({ "on": facts_json(&facts), "groups": groups, "solutions": solutions });
        let text = serde_json::to_string_pretty(&all)? + "\n";
        tracelift_files::write(path, text)?;
        println!("numbers: {}", path.display());
    }
    if let Some(path) = &settings.html {
        let names: Vec<&str> = scorers.iter().map(|scorer| scorer.name.as_str()).collect();
        let report = RubricReport { title: names.join(" and "), groups, solutions, facts };
        report.write(path)?;
        println!("report: {}", path.display());
    }
    silent.refuse()
}

/// Scorers that scored nothing of a file: the tables say nothing of them.
#[derive(Default)]
struct Silent(Vec<String>);

impl Silent {
    /// Notes a scorer, where all that it was asked stayed without a score.
    fn note<'f>(
        &mut self,
        name: &str,
        path: &Path,
        scores: impl IntoIterator<Item = Option<&'f ScoreFailure>>,
    ) {
        let (mut asked, mut last) = (0_usize, None);
        for failure in scores {
            asked += 1;
            let Some(failure) = failure else { return };
            last = Some(failure);
        }
        if let Some(last) = last {
            self.0.push(format!("`{name}` scored none of the {asked} traces of {}: {last}", path.display()));
        }
    }

    fn refuse(self) -> Result<()> {
        ensure!(self.0.is_empty(), "nothing is known: {}; mend that and measure again", self.0.join("; "));
        Ok(())
    }
}

fn on_groups(
    settings: &Eval,
    path: &Path,
    scorers: &[Named],
    bar: &indicatif::ProgressBar,
    silent: &mut Silent,
) -> Result<ScorerTable> {
    let groups = GroupReader::open(path)?.collect::<Result<Vec<Group>, _>>()?;
    let domain = super::run::domain_of(&groups).with_context(|| path.display().to_string())?;
    let mut assessed = Vec::new();
    let mut constant = None;
    for Named { name, domain: known, scorer } in scorers {
        check_rubric(name, *known, domain).with_context(|| path.display().to_string())?;
        let mut scored: Vec<ScoredGroup> = Vec::with_capacity(groups.len());
        bar.reset();
        bar.set_length(groups.len() as u64);
        bar.set_prefix(name.clone());
        for some in groups.chunks(TOGETHER) {
            scored.extend(score_groups(&**scorer, some).map_err(anyhow::Error::msg)?);
            bar.inc(some.len() as u64);
        }
        let traces = scored.iter().flat_map(|group| &group.traces);
        silent.note(name, path, traces.map(|trace| trace.score.as_ref().err()));
        constant = constant.or_else(|| Constant::of(&scored));
        assessed.push((name.clone(), Assessment::of(&scored)));
    }
    let probe = match &settings.probe_groups {
        None => cross_validated(&groups),
        Some(path) => Some(trained_on(path, &groups)?),
    };
    Ok(ScorerTable { domain, scorers: assessed, constant, probe })
}

fn check_rubric(name: &str, known: Option<TaskDomain>, asked: TaskDomain) -> Result<()> {
    match known {
        Some(known) if dimension_names(known) != dimension_names(asked) => bail!(
            "these are of `{}`, but `{name}` was trained on the rubric of `{}`",
            asked.name(),
            known.name()
        ),
        _ => Ok(()),
    }
}

/// The probe, trained on the problems of the other folds.
fn cross_validated(groups: &[Group]) -> Option<Ranking> {
    let mut probe = Probe::default();
    groups.iter().for_each(|group| probe.see(group));
    let mut scores = probe.cross_validated()?.into_iter();
    // Of a very long file the probe keeps the beginning; the groups beyond it have no scores and no contest.
    Some(Ranking::of(groups.iter().map(|group| contest(group, |_| scores.next()))))
}

/// The probe, trained on other groups.
fn trained_on(path: &Path, groups: &[Group]) -> Result<Ranking> {
    let mut probe = Probe::default();
    for group in GroupReader::open(path)? {
        probe.see(&group?);
    }
    let probe = probe.trained().with_context(|| format!("{} holds no groups", path.display()))?;
    Ok(Ranking::of(groups.iter().map(|group| contest(group, |trace| Some(probe.score(trace))))))
}

/// References first, then flawed traces: the order in which the probe saw them.
fn contest(group: &Group, mut score: impl FnMut(&str) -> Option<f64>) -> Contest<'_> {
    Contest {
        problem: &group.problem_id,
        references: group.positive_pool.iter().filter_map(|trace| score(&trace.reasoning)).collect(),
        flawed: group
            .negative_bank
            .iter()
            .filter_map(|trace| Some((trace.negative_kind.as_str(), score(&trace.reasoning)?)))
            .collect(),
    }
}

fn on_solutions(
    settings: &Eval,
    path: &Path,
    scorers: &[Named],
    bar: &indicatif::ProgressBar,
    silent: &mut Silent,
) -> Result<SolutionTable> {
    let fallback = scorers.iter().find_map(|scorer| scorer.domain).unwrap_or(TaskDomain::Math);
    let solutions = read_solutions(path, settings.task_name.as_deref(), fallback)?;
    let mut assessed = Vec::new();
    let mut first_errors = Vec::new();
    for Named { name, domain, scorer } in scorers {
        if let Some(other) =
            solutions.iter().find(|s| check_rubric(name, *domain, s.whole.question.domain).is_err())
        {
            check_rubric(name, *domain, other.whole.question.domain)
                .with_context(|| path.display().to_string())?;
        }
        let mut scored: Vec<ScoredSolution> = Vec::with_capacity(solutions.len());
        bar.reset();
        bar.set_length(solutions.len() as u64);
        bar.set_prefix(name.clone());
        let mut beginnings: Vec<ScoredBeginnings> = Vec::new();
        for some in solutions.chunks(8 * TOGETHER) {
            let whole: Vec<Solution> = some.iter().map(|one| one.whole.clone()).collect();
            scored.extend(score_solutions(&**scorer, &whole));
            let stepwise: Vec<StepwiseSolution> =
                some.iter().filter_map(|one| one.stepwise.clone()).collect();
            beginnings.extend(score_beginnings(&**scorer, &stepwise));
            bar.inc(some.len() as u64);
        }
        first_errors.extend(FirstErrors::of(&beginnings).map(|found| (name.clone(), found)));
        silent.note(name, path, scored.iter().map(|solution| solution.score.as_ref().err()));
        assessed.push((name.clone(), SolutionAssessment::of(&scored, &BEST_OF)));
    }
    Ok(SolutionTable { scorers: assessed, first_errors })
}

/// The solutions of a file. Rows that cannot be read are left out and said to be.
fn read_solutions(path: &Path, task: Option<&str>, domain: TaskDomain) -> Result<Vec<Read>> {
    let (mut solutions, mut wrong) = (Vec::new(), 0);
    for (at, row) in (1_usize..).zip(solutions::read(path)?) {
        let solution = row.map_err(anyhow::Error::from).and_then(|row| {
            solution(row, task, domain).with_context(|| format!("{}: solution {at}", path.display()))
        });
        match solution {
            Ok(solution) => solutions.push(solution),
            Err(error) => {
                wrong += 1;
                if wrong <= SHOWN {
                    eprintln!("warning: {error:#}");
                }
            }
        }
    }
    if wrong > 0 {
        eprintln!("warning: {}: {wrong} rows are left out", path.display());
    }
    ensure!(!solutions.is_empty(), "{} holds no solutions", path.display());
    Ok(solutions)
}

/// A solution, and its beginnings where the file tells it step by step.
struct Read {
    whole: Solution,
    stepwise: Option<StepwiseSolution>,
}

fn solution(row: SolutionRow, task: Option<&str>, domain: TaskDomain) -> Result<Read> {
    let domain = row.task_type.unwrap_or(domain);
    let read = |text: &str| completion::read(text, Field::Reasoning, Ending::Stopped);
    let trace = read(&row.reasoning)?;
    let task = row.task_name.or_else(|| task.map(str::to_owned)).unwrap_or_else(|| domain.name().to_owned());
    let question = Question::new(task, domain, row.problem);
    let stepwise = row.steps.map(|steps| -> Result<StepwiseSolution> {
        let beginning = |end: usize| Ok(read(&steps.texts[..=end].join("\n\n"))?);
        let beginnings = (0..steps.texts.len()).map(beginning).collect::<Result<_>>()?;
        let (problem, question) = (row.problem_id.clone(), question.clone());
        Ok(StepwiseSolution { problem, question, beginnings, first_error: steps.first_error })
    });
    let whole = Solution {
        problem: row.problem_id.clone(),
        question: question.clone(),
        trace,
        correct: row.is_correct,
    };
    Ok(Read { whole, stepwise: stepwise.transpose()? })
}

fn print(groups: Option<&ScorerTable>, solutions: Option<&SolutionTable>) {
    if let Some(table) = groups {
        let count = table.scorers.first().map_or(0, |(_, assessment)| assessment.groups);
        println!("{count} groups\n\n{}", table.overview().text());
        for (name, assessment) in &table.scorers {
            println!("{name}, by dimension\n\n{}", table.aspects(assessment).text());
            println!("{name}, by kind\n\n{}", table.by_kind(assessment).text());
            println!("{name}, reliability of the total\n\n{}", table.reliability(assessment).text());
        }
    }
    if let Some(table) = solutions {
        println!("solutions\n\n{}", table.discrimination().text());
        if let Some(grid) = table.locating() {
            println!("first errors\n\n{}", grid.text());
        }
        for (name, assessment) in &table.scorers {
            println!("{name}, best of n\n\n{}", table.best_of(assessment).text());
        }
    }
}

fn facts(settings: &Eval, groups: Option<&Path>, scorers: &[Named]) -> Vec<(String, String)> {
    let file = |what: &str, path: Option<&Path>| Some((what.to_owned(), path?.display().to_string()));
    let mut facts: Vec<(String, String)> =
        scorers.iter().map(|named| (named.name.clone(), named.scorer.describe())).collect();
    facts.extend(scorers.iter().map(|named| {
        (format!("fingerprint of {}", named.name), named.scorer.fingerprint().as_str().to_owned())
    }));
    facts.extend(file("groups", groups));
    facts.extend(file("groups of the surface probe", settings.probe_groups.as_deref()));
    facts.extend(file("solutions", settings.solutions.as_deref()));
    facts
}

fn facts_json(facts: &[(String, String)]) -> Value {
    facts.iter().map(|(what, value)| (what.clone(), Value::from(value.clone()))).collect()
}
