//! One request to one endpoint.

use super::{
    config::{Api, Omissible, Settings},
    reply, retry,
};
use crate::call::{CallFailure, Completion};
use std::{io, time::Duration};
use ureq::{
    Agent, Body,
    http::{HeaderValue, Response, StatusCode, header},
};

/// More than any completion; keeps a runaway server from filling the memory.
const LONGEST_BODY: u64 = 16 << 20;

/// Sends requests, each over a connection of its own: a connection that is kept would hand what a server, or a proxy that
/// gave up, says too late or twice to the next question as its answer.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

/// A request that failed, and how long the server asked to be left alone.
pub(crate) struct Failed {
    pub(crate) failure: CallFailure,
    pub(crate) retry_after: Option<Duration>,
}

impl From<CallFailure> for Failed {
    fn from(failure: CallFailure) -> Failed {
        Failed { failure, retry_after: None }
    }
}

impl Client {
    /// No answer is waited for longer than this.
    pub(crate) fn new(timeout: Duration, authorization: Option<HeaderValue>) -> Client {
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // A redirected POST would arrive as a GET; its status is reported instead.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .user_agent(concat!("tracelift/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Client { agent, authorization, timeout }
    }

    /// Asks for one completion, once.
    pub(super) fn complete(
        &self,
        settings: &Settings,
        endpoint: &str,
        body: &str,
    ) -> Result<Completion, Failed> {
        let path = match settings.api {
            Api::Completions => "v1/completions",
            Api::Chat => "v1/chat/completions",
        };
        let reply = self.post(endpoint, path, body).map_err(|mut failed| {
            name_omissible(&mut failed.failure);
            failed
        })?;
        let said = reply::read(settings.api, endpoint, &reply)?;
        Ok(reply::whole(settings, endpoint, said)?)
    }

    /// The body of a successful reply.
    pub(crate) fn get(&self, endpoint: &str, path: &str) -> Result<Vec<u8>, Failed> {
        let mut request =
            self.agent.get(format!("{endpoint}/{path}")).header(header::ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.read(endpoint, request.call())
    }

    /// The body of a successful reply.
    pub(crate) fn post(&self, endpoint: &str, path: &str, body: &str) -> Result<Vec<u8>, Failed> {
        let mut request = self
            .agent
            .post(format!("{endpoint}/{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.read(endpoint, request.send(body))
    }

    fn read(&self, endpoint: &str, response: Result<Response<Body>, ureq::Error>) -> Result<Vec<u8>, Failed> {
        let mut response = response.map_err(|error| self.failure(endpoint, error))?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(retry::retry_after);
        let kind = response.headers().get(header::CONTENT_TYPE).cloned();
        let read = response.body_mut().with_config().limit(LONGEST_BODY).read_to_vec();
        // A completion comes with 200; anything else, "accepted" and "no content" among it, is none.
        if status != StatusCode::OK {
            // A body that cannot be read takes nothing from what the status says.
            let excerpt = match read {
                Ok(body) => reply::excerpt(&body),
                Err(error) => format!("(its body cannot be read: {error})"),
            };
            let failure =
                CallFailure::Status { endpoint: endpoint.to_owned(), code: status.as_u16(), excerpt };
            return Err(Failed { failure, retry_after });
        }
        let body = read.map_err(|error| self.breach(endpoint, error))?;
        if let Some(kind) = kind.filter(|kind| !is_json(kind)) {
            let detail = format!("content type {kind:?} instead of JSON, {:?}", reply::excerpt(&body));
            return Err(CallFailure::Malformed { endpoint: endpoint.to_owned(), detail }.into());
        }
        Ok(body)
    }

    /// A reply that began and did not come to its end, or not as it should.
    fn breach(&self, endpoint: &str, error: ureq::Error) -> CallFailure {
        let endpoint = endpoint.to_owned();
        match self.failure(&endpoint, error) {
            CallFailure::Refused { detail, .. } => CallFailure::Malformed { endpoint, detail },
            failure => failure,
        }
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
            ureq::Error::Protocol(_)
            | ureq::Error::BodyExceedsLimit(_)
            | ureq::Error::LargeResponseHeader(..) => CallFailure::Malformed { endpoint, detail },
            _ => CallFailure::Refused { endpoint, detail },
        }
    }
}

/// Says how to leave out a field that a server complains about by name.
fn name_omissible(failure: &mut CallFailure) {
    let CallFailure::Status { code: 400 | 422, excerpt, .. } = failure else { return };
    let named = |word: &str| {
        let mut words = excerpt.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.any(|found| found == word)
    };
    if let Some(field) = Omissible::ALL.into_iter().map(Omissible::name).find(|name| named(name)) {
        let hint = format!(" (to send no `{field}`, set `executor.openai.omit = [\"{field}\"]`)");
        excerpt.push_str(&hint);
    }
}

/// `application/json` and its kin, with or without parameters.
fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json")
}
