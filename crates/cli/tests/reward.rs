//! `tracelift serve` with `[reward]`, as a training elsewhere uses it; the executor is a server with a silly model: it answers with
//! the last number of its prompt.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::Desk;
use tracelift_domain::{Question, Seed, TaskDomain, Trace};
use tracelift_engine::{Config, Model, Precision, Tokenizer};
use tracelift_reward::RewardModel;
use tracelift_testing::schema::{misfit, of_answer};
use tracelift_testing::{Postgresql, Server as Executor, TinyModel, until};

/// Without a trace the executor says 4, with one what the trace ends with.
const STATEMENT: &str = "cal has 12 pears and 4 apples . how many pears ?";
const RIGHT: &str = "<reasoning> he has 12 . </reasoning>";
const WRONG: &str = "<reasoning> he has 7 . </reasoning>";
const NO_TRACE: &str = "He has 12.";

fn problem(statement: &str) -> Value {
    json!({"id": "p", "statement": statement, "gold": {"answer": "12"}})
}

fn item(completion: &str) -> Value {
    json!({"problem": problem(STATEMENT), "completion": completion, "finish_reason": "stop"})
}

fn items(completions: &[&str]) -> Value {
    json!({"items": completions.iter().map(|completion| item(completion)).collect::<Vec<_>>()})
}

/// A folder with a configuration.
fn desk(executor: &str, reward: &str, rest: &str) -> Desk {
    let desk = Desk::new();
    desk.write(
        "serve.toml",
        &format!(
            r#"
            listen = "127.0.0.1:0"
            log = "json"
            [reward]
            baselines = "baselines.sqlite"
            {reward}
            [reward.executor.openai]
            base_urls = ["{executor}"]
            model = "silly"
            api = "completions"
            prompt = "world"
            retries = 0
            {rest}
            "#
        ),
    );
    desk
}

/// Lets a section `[reward.rubric]` name a reward model, which is made.
fn reward_model(desk: &Desk) -> RewardModel {
    let config = TinyModel { positions: 512, ..TinyModel::BYTES }.config();
    let backbone = Model::random(Config::from_json(&config).unwrap(), Seed(3));
    let model = RewardModel::new(backbone, Tokenizer::byte_level().unwrap(), TaskDomain::Math, Seed(3));
    model.save(&desk.path("rm"), Precision::F32).unwrap();
    model
}

/// `tracelift serve`, until it is told to end; killed at the latest when the test ends.
struct Server {
    child: Child,
    url: String,
    agent: ureq::Agent,
    log: PathBuf,
}

