//! The oracle and its judge against a real server process, healthy and broken.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tracelift_domain::{Label, TaskDomain};
use tracelift_oracle::{
    Budget, Failure, OracleConfig, Price, Stop, Structured,
    rubric::{Grades, JudgeConfig, RubricJudge},
};
use tracelift_testing::{Server, until};

const RIGHT: &str = "First 2 + 3 = 5.\nThen 5 * 4 = 20.";
const WRONG: &str = "First 2 + 3 = 6.\nThen 6 * 4 = 24.";

fn judge(server: &Server, change: impl FnOnce(&mut OracleConfig)) -> RubricJudge {
    judge_at(&[server.url()], change)
}

fn judge_at(urls: &[String], change: impl FnOnce(&mut OracleConfig)) -> RubricJudge {
    let mut oracle = OracleConfig {
        base_urls: urls.to_vec(),
        retries: 3,
        backoff_s: 0.01,
        timeout_s: 20.0,
        ..OracleConfig::at("", "silly")
    };
    change(&mut oracle);
    RubricJudge::new(JudgeConfig { samples: NonZeroU32::MIN, oracle }).unwrap()
}

fn grade(judge: &RubricJudge, problem: &str, trace: &str) -> Result<Grades, Failure> {
    judge.judge(TaskDomain::Math, problem, trace).map(|answer| answer.value)
}

fn with_ledger(folder: &Path) -> impl Fn(&mut OracleConfig) {
    let path = folder.join("ledger.jsonl");
    move |config| config.ledger = Some(path.clone())
}

#[test]
fn a_trace_is_judged() {
    let server = Server::prompted(&[]);
    let judge = judge(&server, |_| {});
    let good = grade(&judge, "How much?", RIGHT).unwrap();
    assert_eq!((good.scores, good.overall), ([10.0; 5], 10.0));
    assert_eq!(good.rubric().labels, [Label::BEST; 5]);
    let bad = grade(&judge, "How much?", WRONG).unwrap();
    assert_eq!(bad.overall, 5.0);
    assert_eq!(bad.evidence[0], "1 of 2 equations hold");
    let body = &server.stats()["last_body"];
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert_eq!(body["temperature"], 0.0);
}

#[test]
fn what_is_almost_json_is_read_and_said_to_be() {
    let server = Server::prompted(&[]);
    let judge = judge(&server, |_| {});
    for (fault, repaired) in
        [("@@fence", false), ("@@prose", false), ("@@think", false), ("@@comma", true), ("@@latex", true)]
    {
        let answer = judge.judge(TaskDomain::Math, fault, RIGHT).unwrap();
        assert_eq!(answer.value.overall, 10.0, "{fault}");
        assert_eq!(!answer.provenance.repairs.is_empty(), repaired, "{fault}");
        assert!(!answer.provenance.corrected);
    }
    assert_eq!(server.count("requests"), 5);
    assert_eq!(judge.oracle().progress().repaired, 2);
}

#[test]
fn a_mistake_is_pointed_out_once() {
    let server = Server::prompted(&[]);
    let judge = judge(&server, |_| {});
    for fault in ["@@garbage_once", "@@truncate_once", "@@score_once"] {
        let answer = judge.judge(TaskDomain::Code, fault, RIGHT).unwrap();
        assert!(answer.provenance.corrected, "{fault}");
        assert_eq!(answer.value.overall, 10.0);
    }
    assert_eq!((server.count("requests"), judge.oracle().progress().corrected), (6, 3));
    let last = server.stats()["last_body"]["messages"][3]["content"].as_str().unwrap().to_owned();
    assert!(last.contains("has the score 11, expected a number from 0 to 10"), "{last}");
}

