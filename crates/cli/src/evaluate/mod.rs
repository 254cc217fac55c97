//! `tracelift eval`: the frozen-executor protocol from a configuration.

mod executors;
mod rows;
mod suite;
mod told;
mod work;

use crate::{config, room, setup};
use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use executors::Seat;
use rows::PlannerRow;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tracelift_domain::fingerprint::canonical;
use tracelift_domain::{Fingerprint, Problem, Seed, SettingError};
use tracelift_eval::provenance::{Machine, Named, PlannerMade};
use tracelift_eval::{
    Executors, Kept, Metric, Protocol, Provenance, SampleRecord, Shard, Table, is_settled, paired_difference,
    results, sample_lines, summarise,
};
use tracelift_executor::Usage;
use tracelift_planner::Planner;
use tracelift_reward::{Rule, TraceScorer};
use tracelift_verify::Verifier;
use work::Work;

/// Settings of `eval`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Evaluate {
    #[command(subcommand)]
    command: Option<EvaluateCommand>,
    /// The TOML file that says what the run is.
    #[arg(long, required = true)]
    config: Option<PathBuf>,
    /// Replace a key of the file: `--set grpo.steps=100`. May be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where the results go, instead of `out`/evaluation.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Which rows are evaluated [default: all; start where the configuration has neither `[data]` nor a run].
    #[arg(long, value_enum)]
    rows: Option<Rows>,
    /// A further row: a planner's or an adapter's directory, or a run's, whose planners it has. May be given again.
    #[arg(long, value_name = "[NAME=]DIR")]
    planner: Vec<String>,
    /// Do a part of the work, such as 2/8; without it, what all parts found is put together, and what is missing is done.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
}

/// Rows of an evaluation: what several runs have in common need not be evaluated for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// All of them.
    All,
    /// Those that are there without the run: no trace, the base planner, and those of `[eval.rows]`.
    Start,
    /// Those that the run has made: its planner, and its best one.
    Trained,
    /// No trace alone, and what `--planner` names.
    None,
}

/// What else there is to do with evaluations.
#[derive(Subcommand)]
enum EvaluateCommand {
    /// Write results in the form of another program.
    Export(Export),
}

/// Settings of `eval export`.
#[derive(Args)]
struct Export {
    /// A folder with results: of an evaluation, or one of its `results`.
    #[arg(value_name = "FOLDER")]
    results: PathBuf,
    /// In which form.
    #[arg(long, value_enum)]
    to: To,
    /// The folder that it is written into.
    #[arg(long)]
    out: PathBuf,
}

/// [`tracelift_eval::Export`] as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// lm-evaluation-harness's results_TIME.json and samples_TASK_TIME.jsonl, a folder a row.
    LmEval,
    /// inspect's logs, one a row and benchmark.
    Inspect,
    /// samples.parquet, a column a field.
    Parquet,
}

fn export(args: &Export) -> Result<()> {
    let to = match args.to {
        To::LmEval => tracelift_eval::Export::LmEval,
        To::Inspect => tracelift_eval::Export::Inspect,
        To::Parquet => tracelift_eval::Export::Parquet,
    };
    for path in tracelift_eval::export(&args.results, to, &args.out)? {
        println!("{}", path.display());
    }
    Ok(())
}

/// The row without a planner.
const NO_TRACE: &str = "no trace";
/// The row of the planner before training.
const BASE: &str = "base planner";

