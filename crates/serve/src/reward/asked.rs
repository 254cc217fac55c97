//! What is asked: items of `POST /v1/reward`, and what of them a completion is.

use super::executors::{Names, Readers};
use super::problems::{self, Whose};
use super::service::House;
use crate::fault::{Fault, ItemFault};
use crate::rubric::dialect::{Tags, kind, object, text, unknown};
use serde_json::{Map, Value};
use tracelift_domain::{
    Ending, Field, Fingerprint, Probability, Trace, TraceDefect, completion, fingerprint::canonical,
};
use tracelift_prompt::End;
use tracelift_reward::{Place, RewardConfig, Rule, Unknown, config::MOST_RUNS};

/// What reading a completion takes beside its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the end of a reply says of a trace that is not closed.
    pub end: End,
    /// What the planner's prompt began of the completion, which frameworks do not send back.
    pub prefill: String,
    /// Whether a completion must have its tags.
    pub tags: Tags,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { end: End::Says, prefill: String::new(), tags: Tags::Required }
    }
}

impl Reading {
    /// A hash of it.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let settled = serde_json::json!({
            "end": self.end, "prefill": self.prefill, "tags": self.tags == Tags::Required,
        });
        Fingerprint::of([("reading", canonical(&settled).as_bytes())])
    }

    /// The trace of a completion that ended so.
    pub(super) fn trace(&self, completion: &str, finish: Finish) -> Result<Trace, TraceDefect> {
        let ending = match (finish, self.end) {
            (Finish::Length, _) => Ending::TokenLimit,
            (Finish::Stopped | Finish::Unsaid, End::Closes) => Ending::Closes,
            (Finish::Stopped | Finish::Unsaid, End::Says) => Ending::Stopped,
        };
        let field = match self.tags {
            Tags::Required => Field::Completion,
            Tags::Optional => Field::Reasoning,
        };
        match self.prefill.as_str() {
            "" => completion::read(completion, field, ending),
            prefill => completion::read(&(prefill.to_owned() + completion), field, ending),
        }
    }
}

/// How a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// The model stopped.
    Stopped,
    /// At the limit of tokens.
    Length,
    /// Nobody says.
    Unsaid,
}

impl Finish {
    /// By the names that servers and frameworks give it. Of a completion that ended in another way (aborted, filtered, an error)
    /// nobody knows what its planner would have written.
    pub fn of(reason: Option<&str>) -> Result<Finish, Unknown> {
        match reason {
            None => Ok(Finish::Unsaid),
            Some("stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" | "completed") => {
                Ok(Finish::Stopped)
            }
            Some("length" | "max_tokens" | "max_length") => Ok(Finish::Length),
            Some(other) => {
                let shown: String = other.chars().take(40).collect();
                let message =
                    format!("the completion ended with `finish_reason` {shown:?}, so it is not whole");
                Err(Unknown { cause: "unfinished", place: Place::Completion, message })
            }
        }
    }

    /// Whether it was cut, where that is known.
    pub fn truncated(self) -> Option<bool> {
        match self {
            Finish::Stopped => Some(false),
            Finish::Length => Some(true),
            Finish::Unsaid => None,
        }
    }
}

/// A completion for a problem.
#[derive(Debug)]
pub(super) struct Sample {
    pub whose: Whose,
    pub trace: Result<Trace, TraceDefect>,
    pub finish: Finish,
    /// All that was written, for the ledger.
    pub written: String,
    /// The executors that it names.
    pub readers: Option<Readers>,
}

/// One item of a request.
#[derive(Debug)]
pub(super) enum Entry {
    /// To be appraised.
    Sample(Sample),
    /// Nothing can be known of it.
    Unknown(Unknown),
}

impl From<ItemFault> for Entry {
    fn from(fault: ItemFault) -> Entry {
        Entry::Unknown(invalid(&fault))
    }
}

pub(super) fn invalid(fault: &ItemFault) -> Unknown {
    Unknown { cause: fault.code(), place: Place::Item, message: fault.to_string() }
}

