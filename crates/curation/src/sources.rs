//! Sources: one stream of items from all that a configuration names.

use crate::{
    config::{BuildConfig, SeedConfig},
    error::BuildError,
    world::{WorldGroupConfig, world_groups},
};
use serde_json::json;
use tracelift_datasets::{DataSet, DatasetError, Row, held_out, held_out_statement, of_group};
use tracelift_domain::{Gold, Group, Problem, Question, Seed, TaskDomain, VARIANT_OF};
use tracelift_flaws::{SeedProblem, math};
use tracelift_groups::GroupReader;
use tracelift_worlds::{Split, World};

/// What a source gives.
#[derive(Clone, Debug)]
pub enum Offer {
    /// A seed, from which a group may grow, and how many of its variants.
    Seed(Box<SeedProblem>, usize),
    /// A finished group of a world.
    Group(Box<Group>),
    /// A problem of a known test set.
    HeldOut(&'static str),
    /// A row that cannot be read.
    Unreadable(String),
}

/// How many problems of a world are taken.
const WORLD_PROBLEMS: u64 = 1000;

/// The items of a source, in its order.
///
/// # Errors
/// When it cannot be opened.
pub fn items(
    config: &SeedConfig,
    root: Seed,
    force_test_sets: bool,
) -> Result<Box<dyn Iterator<Item = Offer> + Send>, BuildError> {
    let limit = config.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if let Some(world) = config.world {
        let count = config.limit.unwrap_or(WORLD_PROBLEMS);
        let groups =
            world_groups(&World::new(world), &WorldGroupConfig::default(), root, Split::Train, 0..count)?;
        return Ok(Box::new(groups.map(|group| Offer::Group(Box::new(group)))));
    }
    if let Some(path) = &config.groups {
        let groups = GroupReader::open(path)?;
        return Ok(Box::new(groups.take(limit).map(move |group| match group {
            Ok(group) => match held_out_statement(&group.problem).filter(|_| !force_test_sets) {
                Some(name) => Offer::HeldOut(name),
                None => match seed_of(&group) {
                    Ok(seed) => Offer::Seed(Box::new(seed), 0),
                    Err(message) => Offer::Unreadable(message),
                },
            },
            Err(error) => Offer::Unreadable(error.to_string()),
        })));
    }
    let Some(path) = config.path.clone() else { return Ok(Box::new(std::iter::empty())) };
    let (licence, variants) = (config.licence.clone(), config.variants);
    let data = DataSet::open(&path, config.format, config.columns.as_ref())?;
    let (format, rows) = (data.format(), data.rows()?);
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Box::new(rows.take(limit).map(move |row| match row {
        Err(error) => Offer::Unreadable(error.to_string()),
        Ok(row) => match held_out(&path, format, &row).filter(|_| !force_test_sets) {
            Some(name) => Offer::HeldOut(name),
            None => {
                let mut seed = seed(row);
                seed.origin.insert("source_file".to_owned(), json!(file));
                seed.origin.extend(licence.clone().map(|licence| ("licence".to_owned(), json!(licence))));
                Offer::Seed(Box::new(seed), variants)
            }
        },
    })))
}

/// At most so many variants of a seed: its problem with other numbers.
pub(crate) fn variants(seed: &SeedProblem, count: usize, root: Seed) -> Vec<SeedProblem> {
    let (TaskDomain::Math, Gold::Answer(gold)) = (seed.problem.question.domain, &seed.problem.gold) else {
        return Vec::new();
    };
    let (statement, id) = (&seed.problem.question.statement, &seed.problem.id);
    let worked = seed.trace.as_deref().unwrap_or(&seed.reference_solution);
    let variants = math::variants(statement, worked, gold, root.child(id, 0), count);
    let told = variants.into_iter().enumerate().map(|(index, variant)| {
        let mut origin = seed.origin.clone();
        // A variant's variants are of its family.
        origin.entry(VARIANT_OF).or_insert_with(|| json!(id));
        SeedProblem {
            problem: Problem {
                id: format!("{id}/{}", index + 1),
                question: Question { statement: variant.statement, ..seed.problem.question.clone() },
                gold: Gold::Answer(variant.answer),
            },
            reference_solution: variant.solution,
            trace: None,
            origin,
        }
    });
    told.collect()
}

/// How many items a configuration's sources have, so that whoever waits can be told how far the work is.
///
/// # Errors
/// When one cannot be read.
pub fn count(config: &BuildConfig) -> Result<u64, DatasetError> {
    let mut total = 0;
    for source in &config.seeds {
        let limit = source.limit.unwrap_or(u64::MAX);
        total += match (source.world, source.groups.as_ref().or(source.path.as_ref())) {
            (None, Some(path)) => tracelift_datasets::count(path)?.min(limit),
            _ => source.limit.unwrap_or(WORLD_PROBLEMS),
        };
    }
    Ok(total)
}

/// A row as a seed; a solution or trace that the file lacks is empty, and its group fails for want of one.
fn seed(row: Row) -> SeedProblem {
    let Row { problem, solution, trace, opening: _, origin } = row;
    SeedProblem { problem, reference_solution: solution.unwrap_or_default(), trace, origin }
}

/// A group as a seed: its first reference trace stands, its flawed traces are made anew.
///
/// # Errors
/// When it has no usable gold.
pub fn seed_of(group: &Group) -> Result<SeedProblem, String> {
    of_group(group).map(seed)
}
