//! What `tracelift serve` is told: one TOML file, whose sections switch on what is served.

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};
use tracelift_domain::{Probability, Seed, SettingError};
use tracelift_engine::Numbers;
use tracelift_executor::ExecutorConfig;
use tracelift_prompt::End;
use tracelift_reward::baselines::Place;
use tracelift_reward::{RewardConfig, RubricConfig, Rule};
use tracelift_serve::{DEFAULT_EXECUTOR, LogFormat, LogLevel, Tags};
use tracelift_verify::{ProgramConfig, VerifierConfig};

use super::models::ModelSettings;
use crate::config::{Origin, assignment, read_as};

/// Where a configuration comes from.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// The TOML file that says what is served.
    #[arg(long)]
    config: PathBuf,
    /// Replace a key of the file: `--set reward.runs=5`. May be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServeConfig {
    /// Where to listen.
    #[serde(default = "here")]
    pub listen: String,
    /// The environment variable with the key that callers must send.
    pub api_key_env: Option<String>,
    /// Seconds that a body may take to arrive and an answer to be read; of sections other than `[reward]`, that a request may take.
    #[serde(default = "a_minute")]
    pub timeout_s: f64,
    /// Seconds that requests in progress may take after SIGTERM or Ctrl-C.
    #[serde(default = "half_a_minute")]
    pub grace_s: f64,
    /// The largest body of a request in MB.
    #[serde(default = "eight")]
    pub max_body_mb: u32,
    /// Connections at a time.
    #[serde(default = "connections")]
    pub max_connections: u32,
    /// What the log on standard error looks like.
    #[serde(default = "text", deserialize_with = "named")]
    pub log: LogFormat,
    /// What is logged.
    #[serde(default = "info", deserialize_with = "named")]
    pub log_level: LogLevel,
    /// Whole rewards.
    pub reward: Option<RewardSection>,
    /// Scores against the rubric.
    pub rubric: Option<RubricSection>,
    /// Programs, run and judged.
    pub programs: Option<ProgramsSection>,
    /// Answers, judged.
    pub answers: Option<VerifierConfig>,
    /// Frozen models, by the names that requests give.
    #[serde(default)]
    pub model: BTreeMap<String, ModelSection>,
}

/// `[reward]`: as in a run's configuration wherever that has the key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardSection {
    /// The rule.
    #[serde(default = "tracelift")]
    pub rule: Rule,
    /// `λ`.
    #[serde(default = "half")]
    pub lambda: Probability,
    /// `K`.
    #[serde(default = "three")]
    pub runs: usize,
    /// What is added to the reward of every completion that holds a usable trace.
    #[serde(default = "nothing")]
    pub format: Probability,
    /// Of all executor runs.
    #[serde(default = "eighteen")]
    pub seed: Seed,
    /// What a reply that ends without closing its tag is, as in `planner.prompt`.
    #[serde(default)]
    pub end: End,
    /// What the planner's prompt began of the completion, as in `planner.prompt`.
    #[serde(default)]
    pub prefill: String,
    /// Whether completions must have their tags.
    #[serde(default = "required", deserialize_with = "named")]
    pub tags: Tags,
    /// A file of problems that items may name.
    pub problems: Option<PathBuf>,
    /// Where baselines are kept: a file, or the address of a PostgreSQL server (`postgres://user@host/database`). Default: in memory,
    /// and they end with the process.
    pub baselines: Option<Place>,
    /// A file to which every item is written.
    pub log: Option<PathBuf>,
    /// The size in MB at which that file is set aside.
    #[serde(default = "half_a_gigabyte")]
    pub log_mb: u64,
    /// Items in progress.
    #[serde(default = "queue")]
    pub queue: u32,
    /// Seconds that a request may take.
    #[serde(default = "ten_minutes")]
    pub timeout_s: f64,
    /// The frozen executor.
    pub executor: Option<ExecutorConfig>,
    /// Further ones, or several, by name.
    #[serde(default)]
    pub executors: BTreeMap<String, ExecutorConfig>,
    /// Which of them an item is appraised of that names none; of several the mean. Default: `executor`, or the only one.
    pub default_executor: Option<OneOrMore>,
    /// How artifacts are judged.
    #[serde(default)]
    pub verifier: VerifierConfig,
    /// Who reads traces against the rubric.
    pub rubric: Option<RubricConfig>,
}

