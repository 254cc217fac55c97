//! The rows of an evaluation: which planners there are, and what each is called.

use super::{BASE, Evaluate, NO_TRACE, Rows};
use crate::config::{EvalConfig, Origin, RunConfig};
use anyhow::{Context, Result, anyhow, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use toml::Table;
use tracelift_domain::{Fingerprint, SettingError};
use tracelift_eval::provenance::RunMade;
use tracelift_reward::RewardConfig;
use tracelift_train::run::RunLayout;

/// A row with a planner.
#[derive(Clone, Debug)]
pub struct PlannerRow {
    /// What the table calls it.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// The setting that names it.
    pub key: String,
    /// The run that trained it.
    pub run: Option<RunMade>,
}

/// The rows that are asked for, in the order of the table.
///
/// # Errors
/// When a planner is not there, or two rows have one name.
pub fn planners(
    args: &Evaluate,
    config: &RunConfig,
    eval: &EvalConfig,
    origin: &Origin,
) -> Result<Vec<PlannerRow>> {
    let mut rows = Vec::new();
    let wanted = wanted(args, config);
    let starts = matches!(wanted, Rows::All | Rows::Start);
    if starts {
        let key = "planner.model".to_owned();
        rows.push(PlannerRow { name: BASE.to_owned(), path: config.planner.model.clone(), key, run: None });
    }
    if matches!(wanted, Rows::All | Rows::Trained) {
        rows.extend(trained(config, origin)?);
    }
    for (name, path) in eval.rows.iter().filter(|_| starts) {
        if name == NO_TRACE || rows.iter().any(|row| row.name == *name) {
            let fault = format!("has a row `{name}`, which is there anyway; choose another name");
            return Err(origin.refuse(&SettingError::new("eval.rows", fault)));
        }
        let key = format!("eval.rows.{name}");
        let run = path.ancestors().skip(1).take(1).find_map(run_in);
        rows.push(PlannerRow { name: name.clone(), path: path.clone(), key, run });
    }
    for text in &args.planner {
        rows.extend(told(text)?);
    }
    let mut seen = BTreeSet::from([NO_TRACE.to_owned()]);
    for row in &mut rows {
        // Runs of one rule are told apart by their folders.
        if seen.contains(&row.name)
            && let Some(run) = &row.run
        {
            row.name = format!("{} ({})", row.name, run.folder.display());
        }
        if !seen.insert(row.name.clone()) {
            bail!(
                "two rows are called `{}`; give one a name of its own: --planner NAME={}",
                row.name,
                row.path.display()
            );
        }
    }
    Ok(rows)
}

/// What `--rows` asks for. Where nothing says it: without `[data]` there is no training whose planner could be missing.
pub fn wanted(args: &Evaluate, config: &RunConfig) -> Rows {
    let trains = config.data.is_some() || RunLayout::of(&config.out).description().exists();
    args.rows.unwrap_or(if trains { Rows::All } else { Rows::Start })
}

/// What the run in `out` has made.
fn trained(config: &RunConfig, origin: &Origin) -> Result<Vec<PlannerRow>> {
    let refuse = |fault: String| Err(origin.refuse(&SettingError::new("out", fault)));
    let out = &config.out;
    let Some(run) = run_in(out) else {
        return refuse(format!(
            "is {}, which holds no run; train it first, or leave its rows out by `--rows start`",
            out.display()
        ));
    };
    let planner = out.join("planner");
    if !planner.exists() {
        return refuse(format!(
            "is {}, whose run has not left a planner yet; go on with it (`tracelift train --resume`), or leave its rows out by \
             `--rows start`",
            out.display()
        ));
    }
    Ok(of_run(&run, "out"))
}

/// The planners of a run.
fn of_run(run: &RunMade, key: &str) -> Vec<PlannerRow> {
    let title = title(run);
    [(title.clone(), "planner"), (format!("{title}, best"), "best")]
        .into_iter()
        .map(|(name, folder)| (name, run.folder.join(folder)))
        .filter(|(_, path)| path.exists())
        .map(|(name, path)| PlannerRow { name, path, key: key.to_owned(), run: Some(run.clone()) })
        .collect()
}

/// What rows of a run are called: after the rule by which it was rewarded, as its own configuration says, or its kind.
fn title(run: &RunMade) -> String {
    run.rule.clone().unwrap_or_else(|| run.kind.clone())
}

/// What an argument names: a planner, an adapter, or a run with its planners; `NAME=` before it names its row.
fn told(text: &str) -> Result<Vec<PlannerRow>> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) if !Path::new(text).exists() => (Some(name.trim()), path),
        _ => (None, text),
    };
    let (path, key) = (PathBuf::from(path), "--planner".to_owned());
    if name.is_some_and(str::is_empty) || path.as_os_str().is_empty() {
        bail!("--planner {text:?}: expected a directory, or NAME=DIRECTORY");
    }
    let found = match run_in(&path) {
        Some(run) => {
            let rows = of_run(&run, &key);
            if rows.is_empty() {
                bail!(
                    "--planner {}: the run there has not left a planner yet; go on with it (`tracelift train --resume`)",
                    path.display()
                );
            }
            match name {
                // A name stands for the planner that the run ended with.
                Some(name) => {
                    rows.into_iter().take(1).map(|row| PlannerRow { name: name.to_owned(), ..row }).collect()
                }
                None => rows,
            }
        }
        None => {
            let inside = path.parent().and_then(run_in);
            let own = match (&inside, path.file_name().and_then(|name| name.to_str())) {
                (Some(run), Some("best")) => format!("{}, best", title(run)),
                (Some(run), Some("planner" | "adapter")) => title(run),
                (_, Some(name)) => name.to_owned(),
                (_, None) => path.display().to_string(),
            };
            vec![PlannerRow { name: name.map_or(own, str::to_owned), path, key, run: inside }]
        }
    };
    Ok(found)
}

/// The run in a folder, if there is one that trains planners.
fn run_in(folder: &Path) -> Option<RunMade> {
    let layout = RunLayout::of(folder);
    let description = layout.read_description().ok()?;
    let executor =
        description.fingerprints.get("executor").and_then(|print| Fingerprint::parse(print.as_str()?));
    Some(RunMade {
        folder: folder.to_owned(),
        rule: rule_of(&layout).ok().flatten(),
        kind: description.kind,
        seed: description.seed,
        started: description.started,
        executor,
    })
}

/// By which rule a run rewards, as its own configuration says.
fn rule_of(layout: &RunLayout) -> Result<Option<String>> {
    let text = fs::read_to_string(layout.config()).context("a run without configuration")?;
    let table: Table = text.parse()?;
    if table.get("grpo").is_none() {
        return Ok(None);
    }
    let reward: RewardConfig = match table.get("reward") {
        Some(reward) => reward.clone().try_into().map_err(|error| anyhow!("{error}"))?,
        None => RewardConfig::default(),
    };
    Ok(Some(reward.rule.title().to_owned()))
}
