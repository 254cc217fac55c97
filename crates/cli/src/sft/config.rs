//! What `sft` is told: one TOML file.

use crate::config::{ConfigArgs, DataConfig, Origin, assignment, out_folder, read_as};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tracelift_domain::{Probability, Seed, SettingError};
use tracelift_planner::PlannerConfig;
use tracelift_train::sft::CourseConfig;

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SftConfig {
    /// The run's folder.
    pub out: PathBuf,
    /// Of what is held out, the order of the examples, and fresh adapters.
    #[serde(default = "default_seed")]
    pub seed: Seed,
    /// Train even on problems of known test sets, which are left out otherwise: to measure what that does.
    #[serde(default)]
    pub force_test_sets: bool,
    /// The planner that learns, and how it is asked.
    pub planner: PlannerConfig,
    /// Where problems are looked up by their ids: a problem says more than its statement (a function's name, tests shown).
    pub data: Option<DataConfig>,
    /// Where examples come from.
    #[serde(default)]
    pub examples: Vec<ExamplesConfig>,
    /// What is held out.
    #[serde(default)]
    pub held_out: HeldOutConfig,
    /// How the planner is trained.
    #[serde(default)]
    pub sft: CourseConfig,
}

fn default_seed() -> Seed {
    Seed(18)
}

/// Where examples come from; exactly one of `groups`, `run`, `samples` and `path`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExamplesConfig {
    /// A file of groups: their reference traces.
    pub groups: Option<PathBuf>,
    /// The folder of a run: rollouts whose trace is usable and led the executor to a right answer.
    pub run: Option<PathBuf>,
    /// The `samples.jsonl` of an evaluation: the same.
    pub samples: Option<PathBuf>,
    /// A file with `prompt` and `completion`, or `messages`.
    pub path: Option<PathBuf>,
    /// Traces of a problem at most, those with the greatest `w` first. Default 4.
    pub at_most: Option<usize>,
    /// Take traces that state the answer, too. Default: yes.
    pub leaks: Option<bool>,
    /// So many examples at most.
    pub limit: Option<usize>,
}

/// What is held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HeldOutConfig {
    /// Share of the problems.
    pub share: Probability,
}

impl Default for HeldOutConfig {
    fn default() -> HeldOutConfig {
        HeldOutConfig { share: Probability::new(0.05).unwrap_or(Probability::ZERO) }
    }
}

/// One of the places that examples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From<'c> {
    Groups(&'c PathBuf),
    Run(&'c PathBuf),
    Samples(&'c PathBuf),
    Lines(&'c PathBuf),
}

impl ExamplesConfig {
    /// Which it is.
    ///
    /// # Errors
    /// Where it is none, or several.
    pub fn from(&self) -> Result<From<'_>, SettingError> {
        let given = [
            self.groups.as_ref().map(From::Groups),
            self.run.as_ref().map(From::Run),
            self.samples.as_ref().map(From::Samples),
            self.path.as_ref().map(From::Lines),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(from), None) => Ok(from),
            _ => {
                let fault = "needs exactly one of `groups`, `run`, `samples` and `path`";
                Err(SettingError::new("examples", fault))
            }
        }
    }

    /// Keys are counted from one of the examples.
    fn check(&self) -> Result<(), SettingError> {
        for (key, value) in [("at_most", self.at_most), ("limit", self.limit)] {
            if value == Some(0) {
                return Err(SettingError::value(key, 0, "at least 1, or nothing"));
            }
        }
        if self.path.is_some() {
            for (key, given) in [("at_most", self.at_most.is_some()), ("leaks", self.leaks.is_some())] {
                if given {
                    let fault = "says something of traces; what `path` holds is taken as it is";
                    return Err(SettingError::new(key, fault));
                }
            }
        }
        Ok(())
    }
}

impl SftConfig {
    /// Reads the file, with what the command line sets.
    ///
    /// # Errors
    /// Names the file and the key; for an unknown key, the nearest known one.
    pub fn read(args: &ConfigArgs) -> Result<(SftConfig, Origin)> {
        let set = args.set.iter().map(|set| assignment(set)).collect::<Result<Vec<_>>>()?;
        let (config, origin): (SftConfig, Origin) = read_as(Some(&args.config), &set, &[])?;
        config.check().map_err(|error| origin.refuse(&error))?;
        Ok((config, origin))
    }

    fn check(&self) -> Result<(), SettingError> {
        out_folder("out", &self.out)?;
        self.planner.validate()?;
        self.sft.validate()?;
        if self.examples.is_empty() {
            let fault =
                "is missing; name where they come from, as in `[[examples]]` and `groups = \"groups.jsonl\"`";
            return Err(SettingError::new("examples", fault));
        }
        if let Some(data) = &self.data {
            data.validate_looked_at().map_err(|error| error.under("data"))?;
        }
        if self.held_out.share.get() >= 1.0 {
            let fault = "is 1, which leaves nothing to train on; expected less";
            return Err(SettingError::new("held_out.share", fault));
        }
        for (at, examples) in self.examples.iter().enumerate() {
            let section = format!("examples[{at}]");
            examples.from().map_err(|error| error.renamed(&section))?;
            examples.check().map_err(|error| error.under(&section))?;
        }
        Ok(())
    }
}
