//! One TOML file says what a run is: data, planner, executor, verifier, reward, training, evaluation.

pub(crate) mod evaluation;
mod reading;
mod renamed;

pub use evaluation::{BenchmarkConfig, EvalConfig, FileConfig};
pub(crate) use reading::{Assignment, Origin, assignment, place, read_as};

use crate::preflight::PreflightConfig;
use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use tracelift_datasets::{ColumnMap, Format};
use tracelift_domain::{Seed, SettingError};
use tracelift_eval::Metric;
use tracelift_executor::ExecutorConfig;
use tracelift_planner::PlannerConfig;
use tracelift_reward::config::MOST_RUNS;
use tracelift_reward::{RewardConfig, RubricConfig};
use tracelift_train::grpo::{GrpoConfig, Overlong, Punishment};
use tracelift_verify::VerifierConfig;
use tracelift_worlds::WorldName;

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The run's folder.
    pub out: PathBuf,
    /// Of everything random.
    #[serde(default = "default_seed")]
    pub seed: Seed,
    /// Problems to train on.
    pub data: Option<DataConfig>,
    /// The planner that learns.
    pub planner: PlannerConfig,
    /// The frozen executor.
    pub executor: ExecutorConfig,
    /// How artifacts are judged.
    #[serde(default)]
    pub verifier: VerifierConfig,
    /// Who reads traces against the rubric.
    pub rubric: Option<RubricConfig>,
    /// How rewards are made.
    #[serde(default)]
    pub reward: RewardConfig,
    /// How the planner is trained.
    #[serde(default)]
    pub grpo: GrpoConfig,
    /// The look at a few problems before the first step.
    #[serde(default)]
    pub preflight: PreflightConfig,
    /// Watching the training on problems that it does not see.
    pub dev: Option<DevConfig>,
    /// How planners are evaluated.
    pub eval: Option<EvalConfig>,
}

fn default_seed() -> Seed {
    Seed(18)
}

/// Where problems come from; exactly one of `path` and `world`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// A file of problems.
    pub path: Option<PathBuf>,
    /// How it is laid out. Default: as its first row shows.
    pub format: Option<Format>,
    /// Which column holds what, in a file of another layout.
    pub columns: Option<ColumnMap>,
    /// An embedded world: its training templates in `[data]`, its test templates in `[eval.data]`.
    pub world: Option<WorldName>,
    /// How many problems; for files the first so many, default all; for worlds default 2000.
    pub limit: Option<usize>,
    /// How often training goes through all of them, in place of `grpo.steps`. In `[data]` alone.
    pub epochs: Option<u64>,
    /// Whether training goes through them in an order of its own every time. Default: for files yes, for worlds, whose problems
    /// are drawn independently, no. In `[data]` alone.
    pub shuffle: Option<bool>,
    /// Train even on problems of known test sets, which are left out otherwise: to measure what that does.
    #[serde(default)]
    pub force_test_sets: bool,
}

/// Watching a training: the planner is looked at every few steps on problems that it is not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevConfig {
    /// The problems. Of a world: templates of training, problems of nobody's, by default 200.
    pub data: DataConfig,
    /// Steps between looks.
    #[serde(default = "default_every")]
    pub every: u64,
    /// Traces per problem.
    #[serde(default = "one")]
    pub seeds: u64,
    /// Executor runs behind `w` and `b`.
    #[serde(default = "one")]
    pub runs: usize,
    /// By what the best planner is told, which is kept.
    #[serde(default)]
    pub best_by: BestBy,
}

/// By what a planner is the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BestBy {
    /// The share of right answers.
    #[default]
    Accuracy,
    /// The share of right answers with right traces, where an exact checker tells.
    VerifiedAccuracy,
    /// What traces add to the executor's success.
    Uplift,
}

impl BestBy {
    /// The metric of evaluations.
    #[must_use]
    pub fn metric(self) -> Metric {
        match self {
            BestBy::Accuracy => Metric::Accuracy,
            BestBy::VerifiedAccuracy => Metric::VerifiedAccuracy,
            BestBy::Uplift => Metric::Uplift,
        }
    }
}

fn default_every() -> u64 {
    20
}

