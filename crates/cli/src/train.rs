//! `tracelift train`: GRPO from a configuration, in a run folder, resumable.

use crate::{config, progress, setup};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::Table;
use tracelift_engine::{Checkpoint, Precision, peft};
use tracelift_reward::TraceScorer;
use tracelift_train::grpo::{Cast, Grpo, GrpoError};
use tracelift_train::metrics::{StepMetrics, name, read_metrics};
use tracelift_train::patience::Patience;
use tracelift_train::run::{RunDescription, RunFolder, RunLayout};
use tracelift_train::source::Source;

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
    config
        .planner
        .sampling
        .validate_for_training()
        .with_context(|| args.config.config.display().to_string())?;
    let data = config.data.as_ref().context("`data` is missing; it says which problems to train on")?;
    let source = setup::source(data, config.seed.child("problems", 0))?;
    let first = source.item(0);
    let verifier = match &source {
        Source::List { problems, .. } => setup::verifier(&config, problems),
        // A world has no end, and its problems are all of one kind.
        Source::World { .. } => setup::verifier(&config, [&first.problem]),
    }?;
    let planner = config.planner.open(config.seed)?;
    let executor = config.executor.open()?;
    let rubric = setup::reward_model(&config)?;
    println!("executor: {}", executor.describe());
    let base = config.planner.model.display().to_string();
    let cast = Cast {
        prompt: config.planner.prompt,
        sampling: config.planner.sampling.clone(),
        source,
        executor: executor.as_ref(),
        verifier: &verifier,
        reward: config.reward.clone(),
        rubric: rubric.as_ref().map(|model| model as &dyn TraceScorer),
        seed: config.seed,
    };
    let grpo = Grpo::new(config.grpo.clone(), planner, cast);
    let presence = if args.resume { Presence::Resume } else { Presence::New };
    let text = toml::to_string(&config)?;
    let run_name = config.reward.rule.title();
    let trained = train_in(grpo, &config.out, &text, presence, run_name)?;
    export(&trained, &config.out, &base, config.planner.precision)?;
    setup::record_sandbox(&verifier, &config.out)?;
    println!("run: {}", config.out.display());
    println!("planner: {}", config.out.join("planner").display());
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
    let description = RunDescription::now("grpo", grpo.seed(), fingerprints(&grpo)?);
    let total = grpo.config.steps;
    let exists = out.join("run.json").exists();
    let mut folder = match (presence, exists) {
        (Presence::Resume, false) => {
            bail!("{} holds no run to go on with; leave out --resume", out.display())
        }
        (Presence::New, true) => {
            bail!("{} already holds a run; go on with it by --resume, or choose another `out`", out.display())
        }
        (Presence::Resume | Presence::Either, true) => {
            refuse_another(out, &description, config_text)?;
            let (folder, latest) = RunFolder::resume(out)?;
            if let Some((step, checkpoint)) = latest {
                grpo.restore(&checkpoint)
                    .with_context(|| format!("failed to resume from {}", checkpoint.display()))?;
                if step == total {
                    eprintln!("{} is finished: all {total} steps are done", out.display());
                } else {
                    eprintln!("resumed {} after step {step}", out.display());
                }
            }
            folder
        }
        (Presence::New | Presence::Either, false) => RunFolder::create(out, &description, config_text)?,
    };
    let mut patience = Patience::new(grpo.config.patience, &read_metrics(&folder.layout().metrics())?);
    let bar = progress::steps(run_name, total, grpo.steps_done());
    while grpo.steps_done() < total {
        let step = grpo.steps_done() + 1;
        let outcome = match grpo.step() {
            Ok(outcome) => outcome,
            Err(error) => {
                bar.abandon();
                let kept = match &error {
                    // The planner was not sampled, so it is what it was after the step before.
                    GrpoError::Planner(_) => keep(&mut folder, &grpo, step - 1)?,
                    GrpoError::NonFinite(_) => String::new(),
                };
                return Err(anyhow::Error::new(error).context(format!("step {step} failed{kept}")));
            }
        };
        folder.record_rollouts(step, &outcome.rollouts)?;
        folder.record_metrics(&outcome.metrics)?;
        show(&bar, step, &outcome.metrics);
        patience.see(&outcome.metrics, outcome.last_failure.map(|failure| failure.to_string()));
        let fruitless = patience.fruitless();
        // What would be saved where no reward was known is what was there before.
        let moved = step - fruitless.dark;
        if patience.is_exhausted() || (step == total && patience.is_in_vain()) {
            bar.abandon();
            let kept = keep(&mut folder, &grpo, moved)?;
            bail!("stopped after step {step}: for {} steps in a row, {fruitless}{kept}", fruitless.steps);
        }
        if step == total {
            folder.save_checkpoint(step, |dir| grpo.save(dir))?;
            if fruitless.steps > 0 {
                eprintln!("warning: in the last {} steps, {fruitless}", fruitless.steps);
            }
        } else if step.is_multiple_of(grpo.config.checkpoint_every) {
            keep(&mut folder, &grpo, moved)?;
        }
    }
    bar.finish();
    ensure!(
        !patience.is_in_vain(),
        "{} taught nothing: in none of its {total} steps was there a usable trace with a known reward; {}",
        out.display(),
        "look at `defect/…` and `unknown/…` in its metrics.jsonl, and begin anew with another `out`"
    );
    Ok(grpo.into_planner())
}

