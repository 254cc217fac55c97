//! `tracelift groups`: from a file of problems to groups, their counts, parts and other shapes.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::json;
use support::Desk;

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
    assert!(told.starts_with("60 groups with "), "{told}");
    let first = std::fs::read(desk.path("groups.jsonl")).unwrap();
    desk.good(&["groups", "build", "--config", "groups.toml", "--threads", "1"]);
    assert_eq!(std::fs::read(desk.path("groups.jsonl")).unwrap(), first);

    let told = desk.good(&["groups", "validate", "groups.jsonl"]);
    assert!(told.contains("60 groups") && told.contains("all valid"), "{told}");
    let told = desk.good(&["groups", "stats", "groups.jsonl", "--html", "groups.html"]);
    assert!(told.contains("arithmetic_slip") && told.contains("shortcut report: AUC"), "{told}");
    let page = std::fs::read_to_string(desk.path("groups.html")).unwrap();
    assert!(page.contains("<del>") && page.contains("<ins>") && !page.contains("<script"));

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
fn what_is_wrong_is_named_with_its_place() {
    let desk = desk();
    desk.write("typo.toml", &CONFIG.replace("licence", "license"));
    let message = desk.bad(&["groups", "build", "--config", "typo.toml"]);
    assert!(
        message.contains("typo.toml") && message.ends_with("the nearest known key is `licence`"),
        "{message}"
    );
    desk.write("none.toml", &CONFIG.replace("format = \"gsm8k\"", ""));
    let message = desk.refused(&["groups", "build", "--config", "none.toml"]);
    assert!(message.contains("seeds.format"), "{message}");
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
    let config: tracelift_groups::build::BuildConfig = toml::from_str(text).unwrap();
    config.validate().unwrap();
}