impl Server {
    fn start(desk: &Desk) -> Server {
        // To a file, since nobody reads on: a full pipe would hold the server up. Several share it.
        let log = desk.path("log");
        let written = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut child = desk
            .command(&["serve", "--config", "serve.toml"])
            .stdout(Stdio::piped())
            .stderr(written)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(url) = line.trim().strip_prefix("tracelift at ") else {
            panic!("{line:?}: {}", desk.read("log"));
        };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(170)))
            .build()
            .into();
        Server { url: url.to_owned(), child, agent, log }
    }

    fn ask(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Option<String>, Value) {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send_json(body).unwrap();
        let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let told = header("retry-after").or_else(|| header("idempotency-replayed"));
        (response.status().as_u16(), told, response.into_body().read_json().unwrap())
    }

    fn good(&self, path: &str, body: &Value) -> Value {
        let (status, _, answer) = self.ask(path, None, body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn get(&self, path: &str) -> (u16, String) {
        let response = self.agent.get(format!("{}{path}", self.url)).call().unwrap();
        (response.status().as_u16(), response.into_body().read_to_string().unwrap())
    }

    /// As the kernel ends a process that has used up its memory.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to end, and returns what it logged.
    fn end(mut self) -> String {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let status = self.child.wait().unwrap();
        let log = fs::read_to_string(&self.log).unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("panicked"), "{log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_group_costs_27_calls_cold_and_24_warm_and_every_part_is_told() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "", "[reward.rubric]\nmodel = \"rm\"");
    let model = reward_model(&desk);
    let server = Server::start(&desk);
    let group = [RIGHT, WRONG, RIGHT, WRONG, RIGHT, RIGHT, WRONG, RIGHT];
    let cold = server.good("/v1/reward", &items(&group));
    assert_eq!(cold["usage"]["calls"], 27, "{cold}");
    assert_eq!(cold["usage"]["cached"], 7 * 3);
    assert_eq!(executor.count("requests"), 27);
    let warm = server.good("/v1/reward", &items(&group));
    assert_eq!((&warm["usage"]["calls"], &warm["usage"]["cached"]), (&json!(24), &json!(24)));
    assert_eq!(executor.count("requests"), 27 + 24);
    assert_eq!(warm["results"], cold["results"], "the same items have the same rewards");

    let question = Question::new("math", TaskDomain::Math, STATEMENT);
    for (index, (completion, result)) in group.iter().zip(cold["results"].as_array().unwrap()).enumerate() {
        let right = *completion == RIGHT;
        let expected = f64::from(u8::from(right));
        assert_eq!(result["index"], index);
        assert_eq!((number(&result["e"]), number(&result["w"])), (expected, expected), "{result}");
        assert_eq!((number(&result["b"]), number(&result["u"])), (0.0, expected));
        let trace = Trace::new(if right { "he has 12 ." } else { "he has 7 ." }).unwrap();
        let wanted = model.score(&[model.encode(&question, &trace).unwrap()])[0].score;
        let s = number(&result["s"]);
        assert!((s - wanted).abs() < 1e-6, "{s} is not {wanted}");
        assert!((number(&result["reward"]) - (0.5 * expected + 0.5 * s * expected)).abs() < 1e-12);
        assert_eq!(result["reward"], cold["rewards"][index]);
        assert_eq!(result["dimensions"].as_object().unwrap().len(), 5);
        assert_eq!((&result["defect"], &result["leaked"]), (&Value::Null, &json!(right)));
        assert_eq!((&result["truncated"], &result["unknown"]), (&json!(false), &Value::Null));
        let run = json!({"artifact": if right { "12" } else { "7" }, "verdict": if right { "passed" } else { "wrong_answer" },
            "score": expected});
        assert_eq!(result["runs"], json!([run, run, run]));
        assert_eq!(result["baseline"][0]["artifact"], "4");
    }
    for fingerprint in ["executor", "rubric", "verifier", "prompts", "reading"] {
        assert_eq!(cold["fingerprints"][fingerprint].as_str().unwrap().len(), 64, "{fingerprint}");
    }
    // Alone, and told as messages or as a bare trace, an item is worth the same.
    for one in [
        item(RIGHT),
        json!({"problem": problem(STATEMENT), "completion": [{"role": "assistant", "content": RIGHT}], "finish_reason": "stop"}),
        json!({"problem": problem(STATEMENT), "reasoning": "he has 12 .", "finish_reason": "stop"}),
    ] {
        let alone = server.good("/v1/reward", &json!({"items": [one]}));
        assert_eq!(alone["results"][0], cold["results"][0], "{one}");
    }
    // A request may choose another rule; what that does not use is not measured.
    let mut other = items(&[RIGHT]);
    other["rule"] = json!("exec_only");
    let other = server.good("/v1/reward", &other);
    assert_eq!((&other["usage"]["calls"], &other["rewards"]), (&json!(1), &json!([1.0])));
    assert_eq!((&other["results"][0]["b"], &other["results"][0]["s"]), (&Value::Null, &Value::Null));
    // More runs: those that are known stay.
    let mut more = items(&[RIGHT]);
    more["runs"] = json!(5);
    let more = server.good("/v1/reward", &more);
    assert_eq!((&more["usage"]["calls"], &more["usage"]["cached"]), (&json!(5 + 2), &json!(3)));
    let log = server.end();
    for secret in ["pears", "he has"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn an_item_that_fails_fails_alone_and_says_why_and_where() {
    let executor = Executor::start(&["--fail-rate", "0.2", "--malformed-rate", "0.1", "--seed", "3"]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"", "");
    let server = Server::start(&desk);
    let mut all: Vec<Value> = (0..40)
        .map(|i| {
            let mut item = item(RIGHT);
            item["problem"] = problem(&format!("{i} and {STATEMENT}"));
            item
        })
        .collect();
    let wrong = [
        (json!(7), "invalid_item", "item"),
        (json!({"problem": problem(STATEMENT)}), "invalid_item", "item"),
        (
            json!({"problem": problem(STATEMENT), "completion": RIGHT, "reasoning": "x"}),
            "invalid_item",
            "item",
        ),
        (json!({"problem": {"statement": "?"}, "completion": RIGHT}), "invalid_item", "item"),
        (
            json!({"problem": {"statement": "?", "gold": {"tests": []}}, "completion": RIGHT}),
            "invalid_item",
            "item",
        ),
        (json!({"problem": problem(STATEMENT), "completon": RIGHT}), "invalid_item", "item"),
        (json!({"problem_id": "nobody's", "completion": RIGHT}), "unknown_problem", "item"),
        (
            json!({"problem": problem(STATEMENT), "completion": RIGHT, "finish_reason": "abort"}),
            "unfinished",
            "completion",
        ),
    ];
    all.extend(wrong.iter().map(|(item, ..)| item.clone()));
    let answer = server.good("/v1/reward", &json!({ "items": all }));
    let results = answer["results"].as_array().unwrap();
    let (mut known, mut unknown) = (0, 0);
    for result in &results[..40] {
        let failed = |arm: &str| {
            let runs = result[arm].as_array().unwrap().iter();
            runs.filter(|run| run["score"].is_null())
                .map(|run| run["unknown"]["cause"].clone())
                .collect::<Vec<_>>()
        };
        let failures = [failed("runs"), failed("baseline")].concat();
        match result["reward"].as_f64() {
            Some(reward) => {
                known += 1;
                assert_eq!((failures.len(), reward), (0, 1.0), "{result}");
            }
            None => {
                unknown += 1;
                assert_eq!(failures[0], result["unknown"]["cause"], "{result}");
                let place = result["unknown"]["where"].as_str().unwrap();
                assert!(["executor", "baseline"].contains(&place), "{result}");
                assert!(["status_5xx", "malformed"].contains(&failures[0].as_str().unwrap()), "{result}");
            }
        }
    }
    assert!(known > 0 && unknown > 0, "{known} known, {unknown} unknown");
    for (result, (_, cause, place)) in results[40..].iter().zip(wrong) {
        assert_eq!(result["reward"], Value::Null);
        assert_eq!(
            (&result["unknown"]["cause"], &result["unknown"]["where"]),
            (&json!(cause), &json!(place))
        );
    }
    let (_, metrics) = server.get("/metrics");
    assert!(
        metrics.contains("tracelift_unknown_total{cause=\"unfinished\",where=\"completion\"} 1"),
        "{metrics}"
    );
    // Nothing but items that are none is the caller's mistake.
    assert_eq!(server.ask("/v1/reward", None, &json!({"items": [7]})).0, 422);
    for wrong in [
        json!({}),
        json!({"items": {}}),
        json!({"items": [], "rul": "x"}),
        json!({"items": [], "rule": "x"}),
        json!({"items": [], "runs": 0}),
        json!({"items": [], "lambda": 2}),
        json!({"items": [], "rule": "tracelift"}),
    ] {
        assert_eq!(server.ask("/v1/reward", None, &wrong).0, 422, "{wrong}");
    }
}

#[test]
fn a_completion_without_a_trace_is_known_to_be_worth_what_the_trainer_gives_it() {
    let executor = Executor::start(&[]);
    let desk =
        desk(&executor.url(), "rule = \"uplift_only\"\nend = \"closes\"\nprefill = \"<reasoning>\"", "");
    let server = Server::start(&desk);
    let answer = server.good(
        "/v1/reward",
        &json!({"items": [
            {"problem": problem(STATEMENT), "completion": " he has 12 .", "finish_reason": "stop"},
            {"problem": problem(STATEMENT), "completion": " he has 12 .", "finish_reason": "length"},
            {"problem": problem(STATEMENT), "completion": " he has 12 . </reasoning> So 12."},
        ]}),
    );
    assert_eq!(answer["rewards"], json!([1.0, 0.0, 0.0]), "{answer}");
    let defects: Vec<&Value> = (0..3).map(|i| &answer["results"][i]["defect"]).collect();
    assert_eq!(defects, [&Value::Null, &json!("truncated"), &json!("text_outside")]);
    assert_eq!(answer["results"][1]["truncated"], true);
    // Nobody was asked with a trace that is none.
    assert_eq!(executor.count("requests"), 3 + 3);
}

#[test]
fn a_baseline_run_that_was_completed_outlives_a_kill_and_is_not_measured_again() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"", "");
    let server = Server::start(&desk);
    executor.hold_after(2);
    // Of a completion without a trace nothing but the baseline is measured.
    let (agent, url) = (server.agent.clone(), server.url.clone());
    let asking = std::thread::spawn(move || {
        agent.post(format!("{url}/v1/reward")).send_json(items(&[NO_TRACE])).is_err()
    });
    until("two runs are kept and the third is under way", || {
        let listed = desk.path("baselines.sqlite").is_file()
            && desk.good(&["baselines", "list", "baselines.sqlite", "--json"]).contains("\"runs\": 2");
        listed && executor.count("held") == 1
    });
    server.kill();
    assert!(asking.join().unwrap(), "a server that was killed answers nobody");
    executor.release();
    let server = Server::start(&desk);
    let answer = server.good("/v1/reward", &items(&[NO_TRACE]));
    assert_eq!((&answer["usage"]["calls"], &answer["usage"]["cached"]), (&json!(1), &json!(2)), "{answer}");
    assert_eq!(answer["results"][0]["b"], 0.0);
}

#[test]
fn two_servers_on_one_file_measure_nothing_twice() {
    const PROBLEMS: usize = 12;
    let executor = Executor::start(&["--latency-ms", "30"]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"", "");
    let servers = [Server::start(&desk), Server::start(&desk)];
    let body = json!({"items": (0..PROBLEMS)
        .map(|i| json!({"problem": problem(&format!("{i} and {STATEMENT}")), "completion": NO_TRACE}))
        .collect::<Vec<_>>()});
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let asking: Vec<_> =
            servers.iter().map(|server| scope.spawn(|| server.good("/v1/reward", &body))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    assert_eq!(executor.count("requests"), 3 * PROBLEMS as u64);
    assert_eq!(answers[0]["results"], answers[1]["results"]);
    let calls = |answer: &Value| answer["usage"]["calls"].as_u64().unwrap();
    assert_eq!(calls(&answers[0]) + calls(&answers[1]), 3 * PROBLEMS as u64);
    for server in servers {
        server.end();
    }
    let beside: Vec<_> =
        fs::read_dir(desk.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(beside.iter().all(|name| !name.to_string_lossy().contains("owner")), "{beside:?}");
}

#[test]
fn who_asks_again_under_the_same_key_gets_the_same_answer() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"exec_only\"", "");
    let server = Server::start(&desk);
    let (status, replayed, first) = server.ask("/v1/reward", Some("k-1"), &items(&[RIGHT]));
    assert_eq!((status, replayed), (200, None), "{first}");
    server.kill();
    let server = Server::start(&desk);
    let (status, replayed, again) = server.ask("/v1/reward", Some("k-1"), &items(&[RIGHT]));
    assert_eq!((status, replayed.as_deref(), &again), (200, Some("true"), &first));
    assert_eq!(executor.count("requests"), 1);
    let (status, _, other) = server.ask("/v1/reward", Some("k-1"), &items(&[WRONG]));
    assert!(status == 422 && other["error"]["message"].as_str().unwrap().contains("new key"), "{other}");
    // Two at the same time are answered once.
    let asked = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| server.ask("/v1/reward", Some("k-2"), &items(&[RIGHT])).2))
            .collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(asked.iter().all(|answer| *answer == asked[0]));
    assert_eq!(executor.count("requests"), 2);
}

