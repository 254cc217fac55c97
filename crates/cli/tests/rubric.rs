//! Who reads traces against the rubric: a model here, the same one behind a server, a prompted judge. What nobody read is
//! unknown, and never a zero.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use support::rollouts::Rollout;
use support::{Desk, PROMPT, Run, lines, problems};
use tracelift_domain::Problem;
use tracelift_testing::{Server, until, words};

/// A folder with a planner that writes usable traces, an executor, and a configuration that lacks its `[rubric]`.
fn desk(problems: &[Problem]) -> Desk {
    let desk = Desk::new();
    desk.write("problems.jsonl", &lines(problems));
    desk.warm_planner("planner", &problems[..1]);
    desk.small_model("executor", 2);
    desk
}

/// `[rubric]` as given, in a configuration for a run in the folder of that name.
fn configure(desk: &Desk, out: &str, rubric: &str, grpo: &str) -> String {
    let file = format!("{out}.toml");
    desk.write(
        &file,
        &format!(
            r#"
            out = "{out}"
            preflight.problems = 0
            seed = 5
            [data]
            path = "problems.jsonl"
            [planner]
            model = "planner"
            prompt = {PROMPT}
            sampling = {{ temperature = 1.0, top_p = 1.0, max_tokens = 12 }}
            [executor.in_process]
            model = "executor"
            sampling = {{ max_tokens = 4 }}
            [reward]
            rule = "no_uplift"
            runs = 1
            [grpo]
            {grpo}
            problems = 2
            group = 4
            learning_rate = 1e-3
            [eval]
            data.path = "problems.jsonl"
            seeds = 2
            runs = 1
            rubric = true
            [rubric]
            {rubric}
            "#
        ),
    );
    file
}

fn train(desk: &Desk, out: &str, rubric: &str) -> String {
    let file = configure(desk, out, rubric, "steps = 2");
    desk.good(&["train", "--config", &file])
}

/// `tracelift rm serve` on a directory; killed at the latest when the test ends.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(desk: &Desk, dir: &str, arguments: &[&str]) -> Served {
        let line = ["rm", "serve", dir, "--port", "0"];
        let mut command = desk.command(&[&line, arguments].concat());
        command.env("RUBRIC_TEST_KEY", "s3cret").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("reward model at ").unwrap_or_else(|| panic!("{line:?}"));
        Served { url: url.to_owned(), child }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have been ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of both steps.
fn rollouts_of(run: &Run) -> [Vec<u8>; 2] {
    [1, 2].map(|step| run.file(&format!("rollouts/step_{step:06}.parquet")))
}

/// What the rubric says of each usable trace, with the cause where it says nothing.
fn read_of(rollouts: &[Rollout]) -> Vec<Option<f64>> {
    let usable = rollouts.iter().filter(|rollout| rollout.defect.is_none());
    usable.map(|rollout| rollout.s).collect()
}

#[test]
fn a_served_reward_model_is_the_one_here_to_the_last_bit() {
    let desk = desk(&problems(6));
    desk.reward_model("reward-model");
    let served = Served::start(&desk, "reward-model", &["--api-key-env", "RUBRIC_TEST_KEY"]);
    train(&desk, "here", "model = \"reward-model\"");
    let there = format!("url = \"{}/\"\napi_key_env = \"RUBRIC_TEST_KEY\"", served.url);
    let file = configure(&desk, "there", &there, "steps = 2");
    let output =
        desk.command(&["train", "--config", &file]).env("RUBRIC_TEST_KEY", "s3cret").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("rubric: reward model reward-model at {}", served.url)), "{said}");

    let [here, there] = [desk.run("here"), desk.run("there")];
    assert_eq!(rollouts_of(&here), rollouts_of(&there));
    let scores = read_of(&here.rollouts());
    assert!(scores.len() > 8 && scores.iter().all(|s| s.is_some_and(|s| s > 0.0)), "{scores:?}");
    assert_eq!(here.file("planner/model.safetensors"), there.file("planner/model.safetensors"));
    // One model, one fingerprint, wherever it is read.
    let [a, b] = [&here, &there].map(|run| {
        let text: Value = serde_json::from_slice(&run.file("run.json")).unwrap();
        text["fingerprints"]["rubric"].clone()
    });
    assert!(a.is_string() && a == b, "{a} {b}");

    // So do the traces of an evaluation read.
    let told = desk.good(&["eval", "--config", "here.toml"]);
    assert!(told.contains("rubric"), "{told}");
    let output =
        desk.command(&["eval", "--config", &file]).env("RUBRIC_TEST_KEY", "s3cret").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let [a, b] =
        [&here, &there].map(|run| support::samples(&run.layout.root().join("evaluation/samples.jsonl")));
    assert_eq!(a, b);
    let read = a.into_iter().map(|sample| serde_json::to_value(sample).unwrap());
    let (none, some): (Vec<Value>, Vec<Value>) = read.partition(|sample| sample["rubric"].is_null());
    assert!(none.iter().all(|sample| sample["row"] == "no trace"), "{none:?}");
    let read = |sample: &Value| sample["rubric"]["score"].as_f64().is_some();
    assert!(some.len() == 2 * none.len() && some.iter().all(read), "{some:?}");
    assert!(some.iter().any(|sample| sample["rubric"]["dimensions"][0].as_f64().is_some()), "{some:?}");

    // Without the key the server says no, and that is known before anything is sampled.
    let file = configure(&desk, "no-key", &format!("url = \"{}\"", served.url), "steps = 1");
    let error = desk.refused(&["train", "--config", &file]);
    assert!(error.contains("status 401"), "{error}");
}

