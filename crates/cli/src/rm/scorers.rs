//! Who scores: a reward model here or behind a server, a prompted judge, or all side by side.

use crate::config::read_as;
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use tracelift_domain::TaskDomain;
use tracelift_executor::ServiceConfig;
use tracelift_oracle::rubric::JudgeConfig;
use tracelift_reward::{FrozenRewardModel, PromptedJudge, RemoteScorer, RewardModel, TraceScorer};

/// A scorer with a name for tables.
pub struct Named {
    /// The name.
    pub name: String,
    /// The rubric that it was trained for; judges know every one.
    pub domain: Option<TaskDomain>,
    /// The scorer.
    pub scorer: Box<dyn TraceScorer>,
}

/// Reads a reward model.
pub fn model(dir: &Path) -> Result<(String, RewardModel)> {
    let model = RewardModel::load(dir)
        .with_context(|| format!("failed to read the reward model in {}", dir.display()))?;
    let name = dir.file_name().map_or_else(|| "reward model".into(), |name| name.to_string_lossy());
    Ok((name.into_owned(), model))
}

/// Reads a judge's settings and makes it ready; what it is doing is told on `bar`. Its replies are kept beside the file,
/// unless the file names another ledger.
pub fn judge(path: &Path, bar: &ProgressBar) -> Result<PromptedJudge> {
    let (mut config, origin): (JudgeConfig, _) = read_as(Some(path), &[], &[])?;
    config.validate().map_err(|error| origin.refuse(&error))?;
    config.oracle.ledger.get_or_insert_with(|| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".ledger");
        PathBuf::from(beside)
    });
    let bar = bar.clone();
    let judge = PromptedJudge::new(config).with_context(|| path.display().to_string())?;
    Ok(judge.observed(move |progress| bar.set_message(progress.to_string())))
}

/// All that were asked for: a model's directory, a server's address, a judge's settings.
pub fn all(
    dir: Option<&Path>,
    url: Option<&str>,
    judge_file: Option<&Path>,
    bar: &ProgressBar,
) -> Result<Vec<Named>> {
    let mut scorers = Vec::new();
    if let Some(dir) = dir {
        let (name, model) = model(dir)?;
        scorers.push(Named {
            name,
            domain: Some(model.domain),
            scorer: Box::new(FrozenRewardModel::new(model)),
        });
    }
    if let Some(url) = url {
        let server = RemoteScorer::open(&ServiceConfig::at(url)).context("--url")?;
        let name = format!("{} at {url}", server.name());
        scorers.push(Named { name, domain: Some(server.domain()), scorer: Box::new(server) });
    }
    if let Some(path) = judge_file {
        let judge = judge(path, bar)?;
        let name = format!("judge {}", judge.judge().oracle().config().model);
        scorers.push(Named { name, domain: None, scorer: Box::new(judge) });
    }
    Ok(scorers)
}
