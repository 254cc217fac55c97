//! What is built from what.

use crate::{
    error::SettingError,
    gate::GateLimits,
    growth::Recipe,
    llm::{JudgeSection, LlmConfig, RefereeConfig},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tracelift_datasets::{ColumnMap, DataSet, Format};
use tracelift_domain::{Seed, TaskDomain};
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
    /// Checks that the settings make groups.
    ///
    /// # Errors
    /// The first key that is wrong.
    pub fn validate(&self) -> Result<(), SettingError> {
        let wrong = |key, value: String, advice| Err(SettingError { key, value, advice });
        if self.seeds.is_empty() {
            return wrong("seeds", "empty".into(), "name at least one source as `[[seeds]]`");
        }
        let limits = &self.gates;
        if limits.kinds == 0 || limits.kinds > 7 {
            return wrong("gates.kinds", limits.kinds.to_string(), "a domain has 7 kinds; ask for 1 to 7");
        }
        if limits.negatives < limits.kinds {
            return wrong("gates.negatives", limits.negatives.to_string(), "ask for at least `gates.kinds`");
        }
        if self.wanted < limits.negatives {
            return wrong("wanted", self.wanted.to_string(), "ask for at least `gates.negatives`");
        }
        if let Some(executor) = &self.executor {
            if executor.validate().is_err() {
                let advice = "give it exactly one of `in_process` and `openai`";
                return wrong("executor", "unclear".into(), advice);
            }
            if self.llm.is_none() {
                let advice = "it confirms what a model writes; name that model in `[llm.oracle]`";
                return wrong("executor", "alone".into(), advice);
            }
        }
        for seeds in &self.seeds {
            let given = [seeds.path.is_some(), seeds.groups.is_some(), seeds.world.is_some()];
            if given.iter().filter(|given| **given).count() != 1 {
                return wrong(
                    "seeds",
                    "unclear".into(),
                    "give each exactly one of `path`, `groups`, `world`",
                );
            }
            if seeds.variants > 0 && (seeds.path.is_none() || seeds.programs()) {
                let advice = "worked solutions of `path` can be told with other numbers, nothing else";
                return wrong("seeds.variants", seeds.variants.to_string(), advice);
            }
            if seeds.path.is_none() && (seeds.format.is_some() || seeds.columns.is_some()) {
                let given = seeds.format.map_or("columns", Format::name);
                return wrong("seeds.format", given.into(), "only `path` has a `format` or `columns`");
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
