//! `POST /compute_score`: what verl calls a reward function with, as JSON: `{"data_source", "solution_str", "ground_truth",
//! "extra_info"}`, or the lists `data_sources`, `solution_strs`, `ground_truths`, `extra_infos` of its batch manager.
//!
//! The answer is what such a function returns: an object with `score` and further numbers, the same ones in every answer of one rule, as
//! verl makes columns of them. An unknown reward has no number: of one sample the status is 503, with `Retry-After`, as verl
//! cannot take "unknown"; in a list its `score` is null.

use super::{gathered, sample, unanswerable, whose_of};
use crate::fault::{Fault, ItemFault};
use crate::reward::appraise::Appraised;
use crate::reward::asked::{self, Entry};
use crate::reward::service::{Heard, House, Said, Speech};
use crate::reward::told;
use crate::rubric::dialect::{kind, object, openrlhf::list};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tracelift_domain::Probability;
use tracelift_reward::Needs;

pub(in crate::reward) struct Verl;

/// What the answer needs of the question.
pub(in crate::reward) struct Asking {
    count: Count,
    /// Which parts the rule has.
    needs: Needs,
}

/// Whether one sample was sent, or lists.
enum Count {
    One,
    Many,
}

impl Speech for Verl {
    const PATH: &'static str = "/compute_score";
    type Context = Asking;

    fn read(body: Value, _query: &str, house: &House) -> Result<Heard<Asking>, Fault> {
        let mut map = object(body)?;
        let terms = asked::terms(&mut map, house)?;
        let needs = terms.config.needs();
        let (count, rows) = match list(&mut map, "solution_strs")? {
            None => {
                let mut field = |name: &str| map.remove(name).unwrap_or(Value::Null);
                let row = ["data_source", "solution_str", "ground_truth", "extra_info"].map(&mut field);
                (Count::One, vec![row])
            }
            Some(said) => {
                let count = said.len();
                let mut column = |name: &str| match list(&mut map, name)? {
                    None => Ok(vec![Value::Null; count]),
                    Some(values) if values.len() == count => Ok(values),
                    Some(values) => Err(Fault::Invalid(format!(
                        "`{name}` has {} entries, but `solution_strs` has {count}",
                        values.len()
                    ))),
                };
                let (sources, truths) = (column("data_sources")?, column("ground_truths")?);
                let infos = column("extra_infos")?;
                let rows = said.into_iter().zip(sources).zip(truths.into_iter().zip(infos));
                (
                    Count::Many,
                    rows.map(|((said, source), (truth, info))| [source, said, truth, info]).collect(),
                )
            }
        };
        if rows.len() > house.items {
            return Err(Fault::TooManyItems { items: rows.len(), limit: house.items });
        }
        let entries = rows.into_iter().map(|row| entry(row, house).unwrap_or_else(Entry::from)).collect();
        Ok(Heard { entries, terms, context: Asking { count, needs } })
    }

    fn write(context: &Asking, appraised: &[Appraised], _house: &House) -> Said {
        let told: Vec<Value> = appraised.iter().map(|one| told::value(&score(one, context.needs))).collect();
        let body = match (&context.count, appraised) {
            (Count::Many, _) => json!(told),
            (Count::One, [one]) => match &one.appraisal.unknown {
                Some(unknown) => return unanswerable(unknown),
                None => told.into_iter().next().unwrap_or(Value::Null),
            },
            // One was read.
            (Count::One, _) => return Said { status: StatusCode::INTERNAL_SERVER_ERROR, body: Value::Null },
        };
        Said { status: StatusCode::OK, body }
    }
}

/// Numbers alone, so that verl can make columns and means of them.
#[derive(Serialize, JsonSchema)]
pub(in crate::reward) struct Scored {
    /// The reward; null, in lists alone, where it is unknown.
    score: Option<f64>,
    e: Option<f64>,
    w: Option<f64>,
    /// Where the rule uses a baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<Option<f64>>,
    /// As `b`.
    #[serde(skip_serializing_if = "Option::is_none")]
    u: Option<Option<f64>>,
    /// Where the rule uses a reading against the rubric.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<Option<f64>>,
    /// 1 where the trace states the answer.
    leaked: f64,
    /// 1 where there is no usable trace.
    no_trace: f64,
}

fn score(one: &Appraised, needs: Needs) -> Scored {
    let (found, number) = (&one.appraisal, |value: Option<Probability>| value.map(Probability::get));
    let flag = |flag: bool| f64::from(u8::from(flag));
    Scored {
        score: found.reward,
        e: number(found.evidence.outcome),
        w: number(found.evidence.with_trace),
        b: needs.baseline.then(|| number(found.evidence.without)),
        u: needs.baseline.then(|| found.evidence.uplift().map(|uplift| uplift.get())),
        s: needs.rubric.then(|| number(found.evidence.rubric)),
        leaked: flag(found.leaked.unwrap_or(false)),
        no_trace: flag(found.defect.is_some()),
    }
}

fn entry([source, said, truth, info]: [Value; 4], house: &House) -> Result<Entry, ItemFault> {
    let Value::String(completion) = said else {
        return Err(ItemFault::Invalid(format!("`solution_str` is {}, not a string", kind(&said))));
    };
    let mut info = match info {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        other => return Err(ItemFault::Invalid(format!("`extra_info` is {}, not an object", kind(&other)))),
    };
    let finish = info.remove("finish_reason");
    let prompt = match info.remove("prompt") {
        Some(Value::String(prompt)) => Some(prompt),
        _ => None,
    };
    let mut label = gathered(|name| match name {
        "ground_truth" => Some(truth.clone()),
        // What a worked solution says is not by what an artifact is judged.
        "answer" | "solution" if !truth.is_null() => None,
        name => info.get(name).cloned(),
    });
    if let Value::String(source) = source
        && !source.trim().is_empty()
    {
        label.entry("source").or_insert(Value::String(source));
    }
    let whose = whose_of(label, prompt.as_deref())?;
    sample(whose, &completion, finish.as_ref().and_then(Value::as_str), house)
}