#[test]
fn frameworks_get_the_whole_reward_in_their_own_words() {
    let mut executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"", "");
    let server = Server::start(&desk);
    let prompt = format!("<|im_start|>user\nProblem:\n{STATEMENT}<|im_end|>\n<|im_start|>assistant\n");
    let query = [RIGHT, WRONG, NO_TRACE].map(|completion| format!("{prompt}{completion}<|im_end|>"));
    let told = server.good(
        "/get_reward",
        &json!({"query": query, "prompts": [prompt, prompt, prompt],
        "labels": ["12", {"answer": "12"}, {"problem": problem(STATEMENT)}]}),
    );
    assert_eq!(told["rewards"], json!([1.0, 0.0, 0.0]), "{told}");
    assert_eq!(told["scores"], json!([1.0, 0.0, 0.0]));
    assert_eq!(told["extra_logs"]["u"], json!([1.0, 0.0, 0.0]));
    assert_eq!(told["extra_logs"]["no_trace"], json!([0.0, 0.0, 1.0]));
    assert_eq!(told["defects"], json!([null, null, "no_tags"]));
    let logs = told["extra_logs"].as_object().unwrap();
    let numbers = |values: &Value| values.as_array().unwrap().iter().all(Value::is_number);
    assert!(logs.values().all(numbers), "a tensor holds no null: {told}");

    let slime = |label: Value| json!({"prompt": STATEMENT, "response": RIGHT, "label": label});
    assert_eq!(server.good("/remote_rm", &slime(json!("12"))), json!(1.0));
    let detail = server.good("/remote_rm?detail=true", &slime(json!("12")));
    assert_eq!((&detail["reward"], &detail["u"], &detail["b"]), (&json!(1.0), &json!(1.0), &json!(0.0)));
    assert_eq!(server.ask("/remote_rm", None, &slime(Value::Null)).0, 422, "nobody says what is right");
    // Registered, the statement is enough, and so is a name.
    let (status, body) = {
        let response = server
            .agent
            .put(format!("{}/v1/problems", server.url))
            .send_json(json!({"problems": [problem(STATEMENT)]}));
        let response = response.unwrap();
        (response.status().as_u16(), response.into_body().read_json::<Value>().unwrap())
    };
    assert_eq!((status, body), (200, json!({"registered": 1, "new": 1, "known": 1})));
    assert_eq!(server.good("/remote_rm", &slime(Value::Null)), json!(1.0));
    assert_eq!(server.good("/remote_rm", &slime(json!({"problem_id": "p"}))), json!(1.0));
    let named = json!({"items": [{"problem_id": "p", "completion": RIGHT}]});
    assert_eq!(server.good("/v1/reward", &named)["rewards"], json!([1.0]));
    // What was registered outlives the server.
    server.kill();
    let server = Server::start(&desk);
    assert_eq!(server.good("/v1/reward", &named)["rewards"], json!([1.0]));

    assert_eq!(server.get("/ready").0, 200);
    executor.kill();
    // OpenRLHF makes a tensor of what it reads, and asks again where it is told to.
    let one = json!({"query": query[..1], "prompts": [prompt], "labels": ["12"]});
    let (status, retry_after, told) = server.ask("/get_reward", None, &one);
    assert_eq!((status, retry_after.as_deref()), (503, Some("5")), "{told}");
    let two = json!({"query": [query[0], query[2]], "prompts": [prompt, prompt], "labels": ["12", "12"]});
    let told = server.good("/get_reward", &two);
    assert_eq!((&told["rewards"], &told["scores"]), (&json!([null, 0.0]), &json!([null, 0.0])), "{told}");
    assert_eq!(
        (&told["errors"][0]["cause"], &told["errors"][0]["where"]),
        (&json!("refused"), &json!("executor"))
    );
    let (status, retry_after, told) = server.ask("/remote_rm", None, &slime(json!("12")));
    assert_eq!((status, retry_after.as_deref()), (503, Some("5")), "{told}");
    assert_eq!(told["error"]["cause"], "refused");
    until("the server says that it is not ready", || server.get("/ready").0 == 503);
    assert_eq!(server.get("/health").0, 200);
}

