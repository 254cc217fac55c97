//! What a caller is told when a request, or one item of it, cannot be answered.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Why a whole request is not answered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The body is not what the route takes.
    #[error("{0}")]
    Malformed(String),
    /// Fields are there but hold what cannot be done.
    #[error("{0}")]
    Invalid(String),
    /// No key, or another one.
    #[error("a valid API key is needed: send the header `Authorization: Bearer KEY`")]
    Unauthorized,
    /// The body is larger than the server takes.
    #[error("the body exceeds {limit} bytes; send fewer items per request, or raise the server's limit")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// More items than the queue can ever hold.
    #[error("the request has {items} items; at most {limit} are taken at once")]
    TooManyItems {
        /// How many there are.
        items: usize,
        /// How many may be.
        limit: usize,
    },
    /// There is no room in the queue now.
    #[error("the queue is full; try again in {} s", retry_after.as_secs().max(1))]
    QueueFull {
        /// When to try again.
        retry_after: Duration,
    },
    /// The client did not send the body in time.
    #[error("the body did not arrive within {} s", limit.as_secs_f64())]
    SlowBody {
        /// The time that was given.
        limit: Duration,
    },
    /// The answer was not ready in time.
    #[error("no answer within {} s: the server is overloaded or the request too large", limit.as_secs_f64())]
    TimedOut {
        /// The time that was given.
        limit: Duration,
    },
    /// The server is about to stop.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// No such route.
    #[error("there is no `{path}` here; GET /openapi.json lists what there is")]
    NotFound {
        /// What was asked for.
        path: String,
    },
    /// The route takes another method.
    #[error("this route does not take {method} requests; GET /openapi.json lists what there is")]
    Method {
        /// What was tried.
        method: String,
    },
    /// The server's own failure.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Fault {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Fault::Malformed(_) => StatusCode::BAD_REQUEST,
            Fault::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Fault::Unauthorized => StatusCode::UNAUTHORIZED,
            Fault::TooLarge { .. } | Fault::TooManyItems { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::QueueFull { .. } => StatusCode::TOO_MANY_REQUESTS,
            Fault::SlowBody { .. } => StatusCode::REQUEST_TIMEOUT,
            Fault::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            Fault::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
            Fault::NotFound { .. } => StatusCode::NOT_FOUND,
            Fault::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Fault::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word by which a program tells faults apart.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Malformed(_) => "malformed_body",
            Fault::Invalid(_) => "invalid_request",
            Fault::Unauthorized => "unauthorized",
            Fault::TooLarge { .. } => "body_too_large",
            Fault::TooManyItems { .. } => "too_many_items",
            Fault::QueueFull { .. } => "queue_full",
            Fault::SlowBody { .. } => "slow_body",
            Fault::TimedOut { .. } => "timed_out",
            Fault::ShuttingDown => "shutting_down",
            Fault::NotFound { .. } => "not_found",
            Fault::Method { .. } => "method_not_allowed",
            Fault::Internal(_) => "internal",
        }
    }

    /// When to try again, where that is known.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Fault::QueueFull { retry_after } => Some(*retry_after),
            Fault::ShuttingDown => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut error = Map::from_iter([
            ("code".to_owned(), json!(self.code())),
            ("message".to_owned(), json!(self.to_string())),
        ]);
        let retry_after = self.retry_after().map(|wait| wait.as_secs().max(1));
        if let Some(seconds) = retry_after {
            error.insert("retry_after_s".to_owned(), json!(seconds));
        }
        let mut response = answer(self.status(), &json!({ "error": Value::Object(error) }));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self == Fault::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Why one item has no score. The other items of its request do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemFault {
    /// It is not an item.
    #[error("{0}")]
    Invalid(String),
    /// The model computed something that is no number.
    #[error("the model's score is not a finite number")]
    NotFinite,
    /// The server's own failure.
    #[error("internal error: {0}")]
    Internal(String),
}

impl ItemFault {
    /// The word by which a program tells faults apart.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ItemFault::Invalid(_) => "invalid_item",
            ItemFault::NotFinite => "not_finite",
            ItemFault::Internal(_) => "internal",
        }
    }

    /// Whether the caller sent something wrong.
    #[must_use]
    pub fn is_callers(&self) -> bool {
        matches!(self, ItemFault::Invalid(_))
    }

    /// `{"index", "code", "message"}`
    #[must_use]
    pub fn to_json(&self, index: usize) -> Value {
        json!({ "index": index, "code": self.code(), "message": self.to_string() })
    }
}

/// A JSON answer.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (status, headers, body.to_string()).into_response()
}
