//! The fields of a request, taken one by one: what is left in the end is nothing that is known.

use super::refusal::Refusal;
use serde_json::{Map, Value};

/// A JSON object, or what is left of it.
pub(super) struct Fields {
    map: Map<String, Value>,
    /// How its fields are told: `stream_options.`, say.
    prefix: String,
}

/// Fields of OpenAI's and vLLM's requests that are known, and not supported, unless they say what is done anyway.
const ELSEWHERE: [&str; 38] = [
    "allowed_token_ids",
    "audio",
    "bad_words",
    "cache_salt",
    "documents",
    "frequency_penalty",
    "function_call",
    "functions",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "include_stop_str_in_output",
    "length_penalty",
    "logit_bias",
    "min_tokens",
    "modalities",
    "moderation",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_embeds",
    "prompt_logprobs",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "skip_special_tokens",
    "spaces_between_special_tokens",
    "structured_outputs",
    "suffix",
    "tool_choice",
    "tools",
    "truncate_prompt_tokens",
    "use_beam_search",
    "verbosity",
    "web_search_options",
    "xargs",
];

/// Fields that say nothing about what is to be written.
const ASIDE: [&str; 7] = [
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "request_id",
    "safety_identifier",
    "service_tier",
    "user",
];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl Fields {
    /// The fields of a request's body.
    pub fn of(body: Value) -> Result<Fields, Refusal> {
        match body {
            Value::Object(map) => Ok(Fields { map, prefix: String::new() }),
            other => Err(Refusal::of("body", format!("the body is {}, not an object", kind(&other)))),
        }
    }

    /// The fields of an object in it.
    pub fn object(&mut self, name: &str) -> Result<Option<Fields>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields { map, prefix: format!("{}{name}.", self.prefix) })),
            Some(other) => Err(self.wrong(name, &other, "an object")),
        }
    }

    /// A field, unless it is null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    /// A field that holds something else than it should.
    pub fn wrong(&self, name: &str, found: &Value, expected: &str) -> Refusal {
        let name = format!("{}{name}", self.prefix);
        let shown = match found {
            Value::Number(number) => number.to_string(),
            other => kind(other).to_owned(),
        };
        Refusal::of(&name, format!("`{name}` is {shown}, expected {expected}"))
    }

    /// A number.
    pub fn number(&mut self, name: &str) -> Result<Option<f64>, Refusal> {
        self.take(name)
            .map(|value| value.as_f64().ok_or_else(|| self.wrong(name, &value, "a number")))
            .transpose()
    }

    /// A whole number in a range.
    pub fn whole(&mut self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
        let expected = format!("a whole number from {least} to {most}");
        self.take(name)
            .map(|value| {
                let whole = value.as_i64().filter(|whole| (least..=most).contains(whole));
                whole.ok_or_else(|| self.wrong(name, &value, &expected))
            })
            .transpose()
    }

    /// Any 64 bits that a client may write as a seed.
    pub fn seed(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        self.take(name)
            .map(|value| {
                let seed = value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned));
                seed.ok_or_else(|| self.wrong(name, &value, "a whole number"))
            })
            .transpose()
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        self.take(name)
            .map(|value| value.as_bool().ok_or_else(|| self.wrong(name, &value, "true or false")))
            .transpose()
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        self.take(name)
            .map(|value| match value {
                Value::String(text) => Ok(text),
                other => Err(self.wrong(name, &other, "a string")),
            })
            .transpose()
    }

    /// Refuses whatever has not been taken.
    pub fn end(mut self) -> Result<(), Refusal> {
        for name in ASIDE {
            self.map.remove(name);
        }
        // `store` asks for a service that keeps what was said.
        let is_done_anyway = |name: &str, value: &Value| match name {
            "frequency_penalty" | "presence_penalty" | "min_tokens" => value.as_f64() == Some(0.0),
            "repetition_penalty" | "length_penalty" => value.as_f64() == Some(1.0),
            "response_format" => {
                value.get("type").and_then(Value::as_str) == Some("text")
                    && value.as_object().is_some_and(|o| o.len() == 1)
            }
            "tool_choice" | "function_call" => value == "none",
            "modalities" => *value == serde_json::json!(["text"]),
            "parallel_tool_calls" => value.is_boolean(),
            "tools" | "functions" | "bad_words" | "documents" => value.as_array().is_some_and(Vec::is_empty),
            "logit_bias" => value.as_object().is_some_and(Map::is_empty),
            "suffix" => value == "",
            "store" | "skip_special_tokens" | "use_beam_search" | "include_stop_str_in_output" => {
                *value == false
            }
            _ => false,
        };
        for (name, value) in self.map.iter().filter(|(_, value)| !value.is_null()) {
            let known = ELSEWHERE.contains(&name.as_str()) || name == "store";
            let full = format!("{}{name}", self.prefix);
            if !known {
                let full: String = full.chars().take(100).collect();
                return Err(Refusal::unsupported(&full, ": there is no such field here"));
            }
            if !is_done_anyway(name, value) {
                return Err(Refusal::unsupported(&full, " here; leave it out"));
            }
        }
        Ok(())
    }
}