/// A name, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

/// `[rubric]`: as `rm serve`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RubricSection {
    /// The reward model's directory.
    pub model: PathBuf,
    /// Items that may wait.
    #[serde(default = "queue_of_scores")]
    pub queue: u32,
    /// Inputs computed at a time.
    pub lanes: Option<NonZeroUsize>,
    /// What stands in `<task>` for items that do not name their task.
    pub task_name: Option<String>,
    /// Whether completions must have their tags.
    #[serde(default = "required", deserialize_with = "named")]
    pub tags: Tags,
}

/// `[programs]`: as `verify serve`, and how programs are judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramsSection {
    /// Programs at a time.
    pub jobs: Option<NonZeroUsize>,
    /// The interpreter.
    pub python: Option<PathBuf>,
    /// CPU seconds of a test.
    pub time_limit_s: Option<f64>,
    /// MiB of a test.
    pub memory_limit_mib: Option<u64>,
    /// The weakest sandbox that will do.
    pub require_sandbox: Option<tracelift_sandbox::Level>,
    /// Run programs even where nothing but resource limits protects this machine.
    #[serde(default)]
    pub accept_no_sandbox: bool,
}

/// `[model.NAME]`: as `model serve`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    /// A checkpoint or adapter: a directory, or `org/name` in the Hugging Face cache.
    pub model: PathBuf,
    /// The numbers in which products are computed.
    #[serde(default)]
    pub numbers: Numbers,
    /// Sequences that are sampled at a time.
    #[serde(default = "sequences")]
    pub sequences: u32,
    /// Sequences at work or waiting.
    #[serde(default = "queue_of_scores")]
    pub queue: u32,
    /// What keys and values may take.
    #[serde(default = "two_gigabytes")]
    pub cache_mb: u32,
    /// Threads that compute.
    pub threads: Option<NonZeroUsize>,
    /// Seconds that a request may take.
    #[serde(default = "ten_minutes")]
    pub timeout_s: f64,
}

impl ModelSection {
    fn validate(&self) -> Result<(), SettingError> {
        let range = |key, value: u32, most: u32, expected| {
            (key, (1..=most).contains(&value), value.to_string(), expected)
        };
        SettingError::first([
            seconds("timeout_s", self.timeout_s),
            range("sequences", self.sequences, 4096, "from 1 to 4096"),
            range("queue", self.queue, 1_000_000, "from 1 to 1000000"),
            range("cache_mb", self.cache_mb, 1_048_576, "MB from 1 to 1048576"),
        ])
    }

    /// What a model is opened with.
    #[must_use]
    pub fn settings(&self) -> ModelSettings<'_> {
        ModelSettings {
            model: &self.model,
            numbers: self.numbers,
            sequences: self.sequences,
            queue: self.queue,
            cache_mb: self.cache_mb,
            threads: self.threads,
            timeout: Duration::from_secs_f64(self.timeout_s),
        }
    }
}

fn here() -> String {
    "127.0.0.1:8010".into()
}
fn a_minute() -> f64 {
    60.0
}
fn half_a_minute() -> f64 {
    30.0
}
fn ten_minutes() -> f64 {
    600.0
}
fn eight() -> u32 {
    8
}
fn connections() -> u32 {
    4096
}
fn queue() -> u32 {
    8192
}
fn queue_of_scores() -> u32 {
    1024
}
fn sequences() -> u32 {
    64
}
fn two_gigabytes() -> u32 {
    2048
}
fn half_a_gigabyte() -> u64 {
    512
}
fn text() -> LogFormat {
    LogFormat::Text
}
fn info() -> LogLevel {
    LogLevel::default()
}
fn required() -> Tags {
    Tags::Required
}
fn tracelift() -> Rule {
    RewardConfig::default().rule
}
fn half() -> Probability {
    RewardConfig::default().lambda
}
fn three() -> usize {
    RewardConfig::default().runs
}
fn nothing() -> Probability {
    RewardConfig::default().format
}
fn eighteen() -> Seed {
    Seed(18)
}

