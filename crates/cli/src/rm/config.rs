//! What `rm train` is told: one TOML file, in which every key but three has a default.

use crate::config::{Assignment, Origin, assignment, out_folder, read_as};
use crate::model::{self, Scratch};
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use toml::Value;
use tracelift_domain::{Probability, Seed, SettingError};
use tracelift_engine::{Checkpoint, LoraConfig, Precision};
use tracelift_train::rubric::RubricTraining;

/// Settings of `rm train`.
#[derive(Args)]
pub struct Train {
    /// The TOML file that says what is trained on what; not needed where the options below say enough.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Set a key of the file or replace it: `--set train.steps=100`. May be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The key `groups`: a group file (JSONL). May be given again.
    #[arg(long, value_name = "FILE")]
    groups: Vec<PathBuf>,
    /// The key `backbone.model`: the language model to start from.
    #[arg(long, value_name = "DIR")]
    backbone: Option<PathBuf>,
    /// The key `out`: where the reward model goes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RmConfig {
    /// Group files.
    pub groups: Vec<PathBuf>,
    /// Train even on groups of problems of known test sets, which are left out otherwise: to measure what that does.
    #[serde(default)]
    pub force_test_sets: bool,
    /// Where the reward model goes.
    pub out: PathBuf,
    /// The run's folder; by default `runs/rm/` and the name of `out`. A run that is there is gone on with.
    pub run: Option<PathBuf>,
    /// Of the split, the heads, fresh weights and the order of the groups.
    #[serde(default = "default_seed")]
    pub seed: Seed,
    /// The type in which weights are saved.
    #[serde(default = "default_precision")]
    pub precision: Precision,
    /// The longest input in tokens; by default 3072, or the backbone's longest sequence where that is less.
    pub max_tokens: Option<usize>,
    /// What is held out.
    #[serde(default)]
    pub dev: DevConfig,
    /// What training starts from.
    pub backbone: BackboneConfig,
    /// How it is trained.
    #[serde(default)]
    pub train: RubricTraining,
}

fn default_seed() -> Seed {
    Seed(18)
}

fn default_precision() -> Precision {
    Precision::F32
}

/// What is held out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DevConfig {
    /// Share of the problems; by default a tenth, or none where there are files.
    pub share: Option<Probability>,
    /// Group files instead.
    pub files: Vec<PathBuf>,
}

/// What training starts from; exactly one of `model` and `scratch`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BackboneConfig {
    /// A checkpoint directory of a language model, or its name in the Hugging Face cache.
    pub model: Option<PathBuf>,
    /// Random weights.
    pub scratch: Option<Scratch>,
    /// Blocks added on top: judging what a text says takes depth beyond predicting it.
    pub deepen: usize,
    /// Train adapters, which are merged in the end, instead of all weights.
    pub lora: Option<LoraConfig>,
}

impl RmConfig {
    /// Reads the file, with what the command line sets.
    ///
    /// # Errors
    /// Names the file and the key; for an unknown key, the nearest known one.
    pub fn read(args: &Train) -> Result<(RmConfig, Origin)> {
        let (config, origin): (RmConfig, _) = read_as(args.config.as_deref(), &args.assignments()?, &[])?;
        config.check().map_err(|error| origin.refuse(&error))?;
        Ok((config, origin))
    }

    fn check(&self) -> Result<(), SettingError> {
        let refuse = |key: &str, fault: String| Err(SettingError::new(key, fault));
        if self.groups.is_empty() {
            return refuse("groups", "is empty; name at least one group file".into());
        }
        for (key, files) in [("groups", &self.groups), ("dev.files", &self.dev.files)] {
            let again = files.iter().enumerate().find(|(at, file)| files[..*at].contains(file));
            if let Some((_, file)) = again {
                return refuse(key, format!("names {} twice", file.display()));
            }
        }
        if self.out.file_name().is_none() {
            let fault = format!(
                "is {:?}, which has no name; give the directory to make",
                self.out.display().to_string()
            );
            return refuse("out", fault);
        }
        out_folder("out", &self.out)?;
        out_folder("run", &self.run())?;
        if !self.dev.files.is_empty() && self.dev.share.is_some() {
            return refuse("dev.share", "stands beside `dev.files`; give one of them".into());
        }
        if self.max_tokens == Some(0) {
            return Err(SettingError::value("max_tokens", 0, "at least 1"));
        }
        self.train.validate().map_err(|error| error.under("train"))?;
        self.backbone.check()
    }

    /// The run's folder.
    pub fn run(&self) -> PathBuf {
        let name = self.out.file_name().unwrap_or_default();
        self.run.clone().unwrap_or_else(|| Path::new("runs/rm").join(name))
    }
}

