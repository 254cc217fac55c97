//! Runs that choose their problems by how difficult they are: what is measured is paid once, and decides what is trained on.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use support::{Desk, PROMPT, lines, problems};
use tracelift_testing::{Server, files_of, until, words};

/// A folder with 24 problems, a planner that writes usable traces, and a configuration that measures 18 of them, 4 at a time. The
/// server's model takes the last number that it reads for the answer.
fn desk(url: &str) -> Desk {
    let desk = Desk::new();
    let problems = problems(24);
    desk.write("problems.jsonl", &lines(&problems));
    desk.warm_planner("planner", &problems[..1]);
    let config = format!(
        r#"
        out = "run"
        preflight.problems = 0
        seed = 5
        [data]
        path = "problems.jsonl"
        [planner]
        model = "planner"
        prompt = {PROMPT}
        sampling = {{ temperature = 1.0, top_p = 1.0, max_tokens = 12 }}
        [executor.openai]
        base_urls = ["{url}"]
        model = "silly"
        api = "completions"
        prompt = {{ layout = "text", system = "", examples = [], user = "{{{{ question }}}}{{{{ reasoning }}}}", reasoning = "\n{{{{ trace }}}}" }}
        retries = 0
        sampling = {{ max_tokens = 8 }}
        [reward]
        runs = 2
        rule = "exec_only"
        [grpo]
        steps = 3
        problems = 4
        group = 4
        learning_rate = 1e-3
        checkpoint_every = 1
        [grpo.filter]
        problems = 18
        traces = 3
        b = [0.0, 0.5]
        "#
    );
    desk.write("tracelift.toml", &config);
    desk
}

