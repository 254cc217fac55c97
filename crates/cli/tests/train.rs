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
use support::rollouts::Rollout;
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

/// The rollouts of a run, a step each.
fn rollouts(desk: &Desk, run: &str) -> Vec<Vec<Rollout>> {
    let layout = &desk.run(run).layout;
    let steps = layout.rollout_steps().unwrap();
    steps.into_iter().map(|step| support::rollouts::read(&layout.rollouts(step))).collect()
}

/// The problems of a step's groups, in order.
fn problems(rollouts: &[Rollout]) -> Vec<&str> {
    let mut groups: Vec<(u64, &str)> =
        rollouts.iter().map(|r| (r.group_index, r.problem_id.as_str())).collect();
    groups.dedup();
    groups.into_iter().map(|(_, problem)| problem).collect()
}

#[test]
fn groups_without_spread_are_replaced_up_to_a_bound() {
    let desk = &desk();
    let plain = CONFIG
        .replace("\"whole\"", "\"plain\"")
        .replace("group = 8", "group = 2")
        .replace("steps = 6", "steps = 4")
        + "\n[reward]\nrule = \"exec_only\"\n";
    desk.write("plain.toml", &plain);
    desk.good(&words("train --config plain.toml"));
    desk.write(
        "resampled.toml",
        &plain.replace("\"plain\"", "\"resampled\"").replace("group = 2", "group = 2\n    resample = 2"),
    );
    desk.good(&words("train --config resampled.toml"));
    let metrics = desk.run("resampled").metrics();
    let (mut bounded, mut mended) = (0, 0);
    for ((step, drawn), plain) in metrics.iter().zip(rollouts(desk, "resampled")).zip(rollouts(desk, "plain"))
    {
        let of = |name: &str| step.get(name).unwrap();
        let groups = problems(&drawn);
        assert_eq!(groups[..6], problems(&plain)[..], "the order of the data is another");
        let distinct: std::collections::HashSet<&str> = groups.iter().copied().collect();
        assert_eq!(distinct.len(), groups.len(), "a problem came twice");
        let flat = |group: &[Rollout]| group[0].reward == group[1].reward;
        let replaced: Vec<&[Rollout]> = drawn.chunks(2).filter(|group| group[0].replaced).collect();
        assert!(replaced.iter().all(|group| group[1].replaced && flat(group)));
        let stay: Vec<&[Rollout]> = drawn.chunks(2).filter(|group| !group[0].replaced).collect();
        assert_eq!(stay.len(), 6);
        // Whoever stays without spread was drawn in the last round.
        bounded += stay.iter().filter(|group| flat(group)).count();
        mended += replaced.len();
        assert_eq!((of("groups/drawn"), of("groups/replaced")), (groups.len() as f64, replaced.len() as f64));
        assert_eq!(groups.len(), 6 + replaced.len());
        assert!(groups.len() <= 6 * 3);
        let asked = drawn.iter().filter(|rollout| rollout.trace.is_some()).count();
        assert_eq!(of("executor/calls"), asked as f64);
        let all_flat = drawn.chunks(2).filter(|group| flat(group)).count() as f64;
        assert!((of("groups/zero_spread") - all_flat / groups.len() as f64).abs() < 1e-12);
    }
    assert!(mended > bounded, "{mended} replaced, {bounded} left, so that this test shows nothing");
    assert!(metrics[0].get("groups/drawn") > desk.run("plain").metrics()[0].get("groups/drawn"));
    survives(desk, "resampled.toml", "resampled", "resampled-killed", "rollouts/step_000003.parquet");
}

#[test]
fn other_losses_and_rules_move_the_planner_and_go_on_exactly() {
    let desk = &desk();
    let config = CONFIG.replace("\"whole\"", "\"others\"")
        + "
    epochs = 2
    aggregate = \"budget\"
    ratio = \"sequence\"
    normalize = \"batch_std\"
    dual_clip = 3.0
    divergence = \"k2\"
    [reward]
    rule = \"additive\"
    ";
    desk.write("others.toml", &config);
    desk.good(&words("train --config others.toml"));
    assert!(moved(desk, "others") >= 3, "the planner hardly moves, so that this test shows nothing");
    for drawn in rollouts(desk, "others") {
        let totals: Vec<f64> = drawn.iter().map(|rollout| rollout.reward.unwrap()).collect();
        let mean = totals.iter().sum::<f64>() / totals.len() as f64;
        let deviation = (totals.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / totals.len() as f64).sqrt();
        for group in drawn.chunks(8) {
            let mean = group.iter().map(|rollout| rollout.reward.unwrap()).sum::<f64>() / 8.0;
            for rollout in group {
                let found = rollout.advantage.unwrap();
                let expected = (rollout.reward.unwrap() - mean) / (deviation + 1e-4);
                assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
            }
        }
    }
    survives(desk, "others.toml", "others", "others-killed", "rollouts/step_000003.parquet");
}

