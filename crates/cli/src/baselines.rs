//! `tracelift baselines …`: what executors wrote without any trace, measured once and kept.

use crate::progress;
use crate::serve::{
    Cast,
    config::{self, ServeArgs},
    problems,
};
use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use tracelift_domain::{Problem, SettingError};
use tracelift_executor::Intake;
use tracelift_files::Draft;
use tracelift_reward::baselines::{Filled, Place, Store, StoreError, Summary, fill};

/// What to do with baselines.
#[derive(Subcommand)]
pub enum BaselinesCommand {
    /// Count what a store holds, by executor and seed.
    List(List),
    /// Write every run with its verdicts, one JSON object a line.
    Export(Export),
    /// Measure what is missing before anybody asks for it.
    Prefill(Prefill),
}

/// Settings of `baselines list`.
#[derive(Args)]
pub struct List {
    /// The file, or the address of a PostgreSQL server.
    store: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Settings of `baselines export`.
#[derive(Args)]
pub struct Export {
    /// The file, or the address of a PostgreSQL server.
    store: Place,
    /// Where the lines go [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Settings of `baselines prefill`.
#[derive(Args)]
pub struct Prefill {
    #[command(flatten)]
    config: ServeArgs,
    /// A file of problems [default: `reward.problems`].
    #[arg(long)]
    problems: Option<PathBuf>,
    /// One of several executors [default: all].
    #[arg(long, value_name = "NAME")]
    executor: Option<String>,
}

/// Runs a command.
pub fn run(command: &BaselinesCommand) -> Result<()> {
    match command {
        BaselinesCommand::List(settings) => list(settings),
        BaselinesCommand::Export(settings) => export(settings),
        BaselinesCommand::Prefill(settings) => prefill(settings),
    }
}

/// A file that is there: to look at one must not make it.
fn open(place: &Place) -> Result<Store> {
    ensure!(
        place.file().is_none_or(Path::is_file),
        "{place} is not there; `tracelift serve` and `tracelift baselines prefill` make it, where `reward.baselines` says",
    );
    Ok(Store::open(place)?)
}

fn list(settings: &List) -> Result<()> {
    let all = open(&settings.store)?.summary()?;
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    println!(
        "{:<14}{:>8}{:>12}{:>9}{:>9}{:>9}{:>13}",
        "executor", "seed", "questions", "runs", "judged", "mean", "tokens"
    );
    for Summary { executor, seed, questions, runs, judged, mean, tokens } in &all {
        let (short, mean) = (
            executor.get(..12).unwrap_or(executor),
            mean.map_or("-".to_owned(), |mean| format!("{mean:.3}")),
        );
        println!("{short:<14}{seed:>8}{questions:>12}{runs:>9}{judged:>9}{mean:>9}{tokens:>13}");
    }
    Ok(())
}

fn export(settings: &Export) -> Result<()> {
    let store = open(&settings.store)?;
    let write = |out: &mut dyn Write| -> Result<()> {
        store.export(|run| -> Result<(), anyhow::Error> {
            serde_json::to_writer(&mut *out, &run)?;
            Ok(out.write_all(b"\n")?)
        })
    };
    match &settings.out {
        None => write(&mut std::io::stdout().lock()),
        Some(path) => {
            let mut draft = Draft::begin(path)?;
            write(&mut draft)?;
            Ok(draft.finish()?)
        }
    }
}

/// Problems of an executor in this process that are measured together.
const TOGETHER: usize = 32;

fn prefill(settings: &Prefill) -> Result<()> {
    let (config, origin) = config::read(&settings.config)?;
    let missing = |key: &str, what: &str| origin.refuse(&SettingError::new(key, what));
    let Some(section) = &config.reward else {
        return Err(missing("reward", "is missing; it says whose baselines are measured"));
    };
    if section.baselines.is_none() {
        return Err(missing("reward.baselines", "is missing; it says where baselines are kept"));
    }
    let given = settings.problems.as_deref().map(problems).transpose()?;
    let mut cast = Cast::open(section, &origin)?;
    let all = given.unwrap_or_else(|| std::mem::take(&mut cast.problems));
    if all.is_empty() {
        return Err(missing(
            "reward.problems",
            "is missing; name a file of problems there, or by --problems",
        ));
    }
    if let Some(observed) = cast.verifier.probe(&all)? {
        eprintln!("{observed}");
    }
    let identity = section.verifier.fingerprint();
    if let Some(name) = &settings.executor {
        let known: Vec<String> = cast.executors.iter().map(|(name, _)| name.clone()).collect();
        ensure!(
            known.contains(name),
            "--executor: there is no executor {name:?}; there are: {}",
            known.join(", ")
        );
        cast.executors.retain(|(known, _)| known == name);
    }
    let bar = progress::steps("baselines", (cast.executors.len() * all.len()) as u64, 0);
    let mut filled = Filled::default();
    for (_, executor) in &cast.executors {
        let size = match executor.intake() {
            Intake::Together => TOGETHER,
            Intake::Apart(count) => (4 * count.get()).div_ceil(section.runs).max(1),
        };
        // Each part is on disk before the next is begun.
        for part in all.chunks(size) {
            let part: Vec<&Problem> = part.iter().collect();
            let verifier = (&cast.verifier, &identity);
            let now: Result<Filled, StoreError> =
                fill(&cast.store, executor.as_ref(), verifier, &part, section.seed, section.runs);
            filled.add(now?);
            bar.inc(part.len() as u64);
        }
    }
    bar.finish_and_clear();
    let Filled { kept, measured, elsewhere, failed } = filled;
    println!("{} problems, {} runs each: {measured} measured, {kept} there before", all.len(), section.runs);
    if elsewhere > 0 {
        println!("{elsewhere} are being measured by another process");
    }
    let told: Vec<String> = failed.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
    ensure!(
        failed.is_empty(),
        "{} runs failed ({}); run the command again, which asks for those alone",
        failed.values().sum::<usize>(),
        told.join(", ")
    );
    Ok(())
}