/// The table that the routes of scores and the lines of `rm score` are held to: its traces are those that the executor is given, and
/// its defects those that are told, whichever route a completion came by.
#[test]
fn every_route_of_rewards_reads_a_completion_alike() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"\nruns = 1", "");
    let server = Server::start(&desk);
    let prompt = format!("<|im_start|>user\nProblem:\n{STATEMENT}<|im_end|>\n<|im_start|>assistant\n");
    let cases: Vec<Value> = include_str!("../../domain/tests/completions.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let completions: Vec<&str> = cases.iter().map(|case| case["completion"].as_str().unwrap()).collect();
    let mut wrong = Vec::new();
    for (cases, completions) in cases.chunks(60).zip(completions.chunks(60)) {
        let asked = json!({"items": completions.iter().map(|completion| {
            json!({"problem": problem(STATEMENT), "completion": completion})
        }).collect::<Vec<_>>()});
        let told = server.good("/v1/reward", &asked);
        let query: Vec<String> =
            completions.iter().map(|completion| format!("{prompt}{completion}")).collect();
        let framework = server.good(
            "/get_reward",
            &json!({"query": query, "prompts": vec![&prompt; query.len()], "labels": vec!["12"; query.len()]}),
        );
        for (at, (case, completion)) in cases.iter().zip(completions).enumerate() {
            let slime = server.good(
                "/remote_rm?detail=true",
                &json!({"prompt": STATEMENT, "response": completion, "label": "12"}),
            );
            let found = [
                ("/v1/reward", &told["results"][at]["defect"], &told["rewards"][at]),
                ("/get_reward", &framework["defects"][at], &framework["rewards"][at]),
                ("/remote_rm", &slime["defect"], &slime["reward"]),
            ];
            for (route, defect, reward) in found {
                let alike = *reward == told["rewards"][at] && reward.is_number();
                if *defect != case["defect"] || !alike {
                    wrong.push(format!(
                        "{route}: {completion:?}: {defect} and {reward}, not {}",
                        case["defect"]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn gold_reaches_neither_the_executor_nor_the_log() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"\nlog = \"rewards.jsonl\"", "");
    let server = Server::start(&desk);
    let secret = json!({"statement": STATEMENT, "gold": {"answer": "987654"}});
    let answer = server.good("/v1/reward", &json!({"items": [{"problem": secret, "completion": RIGHT}]}));
    assert_eq!(answer["rewards"], json!([0.0]));
    assert!(!executor.stats()["last_body"].to_string().contains("987654"));
    // It is in the ledger, with all the texts, before the answer is there.
    let lines = desk.read("rewards.jsonl");
    assert_eq!(lines.lines().count(), 1);
    let line: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(
        (&line["reward"], &line["completion"], &line["trace"]),
        (&json!(0.0), &json!(RIGHT), &json!("he has 12 ."))
    );
    assert_eq!(line["problem"]["gold"]["answer"], "987654");
    assert_eq!(line["executor_completions"][0], "#### 12");
    assert_eq!(line["settings"]["rule"], "uplift_only");
    assert!(!server.end().contains("987654"));
}

#[test]
fn a_full_queue_refuses_and_a_hung_up_client_is_forgotten() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"exec_only\"\nqueue = 4\ntimeout_s = 3.0", "concurrency = 1");
    let server = Server::start(&desk);
    assert_eq!(server.ask("/v1/reward", None, &items(&[RIGHT; 5])).0, 413);
    executor.hold_after(0);
    let late = std::thread::scope(|scope| {
        let asking = scope.spawn(|| server.good("/v1/reward", &items(&[RIGHT; 3])));
        until("a call is under way", || executor.count("held") == 1);
        let (status, retry_after, answer) = server.ask("/v1/reward", None, &items(&[RIGHT; 2]));
        assert_eq!((status, retry_after.is_some()), (429, true), "{answer}");
        assert_eq!(server.get("/health").0, 200);
        asking.join().unwrap()
    });
    // Out of time, items are unknown, and what had not begun is never sent.
    assert_eq!(late["rewards"], json!([null, null, null]));
    assert_eq!(late["results"][0]["unknown"]["cause"], "timed_out");
    executor.release();
    assert_eq!(server.good("/v1/reward", &items(&[RIGHT]))["rewards"], json!([1.0]));
    assert_eq!(executor.count("requests"), 2);
}

#[test]
fn told_to_end_it_answers_what_is_in_progress() {
    let executor = Executor::start(&["--latency-ms", "700"]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"", "");
    let server = Server::start(&desk);
    let (agent, url) = (server.agent.clone(), server.url.clone());
    let asking = std::thread::spawn(move || {
        let response = agent.post(format!("{url}/v1/reward")).send_json(items(&[RIGHT])).unwrap();
        response.into_body().read_json::<Value>().unwrap()
    });
    until("the executor is asked", || executor.count("requests") > 0);
    let log = server.end();
    assert_eq!(asking.join().unwrap()["rewards"], json!([1.0]));
    assert!(log.contains("drained"), "{log}");
}

#[test]
fn baselines_are_measured_beforehand_listed_and_exported() {
    measured_beforehand("baselines.sqlite");
}

#[test]
fn servers_of_several_machines_share_baselines_in_postgresql() {
    if let Some(server) = Postgresql::start() {
        measured_beforehand(&server.address());
    }
}

fn measured_beforehand(store: &str) {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"\nproblems = \"problems.jsonl\"", "");
    desk.write("serve.toml", &desk.read("serve.toml").replace("baselines.sqlite", store));
    let lines: String = (0..10)
        .map(|i| {
            let mut line = problem(&format!("{i} and {STATEMENT}"));
            line["id"] = json!(format!("p{i}"));
            line["source"] = json!("test");
            line["domain"] = json!("math");
            line.to_string() + "\n"
        })
        .collect();
    desk.write("problems.jsonl", &lines);
    let said = desk.good(&["baselines", "prefill", "--config", "serve.toml"]);
    assert_eq!(said, "10 problems, 3 runs each: 30 measured, 0 there before\n");
    let said = desk.good(&["baselines", "prefill", "--config", "serve.toml", "--set", "reward.runs=4"]);
    assert_eq!(said, "10 problems, 4 runs each: 10 measured, 30 there before\n");
    assert_eq!(executor.count("requests"), 40);
    let server = Server::start(&desk);
    let answer = server.good("/v1/reward", &json!({"items": [{"problem_id": "p3", "completion": RIGHT}]}));
    assert_eq!((&answer["usage"]["calls"], &answer["usage"]["cached"]), (&json!(3), &json!(3)), "{answer}");
    // And another server, which has only the store in common with this one.
    let other = Server::start(&desk);
    let answer = other.good("/v1/reward", &json!({"items": [{"problem_id": "p4", "completion": RIGHT}]}));
    assert_eq!((&answer["usage"]["calls"], &answer["usage"]["cached"]), (&json!(3), &json!(3)), "{answer}");
    let listed: Value = serde_json::from_str(&desk.good(&["baselines", "list", store, "--json"])).unwrap();
    assert_eq!(
        (&listed[0]["questions"], &listed[0]["runs"], &listed[0]["judged"]),
        (&json!(10), &json!(40), &json!(40))
    );
    assert_eq!((&listed[0]["mean"], &listed[0]["seed"]), (&json!(0.0), &json!(18)));
    assert!(desk.good(&["baselines", "list", store]).contains("questions"));
    let exported = desk.good(&["baselines", "export", store]);
    assert_eq!(exported.lines().count(), 40);
    let run: Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&run["completion"], &run["verdict"], &run["score"]),
        (&json!("#### 4"), &json!("wrong_answer"), &json!(0.0))
    );
    assert!(desk.refused(&["baselines", "list", "nothing.sqlite"]).contains("is not there"));
}

