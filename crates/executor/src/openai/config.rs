//! The settings of an OpenAI-compatible executor.

use super::served::Names;
use crate::sampling::{Sampling, SamplingError};
use crate::spending::{Budget, BudgetError, Price};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{fmt, num::NonZeroUsize, time::Duration};
use tracelift_prompt::{ExecutorPrompt, ExecutorPromptConfig, Layout, PromptError};
use ureq::http::{HeaderValue, Uri};

/// Which of the two completion APIs is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `POST /v1/completions`: the prompt is rendered here, in the configured layout.
    Completions,
    /// `POST /v1/chat/completions`: messages are sent and the server renders them with the model's template.
    Chat,
}

/// A field of the request that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omissible {
    /// `temperature`: some models have one of their own.
    Temperature,
    /// `top_p`.
    TopP,
    /// `top_k`.
    TopK,
    /// `max_tokens`: some servers want `max_completion_tokens`, which goes into `extra`.
    MaxTokens,
    /// `stop`.
    Stop,
    /// `seed`: without it, the same calls need not have the same replies.
    Seed,
}

impl Omissible {
    /// All of them.
    pub(super) const ALL: [Omissible; 6] = [
        Omissible::Temperature,
        Omissible::TopP,
        Omissible::TopK,
        Omissible::MaxTokens,
        Omissible::Stop,
        Omissible::Seed,
    ];

    /// Its name in the request.
    pub(super) fn name(self) -> &'static str {
        match self {
            Omissible::Temperature => "temperature",
            Omissible::TopP => "top_p",
            Omissible::TopK => "top_k",
            Omissible::MaxTokens => "max_tokens",
            Omissible::Stop => "stop",
            Omissible::Seed => "seed",
        }
    }
}

/// An executor behind one or several OpenAI-compatible endpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiConfig {
    /// Replicas of one and the same model, used in turn: `http://host:port`, with or without `/v1` at the end.
    pub base_urls: Vec<String>,
    /// The model's name at the endpoint.
    pub model: String,
    /// Which API is spoken. Default: chat.
    #[serde(default = "default_api")]
    pub api: Api,
    /// How it is asked. Default: by the preset for what a question calls for. With `completions` the layout is needed, one
    /// that takes no chat template, which only the server knows (default: plain); with `chat` it is the server's.
    #[serde(default)]
    pub prompt: ExecutorPromptConfig,
    /// The environment variable that holds the API key. Default: no key is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// How the model samples.
    #[serde(default)]
    pub sampling: Sampling,
    /// The longest that one attempt may take, in seconds. Default: 120.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: f64,
    /// Attempts beyond the first. Default: 4.
    #[serde(default = "default_retries")]
    pub retries: u32,
    /// The first pause between attempts, in seconds; it doubles each time. Default: 0.5.
    #[serde(default = "default_backoff_s")]
    pub backoff_s: f64,
    /// Requests under way at the same time, over all endpoints. Default: 16.
    #[serde(default = "default_concurrency")]
    pub concurrency: NonZeroUsize,
    /// Further names under which the server may answer as this model. Default: none. The name itself, a dated snapshot of
    /// it, and the same name with or without an owner, a folder or `:latest` need not be listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served_as: Vec<String>,
    /// The `finish_reason`s with which a completion is whole; any other leaves the outcome unknown. Default: `stop` and
    /// `length`.
    #[serde(default = "default_finished")]
    pub finished: Vec<String>,
    /// Fields to leave out of the request because this server refuses them. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omit: Vec<Omissible>,
    /// What tokens cost. Default: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Where to stop, over the life of a run. Default: nowhere.
    #[serde(default, skip_serializing_if = "Budget::is_boundless")]
    pub budget: Budget,
    /// Further fields of the request, such as `min_p` or `chat_template_kwargs`. Fields that have a setting of their
    /// own are refused.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

fn default_api() -> Api {
    Api::Chat
}
fn default_timeout_s() -> f64 {
    120.0
}
fn default_retries() -> u32 {
    4
}
fn default_backoff_s() -> f64 {
    0.5
}
/// What a completion ends with that the model ended, or its token budget.
pub(super) fn default_finished() -> Vec<String> {
    vec!["stop".into(), "length".into()]
}
fn default_concurrency() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(15)
}