/// What the log of a run says, without its head.
fn measured(desk: &Desk, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(desk.path(run).join("difficulty.jsonl")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn id(line: &Value) -> String {
    line["problem_id"].as_str().unwrap().to_owned()
}

/// Calls that a line took: two runs without a trace, and one with each usable one.
fn calls(line: &Value) -> u64 {
    2 + line["usable"].as_u64().unwrap()
}

#[test]
fn problems_are_chosen_and_a_killed_measurement_is_not_paid_twice() {
    let server = Server::start(&[]);
    let desk = &desk(&server.url());
    let told = desk.well(&words("train --config tracelift.toml --set out=whole")).err;
    let whole = measured(desk, "whole");
    assert_eq!(whole.len(), 18);
    // Whoever reads no trace says 3, the last number of the statement: a third of the problems is always solved.
    let easy = |line: &Value| line["b"].as_f64().unwrap() == 1.0;
    let gold = |id: &str| 1 + id.strip_prefix("pick/").unwrap().parse::<u64>().unwrap() % 3;
    assert!(whole.iter().all(|line| easy(line) == (gold(&id(line)) == 3)), "{whole:?}");
    assert!(whole.iter().any(|line| line["w"].as_f64().unwrap() > 0.0));
    for line in &whole {
        // Of three traces some led to the answer, of those that could be used.
        let right = 3.0 * line["w"].as_f64().unwrap();
        assert!(
            (right - right.round()).abs() < 1e-9 && right <= line["usable"].as_f64().unwrap() + 1e-9,
            "{line}"
        );
    }
    let kept: BTreeSet<String> = whole.iter().filter(|line| !easy(line)).map(id).collect();
    let says = format!(
        "filter: {} problems are trained on; of 18 problems {} lie within the ranges, {} outside that of b, 0 outside that of w, and of 0",
        kept.len(),
        kept.len(),
        18 - kept.len()
    );
    assert!(told.contains(&says), "{says:?} is not in\n{told}");
    assert!(told.contains("filter: 6 problems were not measured and are left out"), "{told}");
    let run = desk.run("whole");
    let trained_on: BTreeSet<String> = run.rollouts().into_iter().map(|rollout| rollout.problem_id).collect();
    assert!(trained_on.is_subset(&kept) && !trained_on.is_empty(), "{trained_on:?} of {kept:?}");
    for step in run.metrics() {
        assert_eq!(step.get("data/problems"), Some(kept.len() as f64));
        assert_eq!(step.get("data/epoch"), Some(step.step as f64 * 4.0 / kept.len() as f64));
    }

    // Epochs are of those that are kept; the run's own configuration says as many steps.
    let config = desk.read("tracelift.toml").replace("steps = 3\n", "");
    desk.write("epochs.toml", &config.replace("problems.jsonl\"\n", "problems.jsonl\"\nepochs = 1\n"));
    desk.good(&words("train --config epochs.toml --set out=epochs"));
    assert_eq!(desk.run("epochs").metrics().len(), kept.len().div_ceil(4));
    let before = server.count("requests");
    desk.good(&words("train --config epochs/config.toml --resume"));
    assert_eq!(server.count("requests"), before);
    let message = desk.failing(&words("train --config epochs.toml --set out=more --set grpo.steps=9"));
    let says = format!("`data.epochs` asks for 1, which are {} steps", kept.len().div_ceil(4));
    assert!(message.contains(&says), "{message}");

    // Killed at a call about the third four.
    let paid: u64 = whole[..8].iter().map(calls).sum();
    server.hold_after(paid + 1);
    let mut command = desk.command(&words("train --config tracelift.toml --set out=killed"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("a call that is held back", || server.count("held") > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    server.release();
    assert!(!desk.path("killed/run.json").exists());
    assert_eq!(measured(desk, "killed"), whole[..8]);
    until("calls that nobody waits for any more", || server.count("held") == 0);
    let message = desk.refused(&words("train --config tracelift.toml --set out=killed --resume"));
    assert_eq!(message, "error: killed holds no run to go on with; leave out --resume");

    let before = server.count("requests");
    desk.good(&words("train --config tracelift.toml --set out=killed"));
    let trained: f64 = run.metrics().iter().map(|step| step.get("executor/calls").unwrap()).sum();
    let all: u64 = whole.iter().map(calls).sum();
    assert_eq!(server.count("requests") - before, all - paid + trained as u64, "something was paid twice");
    for part in ["planner", "rollouts", "checkpoints"] {
        let [expected, found] = ["whole", "killed"].map(|run| files_of(&desk.path(run).join(part)));
        assert!(expected == found, "{part} differs");
    }
    assert_eq!(measured(desk, "killed"), whole);

    // A run that is there is about the problems that it was begun with.
    let before = server.count("requests");
    desk.good(&words("train --config tracelift.toml --set out=killed --resume"));
    let set = "train --config tracelift.toml --set out=killed --resume --set grpo.filter.traces=2";
    let message = desk.refused(&words(set));
    assert!(message.contains("holds a run with other `grpo.filter.traces` (3)"), "{message}");
    fs::remove_file(desk.path("killed/difficulty.jsonl")).unwrap();
    let message = desk.refused(&words("train --config tracelift.toml --set out=killed --resume"));
    assert!(
        message.contains("difficulty.jsonl is missing, which says what problems the run was begun with"),
        "{message}"
    );
    assert_eq!(server.count("requests"), before);
}

#[test]
fn what_is_unknown_is_kept_or_left_out_as_is_said() {
    // Of calls some fail for good.
    let server = Server::start(&["--fail-rate", "0.15", "--seed", "3"]);
    let desk = &desk(&server.url());
    for unknown in ["keep", "leave_out"] {
        let told = desk.well(&words(&format!(
            "train --config tracelift.toml --set out={unknown} --set grpo.filter.unknown={unknown} --set grpo.steps=2"
        ))).err;
        let lines = measured(desk, unknown);
        let null = |line: &Value| line["b"].is_null() || line["w"].is_null();
        let outside = |line: &Value| line["b"].as_f64().is_some_and(|b| b > 0.5);
        let nobody_knows = lines.iter().filter(|line| null(line) && !outside(line)).count();
        assert!(nobody_knows > 0, "every call came through, so that this test shows nothing");
        assert!(told.contains(&format!("and of {nobody_knows} it is unknown")), "{told}");
        let kept = lines.iter().filter(|line| !outside(line) && (unknown == "keep" || !null(line))).count();
        assert_eq!(desk.run(unknown).metrics()[0].get("data/problems"), Some(kept as f64));
    }
}

#[test]
fn a_filter_without_an_executor_or_without_anything_left_ends_the_run_before_it_begins() {
    let mut server = Server::start(&[]);
    let desk = &desk(&server.url());
    let train = "train --config tracelift.toml --set out=none";
    let message = desk.failing(&words(&format!("{train} --set grpo.filter.b=[0.25,0.75]")));
    assert!(
        message.contains("`grpo.filter` leaves nothing to train on: of 18 problems 0 lie within"),
        "{message}"
    );
    // A planner that writes no traces leads nobody anywhere, and nobody is asked about that.
    desk.small_model("random", 9);
    let before = server.count("requests");
    let message = desk.failing(&words(&format!(
        "{train}-written --set planner.model=random --set planner.sampling.max_tokens=4 --set grpo.filter.w=[0.1,1.0]"
    )));
    let lines = measured(desk, "none-written");
    assert!(lines.iter().all(|line| line["w"] == 0.0 && line["usable"] == 0), "{lines:?}");
    let easy = lines.iter().filter(|line| line["b"] == 1.0).count();
    let says = format!("0 lie within the ranges, {easy} outside that of b, {} outside that of w", 18 - easy);
    assert!(message.contains(&says), "{says:?} is not in\n{message}");
    assert_eq!(server.count("requests") - before, 2 * 18);
    let message = desk.bad(&words(&format!("{train} --set grpo.filter.b=[0.0,1.0]")));
    assert!(message.contains("`grpo.filter.b` is missing, as is `w`"), "{message}");

    // What was spent on measuring belongs to the run.
    let paid = server.count("requests");
    let budget = "train --config tracelift.toml --set out=paid --set executor.openai.budget.calls";
    let message = desk.failing(&words(&format!("{budget}=25")));
    assert!(
        message.contains("stopped when 4 of 18 problems were measured: the budget of 25 calls is used up"),
        "{message}"
    );
    assert_eq!((server.count("requests") - paid, measured(desk, "paid").len()), (25, 4));
    desk.good(&words(&format!("{budget}=1000")));
    let spent = server.count("requests") - paid;
    let last = desk.run("paid").metrics().last().unwrap().get("spent/calls");
    assert_eq!(last, Some(spent as f64));

    server.kill();
    let message = desk.failing(&words("train --config tracelift.toml --set out=dead --set grpo.patience=2"));
    let says = "stopped when 8 of 18 problems were measured: 2 times in a row nothing is known of the executor without a trace; the last call \
                failed: cannot connect";
    assert!(message.contains(says), "{message}");
    assert_eq!(measured(desk, "dead").len(), 8);
    let message = desk.failing(&words("train --config tracelift.toml --set out=dead --set grpo.patience=6"));
    assert!(
        message.contains("nothing is known of any of 18 problems; the last call failed: cannot connect"),
        "{message}"
    );
    assert!(!desk.path("dead/run.json").exists());
}