fn one<T: From<u8>>() -> T {
    T::from(1)
}

/// Where a configuration comes from.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// The TOML file that says what the run is.
    #[arg(long)]
    pub config: PathBuf,
    /// Replace a key of the file: `--set grpo.steps=100`. May be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Reads a configuration, and where its settings stand.
///
/// # Errors
/// Names the file and the line, or the argument, and the key.
pub fn read(args: &ConfigArgs) -> Result<(RunConfig, Origin)> {
    let set = args.set.iter().map(|set| assignment(set)).collect::<Result<Vec<_>>>()?;
    read_with(Some(&args.config), &set)
}

/// [`read`] of a file, if there is one, with keys set or left out.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_with(path: Option<&Path>, set: &[Assignment]) -> Result<(RunConfig, Origin)> {
    let (config, origin): (RunConfig, Origin) = read_as(path, set, &renamed::OF_RUNS)?;
    config.validate().map_err(|error| origin.refuse(&error))?;
    Ok((config, origin))
}

/// The most traces per problem and row.
const MOST_SEEDS: u64 = 10_000;

impl RunConfig {
    /// Checks all that can be checked without a model, a server or data.
    fn validate(&self) -> Result<(), SettingError> {
        out_folder("out", &self.out)?;
        self.planner.validate()?;
        self.executor.validate()?;
        self.verifier.validate().map_err(|error| error.under("verifier"))?;
        self.reward.validate()?;
        self.rubric.as_ref().map_or(Ok(()), RubricConfig::validate)?;
        self.grpo.validate()?;
        if let Overlong::Punish(Punishment { cache, .. }) = self.grpo.overlong
            && cache > self.planner.sampling.max_tokens
        {
            let expected = "at most `planner.sampling.max_tokens`, of which it is the last part";
            return Err(SettingError::value("grpo.overlong.punish.cache", cache, expected));
        }
        self.preflight.validate()?;
        if let Some(data) = &self.data {
            data.validate().map_err(|error| error.under("data"))?;
        }
        if let Some(dev) = &self.dev {
            let every = ("every", dev.every >= 1, dev.every.to_string(), "at least 1");
            SettingError::first([every].into_iter().chain(extent(dev.seeds, dev.runs)))
                .and_then(|()| dev.data.validate_looked_at().map_err(|error| error.under("data")))
                .map_err(|error| error.under("dev"))?;
        }
        self.eval.as_ref().map_or(Ok(()), |eval| eval.validate().map_err(|error| error.under("eval")))
    }
}

/// How much is measured.
fn extent(seeds: u64, runs: usize) -> [(&'static str, bool, String, &'static str); 2] {
    [
        ("seeds", (1..=MOST_SEEDS).contains(&seeds), seeds.to_string(), "from 1 to 10000"),
        ("runs", (1..=MOST_RUNS).contains(&runs), runs.to_string(), "from 1 to 1000"),
    ]
}

/// Whether a folder can be where a setting says.
///
/// # Errors
/// When it is no name, or one of something else.
pub(crate) fn out_folder(key: &str, path: &Path) -> Result<(), SettingError> {
    if path.as_os_str().is_empty() {
        return Err(SettingError::new(key, "is empty; name a folder"));
    }
    tracelift_files::check_folder(path).map_err(|error| SettingError::new(key, format!(": {error}")))
}

