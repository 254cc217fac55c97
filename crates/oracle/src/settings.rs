//! The settings of an oracle.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};
use tracelift_domain::SettingError;
use tracelift_executor::spending::{Budget, Price};
use tracelift_executor::{OpenAiConfig, Sampling};

/// A prompted model behind one or several OpenAI-compatible chat endpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleConfig {
    /// Replicas of one and the same model, used in turn: `http://host:port`, with or without `/v1` at the end.
    pub base_urls: Vec<String>,
    /// The model's name at the endpoint.
    pub model: String,
    /// The environment variable that holds the API key. Default: no key is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// 0 is greedy. Default: 0.7, for judges 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Sample from the smallest set of tokens with at least this probability. Default: 1 (off).
    #[serde(default = "default_top_p")]
    pub top_p: f64,
    /// The longest reply. Default: 2048.
    #[serde(default = "default_max_tokens")]
    pub max_tokens: u32,
    /// How the reply's schema is sent along. Default: auto.
    #[serde(default)]
    pub structured: Structured,
    /// Further names under which the server may answer as this model. Default: none. What need not be listed is as for
    /// executors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served_as: Vec<String>,
    /// Fields to leave out because this server refuses them. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omit: Vec<Omissible>,
    /// Further fields of the request, such as `max_completion_tokens` or `chat_template_kwargs`. Fields that have a
    /// setting of their own are refused.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    /// The longest that one attempt may take, in seconds. Default: 120.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: f64,
    /// Attempts beyond the first, where the failure is one that may pass. Default: 5.
    #[serde(default = "default_retries")]
    pub retries: u32,
    /// The first pause between attempts, in seconds; it doubles each time, up to 30 s. Default: 1.
    #[serde(default = "default_backoff_s")]
    pub backoff_s: f64,
    /// Requests under way at the same time, over all endpoints. Default: 16.
    #[serde(default = "default_concurrency")]
    pub concurrency: NonZeroUsize,
    /// Inquiries in a row that may stay without any reply before the endpoint counts as gone and the work stops.
    /// Default: 20.
    #[serde(default = "default_patience")]
    pub patience: NonZeroUsize,
    /// Requests in any 60 s. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroUsize>,
    /// Tokens, read and written, in any 60 s. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<NonZeroUsize>,
    /// A folder with templates that take the place of the built-in ones of the same name. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<PathBuf>,
    /// The file that keeps every reply, so that nothing is asked twice. Default: whoever makes the oracle names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<PathBuf>,
    /// What a million tokens cost. Default: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Where to stop, over the life of the ledger. Default: nowhere.
    #[serde(default)]
    pub budget: Budget,
}

fn default_top_p() -> f64 {
    1.0
}
fn default_max_tokens() -> u32 {
    2048
}
fn default_timeout_s() -> f64 {
    120.0
}
fn default_retries() -> u32 {
    5
}
fn default_backoff_s() -> f64 {
    1.0
}
fn default_concurrency() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(15)
}
fn default_patience() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(19)
}

/// How a server is told what shape the reply must have. The prompts describe the shape as well, and the reply is checked
/// in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// `json_schema`; where the server refuses that, `json_object`; where it refuses that, nothing.
    #[default]
    Auto,
    /// `response_format` with the schema.
    JsonSchema,
    /// `response_format` that asks for some JSON object.
    JsonObject,
    /// By the prompt alone.
    None,
}

/// A field of the request that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omissible {
    /// `temperature`: some models have one of their own.
    Temperature,
    /// `top_p`.
    TopP,
    /// `max_tokens`: some servers want `max_completion_tokens`, which goes into `extra`.
    MaxTokens,
    /// `seed`.
    Seed,
}

impl OracleConfig {
    /// Settings with every default, for a model at one endpoint.
    #[must_use]
    pub fn at(base_url: &str, model: &str) -> OracleConfig {
        OracleConfig {
            base_urls: vec![base_url.to_owned()],
            model: model.to_owned(),
            api_key_env: None,
            temperature: None,
            top_p: default_top_p(),
            max_tokens: default_max_tokens(),
            structured: Structured::Auto,
            served_as: Vec::new(),
            omit: Vec::new(),
            extra: Map::new(),
            timeout_s: default_timeout_s(),
            retries: default_retries(),
            backoff_s: default_backoff_s(),
            concurrency: default_concurrency(),
            patience: default_patience(),
            requests_per_minute: None,
            tokens_per_minute: None,
            templates: None,
            ledger: None,
            price: None,
            budget: Budget::default(),
        }
    }

