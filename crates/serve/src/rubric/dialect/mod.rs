//! The dialects: how frameworks ask for a score, and how they read the answer.

pub(crate) mod classify;
pub(crate) mod completion;
pub(crate) mod items;
pub(crate) mod openrlhf;
pub(crate) mod slime;
pub(crate) mod turns;

use super::{Card, Item, Score, Scorer};
use crate::fault::{Fault, ItemFault};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use tracelift_domain::spelling;
use tracelift_domain::trace::TraceDefect;

/// Whether a planner's completion must be `<reasoning> … </reasoning>` in the dialects that send completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// A completion without them has no usable trace, which is worth 0.
    Required,
    /// A completion without any tag is a trace as a whole, as a bare trace is.
    Optional,
}

impl FromStr for Tags {
    type Err = String;
    fn from_str(text: &str) -> Result<Tags, String> {
        match text {
            "required" => Ok(Tags::Required),
            "optional" => Ok(Tags::Optional),
            _ => Err(format!("`{text}` is not one of required, optional")),
        }
    }
}

/// What a dialect knows of the service.
pub(crate) struct House {
    pub card: Card,
    /// For its tokens.
    pub scorer: Arc<dyn Scorer>,
    pub tags: Tags,
    /// Bytes of the texts of one item.
    pub item_bytes: usize,
    /// Items of one request.
    pub items: usize,
}

/// One item of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Entry {
    /// To be scored.
    Score(Item),
    /// A completion without a usable trace: the planner's fault, and therefore known to be worth 0.
    Defect(TraceDefect),
    /// Not an item.
    Invalid(ItemFault),
}

/// What became of an item.
pub(crate) enum Outcome {
    Scored(Score),
    Defect(TraceDefect),
    Failed(ItemFault),
}

impl Outcome {
    /// For the metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Scored(_) => "scored",
            Outcome::Defect(_) => "no_trace",
            Outcome::Failed(fault) if fault.is_callers() => "invalid",
            Outcome::Failed(_) => "failed",
        }
    }

    /// The reward: 0 for a completion without a trace, nothing where nothing is known.
    pub fn reward(&self) -> Option<f64> {
        match self {
            Outcome::Scored(score) => Some(score.rubric.score),
            Outcome::Defect(_) => Some(0.0),
            Outcome::Failed(_) => None,
        }
    }

    /// The name of what is wrong with a completion.
    pub fn defect(&self) -> Option<&'static str> {
        match self {
            Outcome::Defect(defect) => Some(defect.code()),
            _ => None,
        }
    }

    pub fn fault(&self) -> Option<&ItemFault> {
        match self {
            Outcome::Failed(fault) => Some(fault),
            _ => None,
        }
    }
}

/// A request, read.
pub(crate) struct Asked<C> {
    pub entries: Vec<Entry>,
    /// What the answer needs of the question.
    pub context: C,
}

/// How one framework asks and reads.
pub(crate) trait Dialect: Send + 'static {
    /// The route.
    const PATH: &'static str;
    /// What the answer needs of the question.
    type Context: Send + 'static;

    /// Reads a request. A fault is the whole request's; an item that is wrong is an [`Entry`].
    fn read(body: Value, query: &str, house: &House) -> Result<Asked<Self::Context>, Fault>;

    /// Writes the answer: one outcome an item, in their order.
    fn write(context: &Self::Context, outcomes: &[Outcome], house: &House) -> Value;
}

/// Why an item has no score.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ItemError")]
pub(crate) struct ErrorTold {
    pub index: usize,
    pub code: &'static str,
    pub message: String,
}

impl ErrorTold {
    pub fn of(index: usize, fault: &ItemFault) -> ErrorTold {
        ErrorTold { index, code: fault.code(), message: fault.to_string() }
    }
}

/// The faults of the items, each with its index.
pub(crate) fn errors(outcomes: &[Outcome]) -> Vec<ErrorTold> {
    let faults = outcomes.iter().enumerate().filter_map(|(i, outcome)| Some((i, outcome.fault()?)));
    faults.map(|(i, fault)| ErrorTold::of(i, fault)).collect()
}

/// The expected labels of a score, 0 to 4, by name.
pub(crate) fn dimensions(score: &Score, house: &House) -> BTreeMap<&'static str, f64> {
    house.card.dimensions.iter().copied().zip(score.rubric.dimensions).collect()
}

/// A JSON value of what is told.
pub(crate) fn value(told: &impl Serialize) -> Value {
    // Texts, numbers and maps with names for keys: there is nothing in it that JSON has not.
    serde_json::to_value(told).unwrap_or(Value::Null)
}

/// The body as an object.
pub(crate) fn object(body: Value) -> Result<Map<String, Value>, Fault> {
    match body {
        Value::Object(map) => Ok(map),
        other => Err(Fault::Malformed(format!("the body is {}, not an object", kind(&other)))),
    }
}

/// What a JSON value is, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Names a field that is not known, those that are, and the one that was probably meant.
pub(crate) fn unknown(map: &Map<String, Value>, known: &[&str]) -> Option<String> {
    let wrong = map.keys().find(|key| !known.contains(&key.as_str()))?;
    let shown: String = wrong.chars().take(40).collect();
    let near = spelling::nearest(&shown, known.iter().copied());
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_else(|| ".".to_owned());
    Some(format!("`{shown}` is not a field here{near} There are: {}", known.join(", ")))
}