#[test]
fn a_served_reward_model_is_measured_like_the_one_here() {
    let desk = Desk::new();
    desk.reward_model("reward-model");
    let served = Served::start(&desk, "reward-model", &[]);
    let line = format!("rm eval reward-model groups.jsonl --url {} --json out.json", served.url);
    let said = desk.good(&words(&line));
    assert!(said.contains(&format!("reward-model at {}", served.url)), "{said}");
    let found: Value = serde_json::from_slice(&fs::read(desk.path("out.json")).unwrap()).unwrap();
    let scorers = &found["groups"]["scorers"];
    assert!(scorers[0][1]["traces"].as_u64().unwrap() > 40);
    assert_eq!(scorers[0][1], scorers[1][1]);
    let error = desk.refused(&words("rm eval groups.jsonl --url http://127.0.0.1:9"));
    assert!(error.contains("no reward model answers at http://127.0.0.1:9"), "{error}");
}

#[test]
fn a_server_that_goes_leaves_scores_unknown_and_ends_the_run() {
    let desk = desk(&problems(6));
    desk.reward_model("reward-model");
    let mut served = Served::start(&desk, "reward-model", &[]);
    let rubric = format!("url = \"{}\"\nretries = 0\nbackoff_s = 0.0", served.url);
    let file = configure(&desk, "run", &rubric, "steps = 5000\npatience = 2");
    let mut command = desk.command(&["train", "--config", &file]);
    let run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let metrics = desk.path("run/metrics.jsonl");
    until("two steps", || fs::read_to_string(&metrics).is_ok_and(|text| text.lines().count() >= 2));
    served.child.kill().unwrap();
    served.child.wait().unwrap();
    let output = run.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("rubric_refused") && errors.contains("against the rubric"), "{errors}");
    let rollouts = desk.run("run").rollouts();
    let scores = read_of(&rollouts);
    assert!(scores[0].is_some() && scores.last().unwrap().is_none(), "{scores:?}");
    assert!(scores.iter().flatten().all(|s| *s > 0.0), "an outage became a score: {scores:?}");
    for rollout in rollouts.iter().filter(|rollout| rollout.defect.is_none()) {
        assert_eq!(rollout.s.is_none(), rollout.reward.is_none(), "{rollout:?}");
    }
}

/// `[rubric.judge]` with a model server of the tests.
fn judge(server: &Server, more: &str) -> String {
    format!(
        "[rubric.judge.oracle]\nbase_urls = [\"{}\"]\nmodel = \"silly\"\nretries = 0\nbackoff_s = 0.0\n{more}",
        server.url()
    )
}