    /// Names a ledger beside an output file, `OUTPUT.WHAT.ledger`, unless the settings name one.
    pub fn keep_beside(&mut self, output: &Path, what: &str) {
        self.ledger.get_or_insert_with(|| {
            let mut path = output.as_os_str().to_owned();
            path.push(format!(".{what}.ledger"));
            PathBuf::from(path)
        });
    }

    /// What of the settings decides what the model says, as JSON: neither where it is asked, nor how fast, nor for how
    /// much money.
    #[must_use]
    pub fn decisive(&self) -> Value {
        json!({
            "model": self.model,
            "temperature": self.temperature(),
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "omit": self.omit,
            "extra": self.extra,
        })
    }

    /// The temperature that is sent.
    #[must_use]
    pub fn temperature(&self) -> f64 {
        self.temperature.unwrap_or(0.7)
    }

    /// Checks what can be checked without a server, and without the API key, which the environment has.
    ///
    /// # Errors
    /// The first setting that makes no sense, counted from the section of the oracle.
    pub fn validate(&self) -> Result<(), SettingError> {
        if self.extra.contains_key("response_format") {
            let fault = "would override a field that is set elsewhere; use `structured`";
            return Err(SettingError::new("extra.response_format", fault));
        }
        self.budget.check(self.price.as_ref())?;
        self.transport().validate().map_err(as_written)
    }

    /// The same settings as an executor has them, for the transport.
    pub(crate) fn transport(&self) -> OpenAiConfig {
        OpenAiConfig {
            base_urls: self.base_urls.clone(),
            model: self.model.clone(),
            api: tracelift_executor::Api::Chat,
            prompt: tracelift_prompt::ExecutorPromptConfig::default(),
            api_key_env: self.api_key_env.clone(),
            sampling: Sampling {
                temperature: self.temperature(),
                top_p: self.top_p,
                top_k: None,
                max_tokens: self.max_tokens,
                stop: Vec::new(),
            },
            timeout_s: self.timeout_s,
            retries: self.retries,
            backoff_s: self.backoff_s,
            concurrency: self.concurrency,
            replica_concurrency: None,
            hedge_after_s: None,
            served_as: self.served_as.clone(),
            // What ends a conversation is for `Chat` to say.
            finished: vec!["stop".into(), "length".into()],
            omit: Vec::new(),
            extra: self.extra.clone(),
            // The turnstile counts what is spent, with the ledger.
            price: None,
            budget: Budget::default(),
        }
    }
}

/// A refusal of [`OracleConfig::transport`] by the keys that an oracle has: it samples without a section of its own.
pub(crate) fn as_written(error: SettingError) -> SettingError {
    error.without("sampling")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(toml: &str) -> String {
        let config: OracleConfig =
            toml::from_str(&format!("base_urls = ['http://a']\nmodel = 'm'\n{toml}")).unwrap();
        let transport = tracelift_executor::Chat::new(config.transport()).map(drop).map_err(as_written);
        config.validate().and(transport).unwrap_err().to_string()
    }

    #[test]
    fn nonsense_is_named() {
        for (toml, words) in [
            ("price = { input = -1.0, output = 1.0 }", "price.input"),
            ("budget = { money = 1.0 }", "needs `price"),
            ("budget = { money = nan }\nprice = { input = 1.0, output = 1.0 }", "budget.money"),
            ("extra = { response_format = 1 }", "structured"),
            ("extra = { temperature = 1.0 }", "extra.temperature"),
            ("temperature = -1.0", "temperature"),
            ("max_tokens = 0", "max_tokens"),
            ("timeout_s = 0.0", "timeout_s"),
            ("api_key_env = 'TRACELIFT_A_KEY_THAT_IS_NOT_SET'", "TRACELIFT_A_KEY_THAT_IS_NOT_SET"),
        ] {
            assert!(refusal(toml).contains(words), "{toml}: {}", refusal(toml));
        }
        let error = toml::from_str::<OracleConfig>("base_urls = ['http://a']\nmodel = 'm'\nmax_token = 3");
        assert!(error.unwrap_err().to_string().contains("max_tokens"));
    }

    #[test]
    fn defaults_are_those_of_an_empty_file() {
        let config: OracleConfig = toml::from_str("base_urls = ['http://a']\nmodel = 'm'").unwrap();
        assert_eq!(config, OracleConfig::at("http://a", "m"));
        let again: OracleConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn a_ledger_lies_beside_the_output_unless_it_is_named() {
        let mut config = OracleConfig::at("http://a", "m");
        config.keep_beside(Path::new("out/groups.jsonl"), "llm");
        assert_eq!(config.ledger.as_deref(), Some(Path::new("out/groups.jsonl.llm.ledger")));
        config.keep_beside(Path::new("other"), "judge");
        assert_eq!(config.ledger.as_deref(), Some(Path::new("out/groups.jsonl.llm.ledger")));
    }
}
