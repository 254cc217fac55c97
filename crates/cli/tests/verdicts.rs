//! `tracelift serve` with `[answers]`, `[programs]` and `[rubric]`: several sections on one port.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use support::Desk;
use tracelift_domain::{Seed, TaskDomain};
use tracelift_engine::{Config, Model, Precision, Tokenizer};
use tracelift_reward::RewardModel;
use tracelift_testing::TinyModel;

#[test]
fn sections_share_a_port_and_each_item_is_judged_by_itself() {
    let desk = Desk::new();
    let config = TinyModel { positions: 512, ..TinyModel::BYTES }.config();
    let backbone = Model::random(Config::from_json(&config).unwrap(), Seed(3));
    let model = RewardModel::new(backbone, Tokenizer::byte_level().unwrap(), TaskDomain::Math, Seed(3));
    model.save(&desk.path("rm"), Precision::F32).unwrap();
    desk.write(
        "serve.toml",
        r#"
        listen = "127.0.0.1:0"
        [answers]
        [programs]
        jobs = 2
        require_sandbox = "L0"
        accept_no_sandbox = true
        [rubric]
        model = "rm"
        "#,
    );
    let mut child = desk
        .command(&["serve", "--config", "serve.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("tracelift at ").unwrap().to_owned();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let post = |path: &str, body: Value| {
        let response = agent.post(format!("{url}{path}")).send_json(body).unwrap();
        (response.status().as_u16(), response.into_body().read_json::<Value>().unwrap())
    };
    let get =
        |path: &str| agent.get(format!("{url}{path}")).call().unwrap().into_body().read_to_string().unwrap();

    let (status, told) = post(
        "/v1/verify/answers",
        json!({"items": [
            {"gold": "12", "completion": "So he has 12.\n#### 12"},
            {"gold": "\\frac{1}{2}", "completion": "It is \\boxed{0.5}."},
            {"gold": 7, "completion": "#### 8"},
            {"gold": "7", "completion": ""},
            {"gold": "", "completion": "#### 8"},
            {"gold": "7", "completed": "#### 8"},
        ]}),
    );
    assert_eq!(status, 200);
    assert_eq!(
        told["verdicts"],
        json!(["passed", "passed", "wrong_answer", "no_artifact", null, null]),
        "{told}"
    );
    assert_eq!(told["scores"], json!([1.0, 1.0, 0.0, 0.0, null, null]));
    assert!(
        told["results"][1]["rule"].is_string() && told["results"][1]["extracted"]["text"].is_string(),
        "{told}"
    );
    assert_eq!(told["results"][4]["unknown"]["where"], "item");

    let (status, told) = post(
        "/v1/verify/programs",
        json!({"items": [
            {"tests": [{"stdin": "2 3", "stdout": "5"}], "completion": "```python\nprint(sum(map(int, input().split())))\n```"},
            {"tests": [{"stdin": "2 3", "stdout": "6"}], "completion": "print(5)"},
            {"function": {"entry": "add", "asserts": ["assert add(2, 3) == 5"]}, "completion": "def add(a, b):\n    return a + b"},
            {"tests": [], "completion": "print(5)"},
        ]}),
    );
    assert_eq!(status, 200);
    assert_eq!(told["verdicts"], json!(["passed", "wrong_answer", "passed", null]), "{told}");
    let (status, told) = post("/run_code", json!({"code": "print(1)", "language": "python"}));
    assert_eq!((status, &told["run_result"]["stdout"]), (200, &json!("1\n")), "{told}");
    let item = json!({"problem": "1 + 1?", "reasoning": "Add them."});
    let scores = ["/score", "/v1/score"].map(|path| post(path, json!({"items": [item]})).1["scores"].clone());
    assert!(scores[0][0].is_f64() && scores[0] == scores[1], "{scores:?}");
    assert_eq!(post("/v1/verify/answers", json!({"items": [{}]})).0, 422);
    assert_eq!(post("/v1/reward", json!({"items": []})).0, 404, "it is not served here");

    // One document and one list of counters for all.
    let document: Value = serde_json::from_str(&get("/openapi.json")).unwrap();
    for path in [
        "/score",
        "/v1/score",
        "/classify",
        "/run_code",
        "/v1/verify/answers",
        "/v1/verify/programs",
        "/ready",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    assert!(document["paths"]["/v1/reward"].is_null());
    let metrics = get("/metrics");
    assert_eq!(metrics.matches("# TYPE tracelift_queue_items gauge").count(), 1, "{metrics}");
    for section in ["answers", "programs", "rubric", "verdicts"] {
        assert!(metrics.contains(&format!("tracelift_queue_items{{section=\"{section}\"}} 0")), "{metrics}");
    }
    let health: Value = serde_json::from_str(&get("/health")).unwrap();
    assert_eq!(health["service"]["model"]["name"], "rm", "{health}");
    assert!(health["service"]["programs"]["runner"]["sandbox"].is_object(), "{health}");
    child.kill().unwrap();
    child.wait().unwrap();
}
