//! What is sent, and what an inquiry is known by.

use crate::{
    ledger::Key,
    settings::{Omissible, OracleConfig, Structured},
};
use serde_json::{Map, Value, json};
use tracelift_domain::fingerprint::canonical;
use tracelift_domain::{Fingerprint, Message};
use tracelift_executor::spending::Cost;

/// The shape of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// A name of letters, digits and `_`, as servers want it.
    pub name: String,
    /// The JSON schema of the object.
    pub value: Value,
}

/// The fields that decide how the model samples.
fn sampling(config: &OracleConfig) -> Map<String, Value> {
    let mut fields = config.extra.clone();
    let mut set = |field: Omissible, key: &str, value: Value| {
        if !config.omit.contains(&field) {
            fields.insert(key.to_owned(), value);
        }
    };
    set(Omissible::Temperature, "temperature", json!(config.temperature()));
    set(Omissible::TopP, "top_p", json!(config.top_p));
    set(Omissible::MaxTokens, "max_tokens", json!(config.max_tokens));
    fields
}

/// What an inquiry is known by: model, conversation, sampling, schema and sample. Neither the endpoint that is asked nor
/// how the schema is put to it plays a part.
pub(crate) fn key(config: &OracleConfig, messages: &[Message], schema: &Schema, sample: u64) -> Key {
    let whole = canonical(&json!({
        "model": config.model,
        "messages": messages,
        "sampling": sampling(config),
        "schema": schema.value,
        "sample": sample,
    }));
    let hash = Fingerprint::of([("question", whole.as_bytes())]);
    let digits = hash.as_str().get(..32).unwrap_or_default();
    // A fingerprint is made of hexadecimal digits.
    Key(u128::from_str_radix(digits, 16).unwrap_or_default())
}

/// The body of a request.
pub(crate) fn body(
    config: &OracleConfig,
    messages: &[Message],
    schema: &Schema,
    key: Key,
    structured: Structured,
) -> Value {
    let mut fields = sampling(config);
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("model", json!(config.model));
    set("messages", json!(messages));
    match structured {
        Structured::Auto | Structured::JsonSchema => {
            let schema = json!({ "name": schema.name, "strict": true, "schema": schema.value });
            set("response_format", json!({ "type": "json_schema", "json_schema": schema }));
        }
        Structured::JsonObject => {
            set("response_format", json!({ "type": "json_object" }));
        }
        Structured::None => {}
    }
    if !config.omit.contains(&Omissible::Seed) {
        // Servers keep seeds in signed 32-bit integers.
        set("seed", json!((key.0 & 0x7fff_ffff) as u64));
    }
    Value::Object(fields)
}

/// The most that a call may take.
pub(crate) fn at_most(config: &OracleConfig, messages: &[Message]) -> Cost {
    Cost::at_most(messages.iter().map(|message| message.content.as_str()), config.max_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Role;

    fn messages(text: &str) -> Vec<Message> {
        vec![Message { role: Role::User, content: text.into() }]
    }

    fn schema() -> Schema {
        Schema { name: "s".into(), value: json!({ "type": "object" }) }
    }

    #[test]
    fn a_question_is_known_by_what_decides_its_answer() {
        let base = OracleConfig::at("http://a", "m");
        let key_of = |config: &OracleConfig| key(config, &messages("x"), &schema(), 0);
        for same in [
            OracleConfig { base_urls: vec!["http://b".into(), "http://c".into()], ..base.clone() },
            OracleConfig { structured: Structured::None, retries: 0, timeout_s: 1.0, ..base.clone() },
            OracleConfig { omit: vec![Omissible::Seed], ..base.clone() },
        ] {
            assert_eq!(key_of(&same), key_of(&base), "{same:?}");
        }
        let mut extra = Map::new();
        extra.insert("min_p".into(), json!(0.1));
        for other in [
            OracleConfig { model: "n".into(), ..base.clone() },
            OracleConfig { temperature: Some(0.0), ..base.clone() },
            OracleConfig { max_tokens: 7, ..base.clone() },
            OracleConfig { omit: vec![Omissible::Temperature], ..base.clone() },
            OracleConfig { extra, ..base.clone() },
        ] {
            assert_ne!(key_of(&other), key_of(&base), "{other:?}");
        }
        assert_ne!(key(&base, &messages("y"), &schema(), 0), key_of(&base));
        assert_ne!(key(&base, &messages("x"), &schema(), 1), key_of(&base));
        let wider = Schema { value: json!({ "type": "object", "x": 1 }), ..schema() };
        assert_ne!(key(&base, &messages("x"), &wider, 0), key_of(&base));
    }

    #[test]
    fn the_body_says_what_the_settings_say() {
        let config = OracleConfig { omit: vec![Omissible::TopP], ..OracleConfig::at("http://a", "m") };
        let body_of = |structured| body(&config, &messages("x"), &schema(), Key(u128::MAX), structured);
        let whole = body_of(Structured::Auto);
        assert_eq!(whole["response_format"]["json_schema"]["schema"], json!({ "type": "object" }));
        assert_eq!((&whole["seed"], &whole["max_tokens"]), (&json!(i32::MAX), &json!(2048)));
        assert_eq!(whole["messages"], json!([{ "role": "user", "content": "x" }]));
        assert!(whole.get("top_p").is_none());
        assert_eq!(body_of(Structured::JsonObject)["response_format"], json!({ "type": "json_object" }));
        assert!(body_of(Structured::None).get("response_format").is_none());
    }
}
