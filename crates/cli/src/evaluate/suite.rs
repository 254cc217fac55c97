//! The problems of an evaluation: one set, or the benchmarks of a suite, each with its verifier.

use crate::config::evaluation::PROCEDURAL;
use crate::config::{BenchmarkConfig, EvalConfig, FileConfig, Origin, RunConfig};
use crate::setup;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use tracelift_curation::Benchmarks;
use tracelift_datasets::{Benchmark, DataSet, Format, Row, drawn, values};
use tracelift_domain::{Fingerprint, Problem, Seed, SettingError};
use tracelift_eval::provenance::{Alike, Contamination, DataMade, sha256};
use tracelift_train::source::Exercise;
use tracelift_verify::{AnswerMode, Verifier, VerifierConfig};
use tracelift_worlds::procedure::{Procedure, ProcedureConfig};
use tracelift_worlds::{Split, World, WorldName};

/// Problems that are judged in one way.
pub struct Part {
    /// The benchmark, in a suite.
    pub benchmark: Option<String>,
    /// The problems.
    pub items: Vec<Exercise>,
    /// By what artifacts are judged; benchmarks that are judged alike share it.
    pub verifier: Arc<Verifier>,
    /// The exact checkers of those that are procedures, by their names.
    pub procedures: Arc<HashMap<String, Procedure>>,
    /// What results say of it.
    pub made: DataMade,
}

impl Part {
    /// For people.
    pub fn name(&self) -> &str {
        self.benchmark.as_deref().unwrap_or("the problems")
    }
}

/// Problems of a world, where nobody says how many.
const WORLD_PROBLEMS: usize = 200;

/// The problems of an evaluation, with verifiers that were tried out.
///
/// # Errors
/// What is missing or cannot be read, and what names it.
pub fn parts(config: &RunConfig, eval: &EvalConfig, origin: &Origin) -> Result<Vec<Part>> {
    let mut read: Vec<(Option<String>, Read, VerifierConfig)> = Vec::new();
    if let Some(data) = &eval.data {
        let items = setup::items(data, config.seed.child("problems", 0))?;
        let made = DataMade {
            path: data.path.clone(),
            sha256: data.path.as_deref().map(sha256).transpose()?,
            format: data.format.map(|format| format.to_string()),
            world: data.world.map(|world| world.to_string()),
            ..unmade()
        };
        read.push((None, Read { items, procedures: Arc::default(), made }, config.verifier.clone()));
    }
    for name in &eval.suite {
        let (own, verifier) = benchmark(config, eval, name).map_err(|missing| match missing {
            Missing::File(fault) => origin.refuse(&SettingError::new("eval.suite", fault)),
            Missing::Else(error) => {
                error.context(format!("{}: benchmark `{name}`", origin.blame("eval.suite")))
            }
        })?;
        read.push((Some(name.clone()), own, verifier));
    }
    let mut verifiers: Vec<(&VerifierConfig, Arc<Verifier>)> = Vec::new();
    for (.., config) in &read {
        if verifiers.iter().all(|(known, _)| *known != config) {
            let judged = read.iter().filter(|(.., other)| other == config);
            let problems: Vec<&Problem> =
                judged.flat_map(|(_, read, _)| read.items.iter().map(|item| &item.problem)).collect();
            verifiers.push((config, Arc::new(setup::verifier(config, problems)?)));
        }
    }
    let mut parts = Vec::new();
    for (benchmark, Read { items, procedures, made }, config) in &read {
        let Some((_, verifier)) = verifiers.iter().find(|(known, _)| *known == config) else { continue };
        parts.push(Part {
            benchmark: benchmark.clone(),
            verifier: Arc::clone(verifier),
            procedures: Arc::clone(procedures),
            made: DataMade {
                benchmark: benchmark.clone(),
                problems: items.len(),
                draw: benchmark.as_ref().map(|_| eval.draw),
                fingerprint: fingerprint(items)?,
                verifier: config.fingerprint(),
                ..made.clone()
            },
            items: items.clone(),
        });
    }
    tell_apart(&mut parts)?;
    look_for_contamination(config, eval, &mut parts)?;
    Ok(parts)
}

