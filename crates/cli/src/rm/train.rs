//! `tracelift rm train`: train the rubric reward model on groups.

use crate::{model, progress};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{Fingerprint, Group, Probability, Seed, TaskDomain};
use tracelift_engine::{Checkpoint, Precision};
use tracelift_groups::{GroupReader, Part, split};
use tracelift_reward::RewardModel;
use tracelift_train::metrics::StepMetrics;
use tracelift_train::rubric::{self, EncodedGroup, RubricAccuracy, RubricConfig, RubricTrainer};
use tracelift_train::run::{RunDescription, RunFolder, RunLayout};

/// Steps from one line of metrics to the next.
const METRICS_EVERY: u64 = 10;
/// Steps from one checkpoint to the next.
const CHECKPOINT_EVERY: u64 = 100;

/// Settings of `rm train`.
#[derive(Args)]
pub struct Train {
    /// The group file (JSONL).
    #[arg(long)]
    groups: PathBuf,
    /// A checkpoint directory: the language model to start from.
    #[arg(long)]
    backbone: PathBuf,
    /// Where the reward model goes.
    #[arg(long)]
    out: PathBuf,
    /// Where the run goes, in a folder with the name of `--out`; a run that is there is gone on with.
    #[arg(long, default_value = "runs/rm")]
    runs: PathBuf,
    /// Blocks added on top of the backbone: judging what a text says takes depth beyond predicting it.
    #[arg(long, default_value_t = 0)]
    deepen: usize,
    /// Optimizer steps.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Groups a step.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    batch_groups: u32,
    /// Flawed traces drawn per group and step.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    negatives: u32,
    /// Peak learning rate.
    #[arg(long, default_value = "1e-3", value_parser = learning_rate)]
    learning_rate: f32,
    /// Share of the problems that is held out.
    #[arg(long, default_value = "0.1", value_parser = share)]
    dev: Probability,
    /// Of the split, the heads and the order of the groups.
    #[arg(long, default_value_t = 18)]
    seed: u64,
}

fn learning_rate(text: &str) -> Result<f32, String> {
    let rate: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err("must be above 0".to_owned()) }
}

fn share(text: &str) -> Result<Probability, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Probability::new(share).map_err(|error| error.to_string())
}

/// Trains, measures, and saves.
pub(super) fn train(settings: &Train) -> Result<()> {
    let Some(name) = settings.out.file_name() else {
        bail!("--out {} has no name; give the directory to make", settings.out.display());
    };
    if settings.out.join("config.json").exists() && !model::is_reward_model(&settings.out)? {
        bail!("{} holds another model; choose another --out", settings.out.display());
    }
    if model::is_reward_model(&settings.backbone)? {
        bail!(
            "{} is a reward model already; give a language model as --backbone",
            settings.backbone.display()
        );
    }
    let (groups, dev) = read_groups(settings)?;
    let mut backbone = Checkpoint::load(&settings.backbone)
        .with_context(|| format!("failed to read the backbone in {}", settings.backbone.display()))?;
    if settings.deepen > 0 {
        backbone.model = backbone.model.deepened(settings.deepen, Seed(settings.seed).child("blocks", 0));
    }
    let config = RubricConfig {
        steps: settings.steps,
        groups: settings.batch_groups as usize,
        negatives: settings.negatives as usize,
        learning_rate: settings.learning_rate,
        ..RubricConfig::default()
    };
    let (seed, run) = (Seed(settings.seed), settings.runs.join(name));
    println!("groups: {} to train on, {} held out", groups.len(), dev.len());
    let fresh = untrained(backbone.clone(), domain_of(&groups)?, seed);
    let before = rubric::evaluate(&fresh, &encode(&fresh, &dev)?);
    let (trained, after) = train_on(&groups, &dev, backbone, config, seed, &run, "reward model")?;
    let out = &settings.out;
    trained.save(out, Precision::F32).with_context(|| format!("failed to save {}", out.display()))?;
    print_accuracy(&before, &after, &dev);
    println!("run: {}", run.display());
    println!("reward model: {}", out.display());
    Ok(())
}

/// The groups to train on, and those that are held out.
fn read_groups(settings: &Train) -> Result<(Vec<Group>, Vec<Group>)> {
    let path = settings.groups.display();
    let all = GroupReader::open(&settings.groups)?.collect::<Result<Vec<Group>, _>>()?;
    domain_of(&all).with_context(|| path.to_string())?;
    let part = |group: &Group| split(&group.problem_id, settings.dev, Seed(settings.seed));
    let (dev, groups): (Vec<Group>, Vec<Group>) = all.into_iter().partition(|group| part(group) == Part::Dev);
    for (part, action) in [(&groups, "train on"), (&dev, "hold out")] {
        if part.is_empty() {
            let (all, share) = (groups.len() + dev.len(), settings.dev.get());
            bail!(
                "{path}: of {all} groups none is left to {action} at --dev {share}; change --dev or add groups"
            );
        }
    }
    Ok((groups, dev))
}

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

/// The model that training starts from.
fn untrained(backbone: Checkpoint, domain: TaskDomain, seed: Seed) -> RewardModel {
    RewardModel::new(backbone.model, backbone.tokenizer, domain, seed)
}

