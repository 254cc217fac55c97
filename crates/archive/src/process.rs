//! What the exact checkers of worlds say of a trace, line by line.
//!
//! Files keep whether a trace is verified, and not why not. The problem of a world is drawn again by its name and its seed, and it is
//! that problem if its statement is the recorded one to the letter; then its checker judges the trace as it did before.

use serde_json::Value as Json;
use std::{fs, path::Path};
use toml::{Table, Value};
use tracelift_domain::Seed;
use tracelift_worlds::{Correction, Instance, World, steps};

/// What problems are drawn for: from which children of a seed.
const PURPOSES: [&str; 3] = ["problems", "test", "look"];
/// How far above a folder it is looked for what its seed is.
const ABOVE: usize = 6;

/// A trace, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its steps.
    pub steps: Vec<String>,
    /// The first that is wrong, missing or superfluous; it lies behind the last where something is missing at the end.
    pub first_flaw: Option<usize>,
    /// What belongs there; `None` where nothing does.
    pub expected: Option<String>,
    /// Whether the trace gives the answer away.
    pub leaks: bool,
    /// Whether all of it is right.
    pub verified: bool,
    /// How difficult the problem is.
    pub level: u32,
}

/// Judges a trace about a problem of a world; `None` where it is none, or cannot be drawn again.
#[must_use]
pub fn marks(seeds: &[Seed], problem_id: &str, question: &str, trace: &str) -> Option<Process> {
    let instance = recall(seeds, problem_id, question)?;
    let report = instance.check(trace);
    let correction = instance.correction(trace);
    Some(Process {
        steps: steps(trace),
        first_flaw: correction.as_ref().map(|Correction { step, .. }| *step),
        expected: correction.and_then(|correction| correction.expected),
        leaks: report.leaks,
        verified: report.verified(),
        level: instance.level(),
    })
}

fn recall(seeds: &[Seed], problem_id: &str, question: &str) -> Option<Instance> {
    let drawn = seeds.iter().filter_map(|seed| World::recall(problem_id, *seed));
    drawn.into_iter().find(|instance| instance.problem().question.statement == question)
}

/// The seeds from which problems in a folder may have been drawn: those that it and the folders above it name.
pub(crate) fn seeds(folder: &Path) -> Vec<Seed> {
    let mut found = Vec::new();
    for folder in folder.ancestors().take(ABOVE) {
        let toml = |name: &str| -> Option<u64> {
            let table: Table = fs::read_to_string(folder.join(name)).ok()?.parse().ok()?;
            u64::try_from(table.get("seed").and_then(Value::as_integer)?).ok()
        };
        let json = |name: &str| -> Option<u64> {
            let found: Json = serde_json::from_slice(&fs::read(folder.join(name)).ok()?).ok()?;
            found.get("seed")?.as_u64()
        };
        found.extend(toml("config.toml"));
        found.extend(json("plan.json"));
        found.extend(json("run.json"));
    }
    found.dedup();
    let own = found.iter().map(|seed| Seed(*seed));
    own.clone().flat_map(|seed| PURPOSES.map(|purpose| seed.child(purpose, 0))).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_worlds::{Noise, Split, WorldName};

    #[test]
    fn a_trace_is_judged_as_it_was_and_only_about_its_own_problem() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::write(run.join("config.toml"), "seed = 11\n").unwrap();
        let seeds = seeds(&run);
        for name in WorldName::ALL {
            let instance = World::new(name).instance(Seed(11).child("problems", 0), Split::Train, 5);
            let noisy = instance.noisy_trace(&Noise { spoiling: 0.9, benign: 0.0 }, Seed(1));
            let (problem, trace) = (instance.problem(), noisy.trace.as_str());
            let process = marks(&seeds, &problem.id, &problem.question.statement, trace).unwrap();
            let report = instance.check(trace);
            assert_eq!((process.first_flaw, process.verified), (report.first_flaw, report.verified()));
            assert_eq!(process.level, instance.level());
            let other = problem.question.statement.clone() + " ?";
            assert_eq!(marks(&seeds, &problem.id, &other, trace), None, "another problem of that name");
            assert_eq!(marks(&[Seed(11)], &problem.id, &problem.question.statement, trace), None);
        }
        assert_eq!(marks(&seeds, "gsm8k/train/1", "How many?", "1"), None);
    }
}
