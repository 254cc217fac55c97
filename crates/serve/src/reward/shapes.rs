//! What requests for rewards look like, for the description of the service. They are read field by field ([`super::asked`]), so that an item
//! that is wrong fails alone and says why; a test holds these types to what is read.

#![expect(dead_code, reason = "these types are read by whoever describes the service")]

use super::told::RewardResponse;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};
use tracelift_reward::Rule;

/// Completions, and how they are rewarded.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RewardRequest {
    items: Vec<RewardItem>,
    /// Another rule than the server's, for this request.
    #[schemars(schema_with = "rules", default)]
    rule: Option<String>,
    /// Another λ.
    #[schemars(range(min = 0, max = 1))]
    lambda: Option<f64>,
    /// Another number of runs, K.
    #[schemars(range(min = 1))]
    runs: Option<u32>,
    /// The executors of which items are appraised that name none: one, or several, of which the mean counts.
    executor: Option<OneOrMore>,
    /// Whether results come as they are known, in lines of JSON.
    stream: Option<bool>,
}

/// A completion for a problem.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RewardItem {
    /// The client's own; not looked at.
    id: Option<Value>,
    problem: Option<Problem>,
    /// A problem that was registered, in place of `problem`.
    problem_id: Option<String>,
    /// All that the planner wrote: a text, or messages, of which the last one is the assistant's.
    completion: Option<Said>,
    /// A bare trace, in place of `completion`.
    reasoning: Option<String>,
    /// How the completion ended. `stop` and `length` (and their usual other names) are read; any other makes the reward unknown.
    finish_reason: Option<String>,
    /// The executor of which it is appraised, or several, of which the mean counts.
    executor: Option<OneOrMore>,
}

/// A name, or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A text, or messages.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Said {
    Text(String),
    Messages(Vec<Map<String, Value>>),
}

/// A question and by what its answers are judged.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Problem {
    id: Option<String>,
    /// What stands in <task> for reward models. Default: the domain.
    source: Option<String>,
    /// Default: as the gold shows.
    #[schemars(extend("enum" = ["math", "code", "steps", null]))]
    domain: Option<String>,
    #[schemars(length(min = 1))]
    statement: String,
    #[schemars(extend("enum" = ["number", "expression", null]))]
    form: Option<String>,
    entry: Option<String>,
    #[schemars(default)]
    tests_shown: Vec<String>,
    gold: Gold,
}

/// By what the executor's artifact is judged. It goes to the verifier alone.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(crate) enum Gold {
    Answer(String),
    Tests(Vec<Test>),
    Function(FunctionTests),
}

/// What a program is given, and what it is to print.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Test {
    stdin: String,
    stdout: String,
}

/// Tests of a function.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FunctionTests {
    entry: Option<String>,
    given: Option<String>,
    setup: Option<String>,
    #[schemars(default)]
    asserts: Vec<String>,
    check: Option<String>,
}

fn rules(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<Value> =
        Rule::ALL.iter().map(|rule| Value::from(rule.name())).chain([Value::Null]).collect();
    json_schema!({ "type": ["string", "null"], "enum": names })
}

/// Problems to register.
#[derive(JsonSchema)]
pub(super) struct RegisterRequest {
    problems: Vec<Problem>,
}

/// What became of that.
#[derive(JsonSchema)]
pub(super) struct RegisterResponse {
    registered: u64,
    new: u64,
    known: u64,
}

/// OpenRLHF's samples.
#[derive(JsonSchema)]
pub(super) struct RewardOpenRlhfRequest {
    /// Prompt and completion of each.
    query: Vec<String>,
    #[schemars(default)]
    prompts: Vec<Value>,
    /// By what each is judged: an answer, or an object with `problem_id`, or with `problem` and a gold.
    #[schemars(default)]
    labels: Vec<Value>,
}

/// slime's sample.
#[derive(JsonSchema)]
pub(super) struct RewardSlimeRequest {
    prompt: Option<Value>,
    response: String,
    label: Option<Value>,
    finish_reason: Option<String>,
}

/// With `?detail=true` all parts.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum RewardSlimeResponse<'a> {
    Number(f64),
    Parts(Box<super::told::Detail<'a>>),
}

/// What TRL calls a reward function with. Further lists are columns of the rows.
#[derive(JsonSchema)]
pub(super) struct RewardTrlRequest {
    #[schemars(default)]
    prompts: Vec<Value>,
    completions: Vec<Said>,
    problem_id: Option<Vec<Option<String>>>,
    answer: Option<Vec<Value>>,
}

/// What such a function returns; with `?detail=true` the answer of `/v1/reward`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum RewardTrlResponse<'a> {
    Rewards(Vec<Option<f64>>),
    Detail(RewardResponse<'a>),
}

/// What verl calls a reward function with: one sample, or lists.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum RewardVerlRequest {
    One {
        data_source: Option<String>,
        solution_str: String,
        ground_truth: Option<Value>,
        extra_info: Option<Map<String, Value>>,
    },
    Many {
        data_sources: Option<Vec<Option<String>>>,
        solution_strs: Vec<String>,
        ground_truths: Option<Vec<Value>>,
        extra_infos: Option<Vec<Option<Map<String, Value>>>>,
    },
}

/// What such a function returns.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum RewardVerlResponse {
    One(super::dialect::verl::Scored),
    Many(Vec<super::dialect::verl::Scored>),
}

#[cfg(test)]
mod tests {
    use super::super::asked::{ITEM, TOP};
    use super::*;

    #[test]
    fn what_is_described_is_what_is_read() {
        let fields = |schema: Schema| -> Vec<String> {
            let mut names: Vec<String> =
                schema.get("properties").unwrap().as_object().unwrap().keys().cloned().collect();
            names.sort_unstable();
            names
        };
        let known = |names: &[&str]| {
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(fields(schemars::schema_for!(RewardRequest)), known(&TOP));
        assert_eq!(fields(schemars::schema_for!(RewardItem)), known(&ITEM));
    }
}
