//! `tracelift groups`: from a file of problems to groups, their counts, parts and other shapes.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::json;
use std::{
    fs,
    process::{Child, Command, Stdio},
};
use support::Desk;
use tracelift_testing::{Server, until};

const CONFIG: &str = r#"
out = "groups.jsonl"
[[seeds]]
path = "train.jsonl"
format = "gsm8k"
licence = "MIT"
"#;

/// Problems of two steps.
fn problems(count: usize) -> String {
    (0..count)
        .map(|i| {
            let (a, b, c) = (100 + i, 13 + i % 70, 3 + i % 5);
            let (sum, product) = (a + b, (a + b) * c);
            let question = format!(
                "Anna has {a} red apples and Ben has {b} green pears, basket {i}. They sell all of them for {c} \
                 dollars each. How many dollars do Anna and Ben earn?"
            );
            let answer = format!(
                "Anna and Ben have {a} + {b} = <<{a}+{b}={sum}>>{sum} apples and pears.\nAnna and Ben earn {sum} * {c} \
                 = $<<{sum}*{c}={product}>>{product} for the apples and pears.\n#### {product}"
            );
            json!({"question": question, "answer": answer}).to_string() + "\n"
        })
        .collect()
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("groups.toml", CONFIG);
    desk.write("train.jsonl", &problems(60));
    desk
}

#[test]
fn problems_become_groups_in_every_shape() {
    let desk = desk();
    let told = desk.good(&["groups", "build", "--config", "groups.toml", "--threads", "2"]);
    let seconds = told.split(" in ").nth(1).unwrap().split(' ').next().unwrap();
    insta::assert_snapshot!("a_build_tells_what_it_counted", told.replacen(seconds, "[SECONDS]", 1));
    let first = std::fs::read(desk.path("groups.jsonl")).unwrap();
    desk.good(&["groups", "build", "--config", "groups.toml", "--threads", "1"]);
    assert_eq!(std::fs::read(desk.path("groups.jsonl")).unwrap(), first);

    let told = desk.good(&["groups", "validate", "groups.jsonl"]);
    assert!(told.contains("60 groups") && told.contains("all valid"), "{told}");
    let told = desk.good(&["groups", "stats", "groups.jsonl", "--html", "groups.html"]);
    insta::assert_snapshot!("counts_of_a_file", told);
    let page = std::fs::read_to_string(desk.path("groups.html")).unwrap();
    assert!(page.contains("<del>") && page.contains("<ins>") && !page.contains("<script"));
    let drafts = fs::read_dir(desk.path(""))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(drafts.count(), 0, "what was written first has its name now");

    desk.good(&["groups", "split", "groups.jsonl", "--dev", "0.2", "--seed", "18"]);
    let lines = |name: &str| std::fs::read_to_string(desk.path(name)).unwrap().lines().count();
    assert_eq!(lines("groups.train.jsonl") + lines("groups.dev.jsonl"), 60);
    for (shape, file) in [
        ("trl-preference", "groups.trl.jsonl"),
        ("verl-parquet", "groups.verl.parquet"),
        ("rewardbench", "groups.rewardbench.jsonl"),
        ("hf", "groups.hf/README.md"),
    ] {
        desk.good(&["groups", "export", "groups.jsonl", "--to", shape]);
        assert!(desk.path(file).exists(), "{file}");
    }
    let card = std::fs::read_to_string(desk.path("groups.hf/README.md")).unwrap();
    assert!(card.contains("| gsm8k | 60 | MIT |"), "{card}");
}

#[test]
fn a_problem_and_its_variants_are_on_one_side() {
    let desk = desk();
    desk.write("variants.toml", &format!("{CONFIG}variants = 2\n"));
    let told = desk.good(&["groups", "build", "--config", "variants.toml"]);
    assert!(told.starts_with("180 groups, 120 of them of variants, with "), "{told}");
    desk.good(&["groups", "validate", "groups.jsonl"]);
    desk.good(&["groups", "split", "groups.jsonl", "--dev", "0.3"]);
    let families = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(desk.path(name)).unwrap();
        let groups = text.lines().map(|line| serde_json::from_str::<tracelift_domain::Group>(line).unwrap());
        groups.map(|group| group.family().to_owned()).collect()
    };
    let (train, dev) = (families("groups.train.jsonl"), families("groups.dev.jsonl"));
    assert!(train.len() + dev.len() == 180 && dev.len() % 3 == 0 && !dev.is_empty(), "{}", dev.len());
    assert!(dev.iter().all(|family| !train.contains(family)));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let desk = desk();
    desk.write("programs.toml", &CONFIG.replace("\"gsm8k\"", "\"mbpp\"\nvariants = 2"));
    let message = desk.refused(&["groups", "build", "--config", "programs.toml"]);
    assert!(
        message.starts_with("error: programs.toml:") && message.contains("`seeds[0].variants`"),
        "{message}"
    );
    desk.write("typo.toml", &CONFIG.replace("licence", "license"));
    let message = desk.bad(&["groups", "build", "--config", "typo.toml"]);
    assert!(
        message.contains("typo.toml") && message.ends_with("the nearest known key is `licence`"),
        "{message}"
    );
    desk.write("none.toml", &CONFIG.replace("path = \"train.jsonl\"", "world = \"words\""));
    let message = desk.refused(&["groups", "build", "--config", "none.toml"]);
    assert!(message.contains("`seeds[0].format`"), "{message}");
    desk.write("bad.jsonl", "{}\nnot json\n");
    let message = desk.refused(&["groups", "validate", "bad.jsonl"]);
    assert!(message.contains("2 of 2 lines are wrong"), "{message}");
}

