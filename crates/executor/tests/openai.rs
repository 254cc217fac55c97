//! The OpenAI-compatible executor against a real server process, healthy and broken.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::{Value, json};
use std::{
    net::TcpListener,
    num::NonZeroUsize,
    time::{Duration, Instant},
};
use tracelift_domain::{Gold, Problem, Question, Seed, TaskDomain, Trace};
use tracelift_executor::spending::{Budget, Price, Stopped};
use tracelift_executor::{
    Api, Call, CallFailure, Completion, Executor, Omissible, OpenAi, OpenAiConfig, Sampling,
};
use tracelift_prompt::ExecutorPromptConfig;
use tracelift_testing::Server;

fn config(urls: &[String]) -> OpenAiConfig {
    OpenAiConfig {
        base_urls: urls.to_vec(),
        model: "silly".into(),
        api: Api::Completions,
        prompt: ExecutorPromptConfig::named("world"),
        api_key_env: None,
        sampling: Sampling::default(),
        timeout_s: 20.0,
        retries: 8,
        backoff_s: 0.01,
        concurrency: NonZeroUsize::new(8).unwrap(),
        replica_concurrency: None,
        hedge_after_s: None,
        served_as: Vec::new(),
        finished: vec!["stop".into(), "length".into()],
        omit: Vec::new(),
        price: None,
        budget: Budget::default(),
        extra: serde_json::Map::new(),
    }
}

fn executor(server: &Server, change: impl FnOnce(&mut OpenAiConfig)) -> OpenAi {
    let mut config = config(&[server.url()]);
    change(&mut config);
    OpenAi::new(config).unwrap()
}

fn problems(count: usize) -> Vec<Problem> {
    (0..count)
        .map(|i| Problem {
            id: i.to_string(),
            question: Question::new("test", TaskDomain::Math, format!("What is {}?", 1000 + i)),
            gold: Gold::Answer((1000 + i).to_string()),
        })
        .collect()
}

fn calls(problems: &[Problem]) -> Vec<Call<'_>> {
    let seed = |i| Seed(1).child("call", i);
    problems
        .iter()
        .enumerate()
        .map(|(i, problem)| Call { question: &problem.question, trace: None, seed: seed(i as u64) })
        .collect()
}

fn ask(executor: &OpenAi, count: usize) -> Vec<Result<Completion, CallFailure>> {
    executor.run(&calls(&problems(count)))
}

fn causes(results: &[Result<Completion, CallFailure>]) -> Vec<&'static str> {
    results.iter().map(|result| result.as_ref().map_or_else(CallFailure::cause, |_| "ok")).collect()
}

fn assert_in_order(results: &[Result<Completion, CallFailure>]) {
    for (i, result) in results.iter().enumerate() {
        assert_eq!(result.as_ref().unwrap().text, format!("#### {}", 1000 + i));
    }
}

#[test]
fn both_apis_keep_the_order() {
    let server = Server::start(&["--latency-ms", "2"]);
    for api in [Api::Completions, Api::Chat] {
        for suffix in ["", "/v1/"] {
            let executor = executor(&server, |config| {
                config.api = api;
                config.base_urls = vec![server.url() + suffix];
            });
            let results = ask(&executor, 40);
            assert_in_order(&results);
            let usage = executor.usage();
            assert_eq!((usage.calls, usage.failed(), usage.retries), (40, 0, 0));
            let written: u32 = results.iter().map(|r| r.as_ref().unwrap().completion_tokens.unwrap()).sum();
            assert_eq!((usage.completion_tokens, written), (80, 80));
            assert!(usage.prompt_tokens >= 40 * 5 && usage.seconds > 0.0);
        }
    }
    assert!(executor(&server, |_| {}).run(&[]).is_empty());
}

#[test]
fn the_arms_differ_by_the_trace_alone() {
    let server = Server::start(&["--echo"]);
    let problem = &problems(1)[0];
    let trace = Trace::new("Count to a thousand.").unwrap();
    for api in [Api::Completions, Api::Chat] {
        let executor = executor(&server, |config| config.api = api);
        let run = |trace| {
            executor.run(&[Call { question: &problem.question, trace, seed: Seed(5) }])[0]
                .clone()
                .unwrap()
                .text
        };
        let (with, without) = (run(Some(&trace)), run(None));
        assert!(with.contains("Count to a thousand.") && !without.contains("Count to a thousand."));
        assert!(with.contains("What is 1000?") && without.contains("What is 1000?"));
    }
}

