//! `POST /score`: items with problem and trace, as the published training scripts ask.
//!
//! They send `{"items": [{"problem", "reasoning", "task_name"?, "task_type"?}], "max_length"?, "batch_size"?}` and read the
//! numbers of `scores`; a `null` among them makes them put 0.5 for it, so only what is not known has one. A trace that is
//! empty, or tagged and not whole, is known to be worth 0. In place of `reasoning`, which is a bare trace, an item may have
//! `completion`, all that a planner wrote, and `truncated`. Everything else is in `results`. Each item is read by itself,
//! so `batch_size` is checked and not used. Fields that the route does not know are errors, so that a misspelt
//! `task_type` does not silently change a score.

use super::{
    Asked, Dialect, Entry, ErrorTold, House, Outcome, check_count, check_size, dimensions, errors, kind,
    object, text, unknown, value,
};
use crate::fault::{Fault, ItemFault};
use crate::rubric::Item;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tracelift_domain::{Ending, Field, TraceDefect, completion};

pub(crate) struct Items;

const TOP: [&str; 3] = ["items", "max_length", "batch_size"];
const ITEM: [&str; 7] =
    ["problem", "reasoning", "completion", "truncated", "task_name", "task_type", "tests"];

impl Dialect for Items {
    const PATH: &'static str = "/score";
    type Context = ();

    fn read(body: Value, _query: &str, house: &House) -> Result<Asked<()>, Fault> {
        let mut map = object(body)?;
        if let Some(message) = unknown(&map, &TOP) {
            return Err(Fault::Invalid(message));
        }
        let max_tokens = positive(map.remove("max_length"), "max_length")?;
        positive(map.remove("batch_size"), "batch_size")?;
        let items = match map.remove("items") {
            Some(Value::Array(items)) => items,
            Some(other) => return Err(Fault::Invalid(format!("`items` is {}, not a list", kind(&other)))),
            None => return Err(Fault::Invalid("`items` is missing".into())),
        };
        check_count(house, items.len())?;
        let entry = |item| match fits(&item, house).and_then(|()| item_of(item)) {
            Ok(Ok(item)) => Entry::Score(Item { max_tokens, ..item }),
            Ok(Err(defect)) => Entry::Defect(defect),
            Err(fault) => Entry::Invalid(fault),
        };
        Ok(Asked { entries: items.into_iter().map(entry).collect(), context: () })
    }

    fn write((): &(), outcomes: &[Outcome], house: &House) -> Value {
        let result = |(index, outcome): (usize, &Outcome)| ScoreResult::of(index, outcome, house);
        let told = ScoreResponse {
            scores: outcomes.iter().map(Outcome::reward).collect(),
            results: outcomes.iter().enumerate().map(result).collect(),
            errors: errors(outcomes),
            model: ModelTold { name: &house.card.name, fingerprint: &house.card.fingerprint },
        };
        value(&told)
    }
}

/// The scores of items.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ScoreResponse<'a> {
    /// Null is unknown.
    scores: Vec<Option<f64>>,
    results: Vec<ScoreResult>,
    errors: Vec<ErrorTold>,
    model: ModelTold<'a>,
}

/// Which model read them.
#[derive(Serialize, JsonSchema)]
struct ModelTold<'a> {
    name: &'a str,
    fingerprint: &'a str,
}

/// What became of one item.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum ScoreResult {
    /// It was read.
    Scored {
        index: usize,
        score: f64,
        derived: f64,
        total: f64,
        dimensions: BTreeMap<&'static str, f64>,
        /// Tokens that were read.
        tokens: usize,
        /// Whether the problem was shortened to fit.
        shortened: bool,
    },
    /// It has no usable trace, and is therefore known to be worth 0.
    Defect { index: usize, score: f64, defect: &'static str, message: String },
    /// It is no item, or could not be read.
    Failed { index: usize, score: Option<f64>, error: ErrorTold },
}