/// What a request says for all of its items.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// Rule, λ and `K`.
    pub config: RewardConfig,
    /// The executors of which an item is appraised that names none.
    pub readers: Readers,
    /// How the answer comes.
    pub delivery: Delivery,
}

/// What a request may change of what is usual, for itself. A stream is for whoever can read one to ask for.
pub(super) fn terms(map: &mut Map<String, Value>, house: &House) -> Result<Terms, Fault> {
    let config = rewarding(map, &house.config)?;
    let named = readers(map.remove("executor"), &house.names);
    let readers = named.map_err(|fault| Fault::Invalid(fault.to_string()))?;
    let readers = readers.unwrap_or_else(|| house.names.usual());
    Ok(Terms { config, readers, delivery: Delivery::Whole })
}

/// The executors that are named: one, or several, of which the mean is wanted.
fn readers(named: Option<Value>, names: &Names) -> Result<Option<Readers>, ItemFault> {
    let invalid = |message: String| ItemFault::Invalid(format!("`executor`: {message}"));
    let list: Vec<String> = match named {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(all)) => {
            let name = |one: Value| match one {
                Value::String(name) => Ok(name),
                other => Err(invalid(format!("a name is {}, not a string", kind(&other)))),
            };
            all.into_iter().map(name).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(invalid(format!("it is {}, not a name or a list of names", kind(&other)))),
    };
    names.readers(&list).map(Some).map_err(|error| invalid(error.to_string()))
}

fn rewarding(map: &mut Map<String, Value>, base: &RewardConfig) -> Result<RewardConfig, Fault> {
    let mut config = base.clone();
    match map.remove("rule") {
        None | Some(Value::Null) => {}
        Some(value) => {
            let rules = || Rule::ALL.map(Rule::name).join(", ");
            let named =
                value.as_str().and_then(|name| Rule::ALL.into_iter().find(|rule| rule.name() == name));
            config.rule = named.ok_or_else(|| Fault::Invalid(format!("`rule` is none of {}", rules())))?;
        }
    }
    match map.remove("lambda") {
        None | Some(Value::Null) => {}
        Some(value) => {
            let lambda = value.as_f64().and_then(|lambda| Probability::new(lambda).ok());
            config.lambda =
                lambda.ok_or_else(|| Fault::Invalid("`lambda` is no number from 0 to 1".into()))?;
        }
    }
    match map.remove("runs") {
        None | Some(Value::Null) => {}
        Some(value) => {
            // A request may ask for more than is usual, not for all that the executor has.
            let most = base.runs.clamp(64, MOST_RUNS);
            let runs = value.as_u64().and_then(|runs| usize::try_from(runs).ok());
            let runs = runs.filter(|runs| (1..=most).contains(runs));
            config.runs =
                runs.ok_or_else(|| Fault::Invalid(format!("`runs` is no whole number from 1 to {most}")))?;
        }
    }
    Ok(config)
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Once all items are appraised.
    Whole,
    /// Line by line, as they are.
    Streamed,
}

impl Delivery {
    /// As a request says it.
    pub fn of(stream: Option<Value>) -> Result<Delivery, Fault> {
        match stream {
            None | Some(Value::Null | Value::Bool(false)) => Ok(Delivery::Whole),
            Some(Value::Bool(true)) => Ok(Delivery::Streamed),
            Some(other) => {
                Err(Fault::Invalid(format!("`stream` is {}, neither true nor false", kind(&other))))
            }
        }
    }
}

pub(super) const TOP: [&str; 6] = ["items", "rule", "lambda", "runs", "executor", "stream"];
pub(super) const ITEM: [&str; 7] =
    ["problem", "problem_id", "completion", "reasoning", "finish_reason", "executor", "id"];

/// A request of `POST /v1/reward`.
pub(super) struct Asked {
    pub entries: Vec<Entry>,
    pub terms: Terms,
}

