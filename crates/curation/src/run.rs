//! The run of a build: chunks in parallel, written in order.

use crate::{
    config::{BuildConfig, SeedConfig},
    error::BuildError,
    gate::{GateReason, words},
    growth::{Grown, Skip, grow, grow_with},
    llm::{Help, LlmCounts, Referee},
    output::{Output, Progress},
    overlap::{Benchmarks, Overlap},
    report::{BuildReport, KEPT},
    sources::{Offer, items, variants},
    trial::Trials,
};
use rayon::prelude::*;
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};
use tracelift_domain::Group;
use tracelift_files::{Kind, kind};
use tracelift_flaws::SeedProblem;
use tracelift_groups::{GroupsError, line};
use tracelift_oracle::{Failure, Stop};

/// How many items are worked on at once.
const CHUNK: usize = 1024;
/// How many items are worked on at once where models help: their replies take longer than anything else, and what is
/// worked on when a build is stopped is worked on again, though not asked again.
const CHUNK_WITH_HELP: usize = 128;
/// After how many chunks the record is renewed.
const RECORD_EVERY: u64 = 8;

/// Builds what a configuration says, going on where an interrupted build with the same settings stopped. After every
/// chunk `tell` hears the counts so far.
///
/// # Errors
/// When something cannot be read or written, or a model's reply stays away; what is written so far stays for the next
/// attempt.
pub fn build(config: &BuildConfig, tell: &mut dyn FnMut(&BuildReport)) -> Result<BuildReport, BuildError> {
    config.validate()?;
    let help = help(config)?;
    build_with(config, help.as_ref(), &AtomicBool::new(false), tell)
}

/// The models that a build asks, with their ledgers beside its file, and the executor that confirms what they write;
/// nothing where it asks none.
///
/// # Errors
/// What keeps one of them from being made ready.
pub fn help(config: &BuildConfig) -> Result<Option<Help>, BuildError> {
    let ledgers = [
        config.llm.as_ref().map(|section| &section.oracle.ledger),
        config.judge.as_ref().map(|section| &section.oracle.ledger),
    ];
    if ledgers.into_iter().flatten().any(Option::is_none) && kind(&config.out)? == Kind::Stream {
        return Err(BuildError::NoLedger { out: config.out.clone() });
    }
    let help = Help::new(config.llm.as_ref(), config.judge.as_ref(), &config.out)?;
    let referee = config.executor.as_ref();
    let referee =
        referee.map(|executor| Referee::open(executor, &config.programs, config.seed)).transpose()?;
    Ok(match (help, referee) {
        (Some(help), Some(referee)) => Some(help.confirmed_by(referee)),
        (help, _) => help,
    })
}