/// Token ids as a caller sends them.
pub(crate) fn token_ids(list: &[Value]) -> Result<Vec<u32>, ItemFault> {
    let ids = list.iter().map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok())).collect::<Option<_>>();
    ids.ok_or_else(|| ItemFault::Invalid("the input is a list, but not one of token ids".into()))
}

/// A field that is a string, or absent.
pub(crate) fn text(map: &mut Map<String, Value>, field: &str) -> Result<Option<String>, ItemFault> {
    match map.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(ItemFault::Invalid(format!("`{field}` is {}, not a string", kind(&other)))),
    }
}

/// Refuses an item whose texts are too large together.
pub(crate) fn check_size(house: &House, texts: &[Option<&str>]) -> Result<(), ItemFault> {
    let (bytes, limit) = (texts.iter().flatten().map(|text| text.len()).sum::<usize>(), house.item_bytes);
    match bytes <= limit {
        true => Ok(()),
        false => {
            Err(ItemFault::Invalid(format!("the item has {bytes} bytes of text; at most {limit} are read")))
        }
    }
}

/// Refuses more items than the queue can hold, before anything is done for them.
pub(crate) fn check_count(house: &House, items: usize) -> Result<(), Fault> {
    match items <= house.items {
        true => Ok(()),
        false => Err(Fault::TooManyItems { items, limit: house.items }),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::{Encoded, Lane};
    use super::*;
    use proptest::prelude::*;
    use tracelift_domain::TaskDomain;
    use tracelift_domain::rubric::dimension_names;

    fn house() -> House {
        let card = Card {
            name: "m".into(),
            fingerprint: "f".into(),
            domain: TaskDomain::Math,
            dimensions: *dimension_names(TaskDomain::Math),
            max_tokens: 100,
        };
        House { card, scorer: Arc::new(Nobody), tags: Tags::Optional, item_bytes: 1000, items: 8 }
    }

    struct Nobody;

    impl Scorer for Nobody {
        fn card(&self) -> Card {
            house().card
        }

        fn encode(&self, _: &Item) -> Result<Encoded, ItemFault> {
            Err(ItemFault::NotFinite)
        }

        fn text(&self, tokens: &[u32]) -> Result<String, ItemFault> {
            Ok(tokens.iter().filter_map(|token| char::from_u32(*token)).collect())
        }

        fn lane(&self) -> Box<dyn Lane + '_> {
            unreachable!("nothing is encoded")
        }
    }

    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "items",
            "problem",
            "reasoning",
            "completion",
            "truncated",
            "task_name",
            "task_type",
            "tests",
            "max_length",
            "batch_size",
            "query",
            "prompts",
            "labels",
            "prompt",
            "response",
            "label",
            "input",
            "messages",
            "model",
            "role",
            "content",
            "truncate_prompt_tokens",
            "completion",
            "reasoning",
            "finish_reason",
            "problem_id",
            "statement",
            "gold",
            "answer",
            "tests",
            "function",
            "x",
        ])
        .prop_map(str::to_owned)
    }

    fn any_text() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "<reasoning>",
            "</reasoning>",
            "<|im_start|>user\n",
            "<|im_end|>",
            "<|im_start|>assistant\n",
            "<task>",
            "</task>",
            "[INST]",
            "[/INST]",
            "<start_of_turn>model\n",
            "Problem:\n",
            "\nReasoning:",
            "<problem>",
            "</problem>",
            "<pad>",
            "|>",
            "<|",
            "é",
            " ",
            "a",
            "{\"problem\": \"p\"}",
            "user",
            "assistant",
        ]);
        prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
    }

    /// Any JSON, with the words of requests in it.
    pub(crate) fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any_text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(name(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Whatever is asked is read or refused, and every entry has its place in an answer.
    fn holds<D: Dialect>(body: Value) {
        let house = house();
        let Ok(Asked { entries, context }) = D::read(body, "detail=true", &house) else { return };
        assert!(entries.len() <= house.items);
        let outcomes: Vec<Outcome> = entries
            .into_iter()
            .map(|entry| match entry {
                Entry::Score(_) => Outcome::Failed(ItemFault::NotFinite),
                Entry::Defect(defect) => Outcome::Defect(defect),
                Entry::Invalid(fault) => Outcome::Failed(fault),
            })
            .collect();
        let answer = D::write(&context, &outcomes, &house);
        let failed = outcomes.iter().filter(|outcome| outcome.fault().is_some()).count();
        let said = answer.get("errors").and_then(Value::as_array).map(Vec::len);
        assert!(said == Some(failed) || D::PATH == slime::Slime::PATH, "{answer}");
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(body in json()) {
            holds::<items::Items>(body.clone());
            holds::<openrlhf::OpenRlhf>(body.clone());
            holds::<slime::Slime>(body.clone());
            holds::<classify::Classify>(body);
        }

        #[test]
        fn likely_requests_are_read_or_refused(
            fields in prop::collection::btree_map(name(), prop_oneof![json(), prop::collection::vec(json(), 0..10).prop_map(Value::from)], 0..8),
        ) {
            let body = Value::Object(fields.into_iter().collect());
            holds::<items::Items>(body.clone());
            holds::<openrlhf::OpenRlhf>(body.clone());
            holds::<slime::Slime>(body.clone());
            holds::<classify::Classify>(body);
        }
    }
}
