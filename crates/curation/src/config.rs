//! What is built from what.

use crate::{
    gate::GateLimits,
    growth::Recipe,
    llm::{JudgeSection, LlmConfig, RefereeConfig},
};
use serde::{Deserialize, Serialize};
use std::{fmt::Display, path::PathBuf};
use tracelift_datasets::{ColumnMap, DataSet, Format};
use tracelift_domain::{Seed, SettingError, TaskDomain};
use tracelift_verify::ProgramConfig;
use tracelift_worlds::WorldName;

/// A build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildConfig {
    /// The group file to write.
    pub out: PathBuf,
    /// Of everything random. Default: 18.
    #[serde(default = "seed")]
    pub seed: Seed,
    /// How many flawed traces a group should hold. Default: 6.
    #[serde(default = "wanted")]
    pub wanted: usize,
    /// Grow groups even from problems of known test sets. Default: no.
    #[serde(default)]
    pub force_test_sets: bool,
    /// Leave out seeds that overlap with a benchmark, rather than report them only. Default: yes.
    #[serde(default = "yes")]
    pub drop_overlaps: bool,
    /// Run the programs of code groups, whole and broken, on their problems' tests. Default: yes.
    #[serde(default = "yes")]
    pub execute: bool,
    /// How programs are run.
    #[serde(default)]
    pub programs: ProgramConfig,
    /// How strict the gates are.
    #[serde(default)]
    pub gates: GateLimits,
    /// Where problems come from.
    pub seeds: Vec<SeedConfig>,
    /// Test sets with which seeds are compared.
    #[serde(default)]
    pub benchmarks: Vec<BenchmarkConfig>,
    /// A model that writes traces. Default: none, all is by rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm: Option<LlmConfig>,
    /// An executor that confirms the references which the model writes. Default: none, gold answers do; references for
    /// programs are not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<RefereeConfig>,
    /// A model that labels. Default: none, all labels are by construction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSection>,
}

/// A source of problems: exactly one of `path` (with `format` and `columns` if wanted), `groups` and `world`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedConfig {
    /// A file of problems with solutions.
    pub path: Option<PathBuf>,
    /// How it is laid out. Default: as its first row shows.
    pub format: Option<Format>,
    /// The columns of format `columns`.
    pub columns: Option<ColumnMap>,
    /// A group file, whose reference traces are broken anew.
    pub groups: Option<PathBuf>,
    /// An embedded world, which makes problems, traces and flaws itself.
    pub world: Option<WorldName>,
    /// At most so many problems; of a world, 1000 by default.
    pub limit: Option<u64>,
    /// So many groups more of each problem of `path`, told with other numbers. Default: 0.
    #[serde(default, skip_serializing_if = "none")]
    pub variants: usize,
    /// The licence of the source, for the dataset card.
    pub licence: Option<String>,
}

/// A test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkConfig {
    /// What it is called in the report.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// How it is laid out. Default: as its first row shows.
    pub format: Option<Format>,
    /// The columns of format `columns`.
    pub columns: Option<ColumnMap>,
}

fn none(variants: &usize) -> bool {
    *variants == 0
}

fn seed() -> Seed {
    Seed(18)
}

fn wanted() -> usize {
    6
}

fn yes() -> bool {
    true
}

/// More words of a trace, flawed traces of a group and variants of a problem than anybody has a use for.
const MOST_WORDS: usize = 10_000;
const MOST_WANTED: usize = 1000;
const MOST_VARIANTS: usize = 1000;

impl SeedConfig {
    /// Whether it is known to hold programs.
    #[must_use]
    pub fn programs(&self) -> bool {
        match (&self.columns, self.format) {
            (Some(columns), _) => columns.domain == TaskDomain::Code,
            (None, Some(format)) => format.is_code(),
            // What cannot be read now is told when it is to be read.
            (None, None) => self.path.as_ref().is_some_and(|path| {
                DataSet::open(path, None, None).is_ok_and(|data| data.format().is_code())
            }),
        }
    }
}

impl BuildConfig {
    /// Checks that the settings make groups, and what else can be checked without models.
    ///
    /// # Errors
    /// The first key that is wrong.
    pub fn validate(&self) -> Result<(), SettingError> {
        let wrong = |key: &str, value: &dyn Display, advice: &str| {
            Err(SettingError::new(key, format!("is {value}; {advice}")))
        };
        if self.seeds.is_empty() {
            return wrong("seeds", &"empty", "name at least one source as `[[seeds]]`");
        }
        let limits = &self.gates;
        if limits.kinds == 0 || limits.kinds > 7 {
            return wrong("gates.kinds", &limits.kinds, "a domain has 7 kinds; ask for 1 to 7");
        }
        if limits.negatives < limits.kinds {
            return wrong("gates.negatives", &limits.negatives, "ask for at least `gates.kinds`");
        }
        if limits.words > MOST_WORDS {
            return wrong("gates.words", &limits.words, "no trace is that long; ask for at most 10000");
        }
        if self.wanted < limits.negatives {
            return wrong("wanted", &self.wanted, "ask for at least `gates.negatives`");
        }
        if self.wanted > MOST_WANTED {
            return wrong("wanted", &self.wanted, "ask for at most 1000");
        }
        self.programs.validate().map_err(|error| error.under("programs"))?;
        if let Some(llm) = &self.llm {
            llm.validate().map_err(|error| error.under("llm"))?;
        }
        if let Some(judge) = &self.judge {
            judge.validate().map_err(|error| error.under("judge"))?;
        }
        if let Some(executor) = &self.executor {
            executor.validate()?;
            if self.llm.is_none() {
                let advice = "it confirms what a model writes; name that model in `[llm.oracle]`";
                return wrong("executor", &"alone", advice);
            }
        }
        for (at, seeds) in self.seeds.iter().enumerate() {
            let key = |name: &str| format!("seeds[{at}]{name}");
            let given = [seeds.path.is_some(), seeds.groups.is_some(), seeds.world.is_some()];
            if given.iter().filter(|given| **given).count() != 1 {
                return wrong(&key(""), &"unclear", "give each exactly one of `path`, `groups`, `world`");
            }
            if seeds.limit == Some(0) {
                return wrong(&key(".limit"), &0, "ask for at least 1, or leave it out to take all");
            }
            if seeds.variants > 0 && (seeds.path.is_none() || seeds.programs()) {
                let advice = "worked solutions of `path` can be told with other numbers, nothing else";
                return wrong(&key(".variants"), &seeds.variants, advice);
            }
            if seeds.variants > MOST_VARIANTS {
                return wrong(&key(".variants"), &seeds.variants, "ask for at most 1000");
            }
            if seeds.path.is_none() && (seeds.format.is_some() || seeds.columns.is_some()) {
                let (name, given) =
                    seeds.format.map_or((".columns", "given"), |format| (".format", format.name()));
                return wrong(&key(name), &given, "only `path` has a `format` or `columns`");
            }
        }
        Ok(())
    }

    /// What groups should hold.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        Recipe { wanted: self.wanted, limits: self.gates }
    }
}
