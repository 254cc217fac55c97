//! `POST /get_reward`: OpenRLHF's remote reward model.
//!
//! It sends `{"query": [text], "prompts": [text], "labels": [any]}`, one sample a request as a rule, where a query is the
//! prompt and the completion, special tokens and all. It reads `rewards`, `scores` and the lists of `extra_logs`; other fields
//! are ignored on both sides.

use super::{
    Asked, Dialect, Entry, ErrorTold, House, Outcome, check_count, completion, errors, kind, object, value,
};
use crate::fault::{Fault, ItemFault};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(crate) struct OpenRlhf;

impl Dialect for OpenRlhf {
    const PATH: &'static str = "/get_reward";
    type Context = ();

    fn read(body: Value, _query: &str, house: &House) -> Result<Asked<()>, Fault> {
        let mut map = object(body)?;
        let Some(queries) = list(&mut map, "query")? else {
            return Err(Fault::Invalid("`query` is missing".into()));
        };
        check_count(house, queries.len())?;
        let mut beside = |field: &str| {
            let values = list(&mut map, field)?;
            match values {
                // Older versions send no prompts, and labels may be left out.
                Some(values) if !values.is_empty() && values.len() != queries.len() => Err(Fault::Invalid(
                    format!("`{field}` has {} entries, but `query` has {}", values.len(), queries.len()),
                )),
                values => Ok(values.unwrap_or_default()),
            }
        };
        let (prompts, labels) = (beside("prompts")?, beside("labels")?);
        let mut prompts = prompts.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let mut labels = labels.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let entries = queries
            .into_iter()
            .map(|query| {
                let (prompt, label) = (prompts.next().flatten(), labels.next().flatten());
                entry(&query, prompt, label, house).unwrap_or_else(Entry::Invalid)
            })
            .collect();
        Ok(Asked { entries, context: () })
    }

    fn write((): &(), outcomes: &[Outcome], house: &House) -> Value {
        let rewards: Vec<Option<f64>> = outcomes.iter().map(Outcome::reward).collect();
        let mut logs = BTreeMap::new();
        for (d, name) in house.card.dimensions.iter().enumerate() {
            let values: Vec<Option<f64>> = outcomes
                .iter()
                .map(|outcome| match outcome {
                    Outcome::Scored(score) => Some(score.rubric.dimensions[d]),
                    Outcome::Defect(_) => Some(0.0),
                    Outcome::Failed(_) => None,
                })
                .collect();
            logs.insert(*name, values);
        }
        let without = outcomes.iter().map(|outcome| Some(f64::from(outcome.defect().is_some())));
        logs.insert("no_trace", without.collect());
        let defects = outcomes.iter().map(Outcome::defect).collect();
        let told = OpenRlhfResponse {
            scores: rewards.clone(),
            rewards,
            extra_logs: logs,
            defects,
            errors: errors(outcomes),
        };
        value(&told)
    }
}

/// What OpenRLHF reads. Null is unknown.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OpenRlhfResponse {
    rewards: Vec<Option<f64>>,
    scores: Vec<Option<f64>>,
    extra_logs: BTreeMap<&'static str, Vec<Option<f64>>>,
    defects: Vec<Option<&'static str>>,
    errors: Vec<ErrorTold>,
}

/// OpenRLHF's samples.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(crate) struct OpenRlhfRequest {
    /// Prompt and completion of each.
    query: Vec<String>,
    #[schemars(default)]
    prompts: Vec<Value>,
    /// An object with `problem` says what was asked; an answer is left alone.
    #[schemars(default)]
    labels: Vec<Value>,
}

fn entry(
    query: &Value,
    prompt: Option<Value>,
    label: Option<Value>,
    house: &House,
) -> Result<Entry, ItemFault> {
    let query = completion::query(query)?;
    let prompt = completion::prompt_text(prompt)?;
    let said = completion::said(query, prompt.as_deref())?;
    Ok(completion::entry(Some(said.prompt), said.completion, label, house))
}

/// A field that is a list; a lone string is a list of one.
pub(crate) fn list(map: &mut Map<String, Value>, field: &str) -> Result<Option<Vec<Value>>, Fault> {
    match map.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => Ok(Some(values)),
        Some(text @ Value::String(_)) => Ok(Some(vec![text])),
        Some(other) => Err(Fault::Invalid(format!("`{field}` is {}, not a list", kind(&other)))),
    }
}