#[test]
fn says_why_it_does_not_start() {
    let with = |change: &dyn Fn(String) -> String| {
        let desk = desk("http://127.0.0.1:9", "rule = \"uplift_only\"", "");
        let text = desk.read("serve.toml");
        desk.write("serve.toml", &change(text));
        // What takes part is told before the error.
        desk.failing(&["serve", "--config", "serve.toml"])
    };
    for (from, to, words) in [
        (
            "uplift_only",
            "tracelift",
            "`reward.rule` is `tracelift`, which needs a reading against the rubric",
        ),
        ("uplift_only", "upliftonly", "`reward.rule` is `upliftonly`, expected one of"),
        ("[reward]", "[reward]\nruns = 0", "`reward.runs` is 0, expected from 1 to 1000"),
        ("[reward]", "[reward]\nrun = 0", "the nearest known key is `runs`"),
        ("[reward]", "[reward]\nproblems = \"none.jsonl\"", "cannot read none.jsonl"),
        ("[reward]", "[reward.verifier]\njobs = 5000\n[reward]", "`reward.verifier.jobs` is 5000"),
        ("retries = 0", "retries = 1000", "`reward.executor.openai.retries` is 1000"),
        ("127.0.0.1:0", "nowhere", "cannot listen on nowhere"),
        ("log = \"json\"", "log = \"xml\"", "choose text or json"),
        ("baselines.sqlite", "serve.toml", "`reward.baselines`"),
    ] {
        let said = with(&|text| text.replacen(from, to, 1));
        assert!(said.contains(words), "{words}: {said}");
    }
    let nothing = Desk::new();
    nothing.write("serve.toml", "listen = \"127.0.0.1:0\"\n");
    assert!(nothing.bad(&["serve", "--config", "serve.toml"]).contains("a section says what is served"));
}

impl Server {
    /// Asks for a stream; its lines as they come.
    fn stream(&self, key: Option<&str>, body: &Value) -> impl Iterator<Item = Value> + use<> {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let mut request = self.agent.post(format!("{}/v1/reward", self.url));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send_json(body).unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let lines = BufReader::new(response.into_body().into_reader()).lines();
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }
}

#[test]
fn a_stream_tells_results_as_they_are_known() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"\nlog = \"rewards.jsonl\"", "concurrency = 1");
    let server = Server::start(&desk);
    let all = [RIGHT, WRONG, NO_TRACE, RIGHT];
    let whole = server.good("/v1/reward", &items(&all));
    // Baselines are known, so three calls an item with a trace: two of the three items that have one can be done.
    executor.hold_after(6);
    let mut lines = server.stream(Some("s-1"), &items(&all));
    let mut found: Vec<Value> = (0..3).map(|_| lines.next().unwrap()).collect();
    assert_eq!(desk.read("rewards.jsonl").lines().count(), 4 + 3, "written down before they are told");
    executor.release();
    found.push(lines.next().unwrap());
    let end = lines.next().unwrap();
    assert_eq!((&end["index"], &end["usage"]["calls"]), (&Value::Null, &json!(9)), "{end}");
    assert_eq!(end["fingerprints"], whole["fingerprints"]);
    assert!(lines.next().is_none());
    found.sort_by_key(|result| result["index"].as_u64());
    assert_eq!(json!(found), whole["results"]);
    // Asked again under the same key, it is the same stream.
    let again: Vec<Value> = server.stream(Some("s-1"), &items(&all)).collect();
    assert_eq!((again.len(), &again[4]), (5, &end));
    assert_eq!(executor.count("requests"), 3 + 9 + 9);
    // Nothing of a request that is refused comes in lines.
    let (status, _, said) = server.ask("/v1/reward", None, &json!({"items": [], "stream": 1}));
    assert!(status == 422 && said["error"]["message"].as_str().unwrap().contains("`stream`"), "{said}");
    assert_eq!(server.stream(None, &json!({"items": []})).count(), 1);
}

