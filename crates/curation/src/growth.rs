//! One seed, one group: propose, gate, choose, label.

use crate::{
    gate::{GateLimits, GateReason, gate, gate_trace, words},
    llm::{Goal, Help, LlmCounts, Seedling},
    report::BuildReport,
    trial::{Trial, Trials, Tried},
};
use rand::seq::SliceRandom;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use tracelift_domain::{Effect, FlawKind, Gold, Group, Positive, Seed, TaskDomain};
use tracelift_flaws::{FlawSource, Proposal, SeedProblem, code, flawless, math};
use tracelift_oracle::Failure;

/// What a group should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// How many flawed traces are wanted.
    pub wanted: usize,
    /// What they must meet.
    pub limits: GateLimits,
}

/// Why a seed makes no group: a name under which it is counted.
pub type Skip = &'static str;

/// A group, or why there is none, and what the gates refused on the way.
#[derive(Clone, Debug, Default)]
pub struct Grown {
    /// The group.
    pub group: Option<Group>,
    /// Why there is none.
    pub skip: Option<Skip>,
    /// Refused proposals, by gate.
    pub refused: BTreeMap<&'static str, u64>,
    /// Kinds whose rule did not apply.
    pub inapplicable: Vec<&'static str>,
    /// Programs that were run on tests, by what they are and what came of it.
    pub trials: BTreeMap<&'static str, u64>,
    /// What models did for it.
    pub llm: LlmCounts,
}

impl Grown {
    pub(crate) fn skip(reason: Skip) -> Grown {
        Grown { skip: Some(reason), ..Grown::default() }
    }

    /// Adds to a build's counts.
    pub fn count(&self, report: &mut BuildReport) {
        for (gate, count) in &self.refused {
            *report.refused.entry((*gate).to_owned()).or_default() += count;
        }
        for kind in &self.inapplicable {
            *report.inapplicable.entry((*kind).to_owned()).or_default() += 1;
        }
        for (what, count) in &self.trials {
            *report.trials.entry((*what).to_owned()).or_default() += count;
        }
        if let Some(skip) = self.skip {
            *report.skipped.entry(skip.to_owned()).or_default() += 1;
        }
        if self.llm != LlmCounts::default() {
            report.llm.get_or_insert_default().merge(&self.llm);
        }
        if let Some(group) = &self.group {
            report.groups += 1;
            report.variants += u64::from(group.is_variant());
            *report.sources.entry(group.source.clone()).or_default() += 1;
            for negative in &group.negative_bank {
                report.negatives += 1;
                *report.kinds.entry(negative.negative_kind.clone()).or_default() += 1;
            }
        }
    }
}

/// How many forms of a kind are tried.
const FORMS: usize = 3;
/// As [`FORMS`], of programs, of whose mutants some pass all tests.
const PROGRAM_FORMS: usize = 8;

/// Grows a group by rules alone; programs are tried out if there is a place for that.
#[must_use]
pub fn grow(seed: &SeedProblem, recipe: &Recipe, root: Seed, trials: Option<&Trials>) -> Grown {
    match seedling(seed, root) {
        Ok((seedling, inapplicable)) => {
            Grown { inapplicable, ..assemble_preferred(seed, seedling, recipe, root, trials) }
        }
        Err(skip) => Grown::skip(skip),
    }
}

/// Grows a group by rules and models.
///
/// # Errors
/// A failure that may pass: the group is to be grown later.
pub fn grow_with(
    help: &Help,
    seed: &SeedProblem,
    recipe: &Recipe,
    root: Seed,
    trials: Option<&Trials>,
) -> Result<Grown, Failure> {
    let mut llm = LlmCounts::default();
    let (drafted, inapplicable) = match seedling(seed, root) {
        Ok((seedling, inapplicable)) => (Ok(seedling), inapplicable),
        Err(skip) => (Err(skip), Vec::new()),
    };
    let goal = Goal { wanted: recipe.wanted, limits: recipe.limits, seed: branch(seed, root) };
    let mut grown = match help.complete(seed, drafted, &goal, &mut llm)? {
        Ok(seedling) => assemble_preferred(seed, seedling, recipe, root, trials),
        Err(skip) => Grown::skip(skip),
    };
    if let Some(group) = grown.group.take() {
        grown.group = help.label(group, &recipe.limits, &mut llm)?;
        grown.skip = grown.group.is_none().then_some(GateReason::TooFewNegatives.name());
    }
    Ok(Grown { inapplicable, llm, ..grown })
}

