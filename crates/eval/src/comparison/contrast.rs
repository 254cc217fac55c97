//! What arms came to on a test set, and how they differ.

use super::entrant::{Entrant, Role, arms};
use crate::{EvalError, Metric, SampleRecord};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tracelift_domain::{Fingerprint, Seed};
use tracelift_statistics::{
    Cluster, Estimate, OverSeeds, Pair, Problems, SeedDifference, clusters, holm, mcnemar, over_seeds,
};

/// How often the bootstrap draws.
const DRAWS: usize = 4000;

/// What arms are told apart by.
const CONTRASTED: [Metric; 5] =
    [Metric::Accuracy, Metric::VerifiedAccuracy, Metric::WrongReasons, Metric::Uplift, Metric::TraceTokens];

/// The results on one test set.
#[derive(Clone, Debug, Serialize)]
pub struct TestSet {
    /// Its name.
    pub name: String,
    /// What each arm came to.
    pub arms: Vec<ArmResult>,
    /// How arms differ.
    pub contrasts: Vec<Contrast>,
    /// What is not compared, and why.
    pub refused: Vec<String>,
}

/// What an arm came to.
#[derive(Clone, Debug, Serialize)]
pub struct ArmResult {
    /// The arm.
    pub arm: String,
    /// Its seeds.
    pub seeds: Vec<u64>,
    /// Problems, of the seed that has the fewest.
    pub problems: usize,
    /// Samples whose answer could not be judged, of all seeds.
    pub unscored: usize,
    /// Its executors; one, unless seeds have others.
    pub executors: Vec<Fingerprint>,
    /// By metric.
    pub metrics: BTreeMap<Metric, ArmMean>,
}

/// A metric of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ArmMean {
    /// Over seeds.
    pub over_seeds: OverSeeds,
    /// The problem-clustered standard error where there is one seed, which says nothing of others.
    pub within: Option<f64>,
}

impl ArmMean {
    /// The error that stands beside the mean.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        self.over_seeds.between.or(self.within)
    }
}

/// How an arm differs from another in a metric.
#[derive(Clone, Debug, Serialize)]
pub struct Contrast {
    /// The arm.
    pub arm: String,
    /// The one that it is compared with.
    pub against: String,
    /// In what.
    pub metric: Metric,
    /// The seeds that both have.
    pub seeds: Vec<u64>,
    /// Whether those have the same problems.
    pub problems: Problems,
    /// How much.
    pub found: SeedDifference,
    /// Its chance without a difference, by Holm's adjustment over all comparisons of the metric on the test set.
    pub p_adjusted: Option<f64>,
    /// Of accuracy: how the first samples of the problems differ.
    pub discordant: Option<Discordant>,
}

/// How the answers of two arms differ, problem by problem: of the first sample of each, with the first seed that both have, since pairs of
/// one problem are not independent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Discordant {
    /// Problems that the arm alone has right.
    pub ahead: usize,
    /// Problems that the other alone has right.
    pub behind: usize,
    /// McNemar's exact test of the two.
    pub p: f64,
}

/// The results of all test sets.
///
/// # Errors
/// When a sample is there twice.
pub fn test_sets(entrants: &[Entrant], against: &[String], seed: Seed) -> Result<Vec<TestSet>, EvalError> {
    let names: BTreeSet<&String> = entrants.iter().flat_map(|entrant| entrant.results.keys()).collect();
    names.into_iter().map(|name| test_set(name, entrants, against, seed)).collect()
}

fn test_set(name: &str, entrants: &[Entrant], against: &[String], seed: Seed) -> Result<TestSet, EvalError> {
    for entrant in entrants {
        refuse_twice(entrant.results.get(name).map(Vec::as_slice).unwrap_or_default())?;
    }
    let all = arms(entrants);
    let results = all.iter().filter_map(|arm| arm_result(arm, name, entrants)).collect();
    let mut found =
        TestSet { name: name.to_owned(), arms: results, contrasts: Vec::new(), refused: Vec::new() };
    for reference in against {
        for arm in &all {
            let role = entrants.iter().find(|entrant| entrant.arm == *arm).map(|entrant| entrant.role);
            if arm == reference || against.iter().take_while(|other| *other != reference).any(|o| o == arm) {
                continue;
            }
            // What an arm was in between is another planner of the same training, and what it began with is no arm.
            if role != Some(Role::Trained) {
                continue;
            }
            match pairs_of(arm, reference, name, entrants) {
                Pairing::Made(pairing) => found.contrasts.extend(contrasts(arm, reference, &pairing, seed)),
                Pairing::Refused(why) => found.refused.push(why),
                Pairing::Nothing => {}
            }
        }
    }
    adjust(&mut found.contrasts);
    Ok(found)
}

