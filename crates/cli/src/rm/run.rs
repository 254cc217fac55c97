//! A reward model's training in its run folder, resumable.

use crate::progress;
use crate::train::ending;
use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::path::Path;
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{Fingerprint, Group, Seed, TaskDomain};
use tracelift_engine::Checkpoint;
use tracelift_reward::RewardModel;
use tracelift_train::metrics::StepMetrics;
use tracelift_train::rubric::{
    self, EncodedGroup, LeftOut, Look, RubricAccuracy, RubricStep, RubricTrainer, RubricTraining,
};
use tracelift_train::run::{RunDescription, RunFolder, RunLayout};

/// Steps from one line of metrics to the next.
const METRICS_EVERY: u64 = 10;

/// The domain of all groups; those of `steps` are read by the rubric of `math`.
pub(super) fn domain_of<'g>(groups: impl IntoIterator<Item = &'g Group>) -> Result<TaskDomain> {
    let mut groups = groups.into_iter();
    let first = groups.next().context("there are no groups")?;
    let rubric = |group: &Group| dimension_names(group.task_type);
    if let Some(other) = groups.find(|group| rubric(group) != rubric(first)) {
        bail!(
            "group `{}` is of `{}`, but group `{}` is of `{}`; a reward model knows one rubric, so train one for each",
            first.problem_id,
            first.task_type.name(),
            other.problem_id,
            other.task_type.name()
        );
    }
    Ok(match first.task_type {
        TaskDomain::Math | TaskDomain::Steps => TaskDomain::Math,
        TaskDomain::Code => TaskDomain::Code,
    })
}

/// The model that training on these groups starts from.
///
/// # Errors
/// When there are no groups, or they are not of one rubric.
pub fn untrained(backbone: Checkpoint, groups: &[Group], seed: Seed) -> Result<RewardModel> {
    Ok(RewardModel::new(backbone.model, backbone.tokenizer, domain_of(groups)?, seed))
}

/// Groups as a model reads them, on all cores.
fn encode(model: &RewardModel, groups: &[Group]) -> Result<Vec<EncodedGroup>> {
    Ok(groups.par_iter().map(|group| rubric::encode(model, group)).collect::<Result<_, _>>()?)
}

/// How well a model tells reference from flawed on groups that it was not trained on.
///
/// # Errors
/// When a group cannot be read.
pub fn measure(model: &RewardModel, dev: &[Group]) -> Result<RubricAccuracy> {
    Ok(rubric::evaluate(model.scoring(), &encode(model, dev)?))
}

/// What is trained on what, and where.
pub struct Training<'a> {
    /// Groups to train on.
    pub groups: &'a [Group],
    /// Groups that are held out.
    pub dev: &'a [Group],
    /// The untrained model.
    pub model: RewardModel,
    /// How it is trained.
    pub config: RubricTraining,
    /// Of the order of the groups and what is drawn from them.
    pub seed: Seed,
    /// The run's folder.
    pub run: &'a Path,
    /// What stands before the progress bar.
    pub name: &'a str,
}

/// A finished training.
pub struct Trained {
    /// The model of the best step that was looked at, or of the last step; adapters are merged.
    pub model: RewardModel,
    /// Steps done.
    pub steps: u64,
    /// The best look.
    pub best: Option<Look>,
}

/// Trains to the end in a run folder, going on from its newest checkpoint where there is one.
///
/// # Errors
/// When there is nothing to train on or to look at, the run in the folder is another one, a gradient is not finite, or
/// the disk refuses.
pub fn train_on(training: Training<'_>) -> Result<Trained> {
    let Training { groups, dev, model, config, seed, run, name } = training;
    ensure!(
        !dev.is_empty() || config.evaluation.every == 0,
        "no group is held out, so training cannot be watched; hold some out, or set `evaluation.every` to 0"
    );
    let description = RunDescription::now("reward-model", seed, fingerprints(groups, dev, &model, &config)?);
    let (learnable, left_out) = rubric::fitting(encode(&model, groups)?);
    say_left_out(&left_out, model.max_tokens);
    ensure!(!learnable.is_empty(), "no group fits into {} tokens; raise `max_tokens`", model.max_tokens);
    let held_out = encode(&model, dev)?;
    let mut trainer = RubricTrainer::new(config, model, seed);
    let mut folder = open_run(run, &description, &mut trainer)?;
    ending(&RunLayout::of(run), || {
        let bar = progress::steps(name, config.steps, trainer.steps_done());
        while !trainer.is_done() {
            let found = trainer
                .step(&learnable)
                .with_context(|| format!("step {} failed", trainer.steps_done() + 1))?;
            let accuracy = trainer.looks_now().then(|| trainer.look(&held_out));
            let step = trainer.steps_done();
            if step.is_multiple_of(METRICS_EVERY) || accuracy.is_some() || trainer.is_done() {
                folder.record_metrics(&metrics(step, &found, accuracy.as_ref()))?;
            }
            show(&bar, name, step, &found, accuracy.as_ref());
            if step.is_multiple_of(config.checkpoint_every) || trainer.is_done() {
                folder.save_checkpoint(step, |dir| trainer.save(dir))?;
            }
        }
        bar.finish();
        Ok(())
    })?;
    let (steps, best) = (trainer.steps_done(), trainer.best());
    if steps < config.steps {
        eprintln!("{name}: no gain in {} looks; stopped after step {steps}", config.evaluation.patience);
    }
    Ok(Trained { model: trainer.finish(), steps, best })
}