/// A name, as the command line takes it.
fn named<'de, D: Deserializer<'de>, T: FromStr<Err = String>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// Reads a configuration, and where its settings stand.
///
/// # Errors
/// Names the file and the line, or the argument, and the key.
pub fn read(args: &ServeArgs) -> Result<(ServeConfig, Origin)> {
    let set = args.set.iter().map(|set| assignment(set)).collect::<Result<Vec<_>>>()?;
    let (config, origin): (ServeConfig, Origin) = read_as(Some(&args.config), &set, &[])?;
    config.validate().map_err(|error| origin.refuse(&error))?;
    Ok((config, origin))
}

/// A setting of an executor, which speaks of itself as `executor`, where its section stands.
#[must_use]
pub fn in_executor(error: SettingError, section: &str) -> SettingError {
    let own = error.key().strip_prefix("executor").unwrap_or_default().to_owned();
    error.renamed(&format!("{section}{own}"))
}

fn seconds(key: &'static str, value: f64) -> (&'static str, bool, String, &'static str) {
    (key, (0.001..=86_400.0).contains(&value), value.to_string(), "seconds above 0 and at most 86400")
}

impl ServeConfig {
    fn validate(&self) -> Result<(), SettingError> {
        let served =
            [self.reward.is_some(), self.rubric.is_some(), self.programs.is_some(), self.answers.is_some()];
        if !served.contains(&true) && self.model.is_empty() {
            let fault = "is missing, as are `rubric`, `programs`, `answers` and `model.NAME`; a section says what is served";
            return Err(SettingError::new("reward", fault));
        }
        SettingError::first([
            seconds("timeout_s", self.timeout_s),
            seconds("grace_s", self.grace_s),
            (
                "max_body_mb",
                (1..=1024).contains(&self.max_body_mb),
                self.max_body_mb.to_string(),
                "MB from 1 to 1024",
            ),
            (
                "max_connections",
                (1..=65_536).contains(&self.max_connections),
                self.max_connections.to_string(),
                "from 1 to 65536",
            ),
        ])?;
        for (name, section) in &self.model {
            if name.is_empty() {
                return Err(SettingError::new("model", "has a name that is empty"));
            }
            section.validate().map_err(|error| error.under(&format!("model.{name}")))?;
        }
        self.reward.as_ref().map_or(Ok(()), RewardSection::validate)?;
        self.programs.as_ref().map_or(Ok(()), |programs| {
            programs.config().validate().map_err(|error| error.under("programs"))
        })?;
        self.answers
            .as_ref()
            .map_or(Ok(()), |answers| answers.validate().map_err(|error| error.under("answers")))
    }
}

impl RewardSection {
    /// The rule and what it weighs.
    #[must_use]
    pub fn reward(&self) -> RewardConfig {
        RewardConfig { rule: self.rule, lambda: self.lambda, runs: self.runs, format: self.format }
    }

    /// All executors: the section of each, its name, its settings.
    #[must_use]
    pub fn executors(&self) -> Vec<(String, &str, &ExecutorConfig)> {
        let alone = self.executor.iter().map(|one| ("reward.executor".to_owned(), DEFAULT_EXECUTOR, one));
        let named = self.executors.iter().map(|(name, one)| {
            let key = format!("reward.executors.{name}");
            (key, name.as_str(), one)
        });
        alone.chain(named).collect()
    }

