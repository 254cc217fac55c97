//! From GSM8K's format to a trained and evaluated planner, with an executor in the process and behind HTTP. The models
//! are tiny and know nothing; that every stage runs on real text is what counts.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::{Desk, PROMPT, Run};
use tracelift_datasets::DataSet;
use tracelift_engine::Checkpoint;
use tracelift_eval::SampleRecord;
use tracelift_testing::{Server, shared};

/// Worded for this test, in the data set's format.
const TRAIN: &str = concat!(
    r#"{"question": "Mia has 1 red pen and buys 2 blue ones. How many pens has she got now?", "answer": "She has 1+2=<<1+2=3>>3 pens.\n#### 3"}"#,
    "\n",
    r#"{"question": "A tram with 5 people on it stops. 3 of them get off. How many stay on?", "answer": "5-3=<<5-3=2>>2 stay on.\n#### 2"}"#,
    "\n",
    r#"{"question": "Ole cuts a rope of 4 metres into pieces of 4 metres. How many pieces are there?", "answer": "4/4=<<4/4=1>>1\n#### 1"}"#,
    "\n",
    r#"{"question": "Two cups of tea cost $6. What is the price of one?", "answer": "One cup costs 6/2=$<<6/2=3>>3.\n#### 3"}"#,
    "\n",
);
const TEST: &str = concat!(
    r#"{"question": "Ana reads 2 pages an hour. How many does she read in one hour?", "answer": "2*1=<<2*1=2>>2\n#### 2"}"#,
    "\n",
    r#"{"question": "A bag of 1,000 beads is shared by 1000 children. How many does each get?", "answer": "1000/1000=1\n#### 1"}"#,
    "\n",
    r#"{"question": "3 cats and a dog live here. How many cats?", "answer": "It is said.\n#### 3"}"#,
    "\n",
);

/// Settings that make the paper's run a matter of seconds.
const SHORT: [&str; 13] = [
    // Random weights solve nothing.
    "preflight.problems=0",
    // What random weights write holds some number, and hardly ever a box.
    "verifier.answers=gsm8k-compat",
    "planner.model=planner",
    "rubric.model=reward-model",
    "grpo.steps=2",
    "grpo.problems=2",
    "reward.runs=2",
    "planner.sampling.max_tokens=24",
    "grpo.learning_rate=1e-3",
    "grpo.checkpoint_every=1",
    "eval.seeds=2",
    "eval.runs=1",
    "eval.data.limit=3",
];

const IN_PROCESS: [&str; 2] =
    ["executor.in_process.model=executor", "executor.in_process.sampling.max_tokens=8"];

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/gsm8k.toml").canonicalize().unwrap()
}

/// A folder with the models, and with these problems to train on and to evaluate on.
fn desk(train: &str, test: &str) -> Desk {
    let desk = Desk::new();
    desk.write("train.jsonl", train);
    desk.write("test.jsonl", test);
    let problems = DataSet::open(&desk.path("train.jsonl"), None, None).unwrap().problems(Some(2)).unwrap();
    desk.warm_planner("planner", &problems);
    desk.small_model("executor", 2);
    desk.reward_model("reward-model");
    desk
}

/// `tracelift train` and `tracelift eval` with the configuration that comes along.
fn train_and_evaluate(desk: &Desk, out: &str, settings: &[&str]) -> Run {
    let config = config();
    let place = format!("out={out}");
    let prompt = format!("planner.prompt={PROMPT}");
    let data = ["data.path=train.jsonl", "eval.data.path=test.jsonl", place.as_str(), prompt.as_str()];
    let mut arguments = vec!["train", "--config", config.to_str().unwrap()];
    arguments.extend(SHORT.iter().chain(&data).chain(settings).flat_map(|set| ["--set", set]));
    let said = desk.good(&arguments);
    assert!(said.contains(&format!("planner: {out}/planner")), "{said}");
    arguments[0] = "eval";
    let said = desk.good(&arguments);
    let run = desk.run(out);
    let table = String::from_utf8(run.file("evaluation/evaluation.md")).unwrap();
    for row in ["no trace", "base planner", "TraceLift"] {
        assert!(said.contains(row) && table.contains(row), "no row `{row}`:\n{said}\n{table}");
    }
    check_training(&run);
    check_evaluation(&run);
    run
}

