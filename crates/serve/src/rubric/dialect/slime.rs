//! `POST /remote_rm`: slime's remote reward model.
//!
//! It sends one sample, `{"prompt", "response", "label"}`, and the body of the answer *is* the reward: a number. With
//! `?detail=true` in the URL the body is an object instead, for `--reward-key score`. Other fields are ignored. What
//! cannot be scored is an error status, which slime tries again and then raises.

use super::{Asked, Dialect, Entry, House, Outcome, completion, dimensions, errors, object};
use crate::fault::{Fault, ItemFault};
use serde_json::{Map, Value, json};

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
        match (outcome, reward, context) {
            (Outcome::Failed(fault), _, _) => {
                json!({ "error": { "code": fault.code(), "message": fault.to_string(), "index": 0 } })
            }
            (_, reward, Body::Number) => json!(reward),
            (Outcome::Scored(score), _, Body::Object) => json!({
                "score": score.rubric.score,
                "derived": score.rubric.derived,
                "total": score.rubric.total,
                "dimensions": dimensions(score, house),
                "defect": null,
            }),
            (Outcome::Defect(defect), _, Body::Object) => {
                json!({ "score": 0.0, "defect": defect.code(), "message": defect.to_string() })
            }
        }
    }
}

fn entry(map: &mut Map<String, Value>, house: &House) -> Result<Entry, ItemFault> {
    let prompt = completion::prompt_text(map.remove("prompt"))?;
    let response = completion::response(map)?;
    Ok(completion::entry(prompt.as_deref(), &response, map.remove("label"), house))
}