#[test]
fn the_request_says_what_the_settings_say() {
    let server = Server::start(&[]);
    let executor = executor(&server, |config| {
        config.sampling =
            Sampling { temperature: 0.25, top_p: 0.9, top_k: Some(7), max_tokens: 1, stop: vec!["!".into()] };
        config.extra.insert("min_p".into(), json!(0.05));
    });
    let completion = executor.run(&calls(&problems(1)))[0].clone().unwrap();
    assert!(completion.truncated && completion.text == "####", "{completion:?}");
    let body = &server.stats()["last_body"];
    for (key, value) in [
        ("model", json!("silly")),
        ("prompt", json!("<problem> What is 1000? </problem> <answer>")),
        ("temperature", json!(0.25)),
        ("top_p", json!(0.9)),
        ("top_k", json!(7)),
        ("max_tokens", json!(1)),
        ("stop", json!(["!"])),
        ("min_p", json!(0.05)),
        ("seed", json!(Seed(1).child("call", 0).0 & 0x7fff_ffff)),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    assert_eq!(body.as_object().unwrap().len(), 9, "{body}");
}

#[test]
fn what_is_omitted_is_not_sent() {
    use Omissible::{MaxTokens, Seed, Stop, Temperature, TopK, TopP};
    let server = Server::start(&[]);
    let every = [
        ("temperature", Temperature),
        ("top_p", TopP),
        ("top_k", TopK),
        ("max_tokens", MaxTokens),
        ("stop", Stop),
        ("seed", Seed),
    ];
    let sent = |api: Api, omit: Vec<Omissible>| {
        let executor = executor(&server, |config| {
            config.api = api;
            config.sampling = Sampling {
                temperature: 0.25,
                top_p: 0.9,
                top_k: Some(7),
                max_tokens: 9,
                stop: vec!["!".into()],
            };
            config.omit = omit;
            config.extra.insert("max_completion_tokens".into(), json!(9));
        });
        assert_in_order(&executor.run(&calls(&problems(1))));
        server.stats()["last_body"].as_object().unwrap().clone()
    };
    for api in [Api::Completions, Api::Chat] {
        let whole = sent(api, Vec::new());
        for (name, field) in every {
            let mut wanted = whole.clone();
            assert!(wanted.remove(name).is_some(), "{name} is not sent at all");
            assert_eq!(sent(api, vec![field]), wanted, "without {name}");
        }
        let none = sent(api, every.map(|(_, field)| field).to_vec());
        let mut fields: Vec<&str> = none.keys().map(String::as_str).collect();
        fields.sort_unstable();
        let mut wanted =
            vec!["max_completion_tokens", "model", if api == Api::Chat { "messages" } else { "prompt" }];
        wanted.sort_unstable();
        assert_eq!(fields, wanted);
    }
}

#[test]
fn concurrency_is_limited_over_all_runs() {
    let server = Server::start(&["--latency-ms", "30"]);
    let executor = executor(&server, |config| config.concurrency = NonZeroUsize::new(3).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_in_order(&ask(&executor, 10)));
        }
    });
    let most = &server.stats()["max_concurrent"];
    assert_eq!(most, &json!(3), "as many as allowed, and no more");
}