/// Why a benchmark cannot be had.
enum Missing {
    File(String),
    Else(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Missing {
    fn from(error: E) -> Missing {
        Missing::Else(error.into())
    }
}

fn benchmark(config: &RunConfig, eval: &EvalConfig, name: &str) -> Result<(Read, VerifierConfig), Missing> {
    let own = eval.benchmarks.get(name).cloned().unwrap_or_default();
    let limit = own.limit.or(eval.limit);
    let world = own.world.or_else(|| name.parse().ok().filter(|_| own.path.is_none()));
    let read = match (world, &own.procedure, name == PROCEDURAL && own.path.is_none()) {
        (Some(world), ..) => of_world(world, limit.unwrap_or(WORLD_PROBLEMS), Seed(eval.draw)),
        (None, Some(settings), _) => of_procedures(settings, limit, Seed(eval.draw)),
        (None, None, true) => of_procedures(&ProcedureConfig::default(), limit, Seed(eval.draw)),
        (None, None, false) => of_file(eval, name, &own, limit)?,
    };
    let answers = own.answers.or(world.map(|_| AnswerMode::Exact));
    let verifier =
        VerifierConfig { answers: answers.unwrap_or(config.verifier.answers), ..config.verifier.clone() };
    let made = DataMade { world: world.map(|world| world.to_string()).or(read.made.world), ..read.made };
    Ok((Read { made, ..read }, verifier))
}

struct Read {
    items: Vec<Exercise>,
    procedures: Arc<HashMap<String, Procedure>>,
    made: DataMade,
}

/// What is not known yet of where problems come from.
fn unmade() -> DataMade {
    DataMade {
        benchmark: None,
        path: None,
        sha256: None,
        format: None,
        world: None,
        available: None,
        problems: 0,
        draw: None,
        fingerprint: Fingerprint::of_text(""),
        verifier: Fingerprint::of_text(""),
        contamination: None,
    }
}

fn of_world(name: WorldName, count: usize, draw: Seed) -> Read {
    let world = World::new(name);
    let items = setup::world_items(&world, draw, Split::Test, 0..count as u64);
    Read { items, procedures: Arc::default(), made: unmade() }
}

/// Procedures that are made by the seed.
fn of_procedures(settings: &ProcedureConfig, limit: Option<usize>, draw: Seed) -> Read {
    let all = settings.problems(draw);
    let available = all.len();
    let chosen = drawn(all, |(problem, _)| &problem.id, limit.unwrap_or(available), draw);
    let procedures =
        chosen.iter().map(|(problem, procedure)| (problem.id.clone(), procedure.clone())).collect();
    let items = chosen.into_iter().map(|(problem, _)| Exercise { problem, instance: None }).collect();
    let made = DataMade { world: Some(PROCEDURAL.to_owned()), available: Some(available), ..unmade() };
    Read { items, procedures: Arc::new(procedures), made }
}

/// The procedures that stand beside problems in a file of ours, by the problems' names.
fn procedures_of(path: &Path) -> Result<HashMap<String, Procedure>> {
    let mut found = HashMap::new();
    for row in values(path)? {
        let (line, row) = row?;
        let Some(procedure) = row.get("procedure") else { continue };
        let procedure = serde_json::from_value(procedure.clone())
            .with_context(|| format!("{}:{line}: `procedure`", path.display()))?;
        if let Some(id) = row["id"].as_str() {
            found.insert(id.to_owned(), procedure);
        }
    }
    Ok(found)
}

fn of_file(
    eval: &EvalConfig,
    name: &str,
    own: &BenchmarkConfig,
    limit: Option<usize>,
) -> Result<Read, Missing> {
    let known = Benchmark::named(name);
    let path = match (&own.path, known) {
        (Some(path), _) => path.clone(),
        (None, Some(known)) => known.find(&eval.folder).map_err(|places| {
            let place = places.first().map(|place| place.display().to_string()).unwrap_or_default();
            Missing::File(format!(
                "names `{name}`, whose file is not there ({place}, also as .jsonl.gz or .parquet); put it there, set `eval.folder` to where \
                 the data lies, or name the file in `eval.benchmarks.\"{name}\".path`"
            ))
        })?,
        // The configuration was checked: it names a file or a world.
        (None, None) => return Err(Missing::File(format!("names `{name}`, which has no `path`"))),
    };
    let format = own.format.or(known.map(|known| known.format).filter(|_| own.columns.is_none()));
    let set = DataSet::open(&path, format, own.columns.as_ref())?.called(name);
    let mut rows = Vec::new();
    for row in set.tested()? {
        let row = row?;
        if known.is_none_or(|known| known.holds(&row)) {
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return Err(anyhow::anyhow!("{} holds no problems of it", path.display()).into());
    }
    let available = rows.len();
    let chosen = drawn(rows, |row: &Row| &row.problem.id, limit.unwrap_or(available), Seed(eval.draw));
    let items = chosen.into_iter().map(|row| Exercise { problem: row.problem, instance: None }).collect();
    let procedures = match set.format() {
        Format::Problems => procedures_of(&path)?,
        _ => HashMap::new(),
    };
    let made = DataMade {
        sha256: Some(sha256(&path)?),
        format: Some(set.format().to_string()),
        available: Some(available),
        path: Some(path),
        ..unmade()
    };
    Ok(Read { items, procedures: Arc::new(procedures), made })
}

fn fingerprint(items: &[Exercise]) -> Result<Fingerprint> {
    let problems: Vec<&Problem> = items.iter().map(|item| &item.problem).collect();
    Ok(Fingerprint::of([("problems", serde_json::to_vec(&problems)?.as_slice())]))
}

/// Names of problems tell them apart, over all benchmarks: one that two files give stands behind the benchmark's name.
fn tell_apart(parts: &mut [Part]) -> Result<()> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for part in parts {
        let own: BTreeSet<&str> = part.items.iter().map(|item| item.problem.id.as_str()).collect();
        ensure!(
            own.len() == part.items.len(),
            "two problems of {} have one identifier; give each its own",
            part.made
                .path
                .as_deref()
                .unwrap_or(Path::new(part.benchmark.as_deref().unwrap_or_default()))
                .display()
        );
        if let (Some(name), true) = (&part.benchmark, own.iter().any(|id| seen.contains(*id))) {
            let name = name.clone();
            for item in &mut part.items {
                item.problem.id = format!("{name}/{}", item.problem.id);
            }
            let renamed =
                part.procedures.iter().map(|(id, procedure)| (format!("{name}/{id}"), procedure.clone()));
            part.procedures = Arc::new(renamed.collect());
        }
        seen.extend(part.items.iter().map(|item| item.problem.id.clone()));
    }
    Ok(())
}

/// The fewest words from which an n-gram can be made.
const SHORTEST: usize = 8;

/// Notes which problems are like some that were trained on.
fn look_for_contamination(config: &RunConfig, eval: &EvalConfig, parts: &mut [Part]) -> Result<()> {
    let mut files = eval.trained_on.clone();
    if let (true, Some(data)) = (files.is_empty(), &config.data)
        && let Some(path) = data.path.as_ref().filter(|path| path.is_file())
    {
        files.push(FileConfig { path: path.clone(), format: data.format, columns: data.columns.clone() });
    }
    if files.is_empty() {
        return Ok(());
    }
    let mut known = Benchmarks::default();
    for FileConfig { path, format, columns } in &files {
        let set = DataSet::open(path, *format, columns.as_ref())
            .with_context(|| format!("failed to open what was trained on, {}", path.display()))?;
        for row in set.rows()? {
            // What cannot be read was not trained on either.
            let Ok(row) = row else { continue };
            known.add(&path.display().to_string(), &row.problem.id, &row.problem.question.statement);
        }
    }
    for part in parts.iter_mut().filter(|part| part.made.world.is_none()) {
        let mut found = Contamination {
            files: files.iter().map(|file| file.path.clone()).collect(),
            problems: Vec::new(),
            too_short: 0,
        };
        for Problem { id, question, .. } in part.items.iter().map(|item| &item.problem) {
            if question.statement.split_whitespace().count() < SHORTEST {
                found.too_short += 1;
            } else if let Some(overlap) = known.overlap(&question.statement) {
                found.problems.push(Alike {
                    problem_id: id.clone(),
                    file: overlap.benchmark,
                    like: overlap.problem_id,
                    share: overlap.share,
                });
            }
        }
        if !found.problems.is_empty() {
            eprintln!(
                "warning: {} of {} problems of {} are like something that was trained on (evaluation.json names them)",
                found.problems.len(),
                part.items.len(),
                part.name()
            );
        }
        part.made.contamination = Some(found);
    }
    Ok(())
}
