//! `tracelift rm train`: train the rubric reward model on groups.

use super::config::{DevConfig, RmConfig, Train};
use super::run::{Trained, Training, domain_of, measure, train_on, untrained};
use crate::{config::Origin, model};
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use tracelift_datasets::HeldOutFamilies;
use tracelift_domain::{Group, Probability, SettingError};
use tracelift_groups::{GroupReader, Part, split};
use tracelift_reward::RewardModel;
use tracelift_train::rubric::RubricAccuracy;

/// Trains, saves, and measures what was saved.
pub(super) fn train(args: &Train) -> Result<()> {
    let (config, origin) = RmConfig::read(args)?;
    let (out, run) = (&config.out, config.run());
    if out.join("config.json").exists() && !model::is_reward_model(out)? {
        let fault = format!("is {}, which holds another model; choose another folder", out.display());
        return Err(origin.refuse(&SettingError::new("out", fault)));
    }
    let backbone =
        config.backbone.checkpoint(config.seed).map_err(|error| match error.downcast::<SettingError>() {
            Ok(error) => origin.refuse(&error),
            Err(error) => error.context(origin.blame("backbone.model")),
        })?;
    let (most, layers) = (backbone.model.config.max_positions, backbone.model.config.layers);
    let (tokens, below) = (config.max_tokens.unwrap_or(most), config.train.reading.below);
    SettingError::first([
        (
            "max_tokens",
            tokens <= most,
            tokens.to_string(),
            format!("at most the {most} tokens that the backbone reads"),
        ),
        (
            "train.reading.below",
            below <= layers,
            below.to_string(),
            format!("at most the backbone's {layers} blocks"),
        ),
    ])
    .map_err(|error| origin.refuse(&error))?;
    origin.require_warm_up("train", &config.train.schedule())?;
    let (groups, dev) = read_groups(&config, &origin)?;
    println!("groups: {} to train on, {} held out", groups.len(), dev.len());
    let mut model = untrained(backbone, &groups, config.seed)?;
    model.max_tokens = config.max_tokens.unwrap_or(model.max_tokens);
    let Trained { model, steps, best } = train_on(Training {
        groups: &groups,
        dev: &dev,
        model,
        config: config.train,
        seed: config.seed,
        run: &run,
        name: "reward model",
    })?;
    model.save(out, config.precision).with_context(|| format!("failed to save {}", out.display()))?;
    let saved = RewardModel::load(out).with_context(|| format!("failed to read {} again", out.display()))?;
    print_accuracy(&measure(&saved, &dev)?, &dev);
    match best {
        Some(best) => println!("kept: step {} of {steps}, the best of those looked at", best.step),
        None => println!("kept: the last of {steps} steps"),
    }
    println!("run: {}", run.display());
    println!("reward model: {}", out.display());
    Ok(())
}

/// The groups to train on, and those that are held out.
fn read_groups(config: &RmConfig, origin: &Origin) -> Result<(Vec<Group>, Vec<Group>)> {
    let DevConfig { share, files } = &config.dev;
    let mut all = read_files(&config.groups).with_context(|| origin.blame("groups"))?;
    if !config.force_test_sets {
        leave_out_test_sets(&mut all)?;
    }
    let (dev, mut groups) = match files.is_empty() {
        true => held_out(all, share.map_or_else(|| Probability::new(DEV_SHARE), Ok)?, config, origin)?,
        false => (read_files(files).with_context(|| origin.blame("dev.files"))?, all),
    };
    // Two groups may be of one problem, or of variants of one. Ids that nobody relates to each other say nothing from
    // file to file.
    let known: HashSet<&str> = dev.iter().map(|group| group.problem.trim()).collect();
    let families = |of_variants: bool| -> HashSet<(&str, &str)> {
        let related = dev.iter().filter(|group| !of_variants || group.is_variant());
        related.map(|group| (group.source.as_str(), group.family())).collect()
    };
    let (all, of_variants) = (families(false), families(true));
    let before = groups.len();
    groups.retain(|group| {
        let related = if group.is_variant() { &all } else { &of_variants };
        !known.contains(group.problem.trim()) && !related.contains(&(group.source.as_str(), group.family()))
    });
    if groups.len() < before {
        eprintln!("left out of training: {} groups of problems that are held out", before - groups.len());
    }
    ensure!(
        !groups.is_empty(),
        "every problem to train on is also held out; there is nothing left to train on"
    );
    let files = config.groups.iter().chain(files).map(|path| path.display().to_string());
    domain_of(groups.iter().chain(&dev)).with_context(|| files.collect::<Vec<_>>().join(", "))?;
    Ok((groups, dev))
}

