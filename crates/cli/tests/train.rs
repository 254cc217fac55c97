//! A run that was killed and gone on with leaves what an uninterrupted one leaves, bit for bit.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Map, Value};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use support::{Desk, files_of, words};

const SIGKILL: i32 = 9;

/// A tiny planner and executor of the world `steps` that have seen enough to earn rewards that differ, so that the
/// planner moves.
const PRETRAINING: &str = "
    hidden = 32
    layers = 2
    without_trace = 0.3
    flawed = 0.5
    follow = 0.7
    planner_noise = { spoiling = 0.06, benign = 0.08 }
    executor_noise = { spoiling = 0.1, benign = 0.1 }
    planner = { steps = 150, batch = 16, learning_rate = 1e-2, warmup = 10 }
    executor = { steps = 100, batch = 16, learning_rate = 1e-2, warmup = 10 }
";

const CONFIG: &str = r#"
    out = "whole"
    seed = 5
    [data]
    world = "steps"
    [planner]
    model = "models/planner"
    prompt = "world"
    sampling = { temperature = 1.0, top_p = 1.0, max_tokens = 96 }
    [executor.in_process]
    model = "models/executor"
    prompt = "world"
    sampling = { temperature = 0.5, max_tokens = 4 }
    [verifier]
    answers = "exact"
    [rubric]
    model = "reward-model"
    [grpo]
    steps = 6
    problems = 6
    group = 8
    kl = 0.01
    learning_rate = 1e-3
    checkpoint_every = 2
"#;

/// The models and a run of each rule that nobody interrupted, shared by the tests that run at the same time.
fn desk() -> Arc<Desk> {
    static DESK: Mutex<Weak<Desk>> = Mutex::new(Weak::new());
    let mut place = DESK.lock().unwrap_or_else(PoisonError::into_inner);
    place.upgrade().unwrap_or_else(|| {
        let desk = Arc::new(prepare());
        *place = Arc::downgrade(&desk);
        desk
    })
}

fn prepare() -> Desk {
    let desk = Desk::new();
    desk.write("pretraining.toml", PRETRAINING);
    desk.good(&words("world pretrain --world steps --out models --config pretraining.toml"));
    desk.good(&words("world groups --world steps --count 30 --out groups.jsonl"));
    let rm = "rm train --groups groups.jsonl --backbone models/planner --out reward-model";
    desk.good(&words(&format!("{rm} --set train.steps=2 --set train.groups=2")));
    desk.write("tracelift.toml", CONFIG);
    desk.good(&words("train --config tracelift.toml"));
    // Adapters are another set of parameters to bring back.
    let uplift = CONFIG
        .replace("[executor.in_process]", "lora = { rank = 4, alpha = 8 }\n    [executor.in_process]")
        .replace("[grpo]", "[reward]\n    rule = \"uplift_only\"\n    [grpo]")
        .replace("\"whole\"", "\"whole-uplift\"");
    desk.write("uplift.toml", &uplift);
    desk.good(&words("train --config uplift.toml"));
    assert!(desk.path("whole-uplift/adapter").exists());
    desk
}

/// Starts a run in `out` and kills it as soon as `moment` has come. A run that was too fast is started again.
fn killed(
    desk: &Desk,
    config: &str,
    out: &str,
    moment: impl Fn(&Path) -> bool,
    in_time: impl Fn(&Path) -> bool,
) {
    let folder = desk.path(out);
    for _ in 0..8 {
        let set = format!("out={out}");
        let mut command = desk.command(&["train", "--config", config, "--set", &set]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while !moment(&folder) && child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(60), "the moment never came");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.signal() == Some(SIGKILL) && in_time(&folder) {
            return;
        }
        fs::remove_dir_all(&folder).unwrap();
    }
    panic!("the run could not be killed in time");
}

/// Metrics without what clocks say.
fn timeless_metrics(desk: &Desk, run: &str) -> Vec<Map<String, Value>> {
    let text = fs::read_to_string(desk.path(run).join("metrics.jsonl")).unwrap();
    let mut lines: Vec<Map<String, Value>> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        assert!(line.remove("wall_time").is_some_and(|time| time.is_number()));
        let metrics = line.len();
        line.retain(|name, _| !name.starts_with("seconds/"));
        assert!(line.len() < metrics, "no stage was timed");
    }
    lines
}