#[test]
fn a_stream_in_progress_is_told_to_its_end_when_the_server_is_to_stop() {
    let executor = Executor::start(&["--latency-ms", "2500"]);
    let desk = desk(&executor.url(), "rule = \"exec_only\"", "");
    let server = Server::start(&desk);
    let lines = server.stream(None, &items(&[NO_TRACE, RIGHT]));
    let mut lines = lines.peekable();
    assert_eq!(lines.peek().unwrap()["index"], 0);
    let log = server.end();
    assert_eq!(
        lines.map(|line| line["reward"].clone()).collect::<Vec<_>>(),
        [json!(0.0), json!(1.0), Value::Null]
    );
    assert!(log.contains("drained"), "{log}");
}

#[test]
fn what_nobody_waits_for_any_more_is_not_asked() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"", "concurrency = 2");
    let server = Server::start(&desk);
    executor.hold_after(0);
    let other = |i: usize| {
        let mut one = item(RIGHT);
        one["problem"] = problem(&format!("{i} and {STATEMENT}"));
        one
    };
    let many = json!({"items": (0..20).map(other).collect::<Vec<_>>()});
    // One hangs up a whole answer, one a stream; somebody else wants what one item of them wants.
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_millis(600))).build().into();
    assert!(agent.post(format!("{}/v1/reward", server.url)).send_json(&many).is_err());
    let mut streamed = many.clone();
    streamed["stream"] = json!(true);
    let response = agent.post(format!("{}/v1/reward", server.url)).send_json(&streamed).unwrap();
    let patient = std::thread::scope(|scope| {
        let patient = scope.spawn(|| server.good("/v1/reward", &json!({"items": [other(19)]})));
        assert!(response.into_body().read_to_string().is_err(), "out of time");
        until("both are forgotten", || {
            let (_, metrics) = server.get("/metrics");
            metrics.contains("tracelift_rewards_total{outcome=\"hung_up\"} 20")
        });
        executor.release();
        patient.join().unwrap()
    });
    assert_eq!(patient["rewards"], json!([1.0]), "{patient}");
    // What was under way when they left was brought to its end; of the others only what the third one waits for was asked.
    let asked = executor.count("requests");
    assert!(asked <= 2 + 2 + 6, "{asked} calls");
    // Nothing is lost: whoever asks again gets everything.
    let all = server.good("/v1/reward", &many);
    assert!(all["rewards"].as_array().unwrap().iter().all(|reward| *reward == 1.0), "{all}");
}

#[test]
fn trl_and_verl_get_the_whole_reward_as_their_functions_return_it() {
    let mut executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"\nproblems = \"problems.jsonl\"", "");
    let mut line = problem(STATEMENT);
    line["source"] = json!("test");
    line["domain"] = json!("math");
    desk.write("problems.jsonl", &line.to_string());
    let server = Server::start(&desk);
    let user = |text: &str| json!([{"role": "user", "content": text}]);
    let said = |text: &str| json!([{"role": "assistant", "content": text}]);
    // Columns that name the problem are read, whatever else the framework sends.
    let mut rows = json!({
        "prompts": [user(STATEMENT), user(STATEMENT), user("What?"), user("What?")],
        "completions": [said(RIGHT), said(WRONG), said(NO_TRACE), said(RIGHT)],
        "completion_ids": [[1, 2], [3], [4], [5]],
        "answer": ["so it is 12 .\n#### 12", "12", 12, null],
        "domain": ["algebra", "algebra", "x", "y"], "trainer_state": {"global_step": 3}, "environments": null,
    });
    let told = server.good("/reward_func", &rows);
    assert_eq!(told, json!([1.0, 0.0, 0.0, null]), "nobody says what is right of the last one");
    rows["problem_id"] = json!([null, null, null, "p"]);
    assert_eq!(server.good("/reward_func", &rows), json!([1.0, 0.0, 0.0, 1.0]));
    let detail = server.good("/reward_func?detail=true", &rows);
    assert_eq!((&detail["rewards"][0], &detail["results"][0]["u"]), (&json!(1.0), &json!(1.0)));
    let wrong = json!({"prompts": ["a"], "completions": ["b", "c"]});
    assert_eq!(server.ask("/reward_func", None, &wrong).0, 422);

    let row = |completion: &str, truth: Value, info: Value| json!({"data_source": "words", "solution_str": completion, "ground_truth": truth, "extra_info": info});
    let stated = json!({"question": STATEMENT, "answer": "a worked solution", "split": "train", "index": 7});
    let told = server.good("/compute_score", &row(RIGHT, json!("12"), stated.clone()));
    let wanted =
        json!({"score": 1.0, "e": 1.0, "w": 1.0, "b": 0.0, "u": 1.0, "leaked": 1.0, "no_trace": 0.0});
    assert_eq!(told, wanted);
    let told = server.good("/compute_score", &row(NO_TRACE, json!("12"), stated.clone()));
    assert_eq!((&told["score"], &told["no_trace"], &told["leaked"]), (&json!(0.0), &json!(1.0), &json!(0.0)));
    // As our own export has rows: the name of a problem that was registered.
    let named = json!({"problem_id": "p", "split": "train", "index": "0"});
    assert_eq!(server.good("/compute_score", &row(RIGHT, json!("12"), named))["score"], 1.0);
    let (status, _, said) = server.ask("/compute_score", None, &row(RIGHT, json!("12"), json!({})));
    assert_eq!(status, 422, "{said}");
    executor.kill();
    let fresh = json!({"question": "cal has 3 pens . how many ?"});
    let (status, retry_after, told) =
        server.ask("/compute_score", None, &row(RIGHT, json!("3"), fresh.clone()));
    assert_eq!(
        (status, retry_after.as_deref(), &told["error"]["cause"]),
        (503, Some("5"), &json!("refused"))
    );
    let many = json!({"data_sources": ["words", "words"], "solution_strs": [RIGHT, NO_TRACE],
        "ground_truths": ["3", "12"], "extra_infos": [fresh, stated]});
    let told = server.good("/compute_score", &many);
    assert_eq!((&told[0]["score"], &told[1]["score"]), (&Value::Null, &json!(0.0)), "{told}");
    rows["completions"][0] = json!("<reasoning> he has 13 . </reasoning>");
    assert_eq!(server.good("/reward_func", &rows)[0], Value::Null);
}