/// Reads a request.
pub(super) fn request(body: Value, house: &House) -> Result<Asked, Fault> {
    let mut map = object(body)?;
    if let Some(message) = unknown(&map, &TOP) {
        return Err(Fault::Invalid(message));
    }
    let mut terms = terms(&mut map, house)?;
    terms.delivery = Delivery::of(map.remove("stream"))?;
    let list = match map.remove("items") {
        Some(Value::Array(list)) => list,
        Some(other) => return Err(Fault::Invalid(format!("`items` is {}, not a list", kind(&other)))),
        None => return Err(Fault::Invalid("`items` is missing".into())),
    };
    if list.len() > house.items {
        return Err(Fault::TooManyItems { items: list.len(), limit: house.items });
    }
    let entries = list.into_iter().map(|value| item(value, house).unwrap_or_else(Entry::from)).collect();
    Ok(Asked { entries, terms })
}

fn item(value: Value, house: &House) -> Result<Entry, ItemFault> {
    let (reading, bytes) = (&house.reading, house.item_bytes);
    let mut map = match value {
        Value::Object(map) => map,
        other => return Err(ItemFault::Invalid(format!("the item is {}, not an object", kind(&other)))),
    };
    if let Some(message) = unknown(&map, &ITEM) {
        return Err(ItemFault::Invalid(message));
    }
    let whose = match (map.remove("problem"), text(&mut map, "problem_id")?) {
        (Some(problem), None) => Whose::Given(problems::problem(problem)?.into()),
        (None, Some(id)) => Whose::Registered(id),
        (Some(_), Some(_)) => {
            return Err(ItemFault::Invalid("give `problem` or `problem_id`, not both".into()));
        }
        (None, None) => {
            let message = "`problem` is missing; or name one that was registered, as `problem_id`";
            return Err(ItemFault::Invalid(message.into()));
        }
    };
    let finish = match Finish::of(text(&mut map, "finish_reason")?.as_deref()) {
        Ok(finish) => finish,
        Err(unknown) => return Ok(Entry::Unknown(unknown)),
    };
    let readers = readers(map.remove("executor"), &house.names)?;
    let completion = map.remove("completion").filter(|completion| !completion.is_null());
    let written = match (completion, text(&mut map, "reasoning")?) {
        (Some(completion), None) => said(completion)?,
        (None, Some(bare)) => {
            check_size(&bare, bytes)?;
            let trace = completion::read(&bare, Field::Reasoning, Ending::Stopped);
            return Ok(Entry::Sample(Sample { whose, trace, finish, written: bare, readers }));
        }
        (None, None) => {
            let message = "`completion` is missing; or give a bare trace as `reasoning`";
            return Err(ItemFault::Invalid(message.into()));
        }
        (Some(_), Some(_)) => {
            let message = "give `completion` (all that was written) or `reasoning` (a bare trace), not both";
            return Err(ItemFault::Invalid(message.into()));
        }
    };
    check_size(&written, bytes)?;
    let trace = reading.trace(&written, finish);
    Ok(Entry::Sample(Sample { whose, trace, finish, written, readers }))
}

pub(super) fn check_size(completion: &str, limit: usize) -> Result<(), ItemFault> {
    match completion.len() {
        bytes if bytes <= limit => Ok(()),
        bytes => {
            Err(ItemFault::Invalid(format!("the completion has {bytes} bytes; at most {limit} are read")))
        }
    }
}

