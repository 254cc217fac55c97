//! A first look at a `tokenizer.json`, before the `tokenizers` crate reads it: what it would stumble over is an error here,
//! and what it would do at random is refused.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use tokenizers::normalizers::Precompiled;

/// The parts that are looked at.
#[derive(Deserialize)]
struct Look {
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    dropout: Option<f64>,
}

/// Checks the text of a `tokenizer.json`; the highest id that its post-processor puts around a text.
///
/// # Errors
/// A sentence that names the part that is wrong.
pub(super) fn look_over(text: &str) -> Result<Option<u32>, String> {
    let Look { normalizer, pre_tokenizer, post_processor, model } =
        serde_json::from_str(text).map_err(|error| format!("not a tokenizer.json: {error}"))?;
    if model.dropout.is_some_and(|dropout| dropout != 0.0) {
        return Err(
            "`model.dropout` cuts the same text into other tokens every time; set it to null".to_owned()
        );
    }
    if let Some(normalizer) = &normalizer {
        normalizers(normalizer)?;
    }
    if let Some(pre_tokenizer) = &pre_tokenizer {
        pre_tokenizers(pre_tokenizer)?;
    }
    let mut highest = None;
    if let Some(processor) = &post_processor {
        post_processors(processor, &mut highest)?;
    }
    Ok(highest)
}

/// The tables of SentencePiece, which are read from base64; and what is replaced, which must be something.
fn normalizers(value: &Value) -> Result<(), String> {
    match value.get("type").and_then(Value::as_str) {
        Some("Precompiled") => {
            let read = serde_json::from_value::<Precompiled>(value.clone());
            read.map_err(|error| format!("`normalizer`: {error}"))?;
        }
        Some("Replace") => {
            let pattern = value.get("pattern");
            let of = |kind: &str| pattern.and_then(|pattern| pattern.get(kind)).and_then(Value::as_str);
            if of("String") == Some("") || of("Regex").is_some_and(matches_nothing) {
                return Err(
                    "`normalizer`: `Replace` has a pattern that also matches where there is nothing; \
                            the `tokenizers` crate cannot replace that"
                        .to_owned(),
                );
            }
        }
        _ => {}
    }
    let inner = value.get("normalizers").and_then(Value::as_array);
    inner.into_iter().flatten().try_for_each(normalizers)
}

/// Whether a pattern matches a place without a character, as far as a few texts show.
fn matches_nothing(pattern: &str) -> bool {
    // What is no pattern is the crate's to refuse.
    let Ok(pattern) = fancy_regex::RegexBuilder::new(pattern).backtrack_limit(100_000).build() else {
        return false;
    };
    ["", "a", " ", "1", "\n", "Ab 12.\n\n", "▁é漢"]
        .iter()
        .any(|text| pattern.find_iter(text).map_while(Result::ok).any(|found| found.start() == found.end()))
}

fn pre_tokenizers(value: &Value) -> Result<(), String> {
    if value.get("type").and_then(Value::as_str) == Some("FixedLength")
        && value.get("length").and_then(Value::as_u64) == Some(0)
    {
        return Err("`pre_tokenizer`: `FixedLength` has a `length` of 0".to_owned());
    }
    let inner = value.get("pretokenizers").and_then(Value::as_array);
    inner.into_iter().flatten().try_for_each(pre_tokenizers)
}

/// What is put around a text.
#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    single: Vec<BTreeMap<String, Value>>,
    #[serde(default)]
    pair: Vec<BTreeMap<String, Value>>,
    #[serde(default)]
    special_tokens: BTreeMap<String, Tokens>,
}

#[derive(Deserialize)]
struct Tokens {
    ids: Vec<u32>,
    tokens: Vec<String>,
}

fn post_processors(value: &Value, highest: &mut Option<u32>) -> Result<(), String> {
    let broken = |message: String| format!("`post_processor`: {message}");
    let mut seen = |id: u32| *highest = (*highest).max(Some(id));
    match value.get("type").and_then(Value::as_str) {
        Some("TemplateProcessing") => {
            let template: Template =
                serde_json::from_value(value.clone()).map_err(|error| broken(error.to_string()))?;
            for (name, Tokens { ids, tokens }) in &template.special_tokens {
                if ids.len() != tokens.len() {
                    return Err(broken(format!(
                        "`{name}` has {} ids for {} tokens",
                        ids.len(),
                        tokens.len()
                    )));
                }
                ids.iter().copied().for_each(&mut seen);
            }
            let of_second = |piece: &BTreeMap<String, Value>| {
                piece.get("Sequence").and_then(|piece| piece.get("id")).and_then(Value::as_str) == Some("B")
            };
            if template.single.iter().any(of_second) {
                return Err(broken("`single` puts a second text beside the only one".to_owned()));
            }
            let pieces = template.single.iter().chain(&template.pair);
            let named = pieces.filter_map(|piece| piece.get("SpecialToken")?.get("id")?.as_str());
            let unknown = named.into_iter().find(|name| !template.special_tokens.contains_key(*name));
            if let Some(name) = unknown {
                return Err(broken(format!("the token `{name}` is not among its `special_tokens`")));
            }
        }
        // A token with its id.
        Some("BertProcessing" | "RobertaProcessing") => {
            for place in ["sep", "cls"] {
                let id = value.get(place).and_then(|pair| pair.get(1)).and_then(Value::as_u64);
                id.and_then(|id| u32::try_from(id).ok()).into_iter().for_each(&mut seen);
            }
        }
        _ => {}
    }
    let inner = value.get("processors").and_then(Value::as_array);
    inner.into_iter().flatten().try_for_each(|inner| post_processors(inner, highest))
}
