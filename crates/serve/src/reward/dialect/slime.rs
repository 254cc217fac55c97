//! `POST /remote_rm`: slime's remote reward model, with the whole reward.
//!
//! It sends one sample, `{"prompt", "response", "label"}`, and the body of the answer *is* the reward. With `?detail=true` in the
//! URL it is an object with all parts instead, for `--reward-key reward`. An unknown reward has no number: the status is 503, with
//! `Retry-After`, and slime asks again.

use super::{sample, unanswerable, whose};
use crate::fault::{Fault, ItemFault};
use crate::reward::appraise::Appraised;
use crate::reward::asked::{self, Entry};
use crate::reward::service::{Heard, House, Said, Speech};
use crate::reward::told;
use crate::rubric::dialect::slime::{Body, body_of};
use crate::rubric::dialect::{completion, object, text};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

pub(in crate::reward) struct Slime;

impl Speech for Slime {
    const PATH: &'static str = "/remote_rm";
    type Context = Body;

    fn read(body: Value, query: &str, house: &House) -> Result<Heard<Body>, Fault> {
        let mut map = object(body)?;
        let context = body_of(query)?;
        let terms = asked::terms(&mut map, house)?;
        let entry = entry(&mut map, house).unwrap_or_else(Entry::from);
        Ok(Heard { entries: vec![entry], terms, context })
    }

    fn write(context: &Body, appraised: &[Appraised], house: &House) -> Said {
        // One was read.
        let Some(one) = appraised.first() else {
            return Said { status: StatusCode::INTERNAL_SERVER_ERROR, body: Value::Null };
        };
        if let Some(unknown) = &one.appraisal.unknown {
            return unanswerable(unknown);
        }
        let body = match context {
            Body::Number => json!(one.appraisal.reward),
            Body::Object => {
                let result = told::RewardResult::of(0, one, &house.names);
                told::value(&told::Detail { result, fingerprints: &house.fingerprints })
            }
        };
        Said { status: StatusCode::OK, body }
    }
}

fn entry(map: &mut Map<String, Value>, house: &House) -> Result<Entry, ItemFault> {
    let prompt = completion::prompt_text(map.remove("prompt"))?;
    let response = completion::response(map)?;
    let finish = text(map, "finish_reason")?;
    let whose = whose(map.remove("label"), prompt.as_deref())?;
    sample(whose, &response, finish.as_deref(), house)
}