    /// The names of those of which an item is appraised that names none.
    ///
    /// # Errors
    /// When there is none, or it is not said which.
    pub fn usual_executors(&self) -> Result<Vec<String>, SettingError> {
        const KEY: &str = "reward.default_executor";
        let known: Vec<&str> = self.executors().into_iter().map(|(_, name, _)| name).collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if let Some(name) = self.executors.keys().find(|name| name.is_empty() || !name.chars().all(plain)) {
            let fault = "is named by more than letters, digits, `-`, `_` and `.`; choose another name";
            return Err(SettingError::new(format!("reward.executors.{name}"), fault));
        }
        if self.executor.is_some() && self.executors.contains_key(DEFAULT_EXECUTOR) {
            let fault = "is the name of `reward.executor`; choose another one";
            return Err(SettingError::new(format!("reward.executors.{DEFAULT_EXECUTOR}"), fault));
        }
        if known.is_empty() {
            let fault = "is missing; name one in `[reward.executor.openai]` or `[reward.executor.in_process]`, or several in \
                         `[reward.executors.NAME.…]`";
            return Err(SettingError::new("reward.executor", fault));
        }
        let asked = match &self.default_executor {
            Some(OneOrMore::One(name)) => vec![name.clone()],
            Some(OneOrMore::More(names)) => names.clone(),
            None => match known[..] {
                [one] => vec![one.to_owned()],
                _ if self.executor.is_some() => vec![DEFAULT_EXECUTOR.to_owned()],
                _ => {
                    let fault = format!("is missing; there are several executors ({})", known.join(", "));
                    return Err(SettingError::new(KEY, fault));
                }
            },
        };
        if asked.is_empty() {
            return Err(SettingError::new(KEY, "is empty; name at least one executor"));
        }
        for (i, name) in asked.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let fault = format!("names {name:?}; there are: {}", known.join(", "));
                return Err(SettingError::new(KEY, fault));
            }
            if asked[..i].contains(name) {
                return Err(SettingError::new(
                    KEY,
                    format!("names {name:?} twice, which would count double"),
                ));
            }
        }
        Ok(asked)
    }

    fn validate(&self) -> Result<(), SettingError> {
        self.reward().validate()?;
        SettingError::first([
            seconds("timeout_s", self.timeout_s),
            ("queue", (1..=1_000_000).contains(&self.queue), self.queue.to_string(), "from 1 to 1000000"),
            (
                "log_mb",
                (1..=1_000_000).contains(&self.log_mb),
                self.log_mb.to_string(),
                "MB from 1 to 1000000",
            ),
        ])
        .map_err(|error| error.under("reward"))?;
        for (key, _, executor) in self.executors() {
            executor.validate().map_err(|error| in_executor(error, &key))?;
        }
        self.usual_executors()?;
        self.verifier.validate().map_err(|error| error.under("reward.verifier"))?;
        match &self.rubric {
            Some(rubric) => rubric.validate().map_err(|error| error.under("reward")),
            None if self.reward().needs().rubric => {
                let fault = format!(
                    "is `{}`, which needs a reading against the rubric; name a reward model's directory in `reward.rubric.model`, a \
                     server that has one in `reward.rubric.url`, or a prompted model in `reward.rubric.judge`",
                    self.rule.name()
                );
                Err(SettingError::new("reward.rule", fault))
            }
            None => Ok(()),
        }
    }

    /// How long a request may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout_s)
    }
}

impl ProgramsSection {
    /// The settings of the sandbox.
    #[must_use]
    pub fn config(&self) -> ProgramConfig {
        let usual = ProgramConfig::default();
        ProgramConfig {
            python: self.python.clone().unwrap_or(usual.python),
            time_limit_s: self.time_limit_s.unwrap_or(usual.time_limit_s),
            memory_limit_mib: self.memory_limit_mib.unwrap_or(usual.memory_limit_mib),
            require_sandbox: self.require_sandbox.unwrap_or(usual.require_sandbox),
            accept_no_sandbox: self.accept_no_sandbox,
            ..ProgramConfig::default()
        }
    }
}
