//! `tracelift experiment`: many trainings that differ in what is to be compared, each in a run folder of its own.
//!
//! A cell is trained and evaluated by child processes of this program (`train`, `eval`), for three reasons: what kills one (memory, a
//! bug in native code) leaves the others; each is, to the byte, the run that the same command makes by hand; and nothing is kept in
//! memory that a kill could lose. How far everything has come is in `experiment.json`; the same command goes on from there.

mod child;
mod config;
mod plan;
mod record;
mod watch;
mod work;

use crate::config::assignment;
use crate::preflight::{Machine, gibibytes};
use anyhow::{Context, Result, bail};
use clap::Args;
use config::ExperimentConfig;
use plan::Plan;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use work::Work;

use record::Cell;

/// Settings of `experiment`.
#[derive(Args)]
pub struct Experiment {
    /// The TOML file that says what is varied, and of what.
    #[arg(long)]
    config: PathBuf,
    /// Replace a key of the file: `--set jobs=1`. May be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Only say which cells there are and how far each has come.
    #[arg(long)]
    plan: bool,
}

/// Runs it.
pub fn run(args: &Experiment) -> Result<()> {
    let set = args.set.iter().map(|set| assignment(set)).collect::<Result<Vec<_>>>()?;
    let config = ExperimentConfig::read(&args.config, &set)?;
    let plan = Plan::of(&args.config, &config)?;
    if args.plan {
        print!("{}", plan.grid().text());
        return Ok(());
    }
    fs::create_dir_all(&config.out).with_context(|| format!("failed to make {}", config.out.display()))?;
    let lock = plan.places.lock();
    let held = File::create(&lock).with_context(|| format!("failed to open {}", lock.display()))?;
    match held.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another process works on the experiment in {}; wait for it or stop it",
                config.out.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("failed to lock {}", lock.display()));
        }
    }
    // Another process may have worked on it between the first look and the lock.
    let plan = Plan::of(&args.config, &config)?;
    tracelift_files::make_folder(plan.places.cells())?;
    tracelift_files::make_folder(plan.places.starts())?;
    for (name, planned) in &plan.cells {
        tracelift_files::write(plan.places.cells().join(format!("{name}.toml")), &planned.text)?;
    }
    for (name, text) in &plan.starts {
        tracelift_files::write(plan.places.starts().join(format!("{name}.toml")), text)?;
    }
    tracelift_files::write(plan.places.experiment(), toml::to_string(&config)?)?;
    plan.record.write(&plan.places)?;
    let jobs = jobs(&config, &plan);
    let seconds = matches!(config.budget, Some(config::EqualBy::Seconds(_)));
    if seconds && jobs > 1 {
        eprintln!(
            "warning: {jobs} cells at a time share this machine, and `budget.seconds` is of the clock; with `jobs = 1` it is fair"
        );
    }
    Work::new(plan, jobs)?.run()?;
    println!("experiment: {}", config.out.display());
    println!("compare: tracelift compare {}", config.out.display());
    Ok(())
}

/// Weights are what can be counted beforehand; what is computed of them takes about as much again.
const BESIDE_WEIGHTS: u64 = 2;
/// What a process takes besides, in bytes.
const PROCESS: u64 = 256 << 20;

/// How many cells are worked on at a time. A cell of small models does not gain from a second core what a second cell does.
fn jobs(config: &ExperimentConfig, plan: &Plan) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cells = plan.cells.len().max(1);
    let need = BESIDE_WEIGHTS * plan.most_memory() + PROCESS;
    if let Some(jobs) = config.jobs {
        return jobs.min(cells);
    }
    if matches!(config.budget, Some(config::EqualBy::Seconds(_))) {
        return 1;
    }
    let fit = Machine::observe().map_or(cores, |machine| {
        let fit = usize::try_from(machine.available / need).unwrap_or(usize::MAX).max(1);
        if fit < cores.min(cells) {
            eprintln!(
                "{fit} at a time: a cell takes about {}, and {} are free",
                gibibytes(need),
                gibibytes(machine.available)
            );
        }
        fit
    });
    cores.min(fit).min(cells)
}
