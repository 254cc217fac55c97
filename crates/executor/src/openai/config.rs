//! The settings of an OpenAI-compatible executor.

use super::served::Names;
use crate::sampling::Sampling;
use crate::spending::{Budget, Price};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{fmt, num::NonZeroUsize, time::Duration};
use tracelift_domain::SettingError;
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
    /// Replicas of one and the same model: `http://host:port`, with or without `/v1` at the end. The one that has the least to do is
    /// asked; one that keeps failing is left out until it is back.
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
    /// Requests under way at the same time at one endpoint. Default: as many as `concurrency` lets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_concurrency: Option<NonZeroUsize>,
    /// After so many seconds without a reply a request is sent to another endpoint as well (where there is one alone, to that again), and
    /// the first completion counts. Both are paid. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedge_after_s: Option<f64>,
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

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(all) => all.iter().any(holds_null),
        Value::Object(all) => all.values().any(holds_null),
        _ => false,
    }
}

/// The section of its prompts. It goes by its whole name, which messages about texts have.
const PROMPT: &str = "executor.openai.prompt";

impl OpenAiConfig {
    /// How questions are put to the model.
    ///
    /// # Errors
    /// What is wrong with the section `prompt`.
    pub fn prompt(&self) -> Result<ExecutorPrompt, PromptError> {
        ExecutorPrompt::new(PROMPT, &self.prompt, Layout::Plain)
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
    pub(super) replica_concurrency: usize,
    pub(super) hedge_after: Option<Duration>,
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

impl OpenAiConfig {
    /// Checks what can be checked without a server, and without the API key, which the environment has.
    ///
    /// # Errors
    /// The first setting that makes no sense, counted from the section of the executor; of its prompts, by its whole name.
    pub fn validate(&self) -> Result<(), SettingError> {
        if self.base_urls.is_empty() {
            let fault = "is empty; name at least one, such as http://localhost:8000";
            return Err(SettingError::new("base_urls", fault));
        }
        for url in &self.base_urls {
            base_url("base_urls", url)?;
        }
        let prompt = self.prompt().map_err(|error| error.in_section(PROMPT))?;
        let template = matches!(self.api, Api::Completions) && prompt.layout().needs_template();
        let named = |list: &[String]| list.iter().all(|name| !name.trim().is_empty());
        SettingError::first([
            ("model", !self.model.trim().is_empty(), "empty".to_owned(), "the model's name at the endpoint"),
            (
                "prompt.layout",
                !template,
                "a chat template's".to_owned(),
                "`text`, `plain` or `chatml`; for the server's own chat template set `api` to `chat`",
            ),
            (
                "finished",
                !self.finished.is_empty() && named(&self.finished),
                format!("{:?}", self.finished),
                "at least one `finish_reason`, such as \"stop\"",
            ),
            ("served_as", named(&self.served_as), format!("{:?}", self.served_as), "names of the model"),
            (
                "budget.calls",
                self.budget.calls != Some(0),
                "0".to_owned(),
                "at least 1, or nothing for no limit",
            ),
            (
                "budget.tokens",
                self.budget.tokens != Some(0),
                "0".to_owned(),
                "at least 1, or nothing for no limit",
            ),
        ])?;
        check_patience(self.timeout_s, self.retries, self.backoff_s, self.concurrency)?;
        let (hedge, replica) = (self.hedge_after_s.unwrap_or(1.0), self.replica_concurrency);
        SettingError::first([
            (
                "hedge_after_s",
                (0.001..=86_400.0).contains(&hedge),
                hedge.to_string(),
                "seconds from 0.001 to 86400, or nothing for never",
            ),
            (
                "replica_concurrency",
                replica.is_none_or(|replica| replica.get() <= 4096),
                replica.map_or(0, NonZeroUsize::get).to_string(),
                "at most 4096",
            ),
        ])?;
        self.sampling.validate().map_err(|error| error.under("sampling"))?;
        self.budget.check(self.price.as_ref())?;
        if let Some((key, _)) = self.extra.iter().find(|(_, value)| holds_null(value)) {
            // So a reader of settings hands on what JSON has no number for.
            let fault = "holds a number that is none (nan or inf), expected one that JSON has";
            return Err(SettingError::new(format!("extra.{key}"), fault));
        }
        for (key, instead) in OWN_FIELDS {
            if self.extra.contains_key(key) {
                let fault = format!("would override a field that is set elsewhere; {instead}");
                return Err(SettingError::new(format!("extra.{key}"), fault));
            }
        }
        Ok(())
    }
}

impl Settings {
    pub(super) fn of(config: OpenAiConfig) -> Result<Settings, SettingError> {
        config.validate()?;
        let endpoints =
            config.base_urls.iter().map(|url| base_url("base_urls", url)).collect::<Result<_, _>>()?;
        Ok(Settings {
            endpoints,
            prompt: config.prompt().map_err(|error| error.in_section(PROMPT))?,
            names: Names { asked: config.model, served_as: config.served_as },
            api: config.api,
            authorization: config.api_key_env.as_deref().map(authorization).transpose()?,
            sampling: config.sampling,
            timeout: Duration::from_secs_f64(config.timeout_s),
            retries: config.retries,
            backoff: Duration::from_secs_f64(config.backoff_s),
            concurrency: config.concurrency.get(),
            replica_concurrency: config.replica_concurrency.unwrap_or(config.concurrency).get(),
            hedge_after: config.hedge_after_s.map(Duration::from_secs_f64),
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
) -> Result<(), SettingError> {
    SettingError::first([
        (
            "timeout_s",
            (0.01..=86_400.0).contains(&timeout_s),
            timeout_s.to_string(),
            "seconds from 0.01 to 86400",
        ),
        ("backoff_s", (0.0..=60.0).contains(&backoff_s), backoff_s.to_string(), "seconds from 0 to 60"),
        ("retries", retries <= 100, retries.to_string(), "at most 100"),
        ("concurrency", concurrency.get() <= 4096, concurrency.to_string(), "at most 4096"),
    ])
}

/// The place of a server as it is written under a key, without `/v1` and without a slash at the end.
pub(crate) fn base_url(key: &str, written: &str) -> Result<String, SettingError> {
    let url = written.trim().trim_end_matches('/');
    let url = url.strip_suffix("/v1").unwrap_or(url).trim_end_matches('/');
    let refuse = |url: &str, why: String| Err(SettingError::new(key, format!("has {url:?}: {why}")));
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
pub(crate) fn authorization(name: &str) -> Result<HeaderValue, SettingError> {
    let refuse = |why: &str| {
        let fault = format!("names the environment variable {name:?}, which {why}; set that to the API key");
        Err(SettingError::new("api_key_env", fault))
    };
    let key = match std::env::var(name) {
        Ok(key) => key,
        Err(std::env::VarError::NotPresent) => return refuse("is not set"),
        Err(std::env::VarError::NotUnicode(_)) => return refuse("is not UTF-8"),
    };
    if key.trim().is_empty() {
        return refuse("is empty");
    }
    let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", key.trim())) else {
        return refuse("has characters that a header cannot have");
    };
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
            assert_eq!(base_url("url", written).as_deref(), Ok(meant), "{written}");
        }
        for bad in ["", "a:1", "localhost", "ftp://a", "http://", "http://a b", "http://a?x=1", "/v1"] {
            assert!(base_url("url", bad).is_err(), "{bad:?}");
        }
        for (routed, base) in [
            ("http://a:1/v1/chat/completions", "http://a:1/v1"),
            ("http://a:1/v1/completions/", "http://a:1/v1"),
            ("http://a:1/v1/chat", "http://a:1/v1"),
            ("https://a/openai/v1/models", "https://a/openai/v1"),
            ("http://a:1/chat/completions", "http://a:1"),
        ] {
            let message = base_url("url", routed).unwrap_err().to_string();
            assert!(
                message.contains("ends in a route") && message.ends_with(&format!("{base:?}")),
                "{message}"
            );
        }
        assert!(base_url("url", "http://a/#x").is_err());
        let secret = base_url("url", "http://me:hush@a:1").unwrap_err().to_string();
        assert!(!secret.contains("hush"), "{secret}");
    }

    #[test]
    fn nonsense_is_named() {
        for (toml, words) in [
            ("timeout_s = 0.0", "timeout_s"),
            ("timeout_s = inf", "timeout_s"),
            ("backoff_s = -1.0", "backoff_s"),
            ("retries = 1000", "retries"),
            ("hedge_after_s = 0.0", "hedge_after_s"),
            ("replica_concurrency = 5000", "replica_concurrency"),
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
        assert_eq!(Settings::of(none).unwrap_err().key(), "base_urls");
    }

    #[test]
    fn the_key_is_never_printed() {
        // Set by cargo for every test.
        let settings = Settings::of(config("api_key_env = 'CARGO_PKG_NAME'")).unwrap();
        let printed = format!("{settings:?}");
        assert!(printed.contains("with an API key") && !printed.contains("tracelift-executor"), "{printed}");
    }
}
