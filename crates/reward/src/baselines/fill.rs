//! Measuring beforehand what a store lacks.

use super::{Found, JudgedBy, RunKey, Store, StoreError, question_id};
use std::collections::{BTreeMap, HashMap};
use tracelift_domain::{Fingerprint, Problem, Question, Seed};
use tracelift_executor::{Call, Executor};
use tracelift_verify::Verifier;

/// What became of runs that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// They were there.
    pub kept: usize,
    /// They were measured now.
    pub measured: usize,
    /// Another process measures them.
    pub elsewhere: usize,
    /// They failed, by cause.
    pub failed: BTreeMap<&'static str, usize>,
}

impl Filled {
    /// Adds what became of others.
    pub fn add(&mut self, other: Filled) {
        self.kept += other.kept;
        self.measured += other.measured;
        self.elsewhere += other.elsewhere;
        for (cause, count) in other.failed {
            *self.failed.entry(cause).or_default() += count;
        }
    }
}

/// A run to be measured, and those whom it is for.
struct Asked<'p> {
    key: RunKey,
    question: &'p Question,
    of: Vec<(&'p Problem, JudgedBy)>,
}

/// Measures what of the first `k` runs of these problems is missing, and judges what was not judged. All calls go out together; each
/// completion is kept before it is judged.
///
/// # Errors
/// When the store cannot be read or written.
pub fn fill(
    store: &Store,
    executor: &dyn Executor,
    (verifier, identity): (&Verifier, &Fingerprint),
    problems: &[&Problem],
    seed: Seed,
    k: usize,
) -> Result<Filled, StoreError> {
    let mut filled = Filled::default();
    let (mut to_judge, mut asked, mut places) = (Vec::new(), Vec::<Asked<'_>>::new(), HashMap::new());
    for &problem in problems {
        let question = question_id(&problem.question);
        let key = |run| RunKey {
            question: question.clone(),
            executor: executor.fingerprint().clone(),
            seed,
            run: run as u64,
        };
        let (keys, by): (Vec<RunKey>, _) = ((0..k).map(key).collect(), JudgedBy::of(problem, identity));
        let found = store.ask(&problem.question, &keys, &by)?;
        for (key, found) in keys.into_iter().zip(found) {
            match found {
                Found::Kept(kept) => {
                    filled.kept += 1;
                    if kept.judgement.is_none() {
                        to_judge.push((problem, key, by.clone(), kept.completion.text));
                    }
                }
                // A question that two problems have is asked once, and judged for each.
                Found::Ours => {
                    let place = *places.entry(key.clone()).or_insert(asked.len());
                    if place == asked.len() {
                        asked.push(Asked { key, question: &problem.question, of: Vec::new() });
                    }
                    asked[place].of.push((problem, by.clone()));
                }
                Found::Theirs => filled.elsewhere += 1,
            }
        }
    }
    let calls: Vec<Call<'_>> = asked
        .iter()
        .map(|Asked { key, question, .. }| Call { question, trace: None, seed: key.seed() })
        .collect();
    for (Asked { key, of, .. }, result) in asked.iter().zip(executor.run(&calls)) {
        match result {
            Ok(completion) => {
                store.record(key, &completion)?;
                filled.measured += 1;
                let judged = |(problem, by): &(_, JudgedBy)| {
                    (*problem, key.clone(), by.clone(), completion.text.clone())
                };
                to_judge.extend(of.iter().map(judged));
            }
            Err(failure) => {
                store.release(key)?;
                *filled.failed.entry(failure.cause()).or_default() += 1;
            }
        }
    }
    let items: Vec<(&Problem, &str)> =
        to_judge.iter().map(|(problem, _, _, text)| (*problem, text.as_str())).collect();
    for ((_, key, by, _), judgement) in to_judge.iter().zip(verifier.judge_all(&items)) {
        store.judge(key, by, &judgement)?;
    }
    Ok(filled)
}