/// An executor that cannot be made from its settings.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Prompts that cannot be made.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Nowhere to send calls.
    #[error("setting `base_urls` is empty; name at least one, such as http://localhost:8000")]
    NoBaseUrl,
    /// Not a place to send calls.
    #[error("setting `base_urls` has {url:?}: {why}")]
    BaseUrl {
        /// As written, or without its password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A value that makes no sense.
    #[error("setting `{key}` is {value}, expected {expected}")]
    Setting {
        /// Which.
        key: &'static str,
        /// As written.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// A sampling setting that makes no sense.
    #[error("setting {0}")]
    Sampling(#[from] SamplingError),
    /// Prices or a budget that make no sense.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// A field that the executor sets itself.
    #[error("setting `extra.{key}` would override a field that is set elsewhere; {instead}")]
    Extra {
        /// Which.
        key: String,
        /// Where it belongs.
        instead: &'static str,
    },
    /// A key that is named and not there.
    #[error("the environment variable {name}, which `api_key_env` names, {why}; set it to the API key")]
    ApiKey {
        /// The variable.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl OpenAiConfig {
    /// How questions are put to the model.
    ///
    /// # Errors
    /// What is wrong with the section `prompt`.
    pub fn prompt(&self) -> Result<ExecutorPrompt, PromptError> {
        ExecutorPrompt::new("executor.openai.prompt", &self.prompt, Layout::Plain)
    }
}

/// Checked settings, in the form in which they are used.
#[derive(Clone)]
pub(super) struct Settings {
    /// Without `/v1` and without a slash at the end.
    pub(super) endpoints: Vec<String>,
    pub(super) names: Names,
    pub(super) api: Api,
    pub(super) prompt: ExecutorPrompt,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) sampling: Sampling,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    pub(super) backoff: Duration,
    pub(super) concurrency: usize,
    pub(super) finished: Vec<String>,
    pub(super) omit: Vec<Omissible>,
    pub(super) price: Option<Price>,
    pub(super) budget: Budget,
    pub(super) extra: Map<String, Value>,
}

/// Fields of a request that `extra` may not set, and where they are set.
const OWN_FIELDS: [(&str, &str); 13] = [
    ("model", "use `model`"),
    ("prompt", "the prompt follows from the problem and `prompt`"),
    ("messages", "the messages follow from the problem"),
    ("seed", "each call has its own"),
    ("n", "each call asks for one completion"),
    ("best_of", "each call asks for one completion"),
    ("stream", "replies are read whole"),
    ("echo", "a completion must not repeat its prompt"),
    ("temperature", "use `sampling`"),
    ("top_p", "use `sampling`"),
    ("top_k", "use `sampling`"),
    ("max_tokens", "use `sampling`"),
    ("stop", "use `sampling`"),
];

impl Settings {
    pub(super) fn of(config: OpenAiConfig) -> Result<Settings, ConfigError> {
        if config.base_urls.is_empty() {
            return Err(ConfigError::NoBaseUrl);
        }
        let endpoints = config.base_urls.iter().map(|url| base_url(url)).collect::<Result<_, _>>()?;
        let refuse = |key, value: String, expected| Err(ConfigError::Setting { key, value, expected });
        if config.model.trim().is_empty() {
            return refuse("model", "empty".into(), "the model's name at the endpoint");
        }
        let prompt = config.prompt()?;
        if matches!(config.api, Api::Completions) && prompt.layout().needs_template() {
            let expected =
                "`text`, `plain` or `chatml`; for the server's own chat template set `api` to `chat`";
            return refuse("prompt.layout", "a chat template's".into(), expected);
        }
        check_patience(config.timeout_s, config.retries, config.backoff_s, config.concurrency)?;
        if config.finished.is_empty() || config.finished.iter().any(String::is_empty) {
            let expected = "at least one `finish_reason`, such as \"stop\"";
            return refuse("finished", format!("{:?}", config.finished), expected);
        }
        config.sampling.validate()?;
        config.budget.check(config.price.as_ref())?;
        for (key, instead) in OWN_FIELDS {
            if config.extra.contains_key(key) {
                return Err(ConfigError::Extra { key: key.into(), instead });
            }
        }
        Ok(Settings {
            endpoints,
            names: Names { asked: config.model, served_as: config.served_as },
            api: config.api,
            prompt,
            authorization: config.api_key_env.as_deref().map(authorization).transpose()?,
            sampling: config.sampling,
            timeout: Duration::from_secs_f64(config.timeout_s),
            retries: config.retries,
            backoff: Duration::from_secs_f64(config.backoff_s),
            concurrency: config.concurrency.get(),
            finished: config.finished,
            omit: config.omit,
            price: config.price,
            budget: config.budget,
            extra: config.extra,
        })
    }

    pub(super) fn describe(&self) -> String {
        let Sampling { temperature, top_p, max_tokens, .. } = &self.sampling;
        let api = match self.api {
            Api::Completions => format!("completions, {} prompts", self.prompt.layout().name()),
            Api::Chat => "chat".into(),
        };
        format!(
            "{} at {} ({api}; temperature {temperature}, top-p {top_p}, at most {max_tokens} tokens)",
            self.names.asked,
            self.endpoints.join(", ")
        )
    }
}

/// Hides the API key.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.authorization.is_some() { "with an API key" } else { "without API key" };
        write!(f, "Settings({}, {key})", self.describe())
    }
}