#[test]
fn retries_recover_from_transient_faults() {
    for faults in [
        ["--fail-rate", "0.3", "--fail-status", "500"],
        ["--fail-rate", "0.3", "--fail-status", "429"],
        ["--malformed-rate", "0.3", "--seed", "3"],
        ["--drop-rate", "0.3", "--seed", "4"],
    ] {
        let server = Server::start(&faults);
        let executor = executor(&server, |config| config.retries = 30);
        assert_in_order(&ask(&executor, 60));
        let usage = executor.usage();
        let faults: u64 =
            server.stats()["faults"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert!(faults > 5, "{faults} faults");
        assert_eq!((usage.failed(), usage.retries), (0, faults));
    }
}

#[test]
fn faults_do_not_depend_on_the_order() {
    let outcomes = |concurrency| {
        let server = Server::start(&["--fail-rate", "0.5", "--seed", "9"]);
        let executor = executor(&server, |config| {
            config.retries = 1;
            config.concurrency = NonZeroUsize::new(concurrency).unwrap();
        });
        causes(&ask(&executor, 40))
    };
    let outcome = outcomes(1);
    assert!(outcome.contains(&"ok") && outcome.contains(&"status_5xx"));
    assert_eq!(outcome, outcomes(8));
}

#[test]
fn lasting_faults_are_named() {
    for (options, cause, attempts) in [
        (["--fail-rate", "1", "--fail-status", "503"], "status_5xx", 3),
        (["--fail-rate", "1", "--fail-status", "429"], "status_429", 3),
        (["--fail-rate", "1", "--fail-status", "400"], "status_4xx", 1),
        (["--fail-rate", "1", "--fail-status", "302"], "status_other", 1),
        (["--malformed-rate", "1", "--seed", "0"], "malformed", 3),
        (["--drop-rate", "1", "--seed", "0"], "broken", 3),
        (["--empty-rate", "1", "--seed", "0"], "empty", 1),
        (["--latency-ms", "3000", "--seed", "0"], "timeout", 3),
    ] {
        let server = Server::start(&options);
        let executor = executor(&server, |config| {
            config.retries = 2;
            config.timeout_s = if cause == "timeout" { 0.2 } else { 20.0 };
        });
        let results = ask(&executor, 1);
        assert_eq!(causes(&results), [cause], "{results:?}");
        let message = results[0].as_ref().unwrap_err().to_string();
        assert!(message.contains(&server.url()), "{message}");
        if cause.starts_with("status") {
            assert!(message.contains("injected fault") && message.contains(options[3]), "{message}");
        }
        assert_eq!(server.stats()["requests"], json!(attempts), "{cause}");
        let usage = executor.usage();
        assert_eq!((usage.failures[cause], usage.retries), (1, attempts - 1));
    }
}

#[test]
fn retry_after_is_honoured() {
    let server = Server::start(&["--fail-rate", "1", "--fail-status", "429", "--retry-after", "0.4"]);
    let executor = executor(&server, |config| {
        config.retries = 2;
        config.backoff_s = 0.0;
    });
    let start = Instant::now();
    assert_eq!(causes(&ask(&executor, 1)), ["status_429"]);
    assert!(start.elapsed() >= Duration::from_millis(800), "{:?}", start.elapsed());
}

#[test]
fn no_more_is_spent_than_may_be_and_what_was_counts_for_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let book = dir.path().join("spending.jsonl");
    // A request that fails is tried again, and was on the bill of neither.
    let server = Server::start(&["--fail-rate", "0.3", "--seed", "4"]);
    let open = |calls| {
        let executor = executor(&server, |config| {
            config.budget = Budget { calls: Some(calls), ..Budget::default() };
            config.price = Some(Price { input: 1e6, output: 0.0 });
        });
        executor.keep_book(&book).unwrap();
        executor
    };
    let first = open(10);
    let results = ask(&first, 16);
    assert_eq!(causes(&results).iter().filter(|cause| **cause == "ok").count(), 10);
    assert!(causes(&results).iter().all(|cause| ["ok", "budget"].contains(cause)), "{:?}", causes(&results));
    let bill = first.bill().unwrap();
    let tokens = results.iter().flatten().map(|completion| u64::from(completion.prompt_tokens.unwrap()));
    let tokens: u64 = tokens.sum();
    assert_eq!((bill.spent.calls, bill.spent.input, bill.spent.estimated), (10, tokens, 0));
    assert!((bill.spent.money(&bill.price.unwrap()) - tokens as f64).abs() < 1e-9);
    assert!(matches!(bill.stopped, Some(Stopped::Budget(_))));

    let second = open(12);
    assert_eq!(second.bill().unwrap().spent, bill.spent);
    assert_eq!(causes(&ask(&second, 4)).iter().filter(|cause| **cause == "ok").count(), 2);
    let uncounted = executor(&server, |_| {});
    uncounted.keep_book(&dir.path().join("other")).unwrap();
    assert_eq!((uncounted.bill(), dir.path().join("other").exists()), (None, false));
}

#[test]
fn a_server_that_dies_half_way_refuses_the_rest() {
    let server = Server::start(&["--die-after", "10"]);
    let executor = executor(&server, |config| {
        config.retries = 2;
        config.concurrency = NonZeroUsize::new(2).unwrap();
    });
    let start = Instant::now();
    let results = ask(&executor, 30);
    assert!(start.elapsed() < Duration::from_secs(30));
    let ok = results.iter().filter(|result| result.is_ok()).count();
    // The last completions may die with the server on their way.
    assert!((8..=10).contains(&ok), "{ok}");
    for failure in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(failure.cause(), "refused", "{failure}");
    }
    assert_eq!(executor.usage().failures["refused"] as usize, 30 - ok);
}