impl Train {
    /// Everything that the command line sets, as keys of the file.
    fn assignments(&self) -> Result<Vec<Assignment>> {
        let text = |path: &PathBuf| Value::String(path.display().to_string());
        let option = |key: &str, option: &str, value: Value| Assignment {
            key: key.to_owned(),
            argument: format!("{option} {value}"),
            value: Some(value),
        };
        let mut all = Vec::new();
        if !self.groups.is_empty() {
            all.push(option("groups", "--groups", Value::Array(self.groups.iter().map(text).collect())));
        }
        all.extend(self.backbone.as_ref().map(|path| option("backbone.model", "--backbone", text(path))));
        all.extend(self.out.as_ref().map(|path| option("out", "--out", text(path))));
        for set in &self.set {
            all.push(assignment(set)?);
        }
        Ok(all)
    }
}

impl BackboneConfig {
    fn check(&self) -> Result<(), SettingError> {
        const MOST_BLOCKS: usize = 256;
        if self.model.is_some() == self.scratch.is_some() {
            let fault =
                "needs exactly one of `model` and `scratch`: a checkpoint, or sizes for random weights";
            return Err(SettingError::new("backbone", fault));
        }
        if self.deepen > MOST_BLOCKS {
            return Err(SettingError::value("backbone.deepen", self.deepen, "at most 256 blocks"));
        }
        let Some(lora) = &self.lora else { return Ok(()) };
        if self.scratch.is_some() || self.deepen > 0 {
            let fault = "would leave random weights as they are; leave it out, or `scratch` and `deepen`";
            return Err(SettingError::new("backbone.lora", fault));
        }
        lora.validate().map_err(|error| error.under("backbone.lora"))
    }

    /// The model that training starts from, without heads.
    pub fn checkpoint(&self, seed: Seed) -> Result<Checkpoint> {
        let mut checkpoint = match (&self.model, &self.scratch) {
            (Some(dir), _) => {
                ensure!(
                    !model::is_reward_model(dir)?,
                    "{} is a reward model already; give a language model as the backbone",
                    dir.display()
                );
                Checkpoint::load(dir)
                    .with_context(|| format!("failed to read the backbone in {}", dir.display()))?
            }
            (None, scratch) => scratch.clone().unwrap_or_default().checkpoint(seed.child("backbone", 0))?,
        };
        if self.deepen > 0 {
            checkpoint.model = checkpoint.model.deepened(self.deepen, seed.child("blocks", 0));
        }
        if let Some(lora) = &self.lora {
            lora.validate_for(&checkpoint.model.config).map_err(|error| error.under("backbone.lora"))?;
            checkpoint.model = checkpoint.model.with_lora(lora.clone(), seed.child("lora", 0));
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[&str]) -> Result<RmConfig> {
        let set = set.iter().map(|set| (*set).to_owned()).collect();
        RmConfig::read(&Train {
            config: None,
            set,
            groups: vec!["g.jsonl".into()],
            backbone: None,
            out: Some("m/rm".into()),
        })
        .map(|(config, _)| config)
    }

    #[test]
    fn the_command_line_alone_says_enough() {
        let config = read(&["backbone.model=b", "train.steps=7", "train.evaluation.patience=2"]).unwrap();
        assert_eq!((config.train.steps, config.train.evaluation.patience), (7, 2));
        assert_eq!((config.run(), config.precision), (PathBuf::from("runs/rm/rm"), Precision::F32));
        let config = read(&["backbone.scratch.tokenizer=words", "precision=bf16", "run=here"]).unwrap();
        assert_eq!(config.backbone.scratch.as_ref().map(|scratch| scratch.hidden), Some(128));
        assert_eq!((config.run(), config.precision), (PathBuf::from("here"), Precision::Bf16));
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<RmConfig>(&text).unwrap(), config);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (set, says) in [
            (vec!["backbone.deepen=1"], "`backbone` needs exactly one of `model` and `scratch`"),
            (vec!["backbone.model=b", "backbone.scratch.layers=2"], "exactly one"),
            (
                vec!["backbone.model=b", "backbone.deepen=1", "backbone.lora={rank=4,alpha=8}"],
                "random weights",
            ),
            (vec!["backbone.model=b", "train.groups=0"], "`train.groups` is 0, expected at least 1"),
            (
                vec!["backbone.model=b", "dev.share=0.2", "dev.files=[\"d\"]"],
                "`dev.share` stands beside `dev.files`",
            ),
            (vec!["backbone.model=b", "train.step=3"], "the nearest known key is `steps`"),
            (vec!["backbone.modle=b"], "the nearest known key is `model`"),
            (vec!["backbone.model=b", "precision=f64"], "`precision` is `f64`, expected one of"),
        ] {
            let message = format!("{:#}", read(&set).unwrap_err());
            assert!(message.contains(says), "{message}");
            assert!(message.starts_with("the command line: ") || message.starts_with("--set "), "{message}");
        }
    }

    #[test]
    fn the_configuration_that_comes_along_is_read() {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/rm.toml");
        let args = Train { config: Some(config), set: vec![], groups: vec![], backbone: None, out: None };
        RmConfig::read(&args).unwrap();
    }
}
