//! `POST /remote_rm`: slime's remote reward model.
//!
//! It sends one sample, `{"prompt", "response", "label"}`, and the body of the answer *is* the reward: a number. With
//! `?detail=true` in the URL the body is an object instead, for `--reward-key score`. Other fields are ignored. What
//! cannot be scored is an error status, which slime tries again and then raises.

use super::{
    Asked, Dialect, Entry, ErrorTold, House, Outcome, completion, dimensions, errors, object, value,
};
use crate::fault::{Fault, ItemFault};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(crate) struct Slime;

/// What the body of the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Number,
    Object,
}

/// What the URL asks for.
pub(crate) fn body_of(query: &str) -> Result<Body, Fault> {
    match query.split('&').find_map(|pair| pair.strip_prefix("detail=")) {
        None | Some("false" | "0") => Ok(Body::Number),
        Some("true" | "1") => Ok(Body::Object),
        Some(_) => Err(Fault::Invalid("`detail` in the URL is neither true nor false".into())),
    }
}

impl Dialect for Slime {
    const PATH: &'static str = "/remote_rm";
    type Context = Body;

    fn read(body: Value, query: &str, house: &House) -> Result<Asked<Body>, Fault> {
        let mut map = object(body)?;
        let context = body_of(query)?;
        let entry = entry(&mut map, house).unwrap_or_else(Entry::Invalid);
        Ok(Asked { entries: vec![entry], context })
    }

    fn write(context: &Body, outcomes: &[Outcome], house: &House) -> Value {
        let (outcome, reward) = match outcomes {
            [outcome] => (outcome, outcome.reward()),
            _ => return json!({ "errors": errors(outcomes) }),
        };
        let told = match (outcome, reward, context) {
            (Outcome::Failed(fault), _, _) => SlimeResponse::Failed { error: ErrorTold::of(0, fault) },
            (_, reward, Body::Number) => SlimeResponse::Number(reward),
            (Outcome::Scored(score), _, Body::Object) => SlimeResponse::Scored {
                score: score.rubric.score,
                derived: score.rubric.derived,
                total: score.rubric.total,
                dimensions: dimensions(score, house),
                defect: None,
            },
            (Outcome::Defect(defect), _, Body::Object) => {
                SlimeResponse::Defect { score: 0.0, defect: defect.code(), message: defect.to_string() }
            }
        };
        value(&told)
    }
}

/// The reward of a sample; with `?detail=true` its parts.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum SlimeResponse {
    Number(Option<f64>),
    Scored {
        score: f64,
        derived: f64,
        total: f64,
        dimensions: BTreeMap<&'static str, f64>,
        defect: Option<&'static str>,
    },
    Defect {
        score: f64,
        defect: &'static str,
        message: String,
    },
    Failed {
        error: ErrorTold,
    },
}

/// slime's sample.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(crate) struct SlimeRequest {
    prompt: Option<Value>,
    response: String,
    label: Option<Value>,
}

fn entry(map: &mut Map<String, Value>, house: &House) -> Result<Entry, ItemFault> {
    let prompt = completion::prompt_text(map.remove("prompt"))?;
    let response = completion::response(map)?;
    Ok(completion::entry(prompt.as_deref(), &response, map.remove("label"), house))
}