fn encode(model: &RewardModel, groups: &[Group]) -> Result<Vec<EncodedGroup>> {
    Ok(groups.iter().map(|group| rubric::encode(model, group)).collect::<Result<_, _>>()?)
}

/// Trains a reward model to the end in the folder `run`, going on from its newest checkpoint where there is one, and
/// measures it on `dev`. `name` stands before the progress bar.
///
/// # Errors
/// When there are no groups, they are not of one rubric, the run in the folder is another one, a gradient is not finite,
/// or the disk refuses.
pub fn train_on(
    groups: &[Group],
    dev: &[Group],
    backbone: Checkpoint,
    config: RubricConfig,
    seed: Seed,
    run: &Path,
    name: &str,
) -> Result<(RewardModel, RubricAccuracy)> {
    if groups.is_empty() || dev.is_empty() {
        bail!("{} groups to train on and {} held out; there must be some of both", groups.len(), dev.len());
    }
    let domain = domain_of(groups.iter().chain(dev))?;
    let description = RunDescription::now("reward-model", seed, fingerprints(groups, &backbone)?);
    let fresh = untrained(backbone, domain, seed);
    let (encoded, held_out) = (encode(&fresh, groups)?, encode(&fresh, dev)?);
    let mut trainer = RubricTrainer::new(config, fresh, seed);
    let mut folder = open_run(run, &description, &mut trainer)?;
    let bar = progress::steps(name, config.steps, trainer.steps_done());
    while trainer.steps_done() < config.steps {
        let found =
            trainer.step(&encoded).with_context(|| format!("step {} failed", trainer.steps_done() + 1))?;
        let step = trainer.steps_done();
        let last = step == config.steps;
        bar.set_position(step);
        if step.is_multiple_of(METRICS_EVERY) || last {
            bar.set_message(format!("loss {:.4}", found.loss));
            let mut metrics = StepMetrics::now(step);
            metrics
                .set("rubric/loss", found.loss)
                .set("rubric/cross_entropy", found.terms.cross_entropy)
                .set("rubric/huber", found.terms.huber)
                .set("rubric/ranking", found.terms.ranking)
                .set("rubric/margin_ranking", found.terms.margin_ranking)
                .set("rubric/gradient_norm", found.gradient_norm);
            folder.record_metrics(&metrics)?;
        }
        if step.is_multiple_of(CHECKPOINT_EVERY) || last {
            folder.save_checkpoint(step, |dir| trainer.save(dir))?;
            if bar.is_hidden() {
                eprintln!("{name} step {step}: loss {:.4}", found.loss);
            }
        }
    }
    bar.finish();
    let accuracy = rubric::evaluate(&trainer.model, &held_out);
    Ok((trainer.model, accuracy))
}

/// What decides, with the settings, what comes out of a run.
fn fingerprints(groups: &[Group], backbone: &Checkpoint) -> Result<Map<String, Value>> {
    let mut lines = Vec::new();
    for group in groups {
        serde_json::to_writer(&mut lines, group)?;
        lines.push(b'\n');
    }
    let tokenizer = backbone.tokenizer.to_json()?;
    Ok(Map::from_iter([
        ("backbone".to_owned(), json!(backbone.model.fingerprint())),
        ("groups".to_owned(), json!(Fingerprint::of([("groups", lines.as_slice())]))),
        ("tokenizer".to_owned(), json!(Fingerprint::of([("tokenizer", tokenizer.as_bytes())]))),
    ]))
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
        if step == trainer.config.steps {
            eprintln!("{} is finished: all {step} steps are done", run.display());
        } else {
            eprintln!("resumed {} after step {step}", run.display());
        }
    }
    Ok(folder)
}

/// In what the run in a folder differs from the one that is wanted.
fn changes(layout: &RunLayout, wanted: &RunDescription, config: &str) -> Result<Vec<String>> {
    let found = layout.read_description()?;
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
    changes.extend(wanted.fingerprints.keys().filter(differs).cloned());
    Ok(changes)
}

fn print_accuracy(before: &RubricAccuracy, after: &RubricAccuracy, dev: &[Group]) {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for negative in dev.iter().flat_map(|group| &group.negative_bank) {
        *kinds.entry(negative.negative_kind.as_str()).or_default() += 1;
    }
    let row = |what: &str, of: usize, trained: String, untrained: String| {
        println!("{what:<28}  {of:>6}  {trained:>9}  {untrained:>9}");
    };
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    println!("{:<28}  {:>6}  {:>9}  {:>9}", "on held-out groups", "of", "trained", "untrained");
    row("pairs in the right order", kinds.values().sum(), percent(after.pairs), percent(before.pairs));
    for (kind, of) in kinds {
        // Both were measured on these very groups, so they know the same kinds.
        let share =
            |accuracy: &RubricAccuracy| accuracy.by_kind.get(kind).map_or("–".to_owned(), |s| percent(*s));
        row(&format!("  {kind}"), of, share(after), share(before));
    }
    row("groups in the right order", after.groups, percent(after.whole_groups), percent(before.whole_groups));
    let traces = dev.iter().map(|group| 1 + group.negative_bank.len()).sum();
    let error = |accuracy: &RubricAccuracy| format!("{:.3}", accuracy.total_error);
    row("mean error of the total", traces, error(after), error(before));
}