/// Runs it.
pub fn run(args: &Evaluate) -> Result<()> {
    let path = match (&args.command, &args.config) {
        (Some(EvaluateCommand::Export(args)), _) => return export(args),
        (None, Some(path)) => path.clone(),
        (None, None) => bail!("--config is missing; name the file that says what the run is"),
    };
    let (config, origin) = config::read(&config::ConfigArgs { config: path, set: args.set.clone() })?;
    let Some(eval) = &config.eval else {
        let fault = "is missing; it says which problems to evaluate on";
        return Err(origin.refuse(&SettingError::new("eval", fault)));
    };
    // Whatever is wrong with what was asked for shows before a model is asked anything.
    let rows = rows::planners(args, &config, eval, &origin)?;
    let no_trace = rows::wanted(args, &config) != Rows::Trained;
    let parts = suite::parts(&config, eval, &origin)?;
    let problems: Vec<&Problem> =
        parts.iter().flat_map(|part| part.items.iter().map(|item| &item.problem)).collect();
    let section = if eval.suite.is_empty() { "eval.data" } else { "eval.suite" };
    let planners = known_planners(&config, &origin, &rows, &problems, section)?;
    let max_tokens = config.planner.sampling.max_tokens;
    let mut seats = executors::seats(&config, eval, &origin, |executor| {
        room::require_executor(executor, &problems, max_tokens, section)
    })?;
    let rubric = eval.rubric.then(|| setup::reader(&config, &origin)).transpose()?;
    let rubric: Option<&dyn TraceScorer> = rubric.as_deref();

    let work = Work {
        config: &config,
        origin: &origin,
        parts: &parts,
        no_trace,
        planners: &rows,
        rubric,
        seeds: eval.seeds,
        runs: eval.runs,
        seed: config.seed.child("evaluation", 0),
        shard: args.shard.unwrap_or(Shard::WHOLE),
    };
    let out = args.out.clone().unwrap_or_else(|| config.out.join("evaluation"));
    let mut kept = Kept::open(&out, &identity(&work, &planners, &seats)?, work.shard)?;
    for seat in seats.iter().filter(|seat| seat.is_remote()) {
        if work.is_missing(&kept, &seat.made.fingerprint) {
            seat.reach(&origin)?;
        }
    }
    work.plan(&mut kept, &seats)?;
    let mut samples = Vec::new();
    let mut stopped = None;
    let several = seats.len() > 1;
    for seat in &mut seats {
        let missing = work.is_missing(&kept, &seat.made.fingerprint);
        let executor = missing.then(|| seat.open(&origin)).transpose()?;
        let called = several.then(|| seat.made.name.clone());
        let read = work.read(&mut kept, &seat.made.fingerprint, executor.as_deref(), called.as_deref());
        samples.extend(read?);
        if let Some(executor) = executor {
            seat.note(executor.as_ref());
            stopped = stopped.or(executor.bill().and_then(|bill| bill.stopped));
        }
    }
    if !work.shard.is_whole() {
        println!(
            "shard {}: {} samples are kept in {}; when all shards are done, the same command without --shard puts them together",
            work.shard,
            samples.len(),
            kept.folder().display()
        );
        return require_known(&seats, &samples, kept.folder());
    }
    let made = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: results::told(SystemTime::now()),
        command: std::env::args().collect(),
        machine: Machine::observe(),
        seed: config.seed,
        seeds: eval.seeds,
        runs: eval.runs,
        planners,
        planner: json!({ "sampling": config.planner.sampling, "numbers": config.planner.numbers }),
        executors: seats.iter().map(|seat| seat.made.clone()).collect(),
        data: parts.iter().map(|part| part.made.clone()).collect(),
        rubric: rubric
            .map(|scorer| Named { name: scorer.describe(), fingerprint: scorer.fingerprint().clone() }),
    };
    let named: Vec<&str> =
        no_trace.then_some(NO_TRACE).into_iter().chain(rows.iter().map(|row| row.name.as_str())).collect();
    let table = table(&samples, &named, config.seed)?.made(made);
    let verifiers: Vec<&Verifier> = parts.iter().map(|part| part.verifier.as_ref()).collect();
    let folder = publish(&table, &samples, &verifiers, &out)?;
    if let Some(stopped) = stopped {
        bail!(
            "what was not asked any more is unknown: {stopped}; raise `executor.openai.budget` and evaluate again ({} holds what \
             was written, and what was answered is not asked again)",
            folder.display()
        );
    }
    require_known(&seats, &samples, &folder)?;
    println!("\n{}", table.text());
    if let Some(spent) = rubric.and_then(TraceScorer::spent) {
        println!("rubric: {spent}");
    }
    println!("results: {}", folder.display());
    match samples.iter().filter(|sample| !is_settled(sample)).count() {
        0 => kept.forget()?,
        unknown => println!(
            "{unknown} of {} samples lack an answer; the same command asks for those alone ({} keeps the others)",
            samples.len(),
            kept.folder().display()
        ),
    }
    Ok(())
}