fn refuse_twice(samples: &[SampleRecord]) -> Result<(), EvalError> {
    let mut seen = BTreeSet::new();
    for sample in samples {
        if !seen.insert((&sample.row, &sample.problem_id, sample.seed)) {
            return Err(EvalError::DuplicateSample {
                row: sample.row.clone(),
                problem_id: sample.problem_id.clone(),
                seed: sample.seed,
            });
        }
    }
    Ok(())
}

/// The samples of an arm on a test set, by seed.
fn by_seed<'e>(
    arm: &str,
    test: &str,
    entrants: &'e [Entrant],
) -> BTreeMap<u64, (&'e Entrant, &'e [SampleRecord])> {
    let of = entrants.iter().filter(|entrant| entrant.arm == arm);
    of.filter_map(|entrant| Some((entrant.seed, (entrant, entrant.results.get(test)?.as_slice())))).collect()
}

fn arm_result(arm: &str, test: &str, entrants: &[Entrant]) -> Option<ArmResult> {
    let seeds = by_seed(arm, test, entrants);
    let mut metrics = BTreeMap::new();
    for metric in Metric::ALL {
        let estimates: Vec<Estimate> = seeds
            .values()
            .map(|(_, samples)| {
                Estimate::clustered(samples.iter().map(|s| (s.problem_id.as_str(), metric.of(s))))
            })
            .collect();
        let means: Vec<f64> = estimates.iter().filter_map(|estimate| estimate.mean).collect();
        if let Some(over_seeds) = OverSeeds::of(&means) {
            let within = estimates.first().and_then(|one| one.standard_error).filter(|_| means.len() == 1);
            metrics.insert(metric, ArmMean { over_seeds, within });
        }
    }
    let samples = || seeds.values().flat_map(|(_, samples)| samples.iter());
    let problems = seeds
        .values()
        .map(|(_, samples)| samples.iter().map(|sample| &sample.problem_id).collect::<BTreeSet<_>>().len());
    let executors: BTreeSet<&Fingerprint> = samples().map(|sample| &sample.executor).collect();
    Some(ArmResult {
        arm: arm.to_owned(),
        problems: problems.min()?,
        unscored: samples().filter(|sample| sample.correct.is_none()).count(),
        executors: executors.into_iter().cloned().collect(),
        seeds: seeds.into_keys().collect(),
        metrics,
    })
}

/// What both arms have.
struct Paired<'e> {
    seeds: Vec<(u64, &'e [SampleRecord], &'e [SampleRecord])>,
    problems: Problems,
}

enum Pairing<'e> {
    Made(Paired<'e>),
    Refused(String),
    /// One of them was not measured on the test set.
    Nothing,
}

/// Problems by their names, with all that an answer depends on.
fn questions(samples: &[SampleRecord]) -> BTreeMap<&str, (&str, &str)> {
    samples
        .iter()
        .map(|sample| (sample.problem_id.as_str(), (sample.question.as_str(), sample.gold.as_str())))
        .collect()
}

fn pairs_of<'e>(arm: &str, against: &str, test: &str, entrants: &'e [Entrant]) -> Pairing<'e> {
    let (ours, theirs) = (by_seed(arm, test, entrants), by_seed(against, test, entrants));
    if ours.is_empty() || theirs.is_empty() {
        return Pairing::Nothing;
    }
    let refused = |why: String| Pairing::Refused(format!("`{arm}` is not compared with `{against}`: {why}."));
    let mut seeds = Vec::new();
    for (&seed, &(one, samples)) in &ours {
        let Some(&(other, others)) = theirs.get(&seed) else { continue };
        let executor = |samples: &[SampleRecord]| {
            samples.iter().map(|sample| sample.executor.clone()).collect::<BTreeSet<_>>()
        };
        let (mine, its) = (executor(samples), executor(others));
        if mine != its || mine.len() > 1 {
            let shown = |prints: &BTreeSet<Fingerprint>| {
                prints.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            return refused(format!(
                "with seed {seed} their executors differ ({}; {})",
                shown(&mine),
                shown(&its)
            ));
        }
        if one.verifier != other.verifier {
            return refused(format!("with seed {seed} their answers were judged by different verifiers"));
        }
        let (asked, also) = (questions(samples), questions(others));
        if asked != also {
            let common = asked.iter().filter(|(id, question)| also.get(*id) == Some(question)).count();
            return refused(format!(
                "with seed {seed} their problems differ ({common} are the same, of {} and {})",
                asked.len(),
                also.len()
            ));
        }
        seeds.push((seed, samples, others));
    }
    if seeds.is_empty() {
        return refused("they have no seed in common".to_owned());
    }
    let same = seeds.windows(2).all(|two| questions(two[0].1) == questions(two[1].1));
    let problems = if same && seeds.len() > 1 { Problems::Shared } else { Problems::OfEachSeed };
    Pairing::Made(Paired { seeds, problems })
}