/// The seed of everything random in a group.
fn branch(seed: &SeedProblem, root: Seed) -> Seed {
    root.child("build", 0).child(&seed.problem.id, 0)
}

/// What rules make of a seed before anything is chosen, and the kinds whose rule did not apply.
///
/// # Errors
/// Why the seed's solution makes no reference trace.
pub fn seedling(seed: &SeedProblem, root: Seed) -> Result<(Seedling, Vec<&'static str>), Skip> {
    let branch = branch(seed, root);
    let statement = &seed.problem.question.statement;
    let source = seed.trace.as_deref().unwrap_or(&seed.reference_solution);
    let (positive, mut proposals): (String, Vec<Vec<Proposal>>) = match seed.problem.question.domain {
        TaskDomain::Math | TaskDomain::Steps => {
            let Gold::Answer(gold) = &seed.problem.gold else { return Err("gold_is_no_answer") };
            let derivation = match math::Derivation::read(statement, source, gold) {
                Ok(derivation) => derivation,
                Err(unusable) => return Err(unusable.name()),
            };
            let proposals = |kind: &FlawKind| {
                math::proposals(&derivation, statement, *kind, branch.child(kind.name(), 0), FORMS)
            };
            (derivation.text.clone(), seed.kinds().iter().map(proposals).collect())
        }
        TaskDomain::Code => {
            let broken = match code::Broken::read(seed) {
                Ok(broken) => broken,
                Err(unusable) => return Err(unusable.name()),
            };
            let proposals =
                |kind: &FlawKind| broken.proposals(*kind, branch.child(kind.name(), 0), PROGRAM_FORMS);
            (broken.outline.text(), seed.kinds().iter().map(proposals).collect())
        }
    };
    let inapplicable = seed
        .kinds()
        .iter()
        .zip(&proposals)
        .filter(|(_, forms)| forms.is_empty())
        .map(|(kind, _)| kind.name())
        .collect();
    proposals.shuffle(&mut branch.child("kinds", 0).rng());
    Ok((Seedling { positive, blocks: proposals }, inapplicable))
}

/// Makes a group without what is a rule's last resort, or with it where too little is left otherwise.
fn assemble_preferred(
    seed: &SeedProblem,
    seedling: Seedling,
    recipe: &Recipe,
    root: Seed,
    trials: Option<&Trials>,
) -> Grown {
    let Seedling { positive, blocks } = seedling;
    let programs = blocks.iter().flatten().any(|proposal| proposal.program.is_some());
    match trials.filter(|_| programs) {
        None => assemble_from(seed, &positive, blocks, recipe, root, None),
        Some(trials) => {
            let (canonical, trial) = trials.of(&seed.problem, &seed.reference_solution);
            let mut grown = assemble_from(seed, &positive, blocks, recipe, root, trial.as_ref());
            let what = match canonical {
                Tried::Passed => "references that pass",
                Tried::Failed => "references that fail",
                Tried::Unknown => "references of which nothing is known",
            };
            grown.trials.insert(what, 1);
            grown
        }
    }
}

/// As [`assemble`], without last resorts or, if need be, with them.
fn assemble_from(
    seed: &SeedProblem,
    positive: &str,
    blocks: Vec<Vec<Proposal>>,
    recipe: &Recipe,
    root: Seed,
    trial: Option<&Trial<'_>>,
) -> Grown {
    let resort = |proposal: &Proposal| match &proposal.flaw.source {
        FlawSource::Rule { rule } => math::last_resort(rule),
        FlawSource::Llm { .. } => false,
    };
    let preferred: Vec<Vec<Proposal>> = blocks
        .iter()
        .map(|block| block.iter().filter(|proposal| !resort(proposal)).cloned().collect())
        .collect();
    if preferred == blocks {
        return assemble(seed, positive, blocks, recipe, root, trial);
    }
    let grown = assemble(seed, positive, preferred, recipe, root, trial);
    if grown.skip == Some(GateReason::TooFewNegatives.name()) {
        return assemble(seed, positive, blocks, recipe, root, trial);
    }
    grown
}