/// As [`build`], with models that have been made ready. Once `stop` is
/// set (and [`Help::stop`] called, where models help), the build ends as soon as it can.
///
/// # Errors
/// As [`build`].
pub fn build_with(
    config: &BuildConfig,
    help: Option<&Help>,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(&BuildReport),
) -> Result<BuildReport, BuildError> {
    config.validate()?;
    let benchmarks = Benchmarks::load(&config.benchmarks)?;
    let mut settings = format!("{} {}", env!("CARGO_PKG_VERSION"), rules_alone(config));
    if let Some(help) = help {
        settings.push_str(&help.decisive().to_string());
    }
    let trials = trials(config)?;
    let chunk_size = if help.is_some() { CHUNK_WITH_HELP } else { CHUNK };
    let (mut output, mut progress) = Output::open(&config.out, settings)?;

    for seeds in &config.seeds {
        if let Some(licence) = &seeds.licence {
            let name = seeds.path.as_ref().or(seeds.groups.as_ref()).and_then(|path| path.file_name());
            let name = name.map_or_else(|| "world".to_owned(), |name| name.to_string_lossy().into_owned());
            progress.report.licences.insert(name, licence.clone());
        }
    }
    let mut stream = config.seeds.iter().map(|seeds| items(seeds, config.seed, config.force_test_sets));
    let mut current: Box<dyn Iterator<Item = Offer> + Send> = Box::new(std::iter::empty());
    let works = Works { config, benchmarks, help, trials };
    let mut seen: HashSet<u64> = HashSet::new();
    let done = progress.items;
    let (mut at, mut chunks) = (0_u64, 0_u64);
    loop {
        let mut chunk = Vec::with_capacity(chunk_size);
        while chunk.len() < chunk_size {
            let Some(item) = current.next() else {
                match stream.next() {
                    Some(next) => {
                        current = next?;
                        continue;
                    }
                    None => break,
                }
            };
            // A problem counts as seen whatever became of it, so that what was done before need not be known.
            let new = statement(&item).is_none_or(|statement| seen.insert(key(statement)));
            at += 1;
            if at > done {
                chunk.push((item, new));
            }
        }
        if chunk.is_empty() {
            break;
        }
        let made: Vec<Result<Vec<Made>, Failure>> = match help {
            Some(help) => help.each(&chunk, |(item, new)| make(item.clone(), *new, &works)),
            None => {
                let one = |(item, new)| make(item, new, &works);
                chunk.into_par_iter().map(one).collect()
            }
        };
        for made in made {
            match made {
                Ok(made) => {
                    for made in made {
                        made.settle(&mut progress, &mut output, &config.out)?;
                    }
                }
                Err(why) => return Err(output.unfinished(&progress, why)),
            }
            progress.report.seeds += 1;
            progress.items += 1;
        }
        chunks += 1;
        tell(&progress.report);
        if stop.load(Ordering::Relaxed) {
            return Err(output.unfinished(&progress, Stop::Requested.into()));
        }
        if help.is_some() || chunks.is_multiple_of(RECORD_EVERY) {
            output.record(&progress)?;
        }
    }
    output.finish(&progress)?;
    Ok(progress.report)
}

/// What became of an item.
enum Made {
    Grown(Box<Grown>, Option<Result<Vec<u8>, String>>, Option<(String, Overlap)>),
    HeldOut(&'static str),
    Unreadable(String),
}

/// What every item is made with.
struct Works<'b> {
    config: &'b BuildConfig,
    benchmarks: Benchmarks,
    help: Option<&'b Help>,
    trials: Option<Trials>,
}

/// Where programs are tried out, if that is wanted; ready, where they are known to come.
fn trials(config: &BuildConfig) -> Result<Option<Trials>, BuildError> {
    if !config.execute {
        return Ok(None);
    }
    let trials = Trials::new(config.programs.clone())?;
    if config.seeds.iter().any(SeedConfig::programs) {
        trials.start().map_err(BuildError::Sandbox)?;
    }
    Ok(Some(trials))
}

/// What becomes of an item: of a seed first its own group, then those of its variants.
fn make(item: Offer, new: bool, works: &Works<'_>) -> Result<Vec<Made>, Failure> {
    let made = match item {
        Offer::HeldOut(name) => Made::HeldOut(name),
        Offer::Unreadable(message) => Made::Unreadable(message),
        _ if !new => Made::skipped(GateReason::DuplicateProblem.name(), None),
        Offer::Group(group) => Made::of(labelled(*group, works.config, works.help)?, None),
        Offer::Seed(seed, count) => {
            let first = grown(&seed, works)?;
            // What is left out is not told in other numbers either.
            let count = if works.config.drop_overlaps && first.overlaps() { 0 } else { count };
            let others = variants(&seed, count, works.config.seed);
            return std::iter::once(Ok(first)).chain(others.iter().map(|seed| grown(seed, works))).collect();
        }
    };
    Ok(vec![made])
}

