//! `tracelift eval`: the frozen-executor protocol from a configuration.

use crate::{config, progress, room, setup};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use tracelift_domain::{Problem, Seed, SettingError};
use tracelift_eval::{
    Executors, Metric, Protocol, SampleRecord, Table, paired_difference, summarise, write_samples,
};
use tracelift_planner::Planner;
use tracelift_reward::Rule;

/// Settings of `eval`.
#[derive(Args)]
pub struct Evaluate {
    #[command(flatten)]
    config: config::ConfigArgs,
    /// Where the results go, instead of `out`/evaluation.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Which rows are evaluated.
    #[arg(long, value_enum, default_value_t)]
    rows: Rows,
}

/// Rows of an evaluation: what several runs have in common need not be evaluated for each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// All of them.
    #[default]
    All,
    /// Those that are there without the run: no trace, the base planner, and those of `[eval.rows]`.
    Start,
    /// Those that the run has made: its planner, and its best one.
    Trained,
}

/// The row without a planner.
const NO_TRACE: &str = "no trace";
/// The row of the planner before training.
const BASE: &str = "base planner";

/// Runs it.
pub fn run(args: &Evaluate) -> Result<()> {
    let (config, origin) = config::read(&args.config)?;
    let Some(eval) = &config.eval else {
        let fault = "is missing; it says which problems to evaluate on";
        return Err(origin.refuse(&SettingError::new("eval", fault)));
    };
    let items = setup::items(&eval.data, config.seed.child("problems", 0))?;
    let verifier = setup::verifier(&config, items.iter().map(|item| &item.problem))?;
    let (starts, trained) = (args.rows != Rows::Trained, args.rows != Rows::Start);
    let mut paths = Vec::new();
    if starts {
        paths.push((BASE.to_owned(), config.planner.model.clone()));
    }
    let title = config.reward.rule.title();
    let made = [(title.to_owned(), "planner"), (format!("{title}, best"), "best")];
    let made = made.map(|(row, folder)| (row, config.out.join(folder)));
    paths.extend(made.into_iter().filter(|(_, path)| trained && path.exists()));
    if paths.is_empty() {
        let fault = format!("is {}, where no run has left a planner; train it first", config.out.display());
        return Err(origin.refuse(&SettingError::new("out", fault)));
    }
    for (row, path) in eval.rows.iter().filter(|_| starts) {
        let taken = row == NO_TRACE || paths.iter().any(|(name, _)| name == row);
        if taken {
            let fault = format!("has a row `{row}`, which is there anyway; choose another name");
            return Err(origin.refuse(&SettingError::new("eval.rows", fault)));
        }
        paths.push((row.clone(), path.clone()));
    }
    let mut planners = Vec::new();
    for (row, path) in paths {
        let key = match row == BASE {
            true => "planner.model".to_owned(),
            false => format!("eval.rows.{row}"),
        };
        let checkpoint = config.planner.open_frozen(&path).map_err(|error| {
            setup::of_planner(&origin, &key, error).context(format!("the planner of row `{row}`"))
        })?;
        let prompt = config.planner.prompt(&checkpoint.tokenizer)?;
        planners.push((row, checkpoint, prompt));
    }
    let base = planners.iter().find(|(row, ..)| row == BASE).map(|(_, checkpoint, _)| checkpoint);
    let executor = setup::executor(&config, &origin, base)?;
    println!("executor: {}", executor.describe());
    let problems: Vec<&Problem> = items.iter().map(|item| &item.problem).collect();
    for (row, checkpoint, prompt) in &planners {
        room::require_planner(config.planner.planner(checkpoint, prompt), &problems, "eval.data")
            .with_context(|| format!("the planner of row `{row}`"))?;
    }
    room::require_executor(executor.as_ref(), &problems, config.planner.sampling.max_tokens, "eval.data")?;
    let rubric = eval.rubric.then(|| setup::reader(&config, &origin)).transpose()?;
    let protocol = Protocol {
        items: &items,
        executor: executor.as_ref(),
        verifier: &verifier,
        rubric: rubric.as_deref(),
        runs: eval.runs,
        seeds: eval.seeds,
        seed: config.seed.child("evaluation", 0),
    };
    let rows: Vec<(&str, Option<Planner<'_>>)> = starts
        .then_some((NO_TRACE, None))
        .into_iter()
        .chain(planners.iter().map(|(row, checkpoint, prompt)| {
            (row.as_str(), Some(config.planner.planner(checkpoint, prompt)))
        }))
        .collect();
    let out = args.out.clone().unwrap_or_else(|| config.out.join("evaluation"));
    let (table, _) = evaluate(&protocol, &rows, config.seed, &out)?;
    println!("\n{}", table.text());
    if let Some(spent) = rubric.as_ref().and_then(|scorer| scorer.spent()) {
        println!("rubric: {spent}");
    }
    println!("results: {}", out.display());
    Ok(())
}

/// Evaluates rows, writes `samples.jsonl`, `evaluation.json` and `evaluation.md` into `out`, and hands back the table
/// (with the difference of each later row to `base planner`) and all samples.
pub fn evaluate(
    protocol: &Protocol<'_>,
    rows: &[(&str, Option<Planner<'_>>)],
    seed: Seed,
    out: &Path,
) -> Result<(Table, Vec<SampleRecord>)> {
    let bar = progress::steps("evaluation", rows.len() as u64, 0);
    let mut baselines = protocol.baselines();
    let mut samples = Vec::new();
    for (row, planner) in rows {
        bar.set_message((*row).to_owned());
        samples.extend(protocol.row(row, *planner, &mut baselines)?);
        bar.inc(1);
    }
    bar.finish();
    let mut table = Table::new(summarise(&samples)?, Executors::Same)?;
    let names: Vec<&str> =
        rows.iter().map(|(row, _)| *row).filter(|row| ![NO_TRACE, BASE].contains(row)).collect();
    let (tracelift, exec_only) = (Rule::Tracelift.title(), Rule::ExecOnly.title());
    let measured: Vec<Metric> = table.measured().collect();
    for metric in [Metric::Accuracy, Metric::VerifiedAccuracy] {
        if !measured.contains(&metric) {
            continue;
        }
        for row in names.iter().filter(|_| rows.iter().any(|(row, _)| *row == BASE)) {
            table.add_difference(paired_difference(&samples, metric, row, BASE, seed)?)?;
        }
        if names.contains(&exec_only) && names.contains(&tracelift) {
            table.add_difference(paired_difference(&samples, metric, tracelift, exec_only, seed)?)?;
        }
    }
    tracelift_files::make_folder(out)?;
    write_samples(&out.join("samples.jsonl"), &samples)?;
    table.write(&out.join("evaluation.json"))?;
    setup::record_sandbox(protocol.verifier, out)?;
    tracelift_files::write(out.join("evaluation.md"), table.markdown())?;
    if let Some(stopped) = protocol.executor.bill().and_then(|bill| bill.stopped) {
        bail!(
            "what was not asked any more is unknown: {stopped}; raise `executor.openai.budget` and evaluate again ({} holds what \
             was written)",
            out.display()
        );
    }
    require_known(protocol, &samples, out)?;
    Ok((table, samples))
}

/// A table in which no outcome came from the executor says nothing about any planner: that is not a result.
fn require_known(protocol: &Protocol<'_>, samples: &[SampleRecord], out: &Path) -> Result<()> {
    if samples.iter().any(|sample| sample.correct.is_some() && !sample.executor_completions.is_empty()) {
        return Ok(());
    }
    let usage = protocol.executor.usage();
    let causes: Vec<String> =
        usage.failures.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
    match usage.last_failure {
        Some(ref failure) => bail!(
            "nothing is known: of {} executor calls {} failed ({}); the last error: {failure}; mend that and evaluate again \
             ({} holds what was written)",
            usage.calls,
            usage.failed(),
            causes.join(", "),
            out.display()
        ),
        None if usage.calls == 0 => bail!(
            "nothing is known: no planner wrote a usable trace, so the executor was never asked; see {}",
            out.join("samples.jsonl").display()
        ),
        None => bail!(
            "nothing is known: the verifier could not judge one of the executor's {} completions; look at the gold answers \
             of the problems ({} holds what was written)",
            usage.calls,
            out.display()
        ),
    }
}