/// Says what of the groups cannot be learned from.
fn say_left_out(left_out: &LeftOut, max_tokens: usize) {
    let LeftOut { shortened, traces, groups } = left_out;
    if *shortened > 0 {
        eprintln!("shortened: the problems of {shortened} traces, to fit into {max_tokens} tokens");
    }
    if *traces > 0 {
        eprintln!(
            "left out: {traces} traces that do not fit into {max_tokens} tokens, and {groups} groups for want of others"
        );
    }
}

fn metrics(step: u64, found: &RubricStep, accuracy: Option<&RubricAccuracy>) -> StepMetrics {
    let mut metrics = StepMetrics::now(step);
    metrics
        .set("rubric/loss", found.loss)
        .set("rubric/cross_entropy", found.terms.cross_entropy)
        .set("rubric/huber", found.terms.huber)
        .set("rubric/ranking", found.terms.ranking)
        .set("rubric/margin_ranking", found.terms.margin_ranking)
        .set("rubric/problem", found.reading.problem)
        .set("rubric/language", found.reading.language)
        .set("rubric/numbers", found.reading.numbers)
        .set("rubric/flawed", found.reading.flawed)
        .set("rubric/contrast", found.reading.contrast)
        .set("rubric/gradient_norm", found.gradient_norm)
        .set("rubric/tokens", found.tokens as f64);
    if let Some(accuracy) = accuracy {
        metrics
            .set("held_out/pairs", accuracy.pairs)
            .set("held_out/groups", accuracy.whole_groups)
            .set("held_out/total_error", accuracy.total_error);
        for (kind, share) in &accuracy.by_kind {
            metrics.set(format!("held_out/pairs/{kind}"), *share);
        }
    }
    metrics
}

/// The live line of a step, and a plain line now and then where nobody watches.
fn show(bar: &ProgressBar, name: &str, step: u64, found: &RubricStep, accuracy: Option<&RubricAccuracy>) {
    bar.set_position(step);
    let mut message = format!("loss {:.4}", found.loss);
    if let Some(accuracy) = accuracy {
        message.push_str(&format!("  held-out pairs {:.1}%", 100.0 * accuracy.pairs));
    }
    let seldom = step.is_multiple_of(10 * METRICS_EVERY) || accuracy.is_some();
    if bar.is_hidden() && seldom {
        eprintln!("{name} step {step}: {message}");
    }
    if step.is_multiple_of(METRICS_EVERY) || accuracy.is_some() {
        bar.set_message(message);
    }
}

/// What decides, with the settings, what comes out of a run.
fn fingerprints(
    groups: &[Group],
    dev: &[Group],
    model: &RewardModel,
    config: &RubricTraining,
) -> Result<Map<String, Value>> {
    let of_groups = |groups: &[Group]| -> Result<Value> {
        let mut lines = Vec::new();
        for group in groups {
            serde_json::to_writer(&mut lines, group)?;
            lines.push(b'\n');
        }
        Ok(json!(Fingerprint::of([("groups", lines.as_slice())])))
    };
    let tokenizer = model.tokenizer.to_json()?;
    let mut all = Map::from_iter([
        ("backbone".to_owned(), json!(model.backbone.fingerprint())),
        ("groups".to_owned(), of_groups(groups)?),
        ("tokenizer".to_owned(), json!(Fingerprint::of([("tokenizer", tokenizer.as_bytes())]))),
        ("max_tokens".to_owned(), json!(model.max_tokens)),
    ]);
    // Held-out groups decide only where they are looked at.
    if config.evaluation.every > 0 {
        all.insert("held_out".to_owned(), of_groups(dev)?);
    }
    Ok(all)
}

/// Makes the run, or brings the trainer to where an earlier attempt at the same run stopped.
fn open_run(run: &Path, description: &RunDescription, trainer: &mut RubricTrainer) -> Result<RunFolder> {
    let layout = RunLayout::of(run);
    let config = toml::to_string(&trainer.config)?;
    if !layout.description().exists() {
        return Ok(RunFolder::create(run, description, &config)?);
    }
    let changes = changes(&layout, description, &config)?;
    if !changes.is_empty() {
        let changes = changes.join(", ");
        bail!("{} holds a run with other {changes}; remove it, or train in another folder", run.display());
    }
    let (folder, latest) = RunFolder::resume(run)?;
    if let Some((step, checkpoint)) = latest {
        trainer
            .restore(&checkpoint)
            .with_context(|| format!("failed to resume from {}", checkpoint.display()))?;
        if trainer.is_done() {
            eprintln!("{} is finished: it ended after step {step}", run.display());
        } else {
            eprintln!("resumed {} after step {step}", run.display());
        }
    }
    Ok(folder)
}

/// In what the run in a folder differs from the one that is wanted.
fn changes(layout: &RunLayout, wanted: &RunDescription, config: &str) -> Result<Vec<String>> {
    let found = layout.read_comparable()?;
    let path = layout.config();
    let found_config =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut changes = Vec::new();
    for (what, same) in [
        ("purpose", found.kind == wanted.kind),
        ("seed", found.seed == wanted.seed),
        ("settings", found_config == config),
    ] {
        changes.extend((!same).then(|| what.to_owned()));
    }
    let differs = |key: &&String| found.fingerprints.get(*key) != wanted.fingerprints.get(*key);
    changes.extend(wanted.fingerprints.keys().filter(differs).map(|key| key.replace('_', " ")));
    Ok(changes)
}
