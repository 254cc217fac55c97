//! `tracelift doctor`: what this machine gives, and what a few problems show of a run before it is begun.

mod machine;

use crate::config::{self, ConfigArgs};
use crate::parts::Parts;
use crate::preflight::{self, Hopeless};
use anyhow::{Result, ensure};
use clap::Args;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use tracelift_train::run::RunFolder;
use tracelift_verify::VerifierConfig;
use tracelift_verify::programs::Runner;

/// Settings of `doctor`.
#[derive(Args)]
pub struct Doctor {
    /// A run's configuration: a few of its problems go through all that a step does.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Replace a key of the file: `--set grpo.steps=100`. May be given again.
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// How many problems; the same number of rollout groups.
    #[arg(long, default_value_t = 8, requires = "config", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    problems: u32,
}

/// Runs it.
pub fn run(args: &Doctor) -> Result<()> {
    let Some(file) = &args.config else {
        println!("machine");
        print!("{}", machine::facts(Path::new(".")));
        println!("{}", preflight::row("programs", &programs(&VerifierConfig::default())));
        return Ok(());
    };
    let (config, origin) = config::read(&ConfigArgs { config: file.clone(), set: args.set.clone() })?;
    println!("machine");
    print!("{}", machine::facts(&config.out));
    println!("{}", preflight::row("programs", &programs(&config.verifier)));
    let problems = usize::try_from(args.problems)?;
    if let Err(error) = RunFolder::require_free(&config.out) {
        eprintln!("warning: {error}");
    }
    let (parts, planner) = Parts::open(&config, &origin)?;
    println!("\nrun {}", config.out.display());
    println!("{}", preflight::row("executor", &parts.executor.describe()));
    let seen = preflight::rehearse(&config, &parts, planner, problems)?;
    print!("{seen}");
    let signs = preflight::signs(&seen, &config);
    for sign in &signs {
        println!("\n{}: {sign}", sign.weight);
    }
    let hopeless = signs.iter().filter(|sign| sign.weight == preflight::Weight::Hopeless).count();
    ensure!(
        hopeless == 0 || config.preflight.hopeless == Hopeless::Warn,
        "this run would teach nothing, as far as {} problems show; what to do about it stands above",
        seen.problems
    );
    if signs.is_empty() {
        println!("\nnothing looks wrong");
    }
    Ok(())
}

/// What programs are run by and kept in, or why they cannot be.
fn programs(verifier: &VerifierConfig) -> String {
    match Runner::new(verifier.programs.clone(), NonZeroUsize::MIN).start() {
        Ok(observed) => observed.to_string(),
        Err(error) => format!("cannot be run: {error}"),
    }
}
