//! The section `[rubric]` of a run: who reads traces against the rubric.

use crate::{
    frozen::FrozenRewardModel,
    judge::PromptedJudge,
    model::{RewardModel, RewardModelError},
    remote::{RemoteError, RemoteScorer},
    scorer::TraceScorer,
};
use serde::{Deserialize, Serialize};
use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};
use tracelift_domain::SettingError;
use tracelift_executor::ServiceConfig;
use tracelift_oracle::{OracleError, rubric::JudgeConfig};

/// Who reads traces against the rubric: exactly one of `model`, `url` and `judge`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RubricConfig {
    /// The checkpoint directory of a reward model, or its name in the hub's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// A server that has one: `tracelift rm serve`, or another that speaks its native dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of `url`: the environment variable that holds the API key. Default: no key is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Of `url`: the longest that one attempt may take, in seconds. Default: 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// Of `url`: attempts beyond the first. Default: 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Of `url`: the first pause between attempts, in seconds; it doubles each time. Default: 0.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_s: Option<f64>,
    /// Of `url`: requests under way at the same time, of 8 traces each. Default: 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroUsize>,
    /// A prompted model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeConfig>,
}

/// Why nobody can read traces against the rubric.
#[derive(Debug, thiserror::Error)]
pub enum RubricError {
    /// A setting of `[rubric]` makes no sense.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The model cannot be read.
    #[error("failed to load the reward model from {}", dir.display())]
    Model {
        /// Its directory.
        dir: PathBuf,
        /// What is wrong with it.
        source: Box<RewardModelError>,
    },
    /// The server is none.
    #[error("`rubric.url`: {0}")]
    Server(RemoteError),
    /// The judge cannot be made ready.
    #[error("`rubric.judge`: {0}")]
    Judge(#[from] OracleError),
}

fn named(given: &[&str]) -> String {
    match given {
        [] => "nobody".to_owned(),
        given => given.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and "),
    }
}

impl RubricConfig {
    /// A reward model in a directory.
    #[must_use]
    pub fn model(dir: &Path) -> RubricConfig {
        RubricConfig { model: Some(dir.to_owned()), ..RubricConfig::default() }
    }

    /// Checks that one is named, no setting that another would have, and what of the settings can be checked without it.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn validate(&self) -> Result<(), SettingError> {
        let all =
            [("model", self.model.is_some()), ("url", self.url.is_some()), ("judge", self.judge.is_some())];
        let given: Vec<_> = all.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect();
        if given.len() != 1 {
            let fault = format!(
                "names {}; give exactly one of `model` (a reward model's directory), `url` (a server that has one) and `judge` (a \
                 prompted model)",
                named(&given)
            );
            return Err(SettingError::new("rubric", fault));
        }
        let of_servers = [
            ("api_key_env", self.api_key_env.is_some()),
            ("timeout_s", self.timeout_s.is_some()),
            ("retries", self.retries.is_some()),
            ("backoff_s", self.backoff_s.is_some()),
            ("concurrency", self.concurrency.is_some()),
        ];
        if let Some((key, _)) = of_servers.into_iter().find(|(_, given)| *given && self.url.is_none()) {
            let instead = match self.judge {
                Some(_) => "of a judge it is set in `rubric.judge.oracle`",
                None => "leave it out",
            };
            let fault = format!("is about the server of `rubric.url`, and there is none; {instead}");
            return Err(SettingError::new(format!("rubric.{key}"), fault));
        }
        if let Some(server) = self.server() {
            server.validate().map_err(|error| error.under("rubric"))?;
        }
        match &self.judge {
            Some(judge) => judge.validate().map_err(|error| error.under("rubric.judge")),
            None => Ok(()),
        }
    }

    /// Makes it ready. A server is asked for what it has; a judge's replies are kept in `ledger`, unless its settings say
    /// where, and nothing is sent to it yet.
    ///
    /// # Errors
    /// Why it cannot read traces.
    pub fn open(&self, ledger: &Path) -> Result<Box<dyn TraceScorer>, RubricError> {
        self.validate()?;
        if let Some(dir) = &self.model {
            let model = RewardModel::load(dir)
                .map_err(|source| RubricError::Model { dir: dir.clone(), source: source.into() })?;
            return Ok(Box::new(FrozenRewardModel::new(model)));
        }
        if let Some(server) = self.server() {
            return match RemoteScorer::open(&server) {
                Ok(scorer) => Ok(Box::new(scorer)),
                Err(RemoteError::Setting(error)) => Err(error.under("rubric").into()),
                Err(error) => Err(RubricError::Server(error)),
            };
        }
        let Some(mut judge) = self.judge.clone() else {
            // The settings were found to name one of the three.
            return Err(SettingError::new("rubric", "names nobody").into());
        };
        judge.oracle.ledger.get_or_insert_with(|| ledger.to_owned());
        Ok(Box::new(PromptedJudge::new(judge)?))
    }

    /// The settings of the server, where one is named.
    fn server(&self) -> Option<ServiceConfig> {
        let default = ServiceConfig::at(self.url.as_ref()?);
        Some(ServiceConfig {
            api_key_env: self.api_key_env.clone(),
            timeout_s: self.timeout_s.unwrap_or(default.timeout_s),
            retries: self.retries.unwrap_or(default.retries),
            backoff_s: self.backoff_s.unwrap_or(default.backoff_s),
            concurrency: self.concurrency.unwrap_or(default.concurrency),
            ..default
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let config: RubricConfig = serde_json::from_str(text).unwrap();
        config.validate().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn exactly_one_reads() {
        const JUDGE: &str = r#""judge": {"oracle": {"base_urls": ["http://a"], "model": "m"}}"#;
        for good in [r#"{"model": "m"}"#, r#"{"url": "http://a", "retries": 0}"#, &format!("{{{JUDGE}}}")] {
            assert_eq!(refusal(good), "", "{good}");
        }
        for (bad, words) in [
            ("{}", "names nobody; give exactly one of `model`"),
            (r#"{"model": "m", "url": "http://a"}"#, "names `model` and `url`; give exactly one"),
            (&format!(r#"{{"url": "http://a", {JUDGE}}}"#), "names `url` and `judge`"),
            (r#"{"model": "m", "timeout_s": 1.0}"#, "`rubric.timeout_s` is about the server of `rubric.url`"),
            (&format!(r#"{{"retries": 1, {JUDGE}}}"#), "set in `rubric.judge.oracle`"),
        ] {
            assert!(refusal(bad).contains(words), "{bad}: {}", refusal(bad));
        }
    }

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        let open = |url: &str| {
            let config = RubricConfig { url: Some(url.into()), ..RubricConfig::default() };
            config.open(Path::new("ledger")).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(
            open("http://a:1/score").contains("leave that out: \"http://a:1\""),
            "{}",
            open("http://a:1/score")
        );
        assert!(open("a:1").contains("http://"), "{}", open("a:1"));
    }
}
