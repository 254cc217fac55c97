//! What comes back.

use super::config::Api;
use crate::call::{CallFailure, Completion};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reply {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    message: Option<Content>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: Option<u32>,
    #[serde(default)]
    completion_tokens: Option<u32>,
}

/// Reads the body of a successful reply.
pub(super) fn read(api: Api, endpoint: &str, body: &[u8]) -> Result<Completion, CallFailure> {
    let malformed = |detail: String| CallFailure::Malformed { endpoint: endpoint.to_owned(), detail };
    let reply: Reply =
        serde_json::from_slice(body).map_err(|error| malformed(format!("{error} in {:?}", excerpt(body))))?;
    let Some(choice) = reply.choices.into_iter().next() else {
        return Err(CallFailure::Empty { endpoint: endpoint.to_owned() });
    };
    let (field, text) = match api {
        Api::Completions => ("text", choice.text),
        Api::Chat => ("message.content", choice.message.and_then(|message| message.content)),
    };
    let text = match (text, &choice.finish_reason) {
        (Some(text), _) => text,
        // The server says that the model is done: it had nothing to say (or spent its budget on hidden reasoning).
        (None, Some(_)) => String::new(),
        (None, None) => {
            return Err(malformed(format!("`choices[0].{field}` is missing in {:?}", excerpt(body))));
        }
    };
    let tokens = reply.usage.unwrap_or(Tokens { prompt_tokens: None, completion_tokens: None });
    Ok(Completion {
        text,
        prompt_tokens: tokens.prompt_tokens,
        completion_tokens: tokens.completion_tokens,
        truncated: choice.finish_reason.as_deref() == Some("length"),
    })
}

/// The beginning of a body, on one line.
pub(super) fn excerpt(body: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * LONGEST)]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut excerpt: String = words.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if excerpt.len() < words.len() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(api: Api, body: &str) -> &'static str {
        read(api, "e", body.as_bytes()).unwrap_err().cause()
    }

    #[test]
    fn both_apis() {
        let body = r#"{"id":"x","choices":[{"text":"so 7","finish_reason":"length","index":0}],
                       "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
        let completion = read(Api::Completions, "e", body.as_bytes()).unwrap();
        assert_eq!((completion.text.as_str(), completion.truncated), ("so 7", true));
        assert_eq!((completion.prompt_tokens, completion.completion_tokens), (Some(3), Some(2)));
        let body = r#"{"choices":[{"message":{"role":"assistant","content":"7"},"finish_reason":"stop"}]}"#;
        let completion = read(Api::Chat, "e", body.as_bytes()).unwrap();
        assert_eq!((completion.text.as_str(), completion.truncated), ("7", false));
        assert_eq!(completion.prompt_tokens, None);
    }

    #[test]
    fn silence_of_the_model_is_no_failure() {
        let body = r#"{"choices":[{"message":{"content":null},"finish_reason":"length"}],"usage":null}"#;
        let completion = read(Api::Chat, "e", body.as_bytes()).unwrap();
        assert_eq!((completion.text.as_str(), completion.truncated), ("", true));
    }

    #[test]
    fn what_is_not_a_completion() {
        assert_eq!(cause(Api::Chat, r#"{"choices":[]}"#), "empty");
        for body in [
            "",
            "<html>",
            "{",
            "[]",
            "null",
            r#"{"error":"x"}"#,
            r#"{"choices":null}"#,
            r#"{"choices":[{}]}"#,
        ] {
            assert_eq!(cause(Api::Chat, body), "malformed", "{body:?}");
        }
        // A completion of the other API.
        assert_eq!(cause(Api::Chat, r#"{"choices":[{"text":"7"}]}"#), "malformed");
    }

    #[test]
    fn excerpts_are_short_single_lines() {
        assert_eq!(excerpt(b" a\n\tb \x1b[0m"), "a b [0m…");
        assert_eq!(excerpt("é".repeat(1000).as_bytes()).chars().count(), 201);
    }
}
