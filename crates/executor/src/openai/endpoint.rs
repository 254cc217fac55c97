//! One request to one endpoint.

use super::{
    config::{Api, Settings},
    reply, retry,
};
use crate::call::{CallFailure, Completion};
use std::{io, time::Duration};
use ureq::{
    Agent,
    http::{HeaderValue, header},
};

/// More than any completion; keeps a runaway server from filling the memory.
const LONGEST_BODY: u64 = 64 << 20;

/// Sends requests over kept-alive connections.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    api: Api,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

/// A request that failed, and how long the server asked to be left alone.
pub(super) struct Failed {
    pub(super) failure: CallFailure,
    pub(super) retry_after: Option<Duration>,
}

impl From<CallFailure> for Failed {
    fn from(failure: CallFailure) -> Failed {
        Failed { failure, retry_after: None }
    }
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Client {
        let agent = Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .http_status_as_error(false)
            // A redirected POST would arrive as a GET; its status is reported instead.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(settings.concurrency)
            .max_idle_connections_per_host(settings.concurrency)
            .user_agent(concat!("tracelift/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Client {
            agent,
            api: settings.api,
            authorization: settings.authorization.clone(),
            timeout: settings.timeout,
        }
    }

    /// Asks for one completion, once.
    pub(super) fn complete(&self, endpoint: &str, body: &str) -> Result<Completion, Failed> {
        let path = match self.api {
            Api::Completions => "v1/completions",
            Api::Chat => "v1/chat/completions",
        };
        Ok(reply::read(self.api, endpoint, &self.post(endpoint, path, body)?)?)
    }

    /// The body of a successful reply.
    pub(super) fn post(&self, endpoint: &str, path: &str, body: &str) -> Result<Vec<u8>, Failed> {
        let mut request = self
            .agent
            .post(format!("{endpoint}/{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let failed = |error| self.failure(endpoint, error);
        let mut response = request.send(body).map_err(failed)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(retry::retry_after);
        let read = response.body_mut().with_config().limit(LONGEST_BODY).read_to_vec();
        if !status.is_success() {
            // A body that cannot be read takes nothing from what the status says.
            let excerpt = match read {
                Ok(body) => reply::excerpt(&body),
                Err(error) => format!("(its body cannot be read: {error})"),
            };
            let failure =
                CallFailure::Status { endpoint: endpoint.to_owned(), code: status.as_u16(), excerpt };
            return Err(Failed { failure, retry_after });
        }
        Ok(read.map_err(failed)?)
    }

    fn failure(&self, endpoint: &str, error: ureq::Error) -> CallFailure {
        let endpoint = endpoint.to_owned();
        let detail = error.to_string();
        match error {
            ureq::Error::Timeout(_) => CallFailure::Timeout { endpoint, seconds: self.timeout.as_secs_f64() },
            ureq::Error::Io(error) => match error.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                    CallFailure::Timeout { endpoint, seconds: self.timeout.as_secs_f64() }
                }
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::NotConnected => CallFailure::Broken { endpoint, detail },
                _ => CallFailure::Refused { endpoint, detail },
            },
            ureq::Error::Protocol(_) | ureq::Error::BodyExceedsLimit(_) => {
                CallFailure::Malformed { endpoint, detail }
            }
            _ => CallFailure::Refused { endpoint, detail },
        }
    }
}
