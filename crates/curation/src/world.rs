//! Groups of the embedded worlds: flawed traces made by rules, with exact knowledge of what is wrong and where.
//!
//! What is recorded with each negative (`extra`):
//!
//! | key | value |
//! |---|---|
//! | `flaw_sort` | `spoiling` or `benign`; of several flaws `spoiling` if any is |
//! | `flaw_step` | the step (from 0) of the flaw, of several the first |
//! | `implied` | what a reader who follows the trace would hand in, `null` where that cannot be determined |
//! | `flaws` | only of noisy negatives: every flaw with its `kind`, `sort` (its effect) and `step` |
//!
//! The `metadata` of a group are `world`, `level`, `split`, `instance` and `seed`.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{cmp::Ordering, collections::HashSet, fmt::Display, ops::Range};
use tracelift_domain::{
    Effect, Flaw, FlawKind, Group, Negative, Positive, Rubric, Seed, SettingError, Trace,
};
use tracelift_flaws::{flawless, label, noisy_rubric};
use tracelift_worlds::{FlawedTrace, Instance, Noise, Split, World};

/// The most negatives with a single flaw.
const MOST: usize = 8;
/// The fewest of them.
const FEWEST: usize = 4;
/// The fewest kinds among them.
const FEWEST_KINDS: usize = 3;
/// How often a kind is drawn again in search of the other effect; not every kind has both.
const REDRAWS: u64 = 4;
/// How many noisy traces are drawn for each one wanted; most noise leaves some traces flawless.
const NOISY_DRAWS: u64 = 16;

/// Which flawed traces a group holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorldGroupConfig {
    /// Traces with a single flaw: 4 to 8 of at least 3 kinds. Default: yes.
    pub single: bool,
    /// Traces with flaws drawn step by step, with these chances. Default: none.
    pub noisy: Option<Noise>,
    /// How many of the latter. Fewer come out where the noise is too weak to make so many different ones. Default: 2.
    pub noisy_negatives: usize,
}

impl Default for WorldGroupConfig {
    fn default() -> WorldGroupConfig {
        WorldGroupConfig { single: true, noisy: None, noisy_negatives: 2 }
    }
}

impl WorldGroupConfig {
    /// Checks that these settings make groups.
    ///
    /// # Errors
    /// The first key that is wrong.
    pub fn validate(&self) -> Result<(), SettingError> {
        let wrong = |key: &str, value: &dyn Display, advice: &str| {
            Err(SettingError::new(key, format!("is {value}; {advice}")))
        };
        if let Some(noise) = self.noisy {
            for (key, chance) in [("noisy.spoiling", noise.spoiling), ("noisy.benign", noise.benign)] {
                if !(0.0..=1.0).contains(&chance) {
                    return wrong(key, &chance, "a chance is a number from 0 to 1");
                }
            }
            if noise == Noise::NONE {
                return wrong(
                    "noisy",
                    &"without any flaws",
                    "raise `noisy.spoiling` or `noisy.benign`, or leave it out",
                );
            }
            if self.noisy_negatives == 0 {
                return wrong("noisy_negatives", &0, "ask for at least 1, or leave `noisy` out");
            }
        } else if !self.single {
            return wrong("single", &false, "set it to true or give `noisy`; a group needs flawed traces");
        }
        Ok(())
    }

    /// The group of an instance, or `None` where it has too few different flaws.
    fn group(&self, instance: &Instance, seed: Seed) -> Option<Group> {
        let problem = instance.problem();
        let branch = branch(instance, seed);
        let gold = instance.gold_trace();
        let mut known = HashSet::from([gold.clone()]);
        let mut negative_bank = Vec::new();
        if self.single {
            let flawed = single_flaws(instance, branch);
            let kinds: HashSet<FlawKind> = flawed.iter().map(|flawed| flawed.flaw.kind).collect();
            if flawed.len() < FEWEST || kinds.len() < FEWEST_KINDS {
                return None;
            }
            let steps = needed_steps(instance);
            for flawed in flawed {
                known.insert(flawed.trace.clone());
                negative_bank.push(single_negative(instance, &flawed, steps));
            }
        }
        if let Some(noise) = &self.noisy {
            negative_bank.extend(noisy(instance, noise, branch, self.noisy_negatives, &mut known));
        }
        if negative_bank.is_empty() {
            return None;
        }
        Some(Group {
            problem_id: problem.id.clone(),
            source: problem.question.source.clone(),
            task_type: problem.question.domain,
            problem: problem.question.statement.clone(),
            reference_solution: instance.gold_artifact(),
            positive_pool: vec![Positive {
                reasoning: gold.as_str().to_owned(),
                rubric: flawless().to_map(problem.question.domain),
                extra: Map::new(),
            }],
            negative_bank,
            metadata: object([
                ("world", json!(problem.question.source)),
                ("level", json!(instance.level())),
                ("split", json!(instance.split())),
                ("instance", json!(problem.id)),
                ("seed", json!(seed)),
            ]),
        })
    }
}

/// The groups of the instances `indices` of a split, without those that have too few different flaws. `seed` is that
/// of the world's instances; it and the index say everything about a group, whatever the range.
///
/// # Errors
/// When the settings make no groups.
pub fn world_groups(
    world: &World,
    config: &WorldGroupConfig,
    seed: Seed,
    split: Split,
    indices: Range<u64>,
) -> Result<impl Iterator<Item = Group> + use<>, SettingError> {
    config.validate()?;
    let (world, config) = (world.clone(), config.clone());
    Ok(indices.filter_map(move |index| config.group(&world.instance(seed, split, index), seed)))
}