#[test]
fn a_dead_replica_costs_nothing_but_time() {
    let (first, mut second) = (Server::start(&[]), Server::start(&[]));
    let executor = OpenAi::new(OpenAiConfig { retries: 1, ..config(&[first.url(), second.url()]) }).unwrap();
    assert_in_order(&ask(&executor, 20));
    let served = [&first, &second].map(|server| server.count("served"));
    assert_eq!(served.iter().sum::<u64>(), 20);
    assert!(served.iter().all(|served| *served > 0), "{served:?}: whoever has less to do is asked");
    second.kill();
    assert_in_order(&ask(&executor, 20));
    // It is left out after a few refusals, of calls that were under way together.
    let retries = executor.usage().retries;
    assert!((1..=10).contains(&retries), "{retries}");
}

#[test]
fn a_replica_has_no_more_to_do_than_it_is_given() {
    let replicas = [(); 2].map(|()| Server::start(&["--latency-ms", "30"]));
    let urls = replicas.each_ref().map(Server::url);
    let executor =
        OpenAi::new(OpenAiConfig { replica_concurrency: NonZeroUsize::new(2), ..config(&urls) }).unwrap();
    assert_in_order(&ask(&executor, 30));
    for replica in &replicas {
        assert!((1..=2).contains(&replica.count("max_concurrent")), "{}", replica.stats());
    }
    // Where one is gone, the other still has its bound.
    let [mut gone, left] = replicas;
    gone.kill();
    assert_in_order(&ask(&executor, 10));
    assert_eq!(left.count("max_concurrent"), 2);
}

#[test]
fn a_request_without_a_reply_is_hedged_and_both_are_counted() {
    let (slow, quick) = (Server::start(&[]), Server::start(&[]));
    slow.hold_after(0);
    let hedging = |hedge_after_s| OpenAiConfig {
        hedge_after_s,
        retries: 0,
        timeout_s: 3.0,
        budget: Budget { calls: Some(100), ..Budget::default() },
        ..config(&[slow.url(), quick.url()])
    };
    let executor = OpenAi::new(hedging(Some(0.1))).unwrap();
    let problems = problems(4);
    let ran = executor.run_counted(&calls(&problems));
    let hedges: u32 = ran.iter().map(|ran| ran.hedges).sum();
    assert!((1..=4).contains(&hedges), "{hedges}");
    assert_in_order(&ran.into_iter().map(|ran| ran.result).collect::<Vec<_>>());
    let asked = slow.count("requests") + quick.count("requests");
    assert_eq!((executor.usage().hedges, asked), (u64::from(hedges), 4 + u64::from(hedges)));
    // What the other one writes later is paid as well.
    slow.release();
    tracelift_testing::until("all that was asked is paid", || executor.bill().unwrap().spent.calls == asked);
    // Off, nothing is sent twice, and an outcome says nothing of who answered.
    assert_eq!(executor.fingerprint(), OpenAi::new(hedging(None)).unwrap().fingerprint());
    let alone = OpenAi::new(hedging(None)).unwrap();
    assert_in_order(&ask(&alone, 4));
    assert_eq!((alone.usage().hedges, slow.count("requests") + quick.count("requests")), (0, asked + 4));
}

#[test]
fn a_hedge_that_fails_leaves_the_first_request_its_time() {
    let (slow, broken) = (Server::start(&["--latency-ms", "700"]), Server::start(&["--fail-rate", "1"]));
    let config = OpenAiConfig { hedge_after_s: Some(0.1), retries: 0, ..config(&[slow.url(), broken.url()]) };
    let executor = OpenAi::new(config).unwrap();
    assert_in_order(&ask(&executor, 1));
    assert_eq!((executor.usage().hedges, executor.usage().retries), (1, 0));
}

#[test]
fn nobody_listening_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let executor = OpenAi::new(OpenAiConfig { retries: 1, ..config(&[url]) }).unwrap();
    assert_eq!(causes(&ask(&executor, 2)), ["refused", "refused"]);
}

#[test]
fn the_key_comes_from_the_environment() {
    // Cargo sets CARGO_PKG_NAME for every test.
    let server = Server::start(&["--api-key", env!("CARGO_PKG_NAME")]);
    let with = executor(&server, |config| config.api_key_env = Some("CARGO_PKG_NAME".into()));
    assert_in_order(&ask(&with, 2));
    assert_eq!(causes(&ask(&executor(&server, |_| {}), 1)), ["status_4xx"]);
    let unset = OpenAiConfig { api_key_env: Some("TRACELIFT_NO_SUCH_KEY".into()), ..config(&[server.url()]) };
    let message = OpenAi::new(unset).unwrap_err().to_string();
    assert!(message.contains("TRACELIFT_NO_SUCH_KEY") && message.contains("is not set"), "{message}");
}
