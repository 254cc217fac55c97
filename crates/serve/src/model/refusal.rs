//! Errors as OpenAI's clients read them: `{"error": {"message", "type", "param", "code"}}`.

use crate::fault::{Fault, answer};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;
use tracelift_domain::SettingError;
use tracelift_engine::sampling::GenerateError;

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: Option<&'static str>,
    /// The field that is to blame.
    param: Option<String>,
    message: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A field holds what it cannot hold.
    pub fn of(param: &str, message: impl Into<String>) -> Refusal {
        Refusal::coded(Some(param), None, message)
    }

    /// A field asks for what there is not.
    pub fn unsupported(param: &str, what: &str) -> Refusal {
        Refusal::coded(
            Some(param),
            Some("unsupported_parameter"),
            format!("`{param}` is not supported{what}"),
        )
    }

    fn coded(param: Option<&str>, code: Option<&'static str>, message: impl Into<String>) -> Refusal {
        Refusal {
            status: StatusCode::BAD_REQUEST,
            code,
            param: param.map(str::to_owned),
            message: message.into(),
            retry_after: None,
        }
    }

    /// There is no model of this name.
    pub fn no_model(name: &str, names: &[&str]) -> Refusal {
        let name: String = name.chars().take(100).collect();
        let message = format!("the model `{name}` is not served here; there are: {}", names.join(", "));
        let refusal = Refusal::coded(Some("model"), Some("model_not_found"), message);
        Refusal { status: StatusCode::NOT_FOUND, ..refusal }
    }

    /// Prompt and new tokens do not fit.
    pub fn too_long(param: &str, prompt: usize, new: usize, context: usize) -> Refusal {
        let message = format!(
            "`{param}` has {prompt} tokens and {new} new ones are asked for, but the model reads {context} in all; shorten it, or \
             lower `max_tokens`"
        );
        Refusal::coded(Some(param), Some("context_length_exceeded"), message)
    }

    /// What the engine says of a prompt or of settings.
    pub fn of_engine(error: GenerateError, param: &str) -> Refusal {
        match error {
            GenerateError::TooLong { prompt, max_tokens, context, .. } => {
                Refusal::too_long(param, prompt, max_tokens, context)
            }
            GenerateError::Setting(error) => Refusal::from(error),
            GenerateError::EmptyPrompt(_) => Refusal::of(
                param,
                format!("`{param}` is empty; a model needs at least one token to go on from"),
            ),
            GenerateError::UnknownToken { token, vocabulary, .. } => {
                let message = format!("`{param}` holds token {token}, but the vocabulary has {vocabulary}");
                Refusal::of(param, message)
            }
            GenerateError::NonFinite(_) => Refusal::broken("the model's logits are not finite"),
        }
    }

    /// The server's own failure.
    pub fn broken(message: &str) -> Refusal {
        Refusal::from(Fault::Internal(message.to_owned()))
    }

    /// The body.
    pub fn to_json(&self) -> Value {
        let kind = match self.status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        };
        json!({ "error": { "message": self.message, "type": kind, "param": self.param, "code": self.code } })
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        // A body of another shape is a field's fault like any other.
        let status = match fault.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        let retry_after = fault.retry_after();
        Refusal { status, code: Some(fault.code()), param: None, message: fault.to_string(), retry_after }
    }
}

impl From<SettingError> for Refusal {
    fn from(error: SettingError) -> Refusal {
        Refusal::of(error.key(), error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, &self.to_json());
        if let Some(wait) = self.retry_after {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