/// Up to `count` different negatives with at least one flaw each, from traces with flaws drawn step by step. Their
/// kind is that of the first flaw. Fewer come out where the noise is weak.
#[must_use]
pub fn noisy_negatives(instance: &Instance, noise: &Noise, seed: Seed, count: usize) -> Vec<Negative> {
    let mut known = HashSet::from([instance.gold_trace()]);
    noisy(instance, noise, branch(instance, seed), count, &mut known)
}

/// A branch of randomness for each instance, apart from the one that made it.
fn branch(instance: &Instance, seed: Seed) -> Seed {
    seed.child("group", 0).child(&instance.problem().id, 0)
}

fn needed_steps(instance: &Instance) -> usize {
    instance.check(instance.gold_trace().as_str()).expected
}

/// At most [`MOST`] different traces with one flaw: first one of every kind that applies, in a seeded order, of the
/// effect that is rarer so far; then the other effect of kinds that have both.
fn single_flaws(instance: &Instance, seed: Seed) -> Vec<FlawedTrace> {
    // Two kinds may break the same thing in the same words; the first to be chosen keeps it.
    let mut known = HashSet::from([instance.gold_trace()]);
    let mut kinds = FlawKind::of(instance.problem().question.domain).to_vec();
    kinds.shuffle(&mut seed.child("order", 0).rng());
    let mut chosen: Vec<FlawedTrace> = Vec::new();
    let mut spare = Vec::new();
    for kind in kinds {
        let mut forms = forms(instance, kind, seed);
        forms.retain(|form| !known.contains(&form.trace));
        if let Some(form) = take_rarer(&mut forms, &chosen) {
            known.insert(form.trace.clone());
            chosen.push(form);
        }
        spare.extend(forms);
    }
    while chosen.len() < MOST
        && let Some(form) = take_rarer(&mut spare, &chosen)
    {
        if known.insert(form.trace.clone()) {
            chosen.push(form);
        }
    }
    chosen
}

/// Takes the first form of the effect of which fewer are chosen; on a tie, or where there is none, the first of all.
fn take_rarer(forms: &mut Vec<FlawedTrace>, chosen: &[FlawedTrace]) -> Option<FlawedTrace> {
    let spoiling = chosen.iter().filter(|flawed| flawed.flaw.effect == Effect::Spoiling).count();
    let wanted = match spoiling.cmp(&(chosen.len() - spoiling)) {
        Ordering::Less => Some(Effect::Spoiling),
        Ordering::Equal => None,
        Ordering::Greater => Some(Effect::Benign),
    };
    let at = forms.iter().position(|form| Some(form.flaw.effect) == wanted).unwrap_or(0);
    (!forms.is_empty()).then(|| forms.remove(at))
}

/// A flaw of this kind, and one of the other effect if a few more draws find it.
fn forms(instance: &Instance, kind: FlawKind, seed: Seed) -> Vec<FlawedTrace> {
    let mut draws = (0..=REDRAWS).filter_map(|draw| instance.flaw(kind, seed.child(kind.name(), draw)));
    let Some(first) = draws.next() else { return Vec::new() };
    let second = draws.find(|second| second.flaw.effect != first.flaw.effect && second.trace != first.trace);
    std::iter::once(first).chain(second).collect()
}

fn single_negative(instance: &Instance, flawed: &FlawedTrace, steps: usize) -> Negative {
    let extra = object([
        ("flaw_sort", json!(flawed.flaw.effect)),
        ("flaw_step", json!(flawed.flaw.step)),
        ("implied", json!(flawed.implied)),
    ]);
    negative(instance, &flawed.trace, flawed.flaw.kind, &label(&flawed.flaw, steps), extra)
}

/// Draws noisy traces until `count` of them have flaws and are not among the `known`, or the draws are used up.
fn noisy(
    instance: &Instance,
    noise: &Noise,
    seed: Seed,
    count: usize,
    known: &mut HashSet<Trace>,
) -> Vec<Negative> {
    let steps = needed_steps(instance);
    (0..NOISY_DRAWS.saturating_mul(count as u64))
        .filter_map(|draw| {
            let drawn = instance.noisy_trace(noise, seed.child("noisy", draw));
            let first = first(&drawn.flaws)?;
            if !known.insert(drawn.trace.clone()) {
                return None;
            }
            let spoils = drawn.flaws.iter().any(|flaw| flaw.effect == Effect::Spoiling);
            let extra = object([
                ("flaw_sort", json!(if spoils { Effect::Spoiling } else { Effect::Benign })),
                ("flaw_step", json!(first.step)),
                ("implied", json!(drawn.implied)),
                ("flaws", json!(drawn.flaws)),
            ]);
            Some(negative(instance, &drawn.trace, first.kind, &noisy_rubric(&drawn.flaws, steps), extra))
        })
        .take(count)
        .collect()
}

/// The flaw at the earliest step.
fn first(flaws: &[Flaw]) -> Option<&Flaw> {
    flaws.iter().min_by_key(|flaw| flaw.step)
}

fn negative(
    instance: &Instance,
    trace: &Trace,
    kind: FlawKind,
    rubric: &Rubric,
    extra: Map<String, Value>,
) -> Negative {
    Negative {
        reasoning: trace.as_str().to_owned(),
        negative_kind: kind.name().to_owned(),
        rubric: rubric.to_map(instance.problem().question.domain),
        extra,
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests;