/// A seed's group.
fn grown(seed: &SeedProblem, works: &Works<'_>) -> Result<Made, Failure> {
    let Works { config, benchmarks, help, trials } = works;
    let overlap = benchmarks.overlap(&seed.problem.question.statement);
    let overlap = overlap.map(|overlap| (seed.problem.id.clone(), overlap));
    if overlap.is_some() && config.drop_overlaps {
        return Ok(Made::skipped("overlaps_with_benchmark", overlap));
    }
    let (recipe, trials) = (config.recipe(), trials.as_ref());
    let grown = match help {
        None => grow(seed, &recipe, config.seed, trials),
        Some(help) => unless_left_out(help, grow_with(help, seed, &recipe, config.seed, trials))?,
    };
    Ok(Made::of(grown, overlap))
}

/// A group of a world, which a judge may label.
fn labelled(group: Group, config: &BuildConfig, help: Option<&Help>) -> Result<Grown, Failure> {
    let Some(help) = help else { return Ok(Grown { group: Some(group), ..Grown::default() }) };
    let mut llm = LlmCounts::default();
    let label = help.label(group, &config.gates, &mut llm).map(|group| {
        let skip = group.is_none().then_some(GateReason::TooFewNegatives.name());
        Grown { group, skip, llm, ..Grown::default() }
    });
    unless_left_out(help, label)
}

/// A seed for which no reply came is left out where the settings want that.
fn unless_left_out(help: &Help, grown: Result<Grown, Failure>) -> Result<Grown, Failure> {
    match grown {
        Err(failure) if help.leaves_out(&failure) => {
            let llm = LlmCounts { unanswered: 1, ..LlmCounts::default() };
            Ok(Grown { llm, ..Grown::skip("unanswered") })
        }
        grown => grown,
    }
}

/// What a build by rules depends on. What models add is told by [`Help::decisive`]; their addresses, limits and budgets
/// may change from one attempt to the next.
fn rules_alone(config: &BuildConfig) -> String {
    serde_json::json!(BuildConfig { llm: None, judge: None, executor: None, ..config.clone() }).to_string()
}

impl Made {
    fn of(grown: Grown, overlap: Option<(String, Overlap)>) -> Made {
        let line = grown.group.as_ref().map(line);
        Made::Grown(Box::new(grown), line, overlap)
    }

    fn skipped(skip: Skip, overlap: Option<(String, Overlap)>) -> Made {
        Made::of(Grown::skip(skip), overlap)
    }

    /// Whether it has something in common with a benchmark.
    fn overlaps(&self) -> bool {
        matches!(self, Made::Grown(_, _, Some(_)))
    }

    /// Counts it and writes its group.
    fn settle(self, progress: &mut Progress, output: &mut Output, out: &Path) -> Result<(), BuildError> {
        let report = &mut progress.report;
        match self {
            Made::HeldOut(name) => *report.skipped.entry(format!("test set: {name}")).or_default() += 1,
            Made::Unreadable(message) => {
                report.unreadable += 1;
                if report.messages.len() < KEPT {
                    report.messages.push(message);
                }
            }
            Made::Grown(grown, line, overlap) => {
                if let Some((seed, overlap)) = overlap {
                    *report.overlaps.entry(overlap.benchmark.clone()).or_default() += 1;
                    if report.overlapping.len() < KEPT {
                        let share = overlap.share * 100.0;
                        report.overlapping.push(format!("{seed} ~ {} ({share:.0} %)", overlap.problem_id));
                    }
                }
                grown.count(report);
                match (line, &grown.group) {
                    (Some(Ok(line)), _) => output.write(&line, progress)?,
                    (Some(Err(what)), Some(group)) => {
                        let problem_id = group.problem_id.clone();
                        return Err(GroupsError::Unreadable { path: out.to_owned(), problem_id, what }.into());
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn statement(item: &Offer) -> Option<&str> {
    match item {
        Offer::Seed(seed, _) => Some(&seed.problem.question.statement),
        Offer::Group(group) => Some(&group.problem),
        Offer::HeldOut(_) | Offer::Unreadable(_) => None,
    }
}

/// A problem, whatever its case and punctuation.
fn key(statement: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    words(statement).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