fn contrasts(arm: &str, against: &str, paired: &Paired<'_>, seed: Seed) -> Vec<Contrast> {
    let of = |metric: Metric| {
        let seeds: Vec<Vec<Pair>> =
            paired.seeds.iter().map(|(_, ours, theirs)| pairs(metric, ours, theirs)).collect();
        let mut rng = seed.child("comparison", 0).child(metric.name(), 0).rng();
        let found = over_seeds(&seeds, paired.problems, &mut rng, DRAWS)?;
        Some(Contrast {
            arm: arm.to_owned(),
            against: against.to_owned(),
            metric,
            seeds: paired.seeds.iter().map(|(seed, ..)| *seed).collect(),
            problems: paired.problems,
            found,
            p_adjusted: None,
            discordant: (metric == Metric::Accuracy).then(|| discordant(paired)).flatten(),
        })
    };
    CONTRASTED.into_iter().filter_map(of).collect()
}

/// `None` where nothing is known of both.
fn discordant(paired: &Paired<'_>) -> Option<Discordant> {
    let (_, ours, theirs) = paired.seeds.first()?;
    let first = |samples: &[SampleRecord]| -> BTreeMap<String, bool> {
        let firsts = samples.iter().filter(|sample| sample.seed == 0);
        firsts.filter_map(|sample| Some((sample.problem_id.clone(), sample.correct?))).collect()
    };
    let (ours, theirs) = (first(ours), first(theirs));
    let pairs: Vec<(bool, bool)> =
        ours.iter().filter_map(|(problem, right)| Some((*right, *theirs.get(problem)?))).collect();
    let count = |pair: (bool, bool)| pairs.iter().filter(|other| **other == pair).count();
    let (ahead, behind) = (count((true, false)), count((false, true)));
    (!pairs.is_empty()).then(|| Discordant { ahead, behind, p: mcnemar(ahead, behind) })
}

/// Every problem with what both have of it; where one of them has nothing known, nothing of either.
fn pairs(metric: Metric, ours: &[SampleRecord], theirs: &[SampleRecord]) -> Vec<Pair> {
    let of = |samples: &[SampleRecord]| -> BTreeMap<String, Cluster> {
        let known = clusters(samples.iter().map(|sample| (sample.problem_id.as_str(), metric.of(sample)))).0;
        known.into_iter().map(|(problem, cluster)| (problem.to_owned(), cluster)).collect()
    };
    let (mine, its) = (of(ours), of(theirs));
    let all: BTreeSet<&str> = ours.iter().map(|sample| sample.problem_id.as_str()).collect();
    all.into_iter()
        .map(|problem| match (mine.get(problem), its.get(problem)) {
            (Some(mine), Some(its)) => (*mine, *its),
            _ => (Cluster::default(), Cluster::default()),
        })
        .collect()
}

/// Holm's adjustment, over the comparisons of each metric.
fn adjust(contrasts: &mut [Contrast]) {
    for metric in CONTRASTED {
        let mut those: Vec<&mut Contrast> = contrasts
            .iter_mut()
            .filter(|contrast| contrast.metric == metric && contrast.found.p.is_some())
            .collect();
        let adjusted = holm(&those.iter().filter_map(|contrast| contrast.found.p).collect::<Vec<_>>());
        for (contrast, p) in those.iter_mut().zip(adjusted) {
            contrast.p_adjusted = Some(p);
        }
    }
}