#[test]
fn no_failure_becomes_a_score() {
    let server = Server::prompted(&[]);
    let judge = judge(&server, |config| config.timeout_s = 0.5);
    for (fault, cause, requests) in [
        ("@@refuse", "refusal", 1),
        ("@@refuse_field", "refusal", 1),
        ("@@filter", "refusal", 1),
        ("@@garbage", "unusable", 2),
        ("@@silent", "unusable", 2),
        ("@@truncate", "truncated", 2),
        ("@@500", "status_5xx", 4),
        ("@@hang", "timeout", 4),
    ] {
        let before = server.count("requests");
        let failure = grade(&judge, fault, RIGHT).unwrap_err();
        assert_eq!(failure.cause(), cause, "{fault}: {failure}");
        assert_eq!(server.count("requests") - before, requests, "{fault}");
    }
    let progress = judge.oracle().progress();
    assert_eq!((progress.failed(), progress.failures["refusal"]), (8, 3));
}

#[test]
fn faults_of_the_transport_pass() {
    let server = Server::prompted(&["--retry-after", "0.3"]);
    let judge = judge(&server, |_| {});
    for fault in ["@@500_once", "@@drop_once", "@@half_once", "@@429_once"] {
        let start = Instant::now();
        assert_eq!(grade(&judge, fault, RIGHT).unwrap().overall, 10.0, "{fault}");
        if fault == "@@429_once" {
            assert!(start.elapsed() >= Duration::from_millis(300), "Retry-After is honoured");
        }
    }
    let progress = judge.oracle().progress();
    assert_eq!((progress.requests, progress.replies, progress.failed()), (8, 4, 0));
    // The dropped and the halved reply may be on the bill; refusals by status are not.
    assert_eq!((progress.spent.calls, progress.spent.estimated), (6, 2));
}

#[test]
fn an_endpoint_that_wants_rest_is_left_alone_by_all() {
    let server = Server::prompted(&["--always-429", "--retry-after", "0.5"]);
    let judge = judge(&server, |config| {
        config.retries = 1;
        config.concurrency = NonZeroUsize::MIN;
    });
    let start = Instant::now();
    for problem in ["a", "b"] {
        assert_eq!(grade(&judge, problem, RIGHT).unwrap_err().cause(), "status_429");
    }
    // Four attempts with a rest after each of the first three.
    assert!(start.elapsed() >= Duration::from_millis(1500), "{:?}", start.elapsed());
}

#[test]
fn the_format_is_stepped_down_where_the_server_refuses_it() {
    for (refused, last, requests) in
        [("json_schema", Some("json_object"), 3), ("json_schema,json_object", None, 4)]
    {
        let server = Server::prompted(&["--refuse-format", refused]);
        let judge = judge(&server, |config| config.retries = 0);
        assert!(grade(&judge, "a", RIGHT).is_ok() && grade(&judge, "b", RIGHT).is_ok());
        assert_eq!(server.stats()["last_body"]["response_format"]["type"].as_str(), last);
        assert_eq!(server.count("requests"), requests, "it remembers");
    }
    let server = Server::prompted(&["--refuse-format", "json_schema"]);
    let strict = judge(&server, |config| config.structured = Structured::JsonSchema);
    assert_eq!(grade(&strict, "a", RIGHT).unwrap_err().cause(), "status_4xx");
}

#[test]
fn what_was_answered_is_never_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::prompted(&[]);
    let problems: Vec<String> =
        (0..20).map(|i| format!("{i}{}", ["", "@@garbage_once", "@@refuse", "@@truncate"][i % 4])).collect();
    let ask = |judge: &RubricJudge| -> Vec<_> {
        judge.oracle().each(&problems, |_, problem| grade(judge, problem, WRONG).map_err(|f| f.to_string()))
    };
    let first = judge(&server, with_ledger(folder.path()));
    let answers = ask(&first);
    let requests = server.count("requests");
    assert_eq!((requests, answers.iter().filter(|answer| answer.is_ok()).count()), (30, 10));
    let spent = first.oracle().progress().spent;
    assert_eq!(ask(&first), answers);
    drop(first);
    // Another endpoint of the same model, too.
    let other = Server::prompted(&[]);
    let second = judge(&other, with_ledger(folder.path()));
    assert_eq!(ask(&second), answers);
    let progress = second.oracle().progress();
    assert_eq!((progress.requests, progress.from_ledger, progress.spent), (0, 30, spent));
    assert_eq!((server.count("requests"), other.count("requests")), (requests, 0));
}