#[test]
fn a_judge_reads_for_a_run_and_is_asked_nothing_twice() {
    let mut problems = problems(4);
    // What the server makes of a problem is asked for in it.
    problems[1].question.statement = "@@refuse Pick 1, 2 or 3.".into();
    let desk = desk(&problems);
    let server = Server::prompted(&[]);
    let said = train(&desk, "run", &judge(&server, ""));
    assert!(said.contains("rubric: judge silly at") && said.contains("calls"), "{said}");
    let rollouts = desk.run("run").rollouts();
    let usable = || rollouts.iter().filter(|rollout| rollout.defect.is_none());
    let (refused, judged): (Vec<_>, Vec<_>) = usable().partition(|one| one.problem_id == problems[1].id);
    assert!(!refused.is_empty() && !judged.is_empty());
    // Traces without an equation get 2 of 10 from the tests' model.
    assert!(judged.iter().all(|one| one.s.is_some_and(|s| (s - 0.2).abs() < 1e-12)), "{judged:?}");
    assert!(refused.iter().all(|one| one.s.is_none() && one.reward.is_none()), "{refused:?}");
    let answers = server.count("answers");
    assert!(answers > 0);

    // The replies are on disk, so another run of the same traces asks nothing.
    let ledger = format!("ledger = {:?}", desk.path("run/rubric.ledger"));
    train(&desk, "again", &judge(&server, &ledger));
    assert_eq!(server.count("answers"), answers);
    assert_eq!(rollouts_of(&desk.run("again")), rollouts_of(&desk.run("run")));

    // An evaluation asks for what is new, keeps it in the same place, and says what stayed unknown.
    let told = desk.good(&["eval", "--config", "run.toml"]);
    assert!(told.contains("rubric: "), "{told}");
    let samples = String::from_utf8(desk.run("run").file("evaluation/samples.jsonl")).unwrap();
    let samples = samples.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let unknown = |sample: &Value| sample["rubric"]["unknown_because"] == "refusal";
    let (refused, others): (Vec<_>, Vec<_>) = samples.partition(unknown);
    assert!(!refused.is_empty() && refused.iter().all(|one| one["problem_id"] == problems[1].id.as_str()));
    assert!(refused.iter().chain(&others).all(|one| one["row"] != "no trace" || one["rubric"].is_null()));
}

#[test]
fn a_judge_keeps_to_its_budget() {
    let mut problems = problems(24);
    for (i, problem) in problems.iter_mut().enumerate() {
        problem.question.statement = format!("Pick 1, 2 or 3, for the time number {i}.");
    }
    let desk = desk(&problems);
    let server = Server::prompted(&[]);
    let file = configure(
        &desk,
        "run",
        &judge(&server, "concurrency = 1\nbudget = { calls = 1 }"),
        "steps = 12\npatience = 2",
    );
    let error = desk.failing(&["train", "--config", &file]);
    assert!(error.contains("against the rubric"), "{error}");
    assert_eq!(server.count("answers"), 1);
    let scores = read_of(&desk.run("run").rollouts());
    assert!(scores.iter().any(Option::is_none) && scores.iter().flatten().all(|s| *s > 0.0), "{scores:?}");
}

#[test]
fn exactly_one_reads() {
    let desk = desk(&problems(2));
    for (rubric, words) in [
        ("", "`rubric` names nobody; give exactly one of `model`"),
        ("model = \"m\"\nurl = \"http://a\"", "`rubric` names `model` and `url`; give exactly one of"),
        (
            "url = \"http://a\"\n[rubric.judge.oracle]\nbase_urls = [\"http://a\"]\nmodel = \"m\"",
            "`rubric` names `url` and `judge`",
        ),
        ("model = \"m\"\nretries = 1", "`rubric.retries` is about the server of `rubric.url`"),
        ("url = \"http://127.0.0.1:9\"\nretries = 0", "no reward model answers at http://127.0.0.1:9"),
        ("url = \"http://a/score\"", "leave that out"),
        ("model = \"executor\"", "not a reward model"),
    ] {
        let error = desk.refused(&["train", "--config", &configure(&desk, "run", rubric, "steps = 1")]);
        assert!(error.contains(words), "{rubric}: {error}");
    }
    let file = configure(&desk, "run", "model = \"m\"", "steps = 1");
    let text =
        fs::read_to_string(desk.path(&file)).unwrap().replace("[rubric]", "").replace("model = \"m\"", "");
    desk.write(&file, &text);
    let error = desk.refused(&["train", "--config", &file]);
    assert!(
        error.contains("`rubric.model`")
            && error.contains("`rubric.url`")
            && error.contains("`rubric.judge`"),
        "{error}"
    );
}
