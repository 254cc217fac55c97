//! Conversations with an endpoint, one attempt at a time, for whoever decides by other rules than an executor's when to
//! try again: under rate limits, a budget, a ledger.

use super::{
    config::{ConfigError, OpenAiConfig, Settings},
    endpoint::{Client, Failed},
    reply::excerpt,
};
use crate::call::CallFailure;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// `POST /v1/chat/completions` at one or several endpoints.
#[derive(Debug)]
pub struct Chat {
    client: Client,
    endpoints: Vec<String>,
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
    /// A client of the endpoints in these settings, of which it uses the base URLs, the API key, the time-out and the
    /// concurrency (as the number of connections that are kept). All of them are checked. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting that makes no sense, or an API key that is named and not there.
    pub fn new(config: OpenAiConfig) -> Result<Chat, ConfigError> {
        let settings = Settings::of(config)?;
        Ok(Chat { client: Client::new(&settings), endpoints: settings.endpoints })
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
        read(endpoint, &bytes).map_err(|failure| Unanswered { failure, retry_after: None })
    }
}

#[derive(Deserialize)]
struct Body {
    choices: Vec<Choice>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<Content>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: Option<u32>,
    #[serde(default)]
    completion_tokens: Option<u32>,
}

fn read(endpoint: &str, bytes: &[u8]) -> Result<ChatReply, CallFailure> {
    let malformed = |detail: String| CallFailure::Malformed { endpoint: endpoint.to_owned(), detail };
    let body: Body = serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("{error} in {:?}", excerpt(bytes))))?;
    let Some(choice) = body.choices.into_iter().next() else {
        return Err(CallFailure::Empty { endpoint: endpoint.to_owned() });
    };
    if choice.message.is_none() && choice.finish_reason.is_none() {
        return Err(malformed(format!("`choices[0].message` is missing in {:?}", excerpt(bytes))));
    }
    let (text, refusal) = choice.message.map_or((None, None), |message| (message.content, message.refusal));
    let (prompt_tokens, completion_tokens) =
        body.usage.map_or((None, None), |usage| (usage.prompt_tokens, usage.completion_tokens));
    Ok(ChatReply {
        text,
        refusal,
        finish_reason: choice.finish_reason,
        model: body.model,
        prompt_tokens,
        completion_tokens,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_refusals_and_ends_are_told_apart() {
        let reply = |body: &str| read("e", body.as_bytes()).unwrap();
        let said = reply(
            r#"{"model":"m-1","choices":[{"message":{"content":"7"},"finish_reason":"stop"}],
                "usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
        );
        assert_eq!((said.text.as_deref(), said.finish_reason.as_deref()), (Some("7"), Some("stop")));
        assert_eq!(
            (said.model.as_deref(), said.prompt_tokens, said.completion_tokens),
            (Some("m-1"), Some(3), Some(1))
        );
        let refused =
            reply(r#"{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]}"#);
        assert_eq!((refused.text, refused.refusal.as_deref()), (None, Some("no")));
        assert_eq!(
            reply(r#"{"choices":[{"finish_reason":"length"}]}"#).finish_reason.as_deref(),
            Some("length")
        );
    }

    #[test]
    fn what_is_no_reply() {
        for (body, cause) in [
            ("", "malformed"),
            ("{", "malformed"),
            (r#"{"choices":[{}]}"#, "malformed"),
            (r#"{"choices":[]}"#, "empty"),
        ] {
            assert_eq!(read("e", body.as_bytes()).unwrap_err().cause(), cause, "{body:?}");
        }
    }
}