/// What each planner is; and that it has room for every problem.
fn known_planners(
    config: &config::RunConfig,
    origin: &config::Origin,
    rows: &[PlannerRow],
    problems: &[&Problem],
    section: &str,
) -> Result<Vec<PlannerMade>> {
    let known = |row: &PlannerRow| -> Result<PlannerMade> {
        let checkpoint = work::open(config, origin, row)?;
        let prompt = config.planner.prompt(&checkpoint.tokenizer)?;
        room::require_planner(config.planner.planner(&checkpoint, &prompt), problems, section)
            .with_context(|| format!("the planner of row `{}`", row.name))?;
        let settled = canonical(&prompt.settled());
        let sampling = canonical(&json!([config.planner.sampling, config.planner.numbers]));
        let vocabulary = checkpoint.tokenizer.to_json()?;
        let template =
            checkpoint.tokenizer.chat_template().map(|template| template.text()).unwrap_or_default();
        let fingerprint = Fingerprint::of([
            ("weights", checkpoint.model.fingerprint().as_str().as_bytes()),
            ("tokenizer", vocabulary.as_bytes()),
            ("chat template", template.as_bytes()),
            ("prompt", settled.as_bytes()),
            ("sampling", sampling.as_bytes()),
        ]);
        let prompt = Fingerprint::of_text(&settled);
        Ok(PlannerMade {
            row: row.name.clone(),
            path: row.path.clone(),
            fingerprint,
            prompt,
            run: row.run.clone(),
        })
    };
    rows.iter().map(known).collect()
}

/// What an evaluation is: all that decides what comes out of it. The shard is none of that.
fn identity(work: &Work<'_>, planners: &[PlannerMade], seats: &[Seat]) -> Result<Fingerprint> {
    let planners: Vec<_> = planners.iter().map(|made| json!([made.row, made.fingerprint])).collect();
    let executors: Vec<_> = seats.iter().map(|seat| &seat.made.fingerprint).collect();
    let data: Vec<_> = work
        .parts
        .iter()
        .map(|part| json!([part.benchmark, part.made.fingerprint, part.made.verifier]))
        .collect();
    let all = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "no trace": work.no_trace,
        "planners": planners,
        "executors": executors,
        "data": data,
        "rubric": work.rubric.map(|scorer| scorer.fingerprint()),
        "seeds": work.seeds,
        "runs": work.runs,
        "seed": work.seed,
    });
    Ok(Fingerprint::of([("evaluation", canonical(&all).as_bytes())]))
}

