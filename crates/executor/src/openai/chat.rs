//! Conversations with an endpoint, one attempt at a time, for whoever decides by other rules than an executor's when to
//! try again: under rate limits, a budget, a ledger.

use super::{
    config::{Api, OpenAiConfig, Settings},
    endpoint::{Client, Failed},
    reply,
    served::Names,
};
use crate::call::CallFailure;
use serde_json::Value;
use std::time::Duration;
use tracelift_domain::SettingError;

/// `POST /v1/chat/completions` at one or several endpoints.
#[derive(Debug)]
pub struct Chat {
    client: Client,
    endpoints: Vec<String>,
    names: Names,
}

/// What a model said, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatReply {
    /// The text; absent where the model said nothing.
    pub text: Option<String>,
    /// A refusal, at servers that tell it apart from the text.
    pub refusal: Option<String>,
    /// `stop`, `length`, `content_filter`, …
    pub finish_reason: Option<String>,
    /// The model's name as the server gives it.
    pub model: Option<String>,
    /// Tokens read, if the server says.
    pub prompt_tokens: Option<u32>,
    /// Tokens written, if the server says.
    pub completion_tokens: Option<u32>,
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Unanswered {
    /// Why.
    pub failure: CallFailure,
    /// How long the server asked to be left alone, at most [`super::LONGEST_RETRY_AFTER`].
    pub retry_after: Option<Duration>,
}

impl From<Failed> for Unanswered {
    fn from(failed: Failed) -> Unanswered {
        Unanswered { failure: failed.failure, retry_after: failed.retry_after }
    }
}

impl Chat {
    /// A client of the endpoints in these settings, of which it uses the base URLs, the API key, the time-out and the names
    /// of the model. All of them are checked. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting that makes no sense, or an API key that is named and not there.
    pub fn new(config: OpenAiConfig) -> Result<Chat, SettingError> {
        let settings = Settings::of(config)?;
        Ok(Chat {
            client: Client::new(settings.timeout, settings.authorization),
            endpoints: settings.endpoints,
            names: settings.names,
        })
    }

    /// The endpoints, without `/v1` and without a slash at the end.
    #[must_use]
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// Sends a request body to an endpoint (an index into [`Chat::endpoints`], counted round and round), once.
    ///
    /// # Errors
    /// When there is no reply, or one that is none.
    pub fn send(&self, endpoint: usize, body: &Value) -> Result<ChatReply, Unanswered> {
        let endpoint = &self.endpoints[endpoint % self.endpoints.len()];
        let bytes = self.client.post(endpoint, "v1/chat/completions", &body.to_string())?;
        read(&self.names, endpoint, &bytes).map_err(|failure| Unanswered { failure, retry_after: None })
    }
}

/// A reply that the model that was asked brought to an end, or that a filter or the token budget ended: those are the
/// last word on a question, and whoever asked decides what they are worth.
fn read(names: &Names, endpoint: &str, bytes: &[u8]) -> Result<ChatReply, CallFailure> {
    const LAST_WORDS: [&str; 3] = ["stop", "length", "content_filter"];
    let said = reply::read(Api::Chat, endpoint, bytes)?;
    names.check(endpoint, said.model.as_deref())?;
    let endpoint = endpoint.to_owned();
    if said.calls_tool {
        return Err(CallFailure::ToolCall { endpoint });
    }
    if !said.finish_reason.as_deref().is_some_and(|reason| LAST_WORDS.contains(&reason)) {
        let whole = LAST_WORDS.map(str::to_owned).to_vec();
        return Err(CallFailure::Unfinished { endpoint, reason: said.finish_reason, whole });
    }
    Ok(ChatReply {
        text: said.text,
        refusal: said.refusal,
        finish_reason: said.finish_reason,
        model: said.model,
        prompt_tokens: said.prompt_tokens,
        completion_tokens: said.completion_tokens,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_refusals_and_ends_are_told_apart() {
        let names = Names { asked: "m".into(), served_as: Vec::new() };
        let reply = |body: &str| read(&names, "e", body.as_bytes()).unwrap();
        let said = reply(
            r#"{"model":"m-0613","choices":[{"message":{"content":"7"},"finish_reason":"stop"}],
                "usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
        );
        assert_eq!((said.text.as_deref(), said.finish_reason.as_deref()), (Some("7"), Some("stop")));
        assert_eq!(
            (said.model.as_deref(), said.prompt_tokens, said.completion_tokens),
            (Some("m-0613"), Some(3), Some(1))
        );
        let refused =
            reply(r#"{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]}"#);
        assert_eq!((refused.text, refused.refusal.as_deref()), (None, Some("no")));
        let cut = reply(r#"{"choices":[{"message":{"content":null},"finish_reason":"length"}]}"#);
        assert_eq!((cut.text, cut.finish_reason.as_deref()), (None, Some("length")));
    }

    #[test]
    fn what_is_no_reply() {
        for (body, cause) in [
            ("", "malformed"),
            ("{", "malformed"),
            (r#"{"choices":[{}]}"#, "malformed"),
            (r#"{"choices":[{"finish_reason":"length"}]}"#, "malformed"),
            (r#"{"choices":[{"message":{"content":"7"}}]}"#, "unfinished"),
            (r#"{"choices":[{"message":{"content":"7"},"finish_reason":"abort"}]}"#, "unfinished"),
            (
                r#"{"choices":[{"message":{"content":"7","tool_calls":[{}]},"finish_reason":"stop"}]}"#,
                "tool_call",
            ),
            (r#"{"error":{"message":"busy"},"choices":[]}"#, "error"),
            (r#"{"choices":[]}"#, "empty"),
            (
                r#"{"model":"m-mini","choices":[{"message":{"content":"7"},"finish_reason":"stop"}]}"#,
                "other_model",
            ),
        ] {
            let names = Names { asked: "m".into(), served_as: Vec::new() };
            assert_eq!(read(&names, "e", body.as_bytes()).unwrap_err().cause(), cause, "{body:?}");
        }
    }
}