#[test]
fn the_same_question_at_the_same_time_is_one_call() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::prompted(&["--latency-ms", "50"]);
    let judge = judge(&server, with_ledger(folder.path()));
    let verdicts = judge.oracle().each(&[(); 8], |_, ()| grade(&judge, "a", RIGHT).unwrap().overall);
    assert_eq!(verdicts, [10.0; 8]);
    assert_eq!(server.count("requests"), 1);
}

#[test]
fn a_budget_stops_cleanly_and_more_money_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::prompted(&[]);
    let problems: Vec<String> = (0..30).map(|i| i.to_string()).collect();
    let run = |budget: Budget| {
        let judge = judge(&server, |config| {
            with_ledger(folder.path())(config);
            config.budget = budget;
            config.price = Some(Price { input: 1000.0, output: 2000.0 });
        });
        let results = judge.oracle().each(&problems, |_, problem| grade(&judge, problem, RIGHT));
        (results, judge.oracle().progress(), judge.oracle().stopped())
    };
    let (results, progress, stopped) = run(Budget { calls: Some(10), ..Budget::default() });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10);
    assert!(results.iter().flat_map(|result| result.as_ref().err()).all(|failure| !failure.is_final()));
    assert_eq!((progress.spent.calls, server.count("requests")), (10, 10));
    let message = stopped.unwrap().to_string();
    assert!(message.starts_with("the budget of 10 calls is used up: 10 spent"), "{message}");
    // The same budget buys nothing more; what is in the ledger is free.
    let (results, ..) = run(Budget { calls: Some(10), ..Budget::default() });
    assert_eq!((results.iter().filter(|result| result.is_ok()).count(), server.count("requests")), (10, 10));
    let money = progress.spent.money(&progress.price.unwrap()) + 8.0;
    let (_, progress, stopped) = run(Budget { money: Some(money), ..Budget::default() });
    assert!(progress.spent.money(&progress.price.unwrap()) <= money && progress.requests > 0);
    assert!(matches!(stopped, Some(Stop::Budget(_))), "{stopped:?}");
    let (results, _, stopped) = run(Budget::default());
    assert!(results.iter().all(Result::is_ok) && stopped.is_none());
    assert_eq!((server.count("requests"), server.count("answered_twice")), (30, 0));
}

#[test]
fn without_usage_the_spending_is_an_upper_bound() {
    let server = Server::prompted(&["--no-usage"]);
    let judge = judge(&server, |config| config.max_tokens = 500);
    grade(&judge, "a", RIGHT).unwrap();
    let spent = judge.oracle().progress().spent;
    assert_eq!((spent.calls, spent.output, spent.estimated), (1, 500, 1));
    assert!(spent.input > 500, "{spent:?}");
}

#[test]
fn rates_and_concurrency_are_kept() {
    let server = Server::prompted(&["--latency-ms", "20"]);
    let limited = judge(&server, |config| {
        config.requests_per_minute = NonZeroUsize::new(5);
        config.concurrency = NonZeroUsize::new(3).unwrap();
    });
    std::thread::scope(|scope| {
        let work =
            scope.spawn(|| limited.oracle().each(&[0; 9], |i, _| grade(&limited, &i.to_string(), RIGHT)));
        until("five requests", || server.count("requests") == 5);
        // Were there a sixth one, it would come now.
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(server.count("requests"), 5, "the sixth waits for the minute to pass");
        limited.oracle().stop();
        let results = work.join().unwrap();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
        assert_eq!(results[8], Err(Failure::Stopped(Stop::Requested)));
    });
    assert!(server.count("max_concurrent") <= 3);
}

