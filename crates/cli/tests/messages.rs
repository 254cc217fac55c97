//! The errors that people meet, as they are printed. That each is right is tested where it arises; here one sees them side
//! by side, and sees them change.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::{fs, net::TcpListener};
use support::{Desk, lines, problems};
use tracelift_domain::{Seed, TaskDomain};
use tracelift_engine::{Checkpoint, Precision};
use tracelift_reward::RewardModel;
use tracelift_testing::words;

const CONFIG: &str = r#"out = "run"

[data]
path = "problems.jsonl"

[planner]
model = "planner"
sampling = { max_tokens = 8 }

[executor.in_process]
model = "planner"
sampling = { max_tokens = 8 }

[reward]
rule = "exec_only"
runs = 1

[grpo]
steps = 1
problems = 2
group = 2

[preflight]
problems = 0
"#;

/// A folder with a model, problems and a configuration.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.small_model("planner", 1);
    desk.write("problems.jsonl", &lines(&problems(4)));
    desk.write("tracelift.toml", CONFIG);
    desk
}

/// A folder of somebody else's.
fn notes(desk: &Desk) {
    fs::create_dir(desk.path("notes")).unwrap();
    desk.write("notes/ideas.txt", "");
}

/// Each command line with its exit status and what it said on standard error.
fn shown(desk: &Desk, commands: &[&str]) -> String {
    let mut text = String::new();
    for command in commands {
        let output =
            desk.command(&words(command)).env_remove("COLUMNS").env("HF_HUB_CACHE", "hub").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked"), "{said}");
        assert_ne!(output.status.code(), Some(0), "`{command}` succeeded");
        text +=
            &format!("$ tracelift {command}\n{}\n[{}]\n\n", said.trim_end(), output.status.code().unwrap());
    }
    text
}

