//! `POST /reward_func`: what TRL calls a reward function with, as JSON: `{"prompts": […], "completions": […], COLUMN: […], …}`.
//!
//! The answer is what such a function returns: a list of numbers, in which null is unknown. TRL leaves a row without any reward out of
//! its group's mean and deviation and gives it the advantage 0. With `?detail=true` in the URL the answer is that of `/v1/reward`.
//! What of a row's columns names its problem is taken; all others are the framework's.

use super::{gathered, sample, whose_of};
use crate::fault::{Fault, ItemFault};
use crate::reward::appraise::Appraised;
use crate::reward::asked::{self, Entry};
use crate::reward::service::{Heard, House, Said, Speech};
use crate::reward::told;
use crate::rubric::dialect::slime::{Body, body_of};
use crate::rubric::dialect::{completion, object, openrlhf::list};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

pub(in crate::reward) struct Trl;

impl Speech for Trl {
    const PATH: &'static str = "/reward_func";
    type Context = Body;

    fn read(body: Value, query: &str, house: &House) -> Result<Heard<Body>, Fault> {
        let mut map = object(body)?;
        let context = body_of(query)?;
        let terms = asked::terms(&mut map, house)?;
        let Some(completions) = list(&mut map, "completions")? else {
            return Err(Fault::Invalid("`completions` is missing".into()));
        };
        let count = completions.len();
        if count > house.items {
            return Err(Fault::TooManyItems { items: count, limit: house.items });
        }
        let prompts = match list(&mut map, "prompts")? {
            Some(prompts) if prompts.len() != count => {
                let found = prompts.len();
                return Err(Fault::Invalid(format!(
                    "`prompts` has {found} entries, but `completions` has {count}"
                )));
            }
            prompts => prompts.unwrap_or_else(|| vec![Value::Null; count]),
        };
        // A column has a value a completion; what else the framework sends is none.
        map.retain(|_, column| column.as_array().is_some_and(|column| column.len() == count));
        let rows = prompts.into_iter().zip(completions).enumerate();
        let entries = rows
            .map(|(row, (prompt, completion))| {
                entry(prompt, completion, row, &map, house).unwrap_or_else(Entry::from)
            })
            .collect();
        Ok(Heard { entries, terms, context })
    }

    fn write(context: &Body, appraised: &[Appraised], house: &House) -> Said {
        let body = match context {
            Body::Number => json!(appraised.iter().map(|one| one.appraisal.reward).collect::<Vec<_>>()),
            Body::Object => told::value(&told::RewardResponse::of(appraised, house)),
        };
        Said { status: StatusCode::OK, body }
    }
}

fn entry(
    prompt: Value,
    completion: Value,
    row: usize,
    columns: &Map<String, Value>,
    house: &House,
) -> Result<Entry, ItemFault> {
    let prompt = completion::prompt_text(Some(prompt))?;
    let completion = asked::said(completion)?;
    let cell = |name: &str| columns.get(name)?.get(row).cloned();
    let whose = whose_of(gathered(cell), prompt.as_deref())?;
    let finish = cell("finish_reason");
    sample(whose, &completion, finish.as_ref().and_then(Value::as_str), house)
}