/// Takes out groups of problems on which models are evaluated, and says so.
fn leave_out_test_sets(groups: &mut Vec<Group>) -> Result<()> {
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    let family = |group: &Group| format!("{}/{}", group.source, group.family());
    let mut families = HeldOutFamilies::default();
    for group in groups.iter() {
        families.see(&family(group), &group.problem_id, &group.problem);
    }
    groups.retain(|group| match families.of(&family(group)) {
        Some(name) => {
            *left_out.entry(name).or_default() += 1;
            false
        }
        None => true,
    });
    let told: Vec<String> = left_out.iter().map(|(name, count)| format!("{count} of {name}")).collect();
    if !told.is_empty() {
        eprintln!("warning: left out groups of problems on which models are evaluated: {}", told.join(", "));
    }
    ensure!(
        !groups.is_empty(),
        "there is nothing to train on but problems on which models are evaluated; to train on them all the same, for a \
         measurement of just that, set `force_test_sets = true`"
    );
    Ok(())
}

/// Share of the problems that is held out unless told otherwise.
const DEV_SHARE: f64 = 0.1;

/// Held-out groups, and the others.
fn held_out(
    all: Vec<Group>,
    share: Probability,
    config: &RmConfig,
    origin: &Origin,
) -> Result<(Vec<Group>, Vec<Group>)> {
    let part = |group: &Group| split(group.family(), share, config.seed);
    let (dev, groups): (Vec<Group>, Vec<Group>) = all.into_iter().partition(|group| part(group) == Part::Dev);
    for (part, action) in [(&groups, "train on"), (&dev, "hold out")] {
        if part.is_empty() {
            let all = groups.len() + dev.len();
            let fault = format!(
                "is {}, with which of {all} groups none is left to {action}; change it or add groups",
                share.get()
            );
            return Err(origin.refuse(&SettingError::new("dev.share", fault)));
        }
    }
    Ok((dev, groups))
}

/// All groups of some files.
fn read_files(files: &[PathBuf]) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for file in files {
        let before = groups.len();
        for group in GroupReader::open(file)? {
            groups.push(group?);
        }
        ensure!(groups.len() > before, "{}: there are no groups", file.display());
    }
    Ok(groups)
}

fn print_accuracy(accuracy: &RubricAccuracy, dev: &[Group]) {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for negative in dev.iter().flat_map(|group| &group.negative_bank) {
        *kinds.entry(negative.negative_kind.as_str()).or_default() += 1;
    }
    let row = |what: &str, of: usize, value: String| println!("{what:<28}  {of:>6}  {value:>9}");
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    println!("{:<28}  {:>6}", "on held-out groups", "of");
    row("pairs in the right order", kinds.values().sum(), percent(accuracy.pairs));
    for (kind, of) in kinds {
        let share = accuracy.by_kind.get(kind).map_or("–".to_owned(), |share| percent(*share));
        row(&format!("  {kind}"), of, share);
    }
    row("groups in the right order", accuracy.groups, percent(accuracy.whole_groups));
    let traces = dev.iter().map(|group| 1 + group.negative_bank.len()).sum();
    row("mean error of the total", traces, format!("{:.3}", accuracy.total_error));
}
