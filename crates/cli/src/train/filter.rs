//! Which problems a training is about, where `[grpo.filter]` chooses them by how difficult they are.

use super::{Presence, how_to_go_on};
use crate::config::{Origin, RunConfig};
use crate::parts::{self, Parts};
use crate::progress;
use anyhow::{Context, Result, bail, ensure};
use tracelift_domain::{Fingerprint, Problem};
use tracelift_engine::Checkpoint;
use tracelift_train::difficulty::{
    Difficulty, DifficultyLog, Examiner, FilterConfig, Judged, LogError, Tally, Unknown,
};
use tracelift_train::run::{RunFolder, RunLayout};

/// Measures what is not measured yet, leaves out what the filter leaves out, and says so on standard error.
///
/// Once the run is there nothing is measured: it is about the problems that it was begun with.
///
/// # Errors
/// Where nothing can be measured, the executor may spend no more, or no problem is left.
pub fn apply(
    filter: &FilterConfig,
    presence: Presence,
    config: &RunConfig,
    origin: &Origin,
    parts: &mut Parts,
    planner: &Checkpoint,
) -> Result<()> {
    let layout = RunLayout::of(&config.out);
    let begun = layout.description().exists();
    match (presence, begun) {
        (Presence::New, false) => RunFolder::require_free(&config.out)?,
        // What is wrong with these is said where runs are begun; nothing is paid for it before.
        (Presence::New, true) | (Presence::Resume, false) => return Ok(()),
        (Presence::Resume | Presence::Either, _) => {}
    }
    ensure!(
        !begun || layout.difficulty().exists(),
        "{} is missing, which says what problems the run was begun with; restore it, or choose another `out`",
        layout.difficulty().display()
    );
    tracelift_files::make_folder(&config.out)?;
    let log = DifficultyLog::open(&layout.difficulty(), &measured_by(filter, config, parts, planner)?);
    let mut log = match log {
        // What is otherwise is told where the run is compared with the one in its folder.
        Err(LogError::Other { .. }) if begun => return Ok(()),
        log => log?,
    };

    let count = filter.problems.min(usize::try_from(parts.source.len()).unwrap_or(usize::MAX));
    let places = parts.source.places(0, count);
    let problems: Vec<Problem> = places.iter().map(|&place| parts.source.at(place).problem).collect();
    let hashes = problems.iter().map(Difficulty::hash_of).collect::<Result<Vec<_>, _>>()?;
    let missing: Vec<&Problem> = problems
        .iter()
        .zip(&hashes)
        // What was unknown is tried again until the run begins.
        .filter(|(_, hash)| log.of(hash).is_none_or(|found| !begun && !found.is_known()))
        .map(|(problem, _)| problem)
        .collect();
    ensure!(
        missing.is_empty() || !begun,
        "{} says nothing of {} of these problems: the data are not those that the run was begun with, or the file was changed; go on \
         with the run's own, or choose another `out`",
        layout.difficulty().display(),
        missing.len()
    );
    measure(filter, config, parts, planner, &mut log, &missing, count)?;

    let (mut tally, mut kept, mut known) = (Tally::default(), Vec::new(), 0);
    for (place, hash) in places.iter().zip(&hashes) {
        let found = log.of(hash).context("a problem was measured and is not in the log")?;
        let judged = filter.judge(found);
        tally.count(judged);
        known += usize::from(found.b.is_some() || found.w.is_some());
        let keeps = match judged {
            Judged::Within => true,
            Judged::Unknown => filter.unknown == Unknown::Keep,
            Judged::OutsideB | Judged::OutsideW => false,
        };
        kept.extend(keeps.then_some(*place));
    }
    if known == 0 {
        bail!(
            "nothing is known of any of {count} problems{}; look at `executor` and `verifier`, and begin again",
            last_failure(parts)
        );
    }
    ensure!(
        !kept.is_empty(),
        "`grpo.filter` leaves nothing to train on: {tally}; widen the ranges, measure more problems (`grpo.filter.problems`), or take \
         others (`data`)"
    );
    eprintln!("filter: {} problems are trained on; {tally}", kept.len());
    if parts.source.len() > count as u64 {
        eprintln!(
            "filter: {} problems were not measured and are left out; raise `grpo.filter.problems` to choose among them, too",
            parts.source.len() - count as u64
        );
    }
    if kept.len() < config.grpo.problems {
        eprintln!(
            "warning: a step of {} problems goes through the {} that are left more than once",
            config.grpo.problems,
            kept.len()
        );
    }
    kept.sort_unstable();
    parts.source = parts.source.clone().keeping(kept);
    parts.steps = parts::steps(config, origin, parts.source.len())?;
    Ok(())
}

/// Measures problems and writes down what was found, a few at a time.
fn measure(
    filter: &FilterConfig,
    config: &RunConfig,
    parts: &Parts,
    planner: &Checkpoint,
    log: &mut DifficultyLog,
    missing: &[&Problem],
    count: usize,
) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let layout = RunLayout::of(&config.out);
    parts.executor.keep_book(&layout.spending())?;
    let examiner = Examiner {
        planner: config.planner.planner(planner, &parts.prompt),
        executor: parts.executor.as_ref(),
        verifier: &parts.verifier,
        traces: filter.traces,
        runs: config.reward.runs,
        seed: config.seed.child("difficulty", 0),
    };
    let (mut done, mut dark) = (count - missing.len(), 0);
    let bar = progress::steps("difficulty", count as u64, done as u64);
    for few in missing.chunks(config.grpo.problems) {
        let found = examiner.examine(few)?;
        if let Some(stopped) = parts.executor.bill().and_then(|bill| bill.stopped) {
            bar.abandon();
            bail!(
                "stopped when {done} of {count} problems were measured: {stopped}{}. They are kept in {}, and the same command goes on \
                 from there",
                how_to_go_on(&stopped),
                layout.difficulty().display()
            );
        }
        // An executor that is gone does not come back by being asked about the rest.
        dark = if found.iter().all(|found| found.b.is_none()) { dark + 1 } else { 0 };
        log.append(found)?;
        done += few.len();
        if dark >= config.grpo.patience {
            bar.abandon();
            bail!(
                "stopped when {done} of {count} problems were measured: {dark} times in a row nothing is known of the executor without a \
                 trace{}; look at `executor` and `verifier`, and begin again: what is unknown is measured then",
                last_failure(parts)
            );
        }
        bar.set_position(done as u64);
        if bar.is_hidden() {
            eprintln!("difficulty: {done} of {count} problems measured");
        }
    }
    bar.finish();
    Ok(())
}

/// Why the last call failed that did, for the middle of a sentence.
fn last_failure(parts: &Parts) -> String {
    let failure = parts.executor.usage().last_failure;
    failure.map(|failure| format!("; the last call failed: {failure}")).unwrap_or_default()
}

/// All that decides what comes out for a problem.
fn measured_by(
    filter: &FilterConfig,
    config: &RunConfig,
    parts: &Parts,
    planner: &Checkpoint,
) -> Result<Fingerprint> {
    let how = serde_json::to_vec(&(
        &config.planner.prompt,
        &config.planner.sampling,
        &config.verifier,
        config.reward.runs,
        filter.traces,
        config.seed,
    ))?;
    Ok(Fingerprint::of([
        ("planner", planner.model.fingerprint().as_str().as_bytes()),
        ("executor", parts.executor.fingerprint().as_str().as_bytes()),
        ("how", how.as_slice()),
    ]))
}
