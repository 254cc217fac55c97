//! A JSON service behind HTTP that is no executor: asked again while that makes sense, and never taken for an answer where it
//! gave none.

use crate::{
    call::CallFailure,
    openai::{
        back_off,
        config::{authorization, base_url, check_patience},
        endpoint::{Client, Failed},
    },
};
use serde_json::Value;
use std::{num::NonZeroUsize, thread, time::Duration};
use tracelift_domain::{Seed, SettingError};

/// Where a service is, and how patiently it is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceConfig {
    /// `http://host:port`.
    pub url: String,
    /// The environment variable that holds the API key; without one, none is sent.
    pub api_key_env: Option<String>,
    /// The longest that one attempt may take, in seconds.
    pub timeout_s: f64,
    /// Attempts beyond the first, where the failure is one that may pass.
    pub retries: u32,
    /// The first pause between attempts, in seconds; it doubles each time.
    pub backoff_s: f64,
    /// Requests that are under way at the same time.
    pub concurrency: NonZeroUsize,
}

impl ServiceConfig {
    /// The settings that executors have by default, for a service at this place.
    #[must_use]
    pub fn at(url: &str) -> ServiceConfig {
        ServiceConfig {
            url: url.to_owned(),
            api_key_env: None,
            timeout_s: 120.0,
            retries: 4,
            backoff_s: 0.5,
            concurrency: NonZeroUsize::MIN.saturating_add(15),
        }
    }

    /// Checks what can be checked without the server, and without the API key, which the environment has.
    ///
    /// # Errors
    /// The first setting that makes no sense, counted from the section of the server.
    pub fn validate(&self) -> Result<(), SettingError> {
        base_url("url", &self.url)?;
        check_patience(self.timeout_s, self.retries, self.backoff_s, self.concurrency)
    }
}

/// A service that is ready to be asked.
#[derive(Debug)]
pub struct Service {
    client: Client,
    url: String,
    retries: u32,
    backoff: Duration,
}

impl Service {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting that makes no sense, counted from the section of the server, or an API key that is named and not there.
    pub fn new(config: &ServiceConfig) -> Result<Service, SettingError> {
        config.validate()?;
        let ServiceConfig { url, api_key_env, timeout_s, retries, backoff_s, .. } = config;
        let authorization = api_key_env.as_deref().map(authorization).transpose()?;
        Ok(Service {
            client: Client::new(Duration::from_secs_f64(*timeout_s), authorization),
            url: base_url("url", url)?,
            retries: *retries,
            backoff: Duration::from_secs_f64(*backoff_s),
        })
    }

    /// Where it is, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What `GET` of a path gives, as `read` understands it. The seed is that of the pauses' jitter.
    ///
    /// # Errors
    /// Why there is no answer, after the last attempt. What `read` does not understand is asked for again as well.
    pub fn get<T>(
        &self,
        path: &str,
        seed: Seed,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, CallFailure> {
        self.again(seed, &read, || self.client.get(&self.url, path))
    }

    /// As [`Service::get`], of `POST`.
    ///
    /// # Errors
    /// As [`Service::get`].
    pub fn post<T>(
        &self,
        path: &str,
        body: &Value,
        seed: Seed,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, CallFailure> {
        let body = body.to_string();
        self.again(seed, &read, || self.client.post(&self.url, path, &body))
    }

    fn again<T>(
        &self,
        seed: Seed,
        read: &impl Fn(&[u8]) -> Result<T, String>,
        ask: impl Fn() -> Result<Vec<u8>, Failed>,
    ) -> Result<T, CallFailure> {
        let mut tried = 0;
        loop {
            let malformed = |detail| CallFailure::Malformed { endpoint: self.url.clone(), detail };
            let failed = match ask().map(|body| read(&body)) {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(detail)) => malformed(detail).into(),
                Err(failed) => failed,
            };
            let Failed { failure, retry_after } = failed;
            if tried == self.retries || !failure.is_transient() {
                return Err(failure);
            }
            tried += 1;
            let pause = back_off(self.backoff, seed, tried as usize);
            thread::sleep(pause.max(retry_after.unwrap_or_default()));
        }
    }
}