#[test]
fn a_planner_that_writes_in_8_bits_is_corrected_for_it() {
    let desk = &desk();
    let config = CONFIG
        .replace("\"whole\"", "\"eight\"")
        .replace(
            "    [executor",
            "    lora = { rank = 4, alpha = 8.0 }\n    numbers = \"int8\"\n    [executor",
        )
        .replace("    [verifier]", "    numbers = \"int8\"\n    [verifier]");
    desk.write("eight.toml", &config);
    let refused = desk.failing(&words("train --config eight.toml"));
    assert!(refused.contains("`grpo.importance_cap` is not set"), "{refused}");
    desk.write("eight.toml", &(config + "    importance_cap = 2.0\n"));
    let said = desk.good(&words("train --config eight.toml"));
    assert!(said.contains("M parameters in int8, "), "{said}");
    for step in desk.run("eight").metrics() {
        let of = |name: &str| step.get(name).unwrap();
        let (weight, gap) = (of("policy/importance"), of("policy/logprob_gap"));
        assert!(
            (weight - 1.0).abs() < 0.05 && gap < 0.1,
            "the weights are off by {weight}, log-probabilities by {gap}"
        );
        assert!(gap > 1e-4, "a gap of {gap} is that of 32 bits: nothing was computed in 8");
    }
    survives(desk, "eight.toml", "eight", "eight-killed", "rollouts/step_000003.parquet");
}

#[test]
fn terms_beside_the_rule_and_epochs_are_told_apart() {
    let desk = &desk();
    let config = CONFIG.replace("\"whole\"", "\"terms\"").replace("    steps = 6\n", "").replace(
        "world = \"steps\"\n",
        "world = \"steps\"\n    limit = 15\n    epochs = 2\n    shuffle = true\n",
    ) + "\nimportance_cap = 2.0\noverlong = { punish = { cache = 64, penalty = 0.5 } }\n[reward]\nformat = 0.1\n";
    desk.write("terms.toml", &config);
    desk.good(&words("train --config terms.toml"));
    let (metrics, steps) = (desk.run("terms").metrics(), rollouts(desk, "terms"));
    assert_eq!(metrics.len(), 5, "two epochs of 15 problems, 6 a step");
    for (step, drawn) in metrics.iter().zip(&steps) {
        let of = |name: &str| step.get(name).unwrap();
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
        near(of("data/epoch"), step.step as f64 * 6.0 / 15.0);
        near(of("reward/format"), 0.1 * (1.0 - of("trace/defective")));
        near(of("policy/importance"), 1.0 + (of("policy/importance") - 1.0).clamp(-1e-3, 1e-3));
        near(of("policy/importance_capped"), 0.0);
        for group in drawn.chunks(8) {
            let totals: Vec<f64> = group
                .iter()
                .map(|r| r.reward.unwrap() + r.reward_format.unwrap() + r.reward_overlong.unwrap())
                .collect();
            let mean = totals.iter().sum::<f64>() / 8.0;
            let deviation = (totals.iter().map(|total| (total - mean).powi(2)).sum::<f64>() / 8.0).sqrt();
            for (rollout, total) in group.iter().zip(&totals) {
                near(rollout.reward_format.unwrap(), if rollout.trace.is_some() { 0.1 } else { 0.0 });
                let over = (rollout.trace_tokens as f64 - 32.0).max(0.0);
                near(rollout.reward_overlong.unwrap(), -0.5 * over / 64.0);
                if deviation > 1e-6 {
                    near(rollout.advantage.unwrap(), (total - mean) / (deviation + 1e-4));
                }
                if rollout.trace.is_none() {
                    assert_eq!((rollout.e, rollout.s), (Some(0.0), Some(0.0)));
                }
            }
        }
    }
    let order: Vec<&str> = steps.iter().flat_map(|drawn| problems(drawn)).collect();
    let sorted = |part: &[&str]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part.dedup();
        part.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(sorted(&order[..15]).len(), 15, "an epoch leaves problems out");
    assert_eq!(sorted(&order[..15]), sorted(&order[15..]));
    assert_ne!(order[..15], order[15..], "both epochs have one order");
    survives(desk, "terms.toml", "terms", "terms-killed", "rollouts/step_000003.parquet");

    let refused = |sets: &str| desk.bad(&words(&format!("train --config terms.toml --set out=none {sets}")));
    let message = refused("--set grpo.steps=6");
    for told in ["--set grpo.steps=6", "`data.epochs` asks for 2, which are 5 steps", "has 2.50 of 6"] {
        assert!(message.contains(told), "{message}");
    }
    assert!(refused("--set data.epochs=0").contains("`data.epochs` is 0, expected from 1 to a million"));
    let message = refused("--set data.limit=10000001");
    assert!(message.contains("`data.shuffle` of more than ten million problems"), "{message}");
    let message = refused("--set dev.data.world=steps --set dev.data.shuffle=true");
    assert!(message.contains("`dev.data.shuffle` says how `train` goes through"), "{message}");
    let message = refused("--set grpo.overlong.punish.cache=97");
    assert!(
        message
            .contains("`grpo.overlong.punish.cache` is 97, expected at most `planner.sampling.max_tokens`"),
        "{message}"
    );
}

#[test]
fn completions_that_are_cut_off_can_be_left_out_of_the_loss() {
    let desk = &desk();
    let train = "train --config tracelift.toml --set grpo.steps=2 --set planner.sampling.max_tokens=36";
    for (overlong, out) in [("learn", "cut-learned"), ("mask", "cut-masked")] {
        desk.good(&words(&format!("{train} --set grpo.overlong={overlong} --set out={out}")));
    }
    let [learned, masked] = ["cut-learned", "cut-masked"].map(|run| desk.run(run).metrics());
    let cut = masked[0].get("trace/truncated").unwrap();
    assert!(cut > 0.0 && cut < 1.0, "{cut} are cut off, so that this test shows nothing");
    assert_eq!(masked[0].get("policy/masked"), Some(cut));
    assert_eq!(learned[0].get("policy/masked"), None);
    // The first step's rollouts are the same, and what is learned from them is not.
    assert_eq!(learned[0].get("reward/mean"), masked[0].get("reward/mean"));
    assert_ne!(learned[0].get("policy/loss"), masked[0].get("policy/loss"));
}
