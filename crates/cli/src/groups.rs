//! `tracelift groups …`: build groups from problems, and look after group files.

mod build;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use tracelift_domain::{Group, Probability, Seed};
use tracelift_groups::export::{Shape, export};
use tracelift_groups::survey::Surveyor;
use tracelift_groups::{GroupReader, GroupWriter, Part, split};

/// What to do with groups.
#[derive(Subcommand)]
pub enum GroupsCommand {
    /// Build groups from problems with solutions; an interrupted build goes on.
    Build(build::Build),
    /// Check a group file line by line.
    Validate(Validate),
    /// Count what is in a group file, and look for shortcuts.
    Stats(Stats),
    /// Tell training and held-out groups apart, by problem.
    Split(SplitGroups),
    /// Write groups in the shape of another system.
    Export(Export),
}

/// Settings of `groups validate`.
#[derive(Args)]
pub struct Validate {
    /// A group file.
    file: PathBuf,
    /// How many errors are shown; all are counted.
    #[arg(long, default_value_t = 20)]
    show: u64,
}

/// Settings of `groups stats`.
#[derive(Args)]
pub struct Stats {
    /// A group file.
    file: PathBuf,
    /// Write a page in which groups can be read, with what was changed marked.
    #[arg(long)]
    html: Option<PathBuf>,
    /// How many groups the page shows, spread over the file's first ones.
    #[arg(long, default_value_t = 50)]
    show: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Settings of `groups split`.
#[derive(Args)]
pub struct SplitGroups {
    /// A group file; the parts are written beside it as `….train.jsonl` and `….dev.jsonl`.
    file: PathBuf,
    /// Which share of the problems is held out.
    #[arg(long, default_value_t = 0.1)]
    dev: f64,
    /// Of the split.
    #[arg(long, default_value_t = 18)]
    seed: u64,
}

/// Settings of `groups export`.
#[derive(Args)]
pub struct Export {
    /// A group file.
    file: PathBuf,
    /// The shape.
    #[arg(long)]
    to: ShapeName,
    /// How a planner is asked: a preset or a layout, as in `planner.prompt` [default: `chat`, of pairs `plain`].
    #[arg(long)]
    prompt: Option<String>,
    /// The file to write; of `hf`, the folder. By default beside the group file.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// The shapes by name.
#[derive(Clone, Copy, ValueEnum)]
enum ShapeName {
    /// JSONL preference pairs for TRL, with the difference of totals as margin.
    TrlPreference,
    /// JSONL of prompts and reference traces, for supervised training.
    Sft,
    /// JSONL of prompts and problems with their gold, for TRL's GRPO.
    TrlGrpo,
    /// JSONL of inputs and labels for OpenRLHF.
    Openrlhf,
    /// Parquet of planner prompts and problems with their gold for verl.
    VerlParquet,
    /// JSONL pairs with the kind of flaw as subset.
    Rewardbench,
    /// Parquet shards with a dataset card.
    Hf,
}

/// Runs a groups command.
pub fn run(command: &GroupsCommand) -> Result<()> {
    match command {
        GroupsCommand::Build(settings) => build::run(settings),
        GroupsCommand::Validate(settings) => validate(settings),
        GroupsCommand::Stats(settings) => stats(settings),
        GroupsCommand::Split(settings) => split_file(settings),
        GroupsCommand::Export(settings) => export_file(settings),
    }
}

fn validate(settings: &Validate) -> Result<()> {
    let (mut groups, mut wrong, mut negatives) = (0_u64, 0_u64, 0_u64);
    let mut seen = std::collections::HashMap::new();
    let mut reader = GroupReader::open(&settings.file)?;
    while let Some(group) = reader.next() {
        let line = reader.line();
        let problem = match group {
            Ok(group) => {
                groups += 1;
                negatives += group.negative_bank.len() as u64;
                // A hash a problem keeps the memory small in files of millions.
                let key = Seed(0).child(&group.problem_id, 0).0;
                seen.insert(key, line).map(|first| {
                    let file = settings.file.display();
                    format!("{file}:{line}: group `{}` has the id of line {first}", group.problem_id)
                })
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            wrong += 1;
            if wrong <= settings.show {
                println!("{problem}");
            }
        }
    }
    if wrong > 0 {
        bail!("{}: {wrong} of {} lines are wrong", settings.file.display(), reader.line().saturating_sub(1));
    }
    println!("{}: {groups} groups with {negatives} flawed traces, all valid", settings.file.display());
    Ok(())
}

fn stats(settings: &Stats) -> Result<()> {
    settings.html.as_ref().map(tracelift_files::kind).transpose()?;
    let mut surveyor = Surveyor::default();
    let mut shown: Vec<Group> = Vec::new();
    let mut stride = 1_u64;
    for (index, group) in (0_u64..).zip(GroupReader::open(&settings.file)?) {
        let group = group?;
        surveyor.see(&group);
        if settings.html.is_some() && settings.show > 0 && index.is_multiple_of(stride) {
            shown.push(group);
            // Every second one goes when there are twice too many: what stays is spread over the file.
            if shown.len() == 2 * settings.show {
                let mut keep = false;
                shown.retain(|_| {
                    keep = !keep;
                    keep
                });
                stride *= 2;
            }
        }
    }
    shown.truncate(settings.show);
    let survey = surveyor.finish();
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&survey)?);
    } else {
        print!("{survey}");
    }
    if let Some(path) = &settings.html {
        let title =
            settings.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let page = tracelift_report::groups_page(&title, &survey, &shown);
        tracelift_files::write(path, page)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// `groups.jsonl` → `groups.dev.jsonl`.
fn beside(file: &Path, end: &str) -> PathBuf {
    file.with_extension(end)
}

fn split_file(settings: &SplitGroups) -> Result<()> {
    let share = Probability::new(settings.dev).context("--dev")?;
    for (part, end) in [(Part::Train, "train.jsonl"), (Part::Dev, "dev.jsonl")] {
        let out = beside(&settings.file, end);
        let mut writer = GroupWriter::create(&out)?;
        for group in GroupReader::open(&settings.file)? {
            let group = group?;
            if split(group.family(), share, Seed(settings.seed)) == part {
                writer.write(&group)?;
            }
        }
        let count = writer.finish()?;
        println!("{count} groups: {}", out.display());
    }
    Ok(())
}

fn export_file(settings: &Export) -> Result<()> {
    let (shape, end) = match settings.to {
        ShapeName::TrlPreference => (Shape::TrlPreference, "trl.jsonl"),
        ShapeName::Sft => (Shape::Sft, "sft.jsonl"),
        ShapeName::TrlGrpo => (Shape::TrlGrpo, "grpo.jsonl"),
        ShapeName::Openrlhf => (Shape::Openrlhf, "openrlhf.jsonl"),
        ShapeName::VerlParquet => (Shape::VerlParquet, "verl.parquet"),
        ShapeName::Rewardbench => (Shape::Rewardbench, "rewardbench.jsonl"),
        ShapeName::Hf => (Shape::Hf, "hf"),
    };
    let out = settings.out.clone().unwrap_or_else(|| beside(&settings.file, end));
    let rows = export(&settings.file, shape, settings.prompt.as_deref(), &out)?;
    println!("{rows} rows: {}", out.display());
    Ok(())
}
