//! Servers that answer as rubric servers do, and servers that nearly do: what is not a score is unknown, by its cause.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::{Value, json};
use tracelift_domain::{Question, TaskDomain, Trace, rubric::dimension_names};
use tracelift_executor::ServiceConfig;
use tracelift_reward::{RemoteScorer, RubricScore, ScoreFailure, ScoreItem, TraceScorer};
use tracelift_testing::raw::{Answer, serve};

/// A server that says this of every item, under this fingerprint, and is called `m` with the fingerprint `f`.
fn served(results: Value, fingerprint: &str) -> RemoteScorer {
    let card = json!({
        "name": "m", "fingerprint": "f", "domain": "math", "dimensions": dimension_names(TaskDomain::Math), "max_tokens": 9,
    });
    let body = json!({
        "service": { "kind": "rubric reward model", "model": card },
        "results": results,
        "model": { "name": "m", "fingerprint": fingerprint },
    });
    let url = serve(Answer::json(body.to_string()));
    RemoteScorer::open(&ServiceConfig { retries: 0, backoff_s: 0.0, ..ServiceConfig::at(&url) }).unwrap()
}

fn ask(scorer: &RemoteScorer) -> Result<RubricScore, ScoreFailure> {
    let (question, trace) =
        (Question::new("t", TaskDomain::Math, "How many?"), Trace::new("2 + 2 = 4").unwrap());
    let mut scores = scorer.score(&[ScoreItem { question: &question, trace: &trace }]);
    assert_eq!(scores.len(), 1);
    scores.remove(0)
}

fn result(score: Value, label: f64) -> Value {
    let labels: serde_json::Map<String, Value> =
        dimension_names(TaskDomain::Math).iter().map(|name| ((*name).to_owned(), json!(label))).collect();
    json!({ "index": 0, "score": score, "derived": 0.25, "total": 0.75, "dimensions": labels })
}

#[test]
fn numbers_are_taken_as_they_stand() {
    // No decimal fraction of fewer digits is this number.
    let odd: f64 = 0.1 + 0.2;
    let score = ask(&served(json!([result(json!(odd), 1.0)]), "f")).unwrap();
    assert_eq!(score.score.to_bits(), odd.to_bits());
    assert_eq!((score.derived, score.total, score.dimensions), (0.25, 0.75, [1.0; 5]));
}

#[test]
fn what_is_no_score_is_unknown() {
    let mut bare = result(json!(0.5), 1.0);
    bare.as_object_mut().unwrap().remove("dimensions");
    let failed = json!({ "index": 0, "score": null, "error": { "index": 0, "code": "not_finite", "message": "no number" } });
    let defect = json!({ "index": 0, "score": 0.0, "defect": "empty" });
    for (results, fingerprint, cause) in [
        (json!([result(json!(1.5), 1.0)]), "f", "not_a_score"),
        (json!([result(json!(0.5), 4.5)]), "f", "not_a_score"),
        (json!([result(Value::Null, 1.0)]), "f", "unscored"),
        (json!([bare]), "f", "unscored"),
        (json!([failed]), "f", "unscored"),
        (json!([defect]), "f", "unscored"),
        (json!([]), "f", "malformed"),
        (json!([result(json!(0.5), 1.0), result(json!(0.5), 1.0)]), "f", "malformed"),
        (json!([result(json!(0.5), 1.0)]), "g", "other_model"),
    ] {
        let found = ask(&served(results.clone(), fingerprint));
        assert_eq!(found.as_ref().err().map(ScoreFailure::cause), Some(cause), "{results}: {found:?}");
    }
}

#[test]
fn what_is_no_rubric_server_is_refused() {
    for (answer, words) in [
        (Answer::json("{}"), "missing field `service`"),
        (Answer::of("404 Not Found", "", "no"), "status 404"),
        (Answer::of("200 OK", "Content-Type: text/html\r\n", "<p>hello</p>"), "instead of JSON"),
    ] {
        let config = ServiceConfig { retries: 0, ..ServiceConfig::at(&serve(answer)) };
        let error = RemoteScorer::open(&config).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("tracelift rm serve"), "{error}");
    }
}