/// Sees to it that a checkpoint holds the planner as it was after a step, since which it has not moved. Says where that is
/// and how to go on.
fn keep(folder: &mut RunFolder, grpo: &Grpo<'_>, step: u64) -> Result<String> {
    if step == 0 {
        return Ok("; nothing was trained yet, and --resume begins anew".to_owned());
    }
    let place = folder.layout().checkpoint(step);
    if !place.exists() {
        folder.save_checkpoint(step, |dir| grpo.save_as_of(step, dir))?;
    }
    Ok(format!(
        "; what was trained in {step} steps is kept in {}, and --resume goes on from there",
        place.display()
    ))
}

/// What must not change during a run.
fn fingerprints(grpo: &Grpo<'_>) -> Result<Map<String, Value>> {
    Ok(Map::from_iter([
        ("executor".to_owned(), json!(grpo.cast.executor.fingerprint())),
        ("planner".to_owned(), json!(grpo.model().fingerprint())),
        ("problems".to_owned(), json!(grpo.cast.source.fingerprint()?)),
        ("rubric".to_owned(), json!(grpo.cast.rubric.map(TraceScorer::fingerprint))),
    ]))
}

/// Settings that another attempt at the same run may have otherwise: they decide nothing that training does, or name
/// something that has a fingerprint.
const MAY_DIFFER: [&str; 7] = ["data", "eval", "executor", "grpo.patience", "out", "planner.model", "rubric"];

/// Refuses to go on with a run that was begun as another one: its two halves would not belong together.
fn refuse_another(out: &Path, wanted: &RunDescription, config_text: &str) -> Result<()> {
    let layout = RunLayout::of(out);
    let (found, path) = (layout.read_comparable()?, layout.config());
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let before = settings(&text).with_context(|| format!("failed to read {}", path.display()))?;
    let now = settings(config_text)?;
    let mut changes: Vec<String> = Vec::new();
    if found.kind != wanted.kind {
        changes.push(format!("purpose (`{}`)", found.kind));
    }
    for key in before.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
        let may_differ = MAY_DIFFER
            .iter()
            .any(|part| key.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')));
        if !may_differ && before.get(key) != now.get(key) {
            let value = before.get(key).map_or_else(|| "not set".to_owned(), ToString::to_string);
            changes.push(format!("`{key}` ({value})"));
        }
    }
    if found.seed != wanted.seed && !before.contains_key("seed") {
        changes.push("seed".to_owned());
    }
    let differs = |name: &&String| found.fingerprints.get(*name) != wanted.fingerprints.get(*name);
    changes.extend(wanted.fingerprints.keys().filter(differs).map(|name| name.replace('_', " ")));
    ensure!(
        changes.is_empty(),
        "{} holds a run with other {}; go on with its own configuration, {}, or choose another `out`",
        out.display(),
        changes.join(", "),
        path.display()
    );
    Ok(())
}

/// The values of a configuration by their dotted keys.
fn settings(text: &str) -> Result<BTreeMap<String, toml::Value>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<(String, toml::Value)> = text.parse::<Table>()?.into_iter().collect();
    while let Some((key, value)) = open.pop() {
        match value {
            toml::Value::Table(table) => {
                open.extend(table.into_iter().map(|(inner, value)| (format!("{key}.{inner}"), value)));
            }
            value => {
                found.insert(key, value);
            }
        }
    }
    Ok(found)
}

/// The live line of a step, and a plain line now and then where nobody watches.
fn show(bar: &ProgressBar, step: u64, metrics: &StepMetrics) {
    let number = |name: &str| metrics.get(name).map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let mut message = format!("reward {}  e {}", number(name::REWARD), number(name::OUTCOME));
    if let Some(verified) = metrics.get(name::VERIFIED) {
        message.push_str(&format!("  verified {verified:.3}"));
    }
    for (what, metric, kinds) in
        [("unknown", name::UNKNOWN, name::UNKNOWN_BY), ("defective", name::DEFECTIVE, name::DEFECTIVE_BY)]
    {
        if let Some(share) = metrics.get(metric).filter(|share| *share > 0.0) {
            message.push_str(&format!("  {what} {share:.3}"));
            if let Some(most) = most_frequent(metrics, kinds) {
                message.push_str(&format!(" ({most})"));
            }
        }
    }
    if bar.is_hidden() && (step.is_multiple_of(10) || step == 1) {
        eprintln!("{} step {step}: {message}", bar.prefix());
    }
    bar.set_message(message);
    bar.set_position(step);
}

/// The kind with the largest share.
fn most_frequent<'m>(metrics: &'m StepMetrics, prefix: &str) -> Option<&'m str> {
    let kinds = metrics.iter().filter_map(|(name, share)| Some((name.strip_prefix(prefix)?, share?)));
    kinds.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(kind, _)| kind)
}

/// Writes the trained planner: a checkpoint, in a type or that of its base's weights, and its adapter where it is adapters that
/// were trained.
pub fn export(trained: &Checkpoint, out: &Path, base: &str, precision: Option<Precision>) -> Result<()> {
    if trained.model.lora.is_some() {
        peft::save(&trained.model, &out.join("adapter"), base)?;
    }
    let mut merged = trained.clone();
    merged.model.merge_lora();
    let precision = precision.or(merged.model.notes.precision).unwrap_or(Precision::F32);
    merged.save(&out.join("planner"), precision)?;
    Ok(())
}