/// Checks that a run left what the uninterrupted one left.
fn assert_same(desk: &Desk, whole: &str, resumed: &str) {
    for folder in ["planner", "rollouts", "checkpoints"] {
        let [expected, found] = [whole, resumed].map(|run| files_of(&desk.path(run).join(folder)));
        assert!(!expected.is_empty());
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (file, content) in expected {
            assert!(found[&file] == content, "{resumed}/{folder}/{} differs", file.display());
        }
    }
    assert_eq!(timeless_metrics(desk, resumed), timeless_metrics(desk, whole));
}

fn has(relative: &str) -> impl Fn(&Path) -> bool + '_ {
    move |run| run.join(relative).exists()
}

/// Kills a run at different moments and goes on with it each time.
fn survives_kills(config: &str, whole: &str) {
    let desk = &desk();
    let moved = desk.run(whole).metrics();
    let moved = moved.iter().filter(|step| step.get("policy/gradient_norm").is_some_and(|norm| norm > 0.0));
    assert!(moved.count() >= 3, "the planner hardly moves, so that this test shows nothing");

    let unfinished = |run: &Path| !run.join("planner").exists();
    let resume =
        |out: &str| desk.good(&["train", "--config", config, "--set", &format!("out={out}"), "--resume"]);

    let early = &format!("{whole}-killed-early");
    killed(desk, config, early, has("run.json"), |run| !run.join("checkpoints/step_000002").exists());
    resume(early);
    assert_same(desk, whole, early);

    let later = &format!("{whole}-killed-later");
    killed(desk, config, later, has("checkpoints/step_000002"), unfinished);
    resume(later);
    assert_same(desk, whole, later);

    // A step behind a checkpoint, whose rollouts are there and have to be made again.
    let between = &format!("{whole}-killed-between");
    let made = has("rollouts/step_000003.parquet");
    killed(desk, config, between, made, |run| !run.join("checkpoints/step_000004").exists());
    resume(between);
    assert_same(desk, whole, between);
}

#[test]
fn a_tracelift_run_survives_kills() {
    survives_kills("tracelift.toml", "whole");
}

#[test]
fn an_uplift_only_run_of_adapters_survives_kills() {
    survives_kills("uplift.toml", "whole-uplift");
}

#[test]
fn a_finished_run_can_be_resumed_without_harm() {
    let desk = desk();
    let out = "finished";
    desk.good(&["train", "--config", "tracelift.toml", "--set", "out=finished", "--set", "grpo.steps=2"]);
    let before = files_of(&desk.path(out));
    let resume = ["train", "--config", "finished/config.toml", "--resume"];
    desk.good(&resume);
    assert!(files_of(&desk.path(out)) == before, "resuming a finished run changed it");
    // What is made after the last checkpoint is made again where it is missing.
    fs::remove_dir_all(desk.path("finished/planner")).unwrap();
    desk.good(&resume);
    assert!(files_of(&desk.path(out)) == before, "the planner was not exported again");
}

#[test]
fn starting_and_resuming_are_not_confused() {
    let desk = desk();
    let before = files_of(&desk.path("whole"));
    let message = desk.refused(&["train", "--config", "tracelift.toml"]);
    assert_eq!(
        message,
        "error: whole already holds a run; go on with it by --resume, or choose another `out`"
    );

    let message = desk.refused(&["train", "--config", "tracelift.toml", "--set", "out=nothing", "--resume"]);
    assert_eq!(message, "error: nothing holds no run to go on with; leave out --resume");
    assert!(!desk.path("nothing").exists());

    for (set, told) in [
        ("grpo.steps=7", "`grpo.steps` (6)"),
        ("reward.rule=exec_only", "`reward.rule` (\"tracelift\"), rubric"),
        ("seed=6", "`seed` (5)"),
        ("data.limit=100", "problems"),
        ("planner.model=models/executor", "planner"),
        ("executor.in_process.sampling.temperature=0.7", "executor"),
        ("planner.lora={ rank = 4, alpha = 8 }", "`planner.lora.alpha` (not set)"),
    ] {
        let message = desk.refused(&["train", "--config", "tracelift.toml", "--resume", "--set", set]);
        assert!(message.contains(&format!("holds a run with other {told}")), "{set}: {message}");
    }
    assert!(files_of(&desk.path("whole")) == before, "a refusal changed the run");
}