/// Checks how patiently and by how many a server is asked.
pub(crate) fn check_patience(
    timeout_s: f64,
    retries: u32,
    backoff_s: f64,
    concurrency: NonZeroUsize,
) -> Result<(), ConfigError> {
    let refuse = |key, value: String, expected| Err(ConfigError::Setting { key, value, expected });
    if !(0.01..=86_400.0).contains(&timeout_s) {
        return refuse("timeout_s", timeout_s.to_string(), "seconds from 0.01 to 86400");
    }
    if !(0.0..=60.0).contains(&backoff_s) {
        return refuse("backoff_s", backoff_s.to_string(), "seconds from 0 to 60");
    }
    if retries > 100 {
        return refuse("retries", retries.to_string(), "at most 100");
    }
    if concurrency.get() > 4096 {
        return refuse("concurrency", concurrency.to_string(), "at most 4096");
    }
    Ok(())
}

/// The place of a server as it is written, without `/v1` and without a slash at the end.
pub(crate) fn base_url(written: &str) -> Result<String, ConfigError> {
    let url = written.trim().trim_end_matches('/');
    let url = url.strip_suffix("/v1").unwrap_or(url).trim_end_matches('/');
    let refuse = |url: &str, why: String| Err(ConfigError::BaseUrl { url: url.to_owned(), why });
    let uri: Uri = match url.parse() {
        Ok(uri) => uri,
        Err(error) => return refuse(written, format!("{error}; write it like http://localhost:8000")),
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return refuse(written, "it lacks http:// or https:// and a host".into());
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        let host = uri.host().unwrap_or_default();
        return refuse(host, "it holds a user name or password; use `api_key_env` instead".into());
    }
    const ROUTES: [&str; 9] = [
        "completions",
        "chat",
        "models",
        "responses",
        "embeddings",
        "messages",
        "generate",
        "health",
        "v1/engines",
    ];
    if let Some(route) = ROUTES.into_iter().find(|route| uri.path().ends_with(&format!("/{route}"))) {
        let end = url.len() - route.len() - 1;
        let base = url[..end].trim_end_matches("/chat");
        return refuse(
            written,
            format!(
                "it ends in a route, which `api` chooses; leave that out: {:?}",
                base.trim_end_matches('/')
            ),
        );
    }
    if written.contains('#') {
        return refuse(written, "it has a fragment (`#`), which a base URL cannot have".into());
    }
    if uri.query().is_some() {
        return refuse(written, "it has a query (`?`), which a base URL cannot have".into());
    }
    Ok(url.to_owned())
}

