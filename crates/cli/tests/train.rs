//! A run that was killed and gone on with leaves what an uninterrupted one leaves, bit for bit.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Map, Value};
use std::fs;
use std::ops::Deref;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use support::Desk;
use tracelift_testing::{Server, files_of, until, words};

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
    preflight.problems = 0
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

/// What a run is looked at by, twice: after its fourth step and after its last.
const DEV: &str = "
    [dev]
    every = 4
    seeds = 2
    [dev.data]
    world = \"steps\"
    limit = 10
";

/// The models and a run of each rule that nobody interrupted.
struct Prepared {
    desk: Desk,
    /// The executor of the run of adapters.
    server: Server,
}

impl Deref for Prepared {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

/// Shared by the tests that run at the same time.
fn desk() -> Arc<Prepared> {
    static DESK: Mutex<Weak<Prepared>> = Mutex::new(Weak::new());
    let mut place = DESK.lock().unwrap_or_else(PoisonError::into_inner);
    place.upgrade().unwrap_or_else(|| {
        let desk = Arc::new(prepare());
        *place = Arc::downgrade(&desk);
        desk
    })
}

fn prepare() -> Prepared {
    let (desk, server) = (Desk::new(), Server::start(&[]));
    desk.write("pretraining.toml", PRETRAINING);
    desk.good(&words("world pretrain --world steps --out models --config pretraining.toml"));
    desk.good(&words("world groups --world steps --count 30 --out groups.jsonl"));
    let rm = "rm train --groups groups.jsonl --backbone models/planner --out reward-model";
    desk.good(&words(&format!("{rm} --set train.steps=2 --set train.groups=2")));
    desk.write("tracelift.toml", CONFIG);
    desk.good(&words("train --config tracelift.toml"));
    // Adapters are another set of parameters to bring back. Their executor takes the last number of a trace for the answer.
    let (before, after) = CONFIG.split_once("    [executor.in_process]").unwrap();
    let (_, after) = after.split_once("    [rubric]").unwrap();
    let uplift = format!(
        "{}    lora = {{ rank = 4, alpha = 8 }}\n    [executor.openai]\n    base_urls = [\"{}\"]\n    model = \"silly\"\n    \
         api = \"completions\"\n    prompt = \"world\"\n    [reward]\n    rule = \"uplift_only\"\n    [rubric]{after}",
        before.replace("\"whole\"", "\"whole-uplift\""),
        server.url()
    );
    desk.write("uplift.toml", &uplift);
    desk.good(&words("train --config uplift.toml"));
    assert!(desk.path("whole-uplift/adapter").exists());
    Prepared { desk, server }
}

fn started(desk: &Desk, config: &str, out: &str) -> Child {
    let mut command = desk.command(&["train", "--config", config, "--set", &format!("out={out}")]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn resume(desk: &Desk, config: &str, out: &str) {
    desk.good(&["train", "--config", config, "--set", &format!("out={out}"), "--resume"]);
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
    let watched = desk.path(whole).join("dev").exists();
    let watch: &[&str] = if watched { &["best", "dev"] } else { &[] };
    for folder in ["planner", "rollouts", "checkpoints"].iter().chain(watch) {
        let [expected, found] = [whole, resumed].map(|run| files_of(&desk.path(run).join(folder)));
        assert!(!expected.is_empty());
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (file, content) in expected {
            assert!(found[&file] == content, "{resumed}/{folder}/{} differs", file.display());
        }
    }
    assert_eq!(timeless_metrics(desk, resumed), timeless_metrics(desk, whole));
}

/// The steps of a run in which something was learnt.
fn moved(desk: &Desk, run: &str) -> usize {
    let metrics = desk.run(run).metrics();
    metrics.iter().filter(|step| step.get("policy/gradient_norm").is_some_and(|norm| norm > 0.0)).count()
}

/// Wherever the kill finds it: that is as the machine has it, and nothing may depend on it.
#[test]
fn a_tracelift_run_survives_kills() {
    let desk = &desk();
    assert!(moved(desk, "whole") >= 3, "the planner hardly moves, so that this test shows nothing");
    for (out, seen) in [
        ("killed-early", "run.json"),
        ("killed-later", "checkpoints/step_000002"),
        ("killed-between", "rollouts/step_000003.parquet"),
    ] {
        survives(desk, "tracelift.toml", "whole", out, seen);
    }
}

/// Kills a run once something is seen of it, and goes on with it.
fn survives(desk: &Desk, config: &str, whole: &str, out: &str, seen: &str) {
    let mut child = started(desk, config, out);
    until(seen, || desk.path(out).join(seen).exists());
    child.kill().unwrap();
    child.wait().unwrap();
    resume(desk, config, out);
    assert_same(desk, whole, out);
}

/// A run whose executor is held back at a call of a certain step cannot get on, and is killed just there.
#[test]
fn an_uplift_only_run_of_adapters_survives_kills() {
    let desk = &desk();
    assert!(moved(desk, "whole-uplift") >= 3, "the planner hardly moves, so that this test shows nothing");
    let calls: Vec<u64> = desk
        .run("whole-uplift")
        .metrics()
        .iter()
        .map(|step| step.get("executor/calls").unwrap() as u64)
        .collect();
    // Before the first checkpoint; right behind one; and a step behind one, whose rollouts have to be made again.
    for (step, there, not_yet) in [
        (1, "run.json", "rollouts/step_000001.parquet"),
        (3, "checkpoints/step_000002", "rollouts/step_000003.parquet"),
        (4, "rollouts/step_000003.parquet", "checkpoints/step_000004"),
    ] {
        let out = &format!("uplift-killed-{step}");
        desk.server.hold_after(calls[..step - 1].iter().sum::<u64>() + 1);
        let mut child = started(desk, "uplift.toml", out);
        until("a call that is held back", || desk.server.count("held") > 0);
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(SIGKILL));
        desk.server.release();
        let run = desk.path(out);
        assert!(run.join(there).exists() && !run.join(not_yet).exists(), "it is not at step {step}");
        resume(desk, "uplift.toml", out);
        assert_same(desk, "whole-uplift", out);
    }
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
        ("grpo.steps=5", "`grpo.steps` (6)"),
        ("grpo.schedule=constant", "`grpo.schedule` (not set)"),
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

/// A metric by its step, where it was measured.
fn measured(desk: &Desk, run: &str, metric: &str) -> Vec<(u64, f64)> {
    desk.run(run).metrics().iter().filter_map(|step| Some((step.step, step.get(metric)?))).collect()
}

#[test]
fn a_run_that_is_looked_at_is_the_run_that_is_not() {
    let desk = desk();
    desk.write(
        "watched.toml",
        &CONFIG.replace("\"whole\"", "\"watched\"").replace("[grpo]", &format!("{DEV}[grpo]")),
    );
    let errors = desk.well(&["train", "--config", "watched.toml"]).err;
    for folder in ["planner", "rollouts"] {
        let [expected, found] = ["whole", "watched"].map(|run| files_of(&desk.path(run).join(folder)));
        assert!(expected == found, "looking at a planner changed {folder}");
    }
    let seen = measured(&desk, "watched", "dev/accuracy");
    assert_eq!(seen.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [4, 6]);
    for metric in [
        "dev/accuracy_error",
        "dev/verified_accuracy",
        "dev/uplift",
        "dev/defective",
        "dev/unscored",
        "seconds/dev",
    ] {
        assert_eq!(measured(&desk, "watched", metric).len(), 2, "{metric}");
    }
    assert_eq!(errors.matches("dev accuracy ").count(), 2, "{errors}");
    let samples = fs::read_to_string(desk.path("watched/dev/step_000004.jsonl")).unwrap();
    assert_eq!(samples.lines().count(), 10 * 2, "problems × seeds");
    let right = samples.lines().filter(|line| line.contains("\"correct\":true")).count();
    assert!((seen[0].1 - right as f64 / 20.0).abs() < 1e-12);

    // The best is the first of the highest, whole, and a row of the evaluation.
    let best: Value = serde_json::from_slice(&fs::read(desk.path("watched/best/dev.json")).unwrap()).unwrap();
    let highest = seen.iter().fold(seen[0], |best, one| if one.1 > best.1 { *one } else { best });
    assert_eq!((best["step"].as_u64(), best["value"].as_f64()), (Some(highest.0), Some(highest.1)));
    assert_eq!(best["metric"], "accuracy");
    let [planner, mut kept] = ["planner", "best"].map(|folder| files_of(&desk.path("watched").join(folder)));
    kept.remove(Path::new("dev.json"));
    assert_eq!(kept.keys().collect::<Vec<_>>(), planner.keys().collect::<Vec<_>>());
    assert_eq!(kept == planner, highest.0 == 6, "the best is of step {}", highest.0);
    let eval = ["--set", "eval.data.world=steps", "--set", "eval.data.limit=3", "--set", "eval.seeds=1"];
    let said = desk.good(&[&["eval", "--config", "watched.toml"][..], &eval].concat());
    assert!(said.contains("TraceLift, best"), "{said}");

    // It cannot be gone on with under other problems, or none.
    for (set, told) in [("dev.every=2", "`dev.every` (4)"), ("dev.data.limit=11", "development problems")] {
        let message = desk.refused(&["train", "--config", "watched.toml", "--resume", "--set", set]);
        assert!(message.contains(&format!("holds a run with other {told}")), "{set}: {message}");
    }
    survives(&desk, "watched.toml", "watched", "watched-killed-looking", "best/dev.json");
    survives(&desk, "watched.toml", "watched", "watched-killed-later", "checkpoints/step_000004");
}

#[test]
fn a_finished_run_that_is_prolonged_is_the_longer_run() {
    let desk = desk();
    let constant = CONFIG.replace("[grpo]", &format!("{DEV}[grpo]\n    schedule = \"constant\""));
    // Both lengths are looked at the same number of times up to the shorter one's end.
    desk.write("constant.toml", &constant.replace("every = 4", "every = 2"));
    let train = |out: &str, steps: &str, more: &[&str]| {
        let (out, steps) = (format!("out={out}"), format!("grpo.steps={steps}"));
        desk.well(
            &[&["train", "--config", "constant.toml", "--set", &out, "--set", &steps][..], more].concat(),
        )
        .err
    };
    train("long", "6", &[]);
    train("short", "4", &[]);
    let short = files_of(&desk.path("short/planner"));
    let errors = train("short", "6", &["--resume"]);
    assert!(errors.contains("short is prolonged from 4 to 6 steps\n"), "{errors}");
    assert!(
        files_of(&desk.path("short/planner")) != short,
        "nothing was trained in the steps that were added"
    );
    assert_same(&desk, "long", "short");
    // It is the longer run from now on, for its own configuration too.
    desk.good(&["train", "--config", "short/config.toml", "--resume"]);
    assert_same(&desk, "long", "short");
    let message = desk.refused(&[
        "train",
        "--config",
        "constant.toml",
        "--set",
        "out=short",
        "--set",
        "grpo.steps=4",
        "--resume",
    ]);
    assert!(message.contains("`grpo.steps` (6)"), "{message}");

    // Where the rate depends on the number of steps, that is said.
    let cosine = |steps: &str, more: &[&str]| {
        let steps = format!("grpo.steps={steps}");
        let run = ["train", "--config", "tracelift.toml", "--set", "out=cosine", "--set", &steps];
        desk.well(&[&run[..], more].concat()).err
    };
    cosine("2", &[]);
    let errors = cosine("4", &["--resume"]);
    // A cosine from 1e-3 to a tenth: half way down in step 2 of 2, and again in step 3 of 4.
    assert!(errors.contains("5.50e-4 in step 2 of 2"), "{errors}");
    assert!(errors.contains("is 5.50e-4 in step 3 by the one over 4"), "{errors}");
    assert_eq!(desk.run("cosine").metrics().len(), 4);
}

#[test]
fn as_many_checkpoints_are_kept_as_is_said() {
    let desk = desk();
    let set = [
        "--set",
        "grpo.keep_last=3",
        "--set",
        "grpo.checkpoint_every=1",
        "--set",
        "grpo.steps=5",
        "--set",
        "out=kept",
    ];
    desk.good(&[&["train", "--config", "tracelift.toml"][..], &set].concat());
    assert_eq!(desk.run("kept").layout.checkpoint_steps().unwrap(), [3, 4, 5]);
    let message =
        desk.bad(&["train", "--config", "tracelift.toml", "--set", "out=none", "--set", "grpo.keep_last=0"]);
    assert!(message.contains("`grpo.keep_last` is 0, expected at least 1"), "{message}");
}
