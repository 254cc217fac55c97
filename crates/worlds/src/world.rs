//! Worlds and their instances.

use crate::flawed::{FlawedTrace, Noise, NoisyTrace};
use crate::report::{Correction, ProcessReport};
use crate::task::Task;
use crate::{programs, steps, words};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use tracelift_domain::{FlawKind, Problem, Question, Seed, Trace};

/// The embedded worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorldName {
    /// Chains of modular operations.
    Steps,
    /// Grade-school word problems over a graph of quantities.
    Words,
    /// List-processing programs, judged by running them.
    Programs,
}

impl WorldName {
    /// All of them.
    pub const ALL: [WorldName; 3] = [WorldName::Steps, WorldName::Words, WorldName::Programs];

    /// As in commands and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WorldName::Steps => "steps",
            WorldName::Words => "words",
            WorldName::Programs => "programs",
        }
    }
}

impl fmt::Display for WorldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no world has.
#[derive(Debug, thiserror::Error)]
#[error("there is no world `{0}`; there are steps, words and programs")]
pub struct UnknownWorld(String);

impl FromStr for WorldName {
    type Err = UnknownWorld;
    fn from_str(name: &str) -> Result<WorldName, UnknownWorld> {
        WorldName::ALL
            .into_iter()
            .find(|world| world.name() == name)
            .ok_or_else(|| UnknownWorld(name.to_owned()))
    }
}

/// Which statement templates are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Those that models are trained on.
    Train,
    /// Those that no model ever saw.
    Test,
}

impl Split {
    /// As in commands and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

/// The highest level of a problem that is drawn again by its name.
const MOST_RECALLED: u32 = 100;

/// A seeded generator of problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    name: WorldName,
    levels: RangeInclusive<u32>,
}

impl World {
    /// A world with its default mix of levels.
    #[must_use]
    pub fn new(name: WorldName) -> World {
        let levels = match name {
            WorldName::Steps => steps::LEVELS,
            WorldName::Words => words::LEVELS,
            WorldName::Programs => programs::LEVELS,
        };
        World { name, levels }
    }

    /// The same world with another mix of levels (at least 1).
    #[must_use]
    pub fn with_levels(self, levels: RangeInclusive<u32>) -> World {
        World { levels: (*levels.start()).max(1)..=(*levels.end()).max(1), ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> WorldName {
        self.name
    }

    /// The levels that are mixed: how many steps a problem needs.
    #[must_use]
    pub fn levels(&self) -> RangeInclusive<u32> {
        self.levels.clone()
    }

    /// The `index`-th instance of a split, of a level drawn from [`World::levels`].
    #[must_use]
    pub fn instance(&self, seed: Seed, split: Split, index: u64) -> Instance {
        let level = seed.child("level", index).child(split.name(), 0).rng().random_range(self.levels.clone());
        self.instance_at(level, seed, split, index)
    }

    /// The `index`-th instance of a split at a level.
    #[must_use]
    pub fn instance_at(&self, level: u32, seed: Seed, split: Split, index: u64) -> Instance {
        let seed = seed.child(self.name.name(), u64::from(level)).child(split.name(), index);
        let task: Arc<dyn Task> = match self.name {
            WorldName::Steps => Arc::new(steps::generate(level, split, seed)),
            WorldName::Words => Arc::new(words::generate(level, split, seed)),
            WorldName::Programs => Arc::new(programs::generate(level, split, seed)),
        };
        let problem = Problem {
            id: format!("{}/{}/{level}/{index:06}", self.name, split.name()),
            question: Question::new(self.name.name(), task.domain(), task.statement()),
            gold: task.gold(),
        };
        Instance { problem, level, split, task }
    }

    /// The instance that a problem's name is of, drawn with a seed; `None` where it is no name of a world's problem. Whether the
    /// problem was drawn with that seed, its statement says.
    #[must_use]
    pub fn recall(problem_id: &str, seed: Seed) -> Option<Instance> {
        let mut parts = problem_id.split('/');
        let name: WorldName = parts.next()?.parse().ok()?;
        let split = match parts.next()? {
            "train" => Split::Train,
            "test" => Split::Test,
            _ => return None,
        };
        let (level, index) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let world = World::new(name);
        // Beyond what worlds draw, levels have no meaning, and a large one would take a large statement.
        let known = parts.next().is_none() && (1..=MOST_RECALLED).contains(&level);
        known.then(|| world.instance_at(level, seed, split, index))
    }

    /// All words that this world's texts use, without the special tokens, each once, in a stable order.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self.name {
            WorldName::Steps => steps::vocabulary(),
            WorldName::Words => words::vocabulary(),
            WorldName::Programs => programs::vocabulary(),
        }
    }
}

/// A problem with everything that is known about it.
#[derive(Clone, Debug)]
pub struct Instance {
    problem: Problem,
    level: u32,
    split: Split,
    task: Arc<dyn Task>,
}

impl Instance {
    /// The problem, as planner, executor and verifier see it.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Its level.
    #[must_use]
    pub fn level(&self) -> u32 {
        self.level
    }

    /// Its split.
    #[must_use]
    pub fn split(&self) -> Split {
        self.split
    }

    /// A flawless trace.
    #[must_use]
    pub fn gold_trace(&self) -> Trace {
        flaw_free(&self.task.gold_trace())
    }

    /// What a flawless executor hands in.
    #[must_use]
    pub fn gold_artifact(&self) -> String {
        self.task.gold_artifact()
    }

    /// A trace with flaws drawn step by step.
    #[must_use]
    pub fn noisy_trace(&self, noise: &Noise, seed: Seed) -> NoisyTrace {
        self.task.noisy_trace(noise, &mut seed.rng())
    }

    /// The gold trace with one flaw of this kind, where it applies.
    #[must_use]
    pub fn flaw(&self, kind: FlawKind, seed: Seed) -> Option<FlawedTrace> {
        self.task.flaw(kind, &mut seed.rng())
    }

    /// Judges each step of a text, exactly.
    #[must_use]
    pub fn check(&self, trace: &str) -> ProcessReport {
        self.task.check(trace)
    }

    /// Where a text first goes wrong, and what belongs there; `None` where it goes wrong nowhere.
    #[must_use]
    pub fn correction(&self, trace: &str) -> Option<Correction> {
        self.task.correction(trace)
    }

    /// What a reader who follows the trace to the letter would hand in, where that can be determined.
    #[must_use]
    pub fn implied(&self, trace: &str) -> Option<String> {
        self.task.implied(trace)
    }
}

fn flaw_free(text: &str) -> Trace {
    // Generators never write an empty trace or a tag; the property tests of each world hold them to it.
    Trace::new(text).expect("a world's gold trace is a trace")
}