impl DataConfig {
    fn validate(&self) -> Result<(), SettingError> {
        if self.path.is_some() == self.world.is_some() {
            let fault = match self.path {
                Some(_) => "stands beside `world`; give exactly one of the two",
                None => "is missing, as is `world`; give exactly one of the two",
            };
            return Err(SettingError::new("path", fault));
        }
        let kind = self.path.as_ref().and_then(|path| path.metadata().ok()).map(|found| found.file_type());
        if kind.is_some_and(|kind| kind.is_dir() || kind.is_char_device() || kind.is_block_device()) {
            return Err(SettingError::new("path", "is a folder or a device; name a file of problems"));
        }
        for (key, given) in [("format", self.format.is_some()), ("columns", self.columns.is_some())] {
            if given && self.path.is_none() {
                return Err(SettingError::new(
                    key,
                    "says how the file of `path` is laid out; a world has none",
                ));
            }
        }
        if self.world.is_some() && self.shuffle == Some(true) && self.limit.unwrap_or(0) > MOST_SHUFFLED {
            let fault = "of more than ten million problems of a world takes their order into memory in every step; leave it out, as they are \
                         drawn independently, or lower `limit`";
            return Err(SettingError::new("shuffle", fault));
        }
        let epochs = (1..=MOST_EPOCHS).contains(&self.epochs.unwrap_or(1));
        let limit = (1..=MOST_PROBLEMS).contains(&self.limit.unwrap_or(1));
        let expected = "from 1 to a thousand million, or nothing to take all";
        SettingError::first([
            ("limit", limit, self.limit.unwrap_or(0).to_string(), expected),
            ("epochs", epochs, self.epochs.unwrap_or(0).to_string(), "from 1 to a million"),
        ])
    }

    /// [`DataConfig::validate`] of problems that nobody goes through more than once.
    pub(crate) fn validate_looked_at(&self) -> Result<(), SettingError> {
        for (key, said) in [("epochs", self.epochs.is_some()), ("shuffle", self.shuffle.is_some())] {
            if said {
                return Err(SettingError::new(
                    key,
                    "says how `train` goes through the problems of `[data]`; leave it out here",
                ));
            }
        }
        self.validate()
    }
}

/// The most problems of a world whose order is made.
const MOST_SHUFFLED: usize = 10_000_000;

/// More often than anybody goes through anything.
const MOST_EPOCHS: u64 = 1_000_000;

/// More problems than any file has.
const MOST_PROBLEMS: usize = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_prompt::PlannerPromptConfig;

    fn write(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn read(path: &Path) -> Result<RunConfig> {
        super::read(&ConfigArgs { config: path.to_owned(), set: Vec::new() }).map(|(config, _)| config)
    }

    const GOOD: &str = r#"
        out = "runs/x"
        [planner]
        model = "p"
        [executor.in_process]
        model = "e"
    "#;

    #[test]
    fn defaults_fill_the_rest() {
        let config = read(write(GOOD).path()).unwrap();
        assert_eq!(config.seed, Seed(18));
        assert_eq!(config.grpo.group, 4);
        assert_eq!(config.planner.prompt, PlannerPromptConfig::default());
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again() {
        let config = read(write(GOOD).path()).unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(read(write(&text).path()).unwrap(), config);
    }

    #[test]
    fn keys_can_be_replaced() {
        let set = ["grpo.steps=7", "out=runs/other", "planner.lora.rank=4", "planner.lora.alpha=8"];
        let file = write(GOOD);
        let args = ConfigArgs { config: file.path().to_owned(), set: set.map(str::to_owned).to_vec() };
        let (config, _) = super::read(&args).unwrap();
        assert_eq!((config.grpo.steps, config.out), (7, PathBuf::from("runs/other")));
        assert_eq!(config.planner.lora.map(|lora| lora.rank), Some(4));
        let args = ConfigArgs { set: vec!["steps".into()], ..args };
        assert!(super::read(&args).unwrap_err().to_string().contains("expected KEY=VALUE"));
    }

    #[test]
    fn the_configurations_that_come_along_are_read() {
        for file in ["gsm8k.toml", "paper.toml", "steps.toml"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(file);
            read(&path).unwrap_or_else(|error| panic!("{file}: {error:#}"));
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        let message = read(write(&format!("{GOOD}\n[grpo]\ngroups = 8")).path()).unwrap_err().to_string();
        assert!(message.contains("unknown field `groups`"), "{message}");
        assert!(message.contains("the nearest known key is `group`"), "{message}");
        assert!(message.contains("groups = 8"), "the line is not shown: {message}");
    }

    #[test]
    fn an_executor_is_one_or_the_other() {
        let text = GOOD.replace("[executor.in_process]\n        model = \"e\"", "[executor]");
        let message = format!("{:#}", read(write(&text).path()).unwrap_err());
        assert!(message.contains("exactly one of `in_process` and `openai`"), "{message}");
    }
}
