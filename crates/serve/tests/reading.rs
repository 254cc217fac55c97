//! One meaning of a completion: over every route it is the same trace with the same score, or the same defect.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{Server, listen, model_scorer, on_lanes, small_model};
use tracelift_domain::prompt;
use tracelift_serve::{RubricServiceConfig, Tags};

const PROBLEM: &str = "Ann has 3 pens and buys 2. How many has she?";
const TABLE: &str = include_str!("../../domain/tests/completions.jsonl");

/// A score, and what is wrong with a completion.
type Told = (f64, Option<String>);

fn told(score: &Value, defect: &Value) -> Told {
    (score.as_f64().unwrap_or(f64::NAN), defect.as_str().map(str::to_owned))
}

fn score_route(server: &Server, field: &str, text: &str) -> Told {
    let (status, body) = server.post("/score", &json!({"items": [{"problem": PROBLEM, field: text}]}));
    assert_eq!(status, 200, "{body}");
    told(&body["scores"][0], &body["results"][0]["defect"])
}

fn rewarded(server: &Server, request: &Value) -> Told {
    let (status, body) = server.post("/get_reward", request);
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["rewards"], body["scores"]);
    told(&body["rewards"][0], &body["defects"][0])
}

fn classified(server: &Server, request: &Value) -> Told {
    let (status, body) = server.post("/classify", request);
    assert_eq!(status, 200, "{body}");
    told(&body["data"][0]["probs"][0], &body["data"][0]["defect"])
}

/// What each route makes of a planner's completion.
fn over_all_routes(server: &Server, completion: &str) -> BTreeMap<&'static str, Told> {
    let chat = format!("<|im_start|>user\nProblem:\n{PROBLEM}<|im_end|>\n<|im_start|>assistant\n");
    let query = format!("{chat}{completion}");
    let measured = format!("<|completion {}|>\n{query}<|im_end|>\n", completion.chars().count());
    let put = format!("<task>math</task>\n<type>math</type>\n<problem>\n{PROBLEM}\n</problem>\n{completion}");
    let ids = small_model().tokenizer.encode(&put).unwrap();
    let turns = json!([{"role": "user", "content": PROBLEM}, {"role": "assistant", "content": completion}]);
    let (status, slime) = server.post(
        "/remote_rm?detail=true",
        &json!({"prompt": turns.as_array().unwrap()[..1], "response": completion, "label": "5"}),
    );
    assert_eq!(status, 200, "{slime}");
    let (_, number) =
        server.post("/remote_rm", &json!({"prompt": PROBLEM, "response": completion, "label": "5"}));
    BTreeMap::from([
        ("/score", score_route(server, "completion", completion)),
        ("/get_reward, with prompts", rewarded(server, &json!({"query": [query], "prompts": [chat]}))),
        (
            "/get_reward, a prompt cut from the left",
            rewarded(server, &json!({"query": [&query[11..]], "prompts": [chat]})),
        ),
        (
            "/get_reward, padded",
            rewarded(server, &json!({"query": [format!("<pad><pad>{query}")], "prompts": [chat]})),
        ),
        ("/get_reward, a query alone", rewarded(server, &json!({"query": [query]}))),
        ("/remote_rm, detail", told(&slime["score"], &slime["defect"])),
        ("/remote_rm", (number.as_f64().unwrap(), slime["defect"].as_str().map(str::to_owned))),
        ("/classify, messages", classified(server, &json!({"messages": turns}))),
        ("/classify, the form of training", classified(server, &json!({"input": put}))),
        ("/classify, a conversation", classified(server, &json!({"input": [query]}))),
        ("/classify, the template of reward models", classified(server, &json!({"input": measured}))),
        ("/classify, tokens", classified(server, &json!({"input": ids}))),
    ])
}

#[test]
fn every_route_reads_a_completion_alike() {
    let server = Server::small();
    let model = small_model();
    let mut scores: BTreeMap<String, f64> = BTreeMap::new();
    let mut score_of = |trace: &str| {
        *scores.entry(trace.to_owned()).or_insert_with(|| {
            let text = prompt::reward_model_text("math", "math", PROBLEM, None, trace);
            model.score(&[model.tokenizer.encode(&text).unwrap()])[0].score
        })
    };
    let mut wrong = Vec::new();
    let mut check = |what: String, found: &Told, wanted: &Told| {
        if (found.0 - wanted.0).abs() > 1e-6 || found.1 != wanted.1 || found.0.is_nan() {
            wrong.push(format!("{what}: {found:?}, not {wanted:?}"));
        }
    };
    for line in TABLE.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = case["completion"].as_str().unwrap();
        let mut wanted = |trace: &Value| match trace.as_str() {
            Some(trace) => (score_of(trace), None),
            None => (0.0, case["defect"].as_str().map(str::to_owned)),
        };
        let (as_completion, bare) = (wanted(&case["trace"]), wanted(&case["bare"]));
        for (route, found) in over_all_routes(&server, text) {
            check(format!("{route}: {text:?}"), &found, &as_completion);
        }
        // The field of the published scripts: what has no tag at all is a trace.
        let wanted = if case["bare"].is_null() { &as_completion } else { &bare };
        check(format!("reasoning: {text:?}"), &score_route(&server, "reasoning", text), wanted);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn optional_tags_read_completions_as_bare_traces() {
    let config = RubricServiceConfig { tags: Tags::Optional, ..on_lanes(1) };
    let server = Server::rubric(model_scorer(), config, listen());
    for line in TABLE.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = case["completion"].as_str().unwrap();
        let request = json!({"prompt": PROBLEM, "response": text});
        let (status, slime) = server.post("/remote_rm?detail=true", &request);
        assert_eq!(status, 200, "{slime}");
        let found = told(&slime["score"], &slime["defect"]);
        assert_eq!(found, score_route(&server, "reasoning", text), "{text:?}");
    }
}

#[test]
fn a_completion_that_was_cut_says_so() {
    let server = Server::small();
    let item = |completion: &str, truncated: bool| json!({"problem": PROBLEM, "completion": completion, "truncated": truncated});
    let items = [
        item("<reasoning>Add", true),
        item("<reasoning>Add", false),
        item("<think>Hm", true),
        item("<reasoning>Add.</reasoning>", true),
    ];
    let (status, body) = server.post("/score", &json!({"items": items}));
    assert_eq!(status, 200, "{body}");
    let defects: Vec<&Value> =
        body["results"].as_array().unwrap().iter().map(|result| &result["defect"]).collect();
    assert_eq!(defects, [&json!("truncated"), &json!("unclosed"), &json!("truncated"), &Value::Null]);
    assert_eq!((&body["scores"][0], &body["errors"]), (&json!(0.0), &json!([])));
}
