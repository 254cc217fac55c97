//! Sources: one stream of items from all that a configuration names.

use super::config::{BuildConfig, SeedConfig};
use crate::{GroupReader, WorldGroupConfig, math, proposal::SeedProblem, world_groups};
use serde_json::{Map, Value, json};
use tracelift_datasets::{DatasetError, seeds};
use tracelift_domain::{Gold, Group, Problem, Question, Seed, TaskDomain, VARIANT_OF};
use tracelift_worlds::{Split, World};

/// What a source gives.
#[derive(Clone, Debug)]
pub enum Item {
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
) -> Result<Box<dyn Iterator<Item = Item> + Send>, super::run::BuildError> {
    let limit = config.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if let Some(world) = config.world {
        let count = config.limit.unwrap_or(WORLD_PROBLEMS);
        let groups =
            world_groups(&World::new(world), &WorldGroupConfig::default(), root, Split::Train, 0..count)?;
        return Ok(Box::new(groups.map(|group| Item::Group(Box::new(group)))));
    }
    if let Some(path) = &config.groups {
        let groups = GroupReader::open(path)?;
        return Ok(Box::new(groups.take(limit).map(|group| match group {
            Ok(group) => match seed_of(&group) {
                Some(seed) => Item::Seed(Box::new(seed), 0),
                None => Item::Unreadable(format!("group `{}` has no usable gold", group.problem_id)),
            },
            Err(error) => Item::Unreadable(error.to_string()),
        })));
    }
    let (Some(path), Some(format)) = (config.path.clone(), config.format) else {
        return Ok(Box::new(std::iter::empty()));
    };
    let (licence, variants) = (config.licence.clone(), config.variants);
    let rows = seeds::read(&path, format, config.columns.as_ref())?;
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Box::new(rows.take(limit).map(move |row| match row {
        Err(error) => Item::Unreadable(error.to_string()),
        Ok(row) => match seeds::held_out(&path, format, &row).filter(|_| !force_test_sets) {
            Some(name) => Item::HeldOut(name),
            None => {
                let mut origin = row.origin;
                origin.insert("source_file".to_owned(), json!(file));
                origin.extend(licence.clone().map(|licence| ("licence".to_owned(), json!(licence))));
                let seed = SeedProblem {
                    problem: row.problem,
                    reference_solution: row.solution,
                    trace: row.trace,
                    origin,
                };
                Item::Seed(Box::new(seed), variants)
            }
        },
    })))
}

/// At most so many variants of a seed: its problem with other numbers.
pub(super) fn variants(seed: &SeedProblem, count: usize, root: Seed) -> Vec<SeedProblem> {
    let (TaskDomain::Math, Gold::Answer(gold)) = (seed.problem.question.domain, &seed.problem.gold) else {
        return Vec::new();
    };
    let (statement, id) = (&seed.problem.question.statement, &seed.problem.id);
    let worked = seed.trace.as_deref().unwrap_or(&seed.reference_solution);
    let variants = math::variants(statement, worked, gold, root.child(id, 0), count);
    let told = variants.into_iter().enumerate().map(|(index, variant)| {
        let mut origin = seed.origin.clone();
        origin.insert(VARIANT_OF.to_owned(), json!(id));
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

/// The tests that a group of ours keeps among its metadata; others keep none.
fn tests_of(told: Option<&Value>) -> Gold {
    let none = || Gold::Tests(Vec::new());
    match told {
        Some(tests @ Value::Array(_)) => {
            serde_json::from_value(tests.clone()).map_or_else(|_| none(), Gold::Tests)
        }
        Some(tests @ Value::Object(_)) => {
            serde_json::from_value(tests.clone()).map_or_else(|_| none(), Gold::Function)
        }
        _ => none(),
    }
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
            (None, Some(path)) => seeds::count(path)?.min(limit),
            _ => source.limit.unwrap_or(WORLD_PROBLEMS),
        };
    }
    Ok(total)
}

/// A group as a seed: its first reference trace stands, its flawed traces are made anew. The gold answer is the
/// metadata's `answer`, or what the reference solution ends with.
#[must_use]
pub fn seed_of(group: &Group) -> Option<SeedProblem> {
    let gold = match group.task_type {
        TaskDomain::Code => tests_of(group.metadata.get("tests")),
        TaskDomain::Math | TaskDomain::Steps => {
            let told = group.metadata.get("answer").map(|answer| match answer {
                Value::String(answer) => answer.clone(),
                other => other.to_string(),
            });
            let solution = group.reference_solution.trim();
            let end = solution.rsplit_once("####").map_or(solution, |(_, answer)| answer).trim();
            Gold::Answer(told.unwrap_or_else(|| end.to_owned()))
        }
    };
    let mut origin = Map::new();
    origin.insert("source_group".to_owned(), json!(group.problem_id));
    Some(SeedProblem {
        problem: Problem { id: group.problem_id.clone(), question: group.question(), gold },
        reference_solution: group.reference_solution.clone(),
        trace: Some(group.positive_pool.first()?.reasoning.clone()),
        origin,
    })
}