impl ScoreResult {
    fn of(index: usize, outcome: &Outcome, house: &House) -> ScoreResult {
        match outcome {
            Outcome::Scored(score) => ScoreResult::Scored {
                index,
                score: score.rubric.score,
                derived: score.rubric.derived,
                total: score.rubric.total,
                dimensions: dimensions(score, house),
                tokens: score.tokens,
                shortened: score.shortened,
            },
            Outcome::Defect(defect) => {
                ScoreResult::Defect { index, score: 0.0, defect: defect.code(), message: defect.to_string() }
            }
            Outcome::Failed(fault) => {
                ScoreResult::Failed { index, score: None, error: ErrorTold::of(index, fault) }
            }
        }
    }
}

/// Items to be scored.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field, and a test holds it to that")]
pub(crate) struct ScoreRequest {
    items: Vec<ScoreItem>,
    /// Tokens that are read at most.
    #[schemars(range(min = 1))]
    max_length: Option<u64>,
    /// Checked and not used.
    #[schemars(range(min = 1))]
    batch_size: Option<u64>,
}

/// A problem and a trace.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "as `ScoreRequest`")]
struct ScoreItem {
    problem: String,
    /// A bare trace.
    reasoning: Option<String>,
    /// All that a planner wrote, in place of `reasoning`.
    completion: Option<String>,
    /// Whether that was cut.
    truncated: Option<bool>,
    task_name: Option<String>,
    task_type: Option<String>,
    tests: Option<String>,
}

/// An item, as far as it alone tells; or why there is no trace in it.
pub(crate) fn item_of(item: Value) -> Result<Result<Item, TraceDefect>, ItemFault> {
    let mut map = match item {
        Value::Object(map) => map,
        other => return Err(ItemFault::Invalid(format!("the item is {}, not an object", kind(&other)))),
    };
    if let Some(message) = unknown(&map, &ITEM) {
        return Err(ItemFault::Invalid(message));
    }
    let problem = text(&mut map, "problem")?;
    let problem = problem.ok_or_else(|| ItemFault::Invalid("`problem` is missing".into()))?;
    let ending = match map.remove("truncated") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(true)) => Some(Ending::TokenLimit),
        Some(Value::Bool(false)) => Some(Ending::Stopped),
        Some(other) => {
            return Err(ItemFault::Invalid(format!("`truncated` is {}, not a boolean", kind(&other))));
        }
    };
    let trace = match (text(&mut map, "reasoning")?, text(&mut map, "completion")?, ending) {
        (Some(bare), None, None) => completion::read(&bare, Field::Reasoning, Ending::Stopped),
        (None, Some(whole), ending) => {
            completion::read(&whole, Field::Completion, ending.unwrap_or(Ending::Stopped))
        }
        (None, None, _) => {
            let message = "`reasoning` is missing; or give a planner's whole `completion` in its place";
            return Err(ItemFault::Invalid(message.into()));
        }
        (Some(_), Some(_), _) => {
            let message = "give `reasoning` (a bare trace) or `completion` (all that was written), not both";
            return Err(ItemFault::Invalid(message.into()));
        }
        (Some(_), None, Some(_)) => {
            return Err(ItemFault::Invalid("`truncated` goes with `completion`, not `reasoning`".into()));
        }
    };
    let (task_name, task_type) = (text(&mut map, "task_name")?, text(&mut map, "task_type")?);
    let tests = text(&mut map, "tests")?;
    Ok(trace.map(|trace| Item { problem, trace, task_name, task_type, tests, max_tokens: None }))
}

fn fits(item: &Value, house: &House) -> Result<(), ItemFault> {
    let texts: Vec<Option<&str>> =
        item.as_object().into_iter().flat_map(Map::values).map(Value::as_str).collect();
    check_size(house, &texts)
}

fn positive(value: Option<Value>, field: &str) -> Result<Option<usize>, Fault> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(Fault::Invalid(format!("`{field}` is not a whole number above 0"))),
        },
    }
}
