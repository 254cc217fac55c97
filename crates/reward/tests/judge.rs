//! A prompted judge as a scorer, against a real server process, healthy and broken.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::num::NonZeroU32;
use tracelift_domain::{Question, TaskDomain, Trace};
use tracelift_oracle::{OracleConfig, rubric::JudgeConfig};
use tracelift_reward::{PromptedJudge, ScoreItem, TraceScorer};
use tracelift_testing::Server;

fn judge(server: &Server, change: impl FnOnce(&mut JudgeConfig)) -> PromptedJudge {
    let oracle = OracleConfig { retries: 1, backoff_s: 0.01, ..OracleConfig::at(&server.url(), "silly") };
    let mut config = JudgeConfig { samples: NonZeroU32::MIN, oracle };
    change(&mut config);
    PromptedJudge::new(config).unwrap()
}

#[test]
fn traces_are_scored_in_order_and_fail_alone() {
    let server = Server::prompted(&["--latency-ms", "5"]);
    let judge = judge(&server, |_| {});
    let traces =
        ["2 + 2 = 4 and 4 * 3 = 12", "2 + 2 = 5 and 5 * 3 = 15", "2 + 2 = 5"].map(|t| Trace::new(t).unwrap());
    let problems = ["plain", "@@score_once", "@@garbage", "@@refuse", "@@truncate", "@@500"];
    let questions = problems.map(|statement| Question::new("t", TaskDomain::Math, statement));
    let items: Vec<ScoreItem<'_>> = questions
        .iter()
        .flat_map(|question| traces.iter().map(move |trace| ScoreItem { question, trace }))
        .collect();
    let results: Vec<Result<f64, &str>> = judge
        .score(&items)
        .into_iter()
        .map(|result| {
            result.map(|score| (100.0 * score.score).round() / 100.0).map_err(|failure| failure.cause())
        })
        .collect();
    let scored = [Ok(1.0), Ok(0.5), Ok(0.0)];
    let expected = [
        scored,
        scored,
        [Err("unusable"); 3],
        [Err("refusal"); 3],
        [Err("truncated"); 3],
        [Err("status_5xx"); 3],
    ];
    assert_eq!(results, expected.concat());
}

#[test]
fn the_fingerprint_covers_what_decides_the_score() {
    let server = Server::prompted(&[]);
    let print = |change: fn(&mut JudgeConfig)| judge(&server, change).fingerprint();
    let base = print(|_| {});
    assert_eq!(print(|config| config.oracle.retries = 7), base);
    assert_eq!(print(|config| config.oracle.base_urls.push("http://other".into())), base);
    assert_ne!(print(|config| config.oracle.model = "other".into()), base);
    assert_ne!(print(|config| config.oracle.temperature = Some(0.5)), base);
    assert_ne!(print(|config| config.samples = NonZeroU32::new(3).unwrap()), base);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rubric-math.txt"), "[user]\n{{problem}} {{trace}}").unwrap();
    let mine = judge(&server, |config| config.oracle.templates = Some(folder.path().to_owned()));
    assert_ne!(mine.fingerprint(), base);
}