fn check_training(run: &Run) {
    let metrics = run.metrics();
    assert_eq!(metrics.len(), 2);
    for stage in ["sample", "execute", "rubric", "update"] {
        assert!(metrics.iter().all(|step| step.get(&format!("seconds/{stage}")).is_some()), "{stage}");
    }
    assert!(metrics.iter().all(|step| step.get("executor/failed_calls") == Some(0.0)));
    assert!(metrics.iter().all(|step| step.get("reward/unknown") == Some(0.0)));
    let rollouts = run.rollouts();
    assert_eq!(rollouts.len(), 2 * 2 * 4);
    assert!(rollouts.iter().all(|rollout| rollout.problem_id.starts_with("gsm8k/train/")));
    let usable: Vec<_> = rollouts.iter().filter(|rollout| rollout.defect.is_none()).collect();
    assert!(usable.len() > rollouts.len() / 2, "hardly a trace is usable: {rollouts:?}");
    assert!(usable.iter().all(|rollout| rollout.s.is_some_and(|s| s > 0.0)));
    for rollout in &usable {
        // The first and the last thing that a reader wants: what was asked, and what became of it.
        assert!(rollout.question.ends_with('?') && rollout.gold.parse::<f64>().is_ok(), "{rollout:?}");
        assert!(rollout.completion.contains(rollout.trace.as_ref().unwrap()), "{rollout:?}");
        assert!(
            rollout.executor_completions.iter().chain(&rollout.verdicts).all(Option::is_some),
            "{rollout:?}"
        );
        assert!(rollout.rubric_total.is_some() && rollout.rubric_step_coherence.is_some(), "{rollout:?}");
        assert_eq!(rollout.rubric_plan_quality, None, "a dimension of code");
    }
    let hashes = |pick: fn(&support::rollouts::Rollout) -> Option<&String>| {
        rollouts.iter().filter_map(pick).collect::<std::collections::BTreeSet<_>>().len()
    };
    let problems = hashes(|rollout| Some(&rollout.problem_id));
    assert_eq!(hashes(|rollout| Some(&rollout.planner_prompt_sha256)), problems, "one prompt a problem");
    assert!(hashes(|rollout| rollout.executor_prompt_sha256.as_ref()) > problems, "traces are in the hash");
    // The adapter is one by its files, and the planner beside it is a checkpoint of its own.
    let adapter: serde_json::Value =
        serde_json::from_slice(&run.file("adapter/adapter_config.json")).unwrap();
    assert_eq!((adapter["r"].as_u64(), adapter["lora_alpha"].as_f64()), (Some(16), Some(32.0)));
    assert!(!run.file("adapter/adapter_model.safetensors").is_empty());
    assert!(Checkpoint::load(&run.layout.root().join("planner")).unwrap().model.lora.is_none());
}

fn check_evaluation(run: &Run) {
    let table: serde_json::Value = serde_json::from_slice(&run.file("evaluation/evaluation.json")).unwrap();
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|row| row["row"].as_str().unwrap()).collect::<Vec<_>>(),
        ["no trace", "base planner", "TraceLift"]
    );
    let samples = String::from_utf8(run.file("evaluation/samples.jsonl")).unwrap();
    let samples: Vec<SampleRecord> =
        samples.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(samples.len(), 3 * 3 * 2, "rows × problems × seeds");
    assert!(samples.iter().all(|sample| sample.problem_id.starts_with("gsm8k/test/")));
    assert!(samples.iter().all(|sample| sample.correct.is_some() && sample.executor == samples[0].executor));
}

#[test]
fn it_runs_with_an_executor_in_the_process() {
    let desk = desk(TRAIN, TEST);
    train_and_evaluate(&desk, "run", &IN_PROCESS);
}

#[test]
fn it_runs_with_an_executor_behind_http() {
    let server = Server::start(&[]);
    let desk = desk(TRAIN, TEST);
    let run = |out: &str, api: &str| {
        let url = server.url();
        let executor =
            format!(r#"executor={{ openai = {{ base_urls = ["{url}"], model = "silly", api = "{api}" }} }}"#);
        train_and_evaluate(&desk, out, &[&executor])
    };
    // The server answers with the last number that it reads: with what the planner wrote, and in the arm without a
    // trace with the last number of the problem.
    let chat = run("chat", "chat");
    for rollout in chat.rollouts().iter().filter(|rollout| rollout.defect.is_none()) {
        let trace = rollout.trace.as_deref().unwrap();
        let number = trace.trim();
        assert_eq!(
            rollout.executor_completions[0].as_deref(),
            Some(format!("#### {number}").as_str()),
            "{rollout:?}"
        );
    }
    assert!(chat.metrics()[0].get("executor/tokens").is_some_and(|tokens| tokens > 0.0));
    let before = server.stats()["served"].as_u64().unwrap();
    let completions = run("completions", "completions");
    assert!(server.stats()["served"].as_u64().unwrap() > before);
    let [chat, completions] = [&chat, &completions].map(|run| fs::read(run.layout.description()).unwrap());
    assert!(chat != completions, "two executors, one description");
}

#[test]
fn it_runs_on_the_real_files() {
    let [train, test] = ["train", "test"].map(|part| shared(&format!("data/gsm8k/{part}.jsonl")));
    let (Some(train), Some(test)) = (train, test) else { return };
    let [train, test] = [train, test].map(|path| fs::read_to_string(path).unwrap());
    let desk = desk(&train, &test);
    train_and_evaluate(&desk, "run", &IN_PROCESS);
}