/// Makes a group of a reference trace and proposals. These come in blocks, one for each kind, the preferred first: a
/// proposal of each block is taken before any block gives a second one.
#[must_use]
pub fn assemble(
    seed: &SeedProblem,
    positive: &str,
    blocks: Vec<Vec<Proposal>>,
    recipe: &Recipe,
    root: Seed,
    trial: Option<&Trial<'_>>,
) -> Grown {
    if let Err(reason) = gate_trace(seed, positive, &recipe.limits) {
        let mut grown = Grown::skip("reference_refused");
        grown.refused.insert(reason.name(), 1);
        return grown;
    }
    let mut refused: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut trials: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut known: HashSet<Vec<String>> = HashSet::from([words(positive)]);
    let mut chosen: Vec<Proposal> = Vec::new();
    let mut blocks: Vec<_> = blocks.into_iter().map(Vec::into_iter).collect();
    let mut left = true;
    while left && chosen.len() < recipe.wanted {
        left = false;
        for block in &mut blocks {
            if chosen.len() == recipe.wanted {
                break;
            }
            for mut proposal in block.by_ref() {
                left = true;
                let verdict = gate(seed, positive, &proposal, &recipe.limits).and_then(|()| {
                    if !known.insert(words(&proposal.reasoning)) {
                        return Err(GateReason::DuplicateInGroup);
                    }
                    try_out(trial, &mut proposal, &mut trials)
                });
                match verdict {
                    Ok(()) => {
                        chosen.push(proposal);
                        break;
                    }
                    Err(reason) => *refused.entry(reason.name()).or_default() += 1,
                }
            }
        }
    }
    let kinds: BTreeSet<FlawKind> = chosen.iter().map(|proposal| proposal.flaw.kind).collect();
    if chosen.len() < recipe.limits.negatives || kinds.len() < recipe.limits.kinds {
        return Grown { skip: Some(GateReason::TooFewNegatives.name()), refused, trials, ..Grown::default() };
    }
    chosen.sort_by_key(|proposal| proposal.flaw.kind);
    let domain = seed.problem.question.domain;
    let mut metadata: Map<String, Value> = seed.origin.clone();
    metadata.insert("seed".to_owned(), json!(root));
    match &seed.problem.gold {
        Gold::Answer(answer) => metadata.insert("answer".to_owned(), json!(answer)),
        Gold::Tests(tests) if tests.is_empty() => None,
        Gold::Tests(tests) => metadata.insert("tests".to_owned(), json!(tests)),
        Gold::Function(tests) => metadata.insert("tests".to_owned(), json!(tests)),
    };
    let group = Group {
        problem_id: seed.problem.id.clone(),
        source: seed.problem.question.source.clone(),
        task_type: domain,
        problem: seed.problem.question.statement.clone(),
        reference_solution: seed.reference_solution.clone(),
        positive_pool: vec![Positive {
            reasoning: positive.to_owned(),
            rubric: flawless().to_map(domain),
            extra: Map::new(),
        }],
        negative_bank: chosen.into_iter().map(|proposal| proposal.into_negative(domain)).collect(),
        metadata,
    };
    Grown { group: Some(group), refused, trials, ..Grown::default() }
}

/// Runs the program that a flawed trace tells: whether the flaw spoils it is known then, and one that passes all tests is
/// no flaw that anybody could show.
fn try_out(
    trial: Option<&Trial<'_>>,
    proposal: &mut Proposal,
    counts: &mut BTreeMap<&'static str, u64>,
) -> Result<(), GateReason> {
    let (Some(trial), Some(program)) = (trial, &proposal.program) else { return Ok(()) };
    let tried = trial.run(program);
    let what = match tried {
        Tried::Passed => "flawed programs that pass",
        Tried::Failed => "flawed programs that fail",
        Tried::Unknown => "flawed programs of which nothing is known",
    };
    *counts.entry(what).or_default() += 1;
    match tried {
        Tried::Passed => return Err(GateReason::ChangesNothing),
        Tried::Failed => proposal.flaw.effect = Some(Effect::Spoiling),
        Tried::Unknown => {}
    }
    Ok(())
}
