//! `rm train`, run as a person runs it: what it makes, what it refuses, and that a killed run ends as if nothing had
//! happened.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use support::{Desk, without_fingerprint};
use tracelift_domain::TaskDomain;
use tracelift_reward::RewardModel;
use tracelift_testing::{Said, until, words};
use tracelift_train::metrics::StepMetrics;

const TRAIN: &str = "rm train --groups groups.jsonl --backbone base --set train.groups=2 --set train.negatives=2 \
                     --set dev.share=0.3";

/// A tiny model and some groups that fit it.
fn prepared() -> Desk {
    let desk = Desk::new();
    desk.good(&words("model init base --hidden 16 --layers 1 --max-positions 256 --tokenizer steps"));
    desk.good(&words("world groups --world steps --out groups.jsonl --count 24"));
    desk
}

#[test]
fn a_reward_model_is_trained_measured_and_saved() {
    let desk = prepared();
    let line = format!("{TRAIN} --out models/rubric --set train.steps=12");
    let said = desk.good(&words(&line));
    for part in [
        "groups: ",
        " held out\n",
        "on held-out groups",
        "pairs in the right order",
        "  wrong_operation",
        "kept: step 12 of 12",
    ] {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
    let model = RewardModel::load(&desk.path("models/rubric")).unwrap();
    assert_eq!(model.domain, TaskDomain::Math);
    insta::assert_snapshot!(without_fingerprint(&desk.good(&words("model inspect models/rubric"))));
    let metrics = fs::read_to_string(desk.path("runs/rm/rubric/metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 2, "{metrics}");
    assert_eq!(metrics.matches("\"held_out/pairs\"").count(), 1, "{metrics}");

    // A finished run is not trained again, and says the same.
    fs::remove_dir_all(desk.path("models/rubric")).unwrap();
    let Said { out: again, err: noted, .. } = desk.well(&words(&line));
    assert!(noted.contains("runs/rm/rubric is finished: it ended after step 12"), "{noted}");
    assert_eq!(again, said);
    assert_eq!(RewardModel::load(&desk.path("models/rubric")).unwrap().fingerprint(), model.fingerprint());

    // Nor is it mistaken for another. The seed also decides which groups are held out.
    for (old, new, what) in [
        ("train.steps=12", "train.steps=13", "settings"),
        ("train.steps=12", "train.steps=12 --set seed=19", "seed, groups, held out"),
        ("dev.share=0.3", "dev.share=0.5", "groups, held out"),
        ("dev.share=0.3", "dev.share=0.3 --set max_tokens=200", "max tokens"),
        ("dev.share=0.3", "dev.share=0.3 --set backbone.lora={rank=2,alpha=4}", "backbone"),
    ] {
        // The warm-up by default is longer than this training, which is noted first.
        let message = desk.failing(&words(&line.replace(old, new)));
        let says = format!("error: runs/rm/rubric holds a run with other {what};");
        assert!(message.contains(&says), "{message}");
    }
}

const FILE: &str = r#"
    groups = ["a.jsonl", "b.jsonl"]
    out = "rubric"
    precision = "bf16"
    max_tokens = 120
    dev = { files = ["dev.jsonl"] }

    [backbone.scratch]
    family = "llama"
    hidden = 16
    layers = 1
    max_positions = 256
    tokenizer = "steps"

    [train]
    steps = 8
    groups = 3
    token_budget = 600

    [train.loss]
    margin_ranking = 0.2
"#;

#[test]
fn one_file_says_everything() {
    let desk = prepared();
    let groups = fs::read_to_string(desk.path("groups.jsonl")).unwrap();
    let groups: Vec<&str> = groups.lines().collect();
    let write = |name: &str, groups: &[&str]| desk.write(name, &(groups.join("\n") + "\n"));
    // The first is a variant of one that is held out.
    let mut first: serde_json::Value = serde_json::from_str(groups[0]).unwrap();
    let last: serde_json::Value = serde_json::from_str(groups[groups.len() - 1]).unwrap();
    first["metadata"]["variant_of"] = last["problem_id"].clone();
    let first = first.to_string();
    write("a.jsonl", &[&[first.as_str()], &groups[1..10]].concat());
    write("b.jsonl", &groups[10..16]);
    // The last two to train on are also held out.
    write("dev.jsonl", &groups[14..]);
    desk.write("rm.toml", FILE);
    let Said { out: said, err: noted, .. } = desk.well(&words("rm train --config rm.toml"));
    assert!(said.contains(&format!("groups: 13 to train on, {} held out", groups.len() - 14)), "{said}");
    assert!(noted.contains("left out of training: 3 groups of problems that are held out"), "{noted}");
    let inspected = desk.good(&words("model inspect rubric"));
    for part in ["family        Llama", "input         at most 120 tokens", "tokenizer     96 tokens"] {
        assert!(inspected.contains(part), "{inspected}");
    }
    let config = fs::read_to_string(desk.path("rubric/config.json")).unwrap();
    assert!(config.contains("LlamaForReasonRewardModel") && config.contains("bfloat16"), "{config}");

    let refused = |set: &str| desk.bad(&words(&format!("rm train --config rm.toml --set {set}")));
    assert!(refused("train.negative=2").contains("the nearest known key is `negatives`"));
    assert!(refused("backbone.model=base").contains("`backbone` needs exactly one of"));
    assert!(
        refused("max_tokens=300")
            .contains("`max_tokens` is 300, expected at most the 256 tokens that the backbone reads")
    );
    let short = words("rm train --config rm.toml --set run=short --set max_tokens=20");
    let noted = desk.failing(&short);
    assert!(noted.contains("traces that do not fit into 20 tokens"), "{noted}");
    assert!(noted.ends_with("error: no group fits into 20 tokens; raise `max_tokens`"), "{noted}");
}

#[test]
fn bad_groups_are_named() {
    let desk = prepared();
    let train = |groups: &str| {
        desk.refused(&words(&format!("rm train --groups {groups} --backbone base --out rubric")))
    };
    assert!(train("nowhere.jsonl").contains("nowhere.jsonl"));

    let mut lines: Vec<String> =
        fs::read_to_string(desk.path("groups.jsonl")).unwrap().lines().map(str::to_owned).collect();
    lines[2].truncate(40);
    desk.write("torn.jsonl", &lines.join("\n"));
    let message = train("torn.jsonl");
    assert!(message.contains("torn.jsonl:3:") && message.contains("not JSON"), "{message}");

    desk.write("empty.jsonl", "\n");
    let message = train("groups.jsonl --groups empty.jsonl");
    assert!(message.contains("empty.jsonl: there are no groups"), "{message}");

    desk.good(&words("world groups --world programs --out code.jsonl --count 4"));
    let message = train("groups.jsonl --groups code.jsonl");
    for part in [
        "groups.jsonl, code.jsonl: group `steps/train/",
        "` is of `steps`, but group `programs/train/",
        "`code`",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn models_are_not_overwritten_or_confused() {
    let desk = prepared();
    let message = desk.refused(&words(&format!("{TRAIN} --out base")));
    assert!(message.contains("`out` is base, which holds another model"), "{message}");
    let line = format!("{TRAIN} --out rubric");
    let message = desk.refused(&words(&line.replace("--backbone base", "--backbone nowhere")));
    assert!(message.contains("the backbone in nowhere: nowhere does not exist"), "{message}");
    let message = desk.refused(&words(&line.replace("dev.share=0.3", "dev.share=0")));
    assert!(message.contains("`dev.share` is 0, with which of "), "{message}");
    desk.good(&words(&format!("{line} --set train.steps=1")));
    let message =
        desk.refused(&words(&format!("{TRAIN} --out other").replace("--backbone base", "--backbone rubric")));
    assert!(message.contains("rubric is a reward model already"), "{message}");
}

/// Waits until a running command has brought about what is waited for, then kills it as a power cut would.
fn kill_when(mut child: Child, happened: impl FnMut() -> bool) {
    until("what the kill waits for", happened);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9), "the command ended before it could be killed");
}

fn has_metrics(run: &Path) -> bool {
    fs::metadata(run.join("metrics.jsonl")).is_ok_and(|file| file.len() > 0)
}

/// Trains in one go and with two kills; both must leave the same bytes. Returns what the whole run said.
fn killed_and_whole(desk: &Desk, line: &str) -> Said {
    let line = |out: &str| format!("{line} --out {out}");
    let said = desk.well(&words(&line("whole")));

    let run = desk.path("runs/rm/torn");
    let start =
        || desk.command(&words(&line("torn"))).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Once before there is any checkpoint, once after the first.
    kill_when(start(), || has_metrics(&run));
    kill_when(start(), || run.join("checkpoints/step_000100").exists());
    assert!(!desk.path("torn").exists());
    let noted = desk.well(&words(&line("torn"))).err;
    assert!(noted.contains("resumed runs/rm/torn after step "), "{noted}");
    for file in ["model.safetensors", "config.json", "tokenizer.json"] {
        let read = |folder: &str| fs::read(desk.path(folder).join(file)).unwrap();
        assert!(read("torn") == read("whole"), "{file} differs");
    }
    // Nor do the metrics, but for the time of day.
    let metrics = |run: &str| -> Vec<StepMetrics> {
        let mut metrics = desk.run(&format!("runs/rm/{run}")).metrics();
        metrics.iter_mut().for_each(|step| step.wall_time = 0.0);
        metrics
    };
    assert_eq!(metrics("torn"), metrics("whole"));
    said
}

#[test]
fn a_killed_training_ends_as_if_nothing_had_happened() {
    killed_and_whole(&prepared(), &format!("{TRAIN} --set train.steps=400"));
}

#[test]
fn so_it_does_with_adapters_parts_and_patience() {
    let desk = prepared();
    // A rate at which it soon stops gaining, so that it ends early and keeps an earlier step.
    let line = format!(
        "{TRAIN} --set backbone.lora={{rank=2,alpha=8}} --set train.token_budget=200 --set train.steps=2000 \
         --set train.learning_rate=0.02 --set train.evaluation.every=20 --set train.evaluation.patience=8"
    );
    let Said { out: said, err: noted, .. } = killed_and_whole(&desk, &line);
    let kept = said.lines().find(|line| line.starts_with("kept: step ")).unwrap();
    let numbers: Vec<u64> =
        kept.split_whitespace().filter_map(|word| word.trim_end_matches(',').parse().ok()).collect();
    assert_eq!(numbers[1], numbers[0] + 160, "{kept}");
    assert!(numbers[1] < 2000 && noted.contains("no gain in 8 looks; stopped after step"), "{noted}");
}