/// A completion as a text, or as messages, of which the last one must be the assistant's.
pub(super) fn said(completion: Value) -> Result<String, ItemFault> {
    let messages = match completion {
        Value::String(text) => return Ok(text),
        Value::Array(messages) => messages,
        other => {
            let what = kind(&other);
            return Err(ItemFault::Invalid(format!(
                "`completion` is {what}, not a text or a list of messages"
            )));
        }
    };
    let last = messages.last().ok_or_else(|| ItemFault::Invalid("`completion` has no messages".into()))?;
    if last.get("role").and_then(Value::as_str) != Some("assistant") {
        return Err(ItemFault::Invalid("the last message of `completion` is not the assistant's".into()));
    }
    let spoken = |part: &Value| Some(part.get("text")?.as_str()?.to_owned());
    let content = match last.get("content") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(parts)) => parts.iter().map(spoken).collect(),
        _ => None,
    };
    content.ok_or_else(|| {
        ItemFault::Invalid(
            "the assistant's message has no `content` that is a text, or a list of texts".into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::dialect::{openrlhf::OpenRlhf, slime::Slime, trl::Trl, verl::Verl};
    use crate::reward::service::Speech;
    use crate::reward::told::Fingerprints;
    use crate::rubric::dialect::tests::json;
    use proptest::prelude::*;
    use serde_json::json;
    use tracelift_domain::Gold;

    fn house() -> House {
        let print = Fingerprint::of_text("p");
        House {
            config: RewardConfig::default(),
            reading: Reading::default(),
            names: Names::alone(),
            items: 8,
            item_bytes: 1000,
            fingerprints: Fingerprints {
                executor: print.clone(),
                rubric: None,
                verifier: print.clone(),
                prompts: print.clone(),
                reading: print,
                executors: None,
            },
        }
    }

    fn read(item: Value) -> Entry {
        let asked = request(json!({ "items": [item] }), &house()).unwrap();
        asked.entries.into_iter().next().unwrap()
    }

    #[test]
    fn a_problem_is_what_files_of_problems_have() {
        let item =
            |problem: Value| json!({ "problem": problem, "completion": "<reasoning> add </reasoning>" });
        let Entry::Sample(sample) = read(item(json!({ "statement": "1 + 1?", "gold": { "answer": "2" } })))
        else {
            panic!("it is an item");
        };
        let Whose::Given(problem) = sample.whose else { panic!("it brings its problem") };
        assert_eq!((problem.question.source.as_str(), problem.question.domain.name()), ("math", "math"));
        assert_eq!((&problem.gold, sample.finish.truncated()), (&Gold::Answer("2".into()), None));
        for wrong in [
            json!({ "statement": "?", "gold": { "answer": "2" }, "golf": 1 }),
            json!({ "statement": " ", "gold": { "answer": "2" } }),
            json!({ "statement": "?", "gold": { "answer": " " } }),
            json!({ "statement": "?", "gold": { "tests": [] } }),
            json!({ "statement": "?", "gold": { "function": { "entry": "f" } } }),
            json!({ "statement": "?", "gold": "2" }),
            json!("1 + 1?"),
        ] {
            assert!(matches!(read(item(wrong.clone())), Entry::Unknown(_)), "{wrong}");
        }
    }

    #[test]
    fn an_end_of_another_kind_leaves_the_completion_unknown() {
        for (reason, wanted) in [
            (None, Ok(Finish::Unsaid)),
            (Some("stop"), Ok(Finish::Stopped)),
            (Some("eos_token"), Ok(Finish::Stopped)),
            (Some("length"), Ok(Finish::Length)),
        ] {
            assert_eq!(Finish::of(reason), wanted);
        }
        for other in ["abort", "content_filter", "tool_calls", "error", ""] {
            assert_eq!(Finish::of(Some(other)).unwrap_err().place, Place::Completion, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(body in json(), items in prop::collection::vec(json(), 0..4)) {
            let house = house();
            let _ = request(body.clone(), &house);
            let all = request(json!({ "items": items }), &house).unwrap();
            prop_assert_eq!(all.entries.len(), items.len());
            let _ = OpenRlhf::read(body.clone(), "", &house);
            let _ = OpenRlhf::read(json!({ "query": items, "prompts": items, "labels": items }), "", &house);
            let _ = Slime::read(body.clone(), "", &house);
            let _ = Slime::read(json!({ "response": "x", "prompt": "p", "label": body.clone() }), "", &house);
            let _ = Trl::read(body.clone(), "", &house);
            let _ = Trl::read(json!({ "completions": items, "prompts": items, "problem": items, "answer": items }), "", &house);
            let _ = Verl::read(body.clone(), "", &house);
            let _ = Verl::read(json!({ "solution_str": "x", "ground_truth": body, "extra_info": items.first() }), "", &house);
            let _ = Verl::read(json!({ "solution_strs": items, "ground_truths": items, "extra_infos": items }), "", &house);
        }
    }
}