#[test]
fn a_server_that_dies_half_way_stops_the_work_and_another_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let dying = Server::prompted(&["--die-after", "7"]);
    let problems: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    let run = |server: &Server| {
        let judge = judge(server, |config| {
            with_ledger(folder.path())(config);
            config.retries = 1;
            config.patience = NonZeroUsize::new(5).unwrap();
            config.concurrency = NonZeroUsize::new(2).unwrap();
        });
        let results = judge.oracle().each(&problems, |_, problem| grade(&judge, problem, RIGHT));
        (results, judge.oracle().stopped(), judge.oracle().progress())
    };
    let (results, stopped, progress) = run(&dying);
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert!((5..=7).contains(&done), "{done}");
    assert!(results.iter().flat_map(|result| result.as_ref().err()).all(|failure| !failure.is_final()));
    let message = stopped.unwrap().to_string();
    assert!(message.starts_with("5 questions in a row stayed without a reply"), "{message}");
    assert!(progress.failures["stopped"] > 20, "most were not even tried");
    let alive = Server::prompted(&[]);
    let (results, stopped, _) = run(&alive);
    assert!(results.iter().all(Result::is_ok) && stopped.is_none());
    assert_eq!(alive.count("requests") as usize, 40 - done);
}

#[test]
fn a_denial_stops_at_once() {
    let server = Server::prompted(&["--api-key", "secret"]);
    let denied = judge(&server, |_| {});
    assert!(matches!(grade(&denied, "a", RIGHT), Err(Failure::Stopped(Stop::Denied(_)))));
    assert!(grade(&denied, "b", RIGHT).is_err());
    assert_eq!(server.count("requests"), 1);
    let message = denied.oracle().stopped().unwrap().to_string();
    assert!(message.contains("status 401") && message.contains("api_key_env"), "{message}");
}

#[test]
fn a_question_is_at_fault_only_if_others_are_answered() {
    let server = Server::prompted(&[]);
    let judge = judge(&server, |_| {});
    let failure = grade(&judge, "@@400", RIGHT).unwrap_err();
    assert_eq!((failure.cause(), failure.is_final()), ("status_4xx", false));
    assert!(grade(&judge, "a", RIGHT).is_ok());
    let failure = grade(&judge, "@@400", RIGHT).unwrap_err();
    assert_eq!((failure.cause(), failure.is_final()), ("status_4xx", true));
    assert_eq!(server.count("requests"), 3);
}

#[test]
fn a_dead_replica_costs_time_alone() {
    let (first, mut second) = (Server::prompted(&[]), Server::prompted(&[]));
    second.kill();
    let judge = judge_at(&[first.url(), second.url()], |config| config.retries = 1);
    let results = judge.oracle().each(&[0; 10], |i, _| grade(&judge, &i.to_string(), RIGHT));
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(judge.oracle().progress().failed_attempts["refused"], 5);
}

#[test]
fn somebody_who_waits_is_told() {
    let server = Server::prompted(&[]);
    let seen = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&seen);
    let judge = judge(&server, |_| {}).observed(move |progress| {
        told.fetch_max(progress.questions, Ordering::SeqCst);
    });
    for problem in ["a", "b", "@@refuse"] {
        let _ = grade(&judge, problem, RIGHT);
    }
    assert_eq!(seen.load(Ordering::SeqCst), 3);
    let line = judge.oracle().progress().to_string();
    assert!(line.starts_with("3 asked, 1 failed (1 refusal) · 3 calls · "), "{line}");
}

#[test]
fn several_samples_have_a_mean() {
    let server = Server::prompted(&[]);
    let oracle = OracleConfig::at(&server.url(), "silly");
    let judge = RubricJudge::new(JudgeConfig { samples: NonZeroU32::new(3).unwrap(), oracle }).unwrap();
    let verdict = grade(&judge, "a", WRONG).unwrap();
    assert!((verdict.overall - 5.0).abs() < 1e-9);
    assert_eq!((server.count("requests"), server.count("bodies")), (3, 3), "each sample has its own seed");
}