/// Evaluates rows, writes the results into a folder of their own under `out`, and hands back the table and all samples.
pub fn evaluate(
    protocol: &Protocol<'_>,
    rows: &[(&str, Option<Planner<'_>>)],
    seed: Seed,
    out: &Path,
) -> Result<(Table, Vec<SampleRecord>)> {
    let told = told::Told::new("rows", rows.len(), 0);
    let mut baselines = protocol.baselines();
    let mut samples = Vec::new();
    for (row, planner) in rows {
        told.begin(row);
        samples.extend(protocol.row(row, *planner, &mut baselines)?);
        told.add(1);
    }
    told.end();
    let names: Vec<&str> = rows.iter().map(|(row, _)| *row).collect();
    let table = table(&samples, &names, seed)?;
    publish(&table, &samples, &[protocol.verifier], out)?;
    let answered =
        |sample: &SampleRecord| sample.correct.is_some() && !sample.executor_completions.is_empty();
    if !samples.iter().any(answered) {
        return Err(nothing_known(&protocol.executor.usage(), out));
    }
    Ok((table, samples))
}

/// The table of some samples, with the difference of each later row to `base planner`, and of TraceLift to exec-only.
fn table(samples: &[SampleRecord], rows: &[&str], seed: Seed) -> Result<Table> {
    let executors: std::collections::BTreeSet<&Fingerprint> =
        samples.iter().map(|sample| &sample.executor).collect();
    let shown = if executors.len() > 1 { Executors::Transfer } else { Executors::Same };
    let mut table = Table::new(summarise(samples)?, shown)?;
    let planners: Vec<&str> = rows.iter().copied().filter(|row| ![NO_TRACE, BASE].contains(row)).collect();
    let (tracelift, exec_only) = (Rule::Tracelift.title(), Rule::ExecOnly.title());
    let measured: Vec<Metric> = table.measured().collect();
    for executor in executors {
        let own: Vec<SampleRecord> =
            samples.iter().filter(|sample| sample.executor == *executor).cloned().collect();
        for metric in [Metric::Accuracy, Metric::VerifiedAccuracy] {
            if !measured.contains(&metric) {
                continue;
            }
            let based = planners.iter().filter(|_| rows.contains(&BASE)).map(|row| (*row, BASE));
            let both = planners.contains(&exec_only) && planners.contains(&tracelift);
            let pairs = based.chain(both.then_some((tracelift, exec_only)));
            for (row, against) in pairs {
                table.add_difference(paired_difference(&own, metric, row, against, seed)?)?;
            }
        }
    }
    Ok(table)
}

/// Puts results where nothing is overwritten.
fn publish(table: &Table, samples: &[SampleRecord], verifiers: &[&Verifier], out: &Path) -> Result<PathBuf> {
    let mut files = vec![
        ("evaluation.json", table.json()?.into_bytes()),
        ("evaluation.md", table.markdown().into_bytes()),
        ("samples.jsonl", sample_lines(samples)?.into_bytes()),
    ];
    if let Some(observed) = verifiers.iter().find_map(|verifier| verifier.sandbox()) {
        files.push(("sandbox.json", serde_json::to_vec_pretty(observed)?));
    }
    Ok(results::publish(out, SystemTime::now(), &files)?)
}

/// A table in which no outcome came from the executor says nothing about any planner: that is not a result.
fn require_known(seats: &[Seat], samples: &[SampleRecord], out: &Path) -> Result<()> {
    let answered =
        |sample: &&SampleRecord| sample.correct.is_some() && !sample.executor_completions.is_empty();
    if samples.is_empty() || samples.iter().any(|sample| answered(&sample)) {
        return Ok(());
    }
    Err(seats.first().map_or_else(|| anyhow!("there is no executor"), |seat| nothing_known(&seat.usage, out)))
}

/// Why nothing is known, by what an executor has counted.
fn nothing_known(usage: &Usage, out: &Path) -> anyhow::Error {
    let causes: Vec<String> =
        usage.failures.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
    match &usage.last_failure {
        Some(failure) => anyhow!(
            "nothing is known: of {} executor calls {} failed ({}); the last error: {failure}; mend that and evaluate again \
             ({} holds what was written)",
            usage.calls,
            usage.failed(),
            causes.join(", "),
            out.display()
        ),
        None if usage.calls == 0 => anyhow!(
            "nothing is known: no planner wrote a usable trace, so the executor was never asked; see {}",
            out.join("samples.jsonl").display()
        ),
        None => anyhow!(
            "nothing is known: the verifier could not judge one of the executor's {} completions; look at the gold answers \
             of the problems ({} holds what was written)",
            usage.calls,
            out.display()
        ),
    }
}