/// The header that carries a key.
pub(crate) fn authorization(name: &str) -> Result<HeaderValue, ConfigError> {
    let refuse = |why| ConfigError::ApiKey { name: name.to_owned(), why };
    let key = match std::env::var(name) {
        Ok(key) => key,
        Err(std::env::VarError::NotPresent) => return Err(refuse("is not set")),
        Err(std::env::VarError::NotUnicode(_)) => return Err(refuse("is not UTF-8")),
    };
    if key.trim().is_empty() {
        return Err(refuse("is empty"));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.trim()))
        .map_err(|_| refuse("has characters that a header cannot have"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(toml: &str) -> OpenAiConfig {
        let base = "base_urls = ['http://a:1/v1/']\nmodel = 'm'\n";
        toml::from_str(&format!("{base}{toml}")).unwrap()
    }

    fn refusal(toml: &str) -> String {
        Settings::of(config(toml)).unwrap_err().to_string()
    }

    #[test]
    fn base_urls_mean_the_same_with_and_without_v1() {
        for (written, meant) in [
            ("http://a:1", "http://a:1"),
            ("http://a:1/", "http://a:1"),
            ("http://a:1/v1", "http://a:1"),
            (" http://a:1/v1/ ", "http://a:1"),
            ("https://a/openai/v1", "https://a/openai"),
            ("http://[::1]:8000/v1", "http://[::1]:8000"),
        ] {
            assert_eq!(base_url(written).as_deref(), Ok(meant), "{written}");
        }
        for bad in ["", "a:1", "localhost", "ftp://a", "http://", "http://a b", "http://a?x=1", "/v1"] {
            assert!(base_url(bad).is_err(), "{bad:?}");
        }
        for (routed, base) in [
            ("http://a:1/v1/chat/completions", "http://a:1/v1"),
            ("http://a:1/v1/completions/", "http://a:1/v1"),
            ("http://a:1/v1/chat", "http://a:1/v1"),
            ("https://a/openai/v1/models", "https://a/openai/v1"),
            ("http://a:1/chat/completions", "http://a:1"),
        ] {
            let message = base_url(routed).unwrap_err().to_string();
            assert!(
                message.contains("ends in a route") && message.ends_with(&format!("{base:?}")),
                "{message}"
            );
        }
        assert!(base_url("http://a/#x").is_err());
        let secret = base_url("http://me:hush@a:1").unwrap_err().to_string();
        assert!(!secret.contains("hush"), "{secret}");
    }

    #[test]
    fn nonsense_is_named() {
        for (toml, words) in [
            ("timeout_s = 0.0", "timeout_s"),
            ("timeout_s = inf", "timeout_s"),
            ("backoff_s = -1.0", "backoff_s"),
            ("retries = 1000", "retries"),
            ("sampling = { top_p = 2.0 }", "sampling.top_p"),
            ("finished = []", "finished"),
            ("extra = { model = 'other' }", "extra.model"),
            ("extra = { temperature = 1.0 }", "use `sampling`"),
            ("api_key_env = 'TRACELIFT_A_KEY_THAT_IS_NOT_SET'", "TRACELIFT_A_KEY_THAT_IS_NOT_SET"),
        ] {
            assert!(refusal(toml).contains(words), "{toml}: {}", refusal(toml));
        }
        let error = toml::from_str::<OpenAiConfig>("base_urls = ['http://a']\nmodel = 'm'\ntimeout = 3");
        assert!(error.unwrap_err().to_string().contains("timeout_s"));
        let none = OpenAiConfig { base_urls: Vec::new(), ..config("") };
        assert_eq!(Settings::of(none).unwrap_err(), ConfigError::NoBaseUrl);
    }

    #[test]
    fn the_key_is_never_printed() {
        // Set by cargo for every test.
        let settings = Settings::of(config("api_key_env = 'CARGO_PKG_NAME'")).unwrap();
        let printed = format!("{settings:?}");
        assert!(printed.contains("with an API key") && !printed.contains("tracelift-executor"), "{printed}");
    }
}
