//! `tracelift train`: GRPO from a configuration, in a run folder, resumable.

use crate::{config, progress, setup};
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};
use std::path::Path;
use tracelift_engine::{Checkpoint, Precision, peft};
use tracelift_train::grpo::Grpo;
use tracelift_train::metrics::{StepMetrics, name};
use tracelift_train::run::{RunDescription, RunFolder};

/// Settings of `train`.
#[derive(Args)]
pub struct Train {
    #[command(flatten)]
    config: config::ConfigArgs,
    /// Go on with the run that is in the folder `out`.
    #[arg(long)]
    resume: bool,
}

/// Runs it.
pub fn run(args: &Train) -> Result<()> {
    let config = config::read(&args.config)?;
    let data = config.data.as_ref().context("`data` is missing; it says which problems to train on")?;
    let source = setup::source(data, config.seed.child("problems", 0))?;
    let verifier = setup::verifier(&config, &[source.item(0)])?;
    let planner = setup::planner(&config.planner, config.seed)?;
    let executor = setup::executor(&config.executor)?;
    let rubric = setup::reward_model(&config)?;
    println!("executor: {}", executor.describe());
    let base = config.planner.model.display().to_string();
    let grpo = Grpo::new(
        config.grpo.clone(),
        planner,
        config.planner.prompt,
        source,
        executor.as_ref(),
        &verifier,
        rubric.as_ref(),
        config.seed,
    );
    let presence = if args.resume { Presence::Resume } else { Presence::New };
    let text = toml::to_string(&config)?;
    let run_name = setup::row_name(config.grpo.rule);
    let trained = train_in(grpo, &config.out, &text, presence, run_name)?;
    export(&trained, &config.out, &base)?;
    println!("run: {}", config.out.display());
    println!("planner: {}", config.out.join("planner").display());
    for leftover in verifier.leftovers() {
        eprintln!("warning: {} could not be removed", leftover.display());
    }
    Ok(())
}

/// Whether a run is expected in its folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// There must be none.
    New,
    /// There must be one.
    Resume,
    /// Either; one that is there is gone on with.
    Either,
}

/// Trains to the end in a run folder, going on from its newest checkpoint where there is one.
pub fn train_in(
    mut grpo: Grpo<'_>,
    out: &Path,
    config_text: &str,
    presence: Presence,
    run_name: &str,
) -> Result<Checkpoint> {
    let exists = out.join("run.json").exists();
    let mut folder = match (presence, exists) {
        (Presence::Resume, false) => {
            bail!("{} holds no run to go on with; leave out --resume", out.display())
        }
        (Presence::Resume | Presence::Either, true) => {
            let (folder, latest) = RunFolder::resume(out)?;
            if let Some((step, checkpoint)) = latest {
                grpo.restore(&checkpoint)
                    .with_context(|| format!("failed to resume from {}", checkpoint.display()))?;
                eprintln!("resumed {} after step {step}", out.display());
            }
            folder
        }
        (Presence::New | Presence::Either, _) => {
            let description = RunDescription::now("grpo", grpo.seed(), fingerprints(&grpo));
            RunFolder::create(out, &description, config_text)?
        }
    };
    let total = grpo.config.steps;
    let bar = progress::steps(run_name, total, grpo.steps_done());
    while grpo.steps_done() < total {
        let outcome = grpo.step().with_context(|| format!("step {} failed", grpo.steps_done() + 1))?;
        let step = outcome.metrics.step;
        folder.record_rollouts(step, &outcome.rollouts)?;
        folder.record_metrics(&outcome.metrics)?;
        show(&bar, step, &outcome.metrics);
        if step % grpo.config.checkpoint_every == 0 || step == total {
            folder.save_checkpoint(step, |dir| grpo.save(dir))?;
        }
    }
    bar.finish();
    Ok(grpo.planner)
}

/// What must not change during a run.
fn fingerprints(grpo: &Grpo<'_>) -> Map<String, Value> {
    Map::from_iter([
        ("executor".to_owned(), json!(grpo.executor.fingerprint())),
        ("planner".to_owned(), json!(grpo.planner.model.fingerprint())),
        ("reward_model".to_owned(), json!(grpo.rubric.map(|model| model.fingerprint()))),
    ])
}

/// The live line of a step, and a plain line now and then where nobody watches.
fn show(bar: &ProgressBar, step: u64, metrics: &StepMetrics) {
    let number = |name: &str| metrics.get(name).map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let mut message = format!("reward {}  e {}", number(name::REWARD), number(name::OUTCOME));
    if let Some(verified) = metrics.get(name::VERIFIED) {
        message.push_str(&format!("  verified {verified:.3}"));
    }
    if let Some(unknown) = metrics.get(name::UNKNOWN).filter(|share| *share > 0.0) {
        message.push_str(&format!("  unknown {unknown:.3}"));
    }
    if bar.is_hidden() && (step % 10 == 0 || step == 1) {
        eprintln!("{} step {step}: {message}", bar.prefix());
    }
    bar.set_message(message);
    bar.set_position(step);
}

/// Writes the trained planner: a checkpoint, and its adapter where it is adapters that were trained.
pub fn export(trained: &Checkpoint, out: &Path, base: &str) -> Result<()> {
    if trained.model.lora.is_some() {
        peft::save(&trained.model, &out.join("adapter"), base)?;
    }
    let mut merged = trained.clone();
    merged.model.merge_lora();
    merged.save(&out.join("planner"), Precision::F32)?;
    Ok(())
}