#[test]
fn a_test_set_makes_no_groups() {
    let desk = desk();
    desk.write("test.jsonl", &problems(3));
    desk.write("test.toml", &CONFIG.replace("train.jsonl", "test.jsonl"));
    let message = desk.refused(&["groups", "build", "--config", "test.toml"]);
    assert!(message.contains("no seed made a group"), "{message}");
    desk.write(
        "forced.toml",
        &format!("force_test_sets = true\n{}", CONFIG.replace("train.jsonl", "test.jsonl")),
    );
    desk.good(&["groups", "build", "--config", "forced.toml"]);
}

#[test]
fn the_configuration_that_comes_along_is_read() {
    let text = include_str!("../../../configs/groups.toml");
    let config: tracelift_curation::BuildConfig = toml::from_str(text).unwrap();
    config.validate().unwrap();
}

/// Starts a build that will be ended.
fn start(desk: &Desk, config: &str) -> Child {
    let mut command = desk.command(&["groups", "build", "--config", config, "--threads", "1"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal and waits; returns the exit status and what was said.
fn end(child: Child, signal: &str) -> (Option<i32>, String) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_build_by_rules_ends_when_asked_and_goes_on_whatever_ended_it() {
    let desk = desk();
    desk.write("train.jsonl", &problems(2500));
    desk.good(&["groups", "build", "--config", "groups.toml"]);
    let whole = fs::read(desk.path("groups.jsonl")).unwrap();
    for (signal, status) in [("-INT", Some(130)), ("-TERM", Some(143)), ("-KILL", None)] {
        fs::remove_file(desk.path("groups.jsonl")).unwrap();
        let child = start(&desk, "groups.toml");
        until("a build", || desk.path("groups.jsonl.partial").exists());
        let (code, said) = end(child, signal);
        assert_eq!(code, status, "{said}");
        assert!(!desk.path("groups.jsonl").exists(), "{signal}: half of it is not shown as the whole");
        if code.is_some() {
            assert!(said.contains("once more ends it at once"), "{said}");
            let stopped =
                [1024, 2048].map(|groups| format!("error: the build stopped after {groups} groups"));
            assert!(stopped.iter().any(|stopped| said.contains(stopped)), "{said}");
            assert!(said.contains("the same command goes on from there"), "{said}");
        }
        desk.good(&["groups", "build", "--config", "groups.toml"]);
        assert!(fs::read(desk.path("groups.jsonl")).unwrap() == whole, "{signal}: the same, byte by byte");
    }
}

#[test]
fn a_build_with_a_model_ends_when_asked_and_asks_nothing_twice() {
    let server = Server::prompted(&["--latency-ms", "20"]);
    let desk = desk();
    desk.write("train.jsonl", &problems(12));
    let oracle = format!("base_urls = [\"{}\"]\nmodel = \"silly\"\nconcurrency = 4\n", server.url());
    let llm = format!("[llm]\nflaws = \"instead\"\n[llm.oracle]\n{oracle}[judge.oracle]\n{oracle}");
    desk.write("groups.toml", &format!("{CONFIG}{llm}"));
    let child = start(&desk, "groups.toml");
    let kept = || {
        let ledger = fs::read_to_string(desk.path("groups.jsonl.llm.ledger")).unwrap_or_default();
        ledger.matches(r#""entry":"answered""#).count()
    };
    until("an answer", || kept() > 5);
    let (code, said) = end(child, "-INT");
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("stopped on request"), "{said}");
    until("the end of the last reply", || server.count("concurrent") == 0);
    assert_eq!(
        server.count("answers") as usize,
        kept() + kept_by_judge(&desk),
        "what was under way was kept"
    );

    let told = desk.good(&["groups", "build", "--config", "groups.toml"]);
    assert!(told.starts_with("12 groups with "), "{told}");
    for words in
        ["written by the model", "judged", "labels by construction against the judge's, math", "llm: "]
    {
        assert!(told.contains(words), "{words} in\n{told}");
    }
    assert_eq!(server.count("answered_twice"), 0);
}

fn kept_by_judge(desk: &Desk) -> usize {
    let ledger = fs::read_to_string(desk.path("groups.jsonl.judge.ledger")).unwrap_or_default();
    ledger.matches(r#""entry":"answered""#).count()
}