#[test]
fn several_executors_are_named_by_items_and_their_mean_is_asked_for() {
    let (plain, mut other) = (Executor::start(&[]), Executor::start(&["--reply", "#### 12"]));
    let desk = Desk::new();
    let section = |name: &str, url: String| {
        format!(
            "[reward.executors.{name}.openai]\nbase_urls = [\"{url}\"]\nmodel = \"silly\"\napi = \"completions\"\n\
             prompt = \"world\"\nretries = 0\n"
        )
    };
    let sections = section("plain", plain.url()) + &section("sure", other.url());
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[reward]\nrule = \"uplift_only\"\nbaselines = \"baselines.sqlite\"\nlog = \"rewards.jsonl\"\n\
         default_executor = \"plain\"\n{sections}"
    );
    desk.write("serve.toml", &config);
    let server = Server::start(&desk);
    let of = |executor: Value| {
        let mut one = item(RIGHT);
        one["executor"] = executor;
        one
    };
    let asked =
        json!({"items": [item(RIGHT), of(json!("sure")), of(json!(["plain", "sure"])), of(json!("nobody"))]});
    let told = server.good("/v1/reward", &asked);
    // The one says 4 without the trace and 12 with it; the other says 12 whatever it reads.
    assert_eq!(told["rewards"], json!([1.0, 0.5, 0.75, null]), "{told}");
    let results = &told["results"];
    assert_eq!((&results[0]["executor"], &results[1]["executor"]), (&json!("plain"), &json!("sure")));
    let mean = &results[2];
    assert_eq!((&mean["b"], &mean["w"], &mean["u"]), (&json!(0.5), &json!(1.0), &json!(0.5)));
    assert_eq!(
        mean["executors"],
        json!([{"executor": "plain", "reward": 1.0, "e": 1.0, "w": 1.0, "b": 0.0, "u": 1.0},
            {"executor": "sure", "reward": 0.5, "e": 1.0, "w": 1.0, "b": 1.0, "u": 0.0}])
    );
    assert_eq!(
        (&mean["runs"][5]["executor"], mean["baseline"].as_array().unwrap().len()),
        (&json!("sure"), 6)
    );
    assert!(results[3]["unknown"]["message"].as_str().unwrap().contains("there are: plain, sure"), "{told}");
    // Each has baselines of its own, and each was measured once.
    assert_eq!((plain.count("requests"), other.count("requests")), (3 * 2 + 3, 3 * 2 + 3));
    let prints = &told["fingerprints"];
    assert_eq!(prints["executor"], prints["executors"]["plain"]["executor"]);
    assert_ne!(prints["executor"], prints["executors"]["sure"]["executor"]);
    // For all of a request, and in the dialects.
    let both = json!({"items": [item(RIGHT)], "executor": ["sure", "plain"]});
    assert_eq!(server.good("/v1/reward", &both)["rewards"], json!([0.75]));
    let slime = json!({"prompt": STATEMENT, "response": RIGHT, "label": "12", "executor": "sure"});
    assert_eq!(server.good("/remote_rm", &slime), json!(0.5));
    for wrong in [json!("nobody"), json!([]), json!(["plain", "plain"]), json!(3)] {
        let (status, _, said) = server.ask("/v1/reward", None, &json!({"items": [], "executor": wrong}));
        assert!(status == 422 && said["error"]["message"].as_str().unwrap().contains("`executor`"), "{said}");
    }
    let (_, metrics) = server.get("/metrics");
    assert!(
        metrics.contains("tracelift_executor_calls_waiting{section=\"reward\",executor=\"sure\"} 0"),
        "{metrics}"
    );
    // Who does not answer leaves the mean unknown, and the other's reward known.
    other.kill();
    until("one is seen to be gone", || {
        let (status, ready) = server.get("/ready");
        status == 503 && ready.contains("executor sure")
    });
    let told = server.good("/v1/reward", &asked);
    assert_eq!(told["rewards"], json!([1.0, null, null, null]));
    assert_eq!(
        (&told["results"][2]["executors"][0]["reward"], &told["results"][2]["e"]),
        (&json!(1.0), &Value::Null)
    );
    drop(server);
    let listed = desk.good(&["baselines", "list", "baselines.sqlite", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap().as_array().unwrap().len(), 2);
    // One is missing in the configuration, or not said to be the usual one.
    for (from, to, words) in [
        (
            "default_executor = \"plain\"\n",
            "",
            "`reward.default_executor` is missing; there are several executors (plain, sure)",
        ),
        (
            "\"plain\"\n",
            "[\"plain\", \"other\"]\n",
            "`reward.default_executor` names \"other\"; there are: plain, sure",
        ),
        ("\"plain\"\n", "[]\n", "`reward.default_executor` is empty"),
        ("retries = 0\n", "retries = 1000\n", "`reward.executors.plain.openai.retries` is 1000"),
        (sections.as_str(), "", "`reward.executor` is missing"),
    ] {
        desk.write("wrong.toml", &config.replacen(from, to, 1));
        let said = desk.bad(&["serve", "--config", "wrong.toml"]);
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_hedge_is_a_call_that_is_told() {
    let (slow, quick) = (Executor::start(&[]), Executor::start(&[]));
    slow.hold_after(0);
    let urls = format!("{}\", \"{}", slow.url(), quick.url());
    let desk = desk(&urls, "rule = \"exec_only\"", "hedge_after_s = 0.1\nreplica_concurrency = 2");
    let server = Server::start(&desk);
    let told = server.good("/v1/reward", &items(&[RIGHT, RIGHT, RIGHT, RIGHT]));
    assert_eq!(told["rewards"], json!([1.0, 1.0, 1.0, 1.0]), "{told}");
    let asked = slow.count("requests") + quick.count("requests");
    assert!(asked > 4 && told["usage"]["calls"] == asked, "{told} {asked}");
}

#[test]
fn every_route_is_described_and_real_answers_are_as_described() {
    let mut executor = Executor::start(&[]);
    let rest = "[reward.rubric]\nmodel = \"rm\"\n[rubric]\nmodel = \"rm\"\n[answers]\n";
    let desk = desk(&executor.url(), "format = 0.1", rest);
    reward_model(&desk);
    let server = Server::start(&desk);
    let document: Value = serde_json::from_str(&server.get("/openapi.json").1).unwrap();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    for path in [
        "/v1/reward",
        "/v1/problems",
        "/get_reward",
        "/remote_rm",
        "/reward_func",
        "/compute_score",
        "/score",
        "/v1/score",
        "/classify",
        "/v1/verify/answers",
        "/health",
        "/ready",
        "/metrics",
        "/openapi.json",
    ] {
        assert!(paths.iter().any(|described| *described == path), "{path} is not among {paths:?}");
    }
    let told = |path: &str, method: &str, status: u16, answer: &Value| {
        let schema =
            of_answer(&document, path.split('?').next().unwrap(), method, status, "application/json");
        assert_eq!(misfit(&document, schema, answer), None, "{path}");
    };
    let ask = |path: &str, body: &Value| {
        let (status, _, answer) = server.ask(path, None, body);
        told(path, "post", status, &answer);
        (status, answer)
    };
    // The example of every route is one that it takes and that is as its request is described.
    for (path, methods) in document["paths"].as_object().unwrap() {
        if let Some(content) =
            methods.get("post").map(|post| &post["requestBody"]["content"]["application/json"])
        {
            assert_eq!(misfit(&document, &content["schema"], &content["example"]), None, "{path}");
            assert_eq!(ask(path, &content["example"]).0, 200, "{path}");
        } else {
            let (status, text) = server.get(path);
            assert_eq!(status, 200, "{path}");
            if path != "/metrics" {
                told(path, "get", 200, &serde_json::from_str(&text).unwrap());
            }
        }
    }
    let wrong = json!({"problem": problem("?"), "completion": RIGHT, "finish_reason": "abort"});
    let mut all = items(&[RIGHT, NO_TRACE]);
    all["items"].as_array_mut().unwrap().extend([wrong.clone(), json!(7)]);
    assert_eq!(ask("/v1/reward", &all).0, 200);
    let schema = of_answer(&document, "/v1/reward", "post", 200, "application/x-ndjson");
    let lines: Vec<Value> = server.stream(None, &all).collect();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        assert_eq!(misfit(&document, schema, line), None);
    }
    assert_eq!(ask("/v1/reward", &json!({"items": [7]})).0, 422);
    assert_eq!(ask("/v1/reward", &json!([])).0, 400);
    assert_eq!(
        ask("/remote_rm?detail=true", &json!({"prompt": STATEMENT, "response": RIGHT, "label": "12"})).0,
        200
    );
    assert_eq!(
        ask(
            "/reward_func?detail=true",
            &json!({"prompts": [STATEMENT], "completions": [RIGHT], "answer": ["12"]})
        )
        .0,
        200
    );
    assert_eq!(ask("/v1/verify/answers", &json!({"items": [{"gold": "2", "completion": "3"}, {}]})).0, 200);
    assert_eq!(
        ask(
            "/score",
            &json!({"items": [{"problem": "?", "reasoning": "r"}, {"problem": "?", "completion": "r"}, 3]})
        )
        .0,
        200
    );
    executor.kill();
    let mut fresh = items(&[RIGHT]);
    fresh["items"][0]["problem"]["statement"] = json!("cal has 9 pens . how many ?");
    assert_eq!(ask("/v1/reward", &fresh).1["rewards"], json!([null]));
    let sample = json!({"prompt": "cal has 8 pens . how many ?", "response": RIGHT, "label": "8"});
    assert_eq!(ask("/remote_rm", &sample).0, 503);
    let (status, ready) = server.get("/ready");
    told("/ready", "get", status, &serde_json::from_str(&ready).unwrap());
}

#[test]
fn a_log_of_tables_loses_nothing_that_was_answered() {
    let executor = Executor::start(&[]);
    let desk = desk(&executor.url(), "rule = \"uplift_only\"\nlog = \"rewards.parquet\"", "");
    let server = Server::start(&desk);
    server.good("/v1/reward", &items(&[RIGHT, WRONG]));
    assert_eq!(
        desk.read("rewards.parquet.open").lines().count(),
        2,
        "it is with the system before it is answered"
    );
    server.kill();
    // Whatever ended the process, what was answered becomes a part, and each part is whole.
    let server = Server::start(&desk);
    server.good("/v1/reward", &items(&[NO_TRACE]));
    server.end();
    for part in ["rewards.1.parquet", "rewards.2.parquet"] {
        let bytes = fs::read(desk.path(part)).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{part}");
    }
    let left: Vec<String> = fs::read_dir(desk.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".rows") || name.ends_with(".open"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn capacity_says_how_many_replicas_are_enough() {
    let desk = Desk::new();
    desk.write("latencies", "0.5\n1.0, of the second kind\n1.5\n");
    let asked = [
        "capacity",
        "--rollouts-per-s",
        "40",
        "--latencies",
        "latencies",
        "--slots",
        "32",
        "--seconds",
        "60",
    ];
    let said = desk.good(&asked);
    // 5 groups of 27 calls a second, of a second each, in places of 32: above 4 replicas.
    assert!(said.contains("5.00 groups of 8 a second, 27.0 calls each"), "{said}");
    assert!(said.contains("replicas are enough"), "{said}");
    let rows = desk.good(&[&asked[..], &["--json", "--known", "1"]].concat());
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = rows.last().unwrap();
    assert!(number(&last["load"]) < 1.0 && number(&last["replicas"]) >= 4.0, "{last}");
    assert!(
        desk.refused(&[
            "capacity",
            "--rollouts-per-s",
            "40",
            "--latency-ms",
            "50",
            "--most",
            "1",
            "--slots",
            "1"
        ])
        .contains("--most")
    );
    desk.write("wrong", "fast\n");
    assert!(desk.refused(&["capacity", "--rollouts-per-s", "1", "--latencies", "wrong"]).contains("wrong:1"));
}