#[test]
fn mistakes_on_the_command_line() {
    let desk = desk();
    let said = shown(
        &desk,
        &[
            "tarin",
            "train",
            "train --config tracelift.toml --resum",
            "world show --world word",
            "model init small --hidden many",
            "verify code",
            "rm serve planner --tags some",
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn mistakes_in_a_configuration() {
    let desk = desk();
    desk.write("typo.toml", &CONFIG.replace("steps = 1", "stepz = 1"));
    desk.write("value.toml", &CONFIG.replace("\"exec_only\"", "\"tracelft\""));
    desk.write("kind.toml", &CONFIG.replace("steps = 1", "steps = \"many\""));
    desk.write("range.toml", &CONFIG.replace("group = 2", "group = 1"));
    desk.write("broken.toml", &CONFIG.replace("[data]", "[data"));
    desk.write("old.toml", &CONFIG.replace("steps = 1", "steps = 1\ntemperature = 0.7"));
    desk.write("none.toml", &CONFIG.replace("[data]\npath = \"problems.jsonl\"\n", ""));
    desk.write("rubric.toml", &CONFIG.replace("exec_only", "tracelift"));
    let said = shown(
        &desk,
        &[
            "train --config nowhere.toml",
            "train --config typo.toml",
            "train --config value.toml",
            "train --config kind.toml",
            "train --config range.toml",
            "train --config broken.toml",
            "train --config old.toml",
            "train --config none.toml",
            "train --config rubric.toml",
            "train --config tracelift.toml --set planer.model=x",
            "train --config tracelift.toml --set grpo.colour=x",
            "train --config tracelift.toml --set data.world=word",
            "train --config tracelift.toml --set grpo.steps",
            "train --config tracelift.toml --set grpo.learning_rate=inf",
            "eval --config tracelift.toml",
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn models_that_are_not_there_or_something_else() {
    let desk = desk();
    desk.write("model.gguf", "GGUF");
    fs::create_dir(desk.path("folder")).unwrap();
    desk.write("folder/model.Q4_K_M.gguf", "GGUF");
    fs::create_dir(desk.path("empty")).unwrap();
    notes(&desk);
    let said = shown(
        &desk,
        &[
            "train --config tracelift.toml --set planner.model=nowhere",
            "train --config tracelift.toml --set planner.model=nobody/nothing-0.5B",
            "train --config tracelift.toml --set planner.model=model.gguf",
            "train --config tracelift.toml --set planner.model=planner/model.safetensors",
            "model inspect folder",
            "model inspect empty",
            "rm serve planner",
            "rm eval planner groups.jsonl",
            "generate nowhere",
            "model init notes",
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn files_of_another_shape() {
    let desk = desk();
    let shape = |name: &str, line: &str| desk.write(name, &format!("{line}\n"));
    shape("broken.jsonl", "{\"id\": ");
    shape("gsm8k.jsonl", r#"{"question": "1 + 1?", "answer": "2"}"#);
    shape("chat.jsonl", r#"{"messages": [{"role": "user", "content": "1 + 1?"}]}"#);
    shape("cases.jsonl", r#"{"id": 1, "code": "print(1)", "test": []}"#);
    desk.write("empty.jsonl", "");
    desk.write("table.csv", "question,answer\n1 + 1?,2\n");
    let said = shown(
        &desk,
        &[
            "train --config tracelift.toml --set data.path=gone.jsonl",
            "train --config tracelift.toml --set data.path=broken.jsonl",
            "train --config tracelift.toml --set data.path=chat.jsonl",
            "train --config tracelift.toml --set data.path=table.csv",
            "train --config tracelift.toml --set data.path=empty.jsonl",
            "train --config tracelift.toml --set data.path=gsm8k.jsonl --set data.format=gsm8k",
            "train --config tracelift.toml --set data.path=gsm8k.jsonl --set data.format=json",
            "verify code --cases cases.jsonl",
            "verify code --mbpp problems.jsonl",
            "verify math --cases problems.jsonl",
            "groups stats problems.jsonl",
            "groups stats gone.jsonl",
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn folders_and_files_that_are_taken_or_cannot_be_written() {
    let desk = desk();
    // Nothing that a random planner writes is usable, so the run ends with a status; it is there to be confused with.
    desk.failing(&words("train --config tracelift.toml --set preflight.problems=0"));
    notes(&desk);
    desk.write("cases.jsonl", "{\"id\": 1, \"gold\": \"2\", \"pred\": \"2\"}\n");
    let said = shown(
        &desk,
        &[
            "train --config tracelift.toml",
            "train --config tracelift.toml --resume --set reward.runs=2",
            "train --config tracelift.toml --resume --set out=other",
            "train --config tracelift.toml --set preflight.problems=0 --set out=notes",
            "verify math --cases cases.jsonl --out missing/file",
            "verify math --cases cases.jsonl --out run",
            "world groups --world steps --count 2 --out missing.d/",
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn what_the_machine_does_not_give() {
    let desk = desk();
    desk.write(
        "cases.jsonl",
        "{\"id\": 1, \"code\": \"print(1)\", \"tests\": [{\"stdin\": \"\", \"stdout\": \"1\"}]}\n",
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let Checkpoint { model, tokenizer } = Checkpoint::load(&desk.path("planner")).unwrap();
    let model = RewardModel::new(model, tokenizer, TaskDomain::Math, Seed(3));
    model.save(&desk.path("rm"), Precision::F32).unwrap();
    let serve = format!("rm serve rm --port {port}");
    let executor = "train --config tracelift.toml --set executor={openai={base_urls=[\"http://127.0.0.1:9\"],model=\"m\",api_key_env=\"NO_SUCH_KEY\"}}";
    let said = shown(
        &desk,
        &[
            serve.as_str(),
            "rm serve rm --api-key-env NO_SUCH_KEY",
            executor,
            "verify code --cases cases.jsonl --python no-such-python",
        ],
    );
    insta::assert_snapshot!(said.replace(&port.to_string(), "[PORT]"));
}
