//! Bad input gets one clear message, and nothing is left behind.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use support::Desk;

const CONFIG: &str = r#"
out = "run"
[data]
path = "problems.jsonl"
[planner]
model = "planner"
[executor.in_process]
model = "executor"
[reward]
rule = "exec_only"
[grpo]
steps = 1
"#;

const PROBLEM: &str =
    r#"{"id": "1", "source": "test", "domain": "math", "statement": "1 + 1?", "gold": {"answer": "2"}}"#;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("tracelift.toml", CONFIG);
    desk.write("problems.jsonl", PROBLEM);
    desk
}

/// Why a run is refused with these settings in place of the file's.
fn refusal(desk: &Desk, settings: &[&str]) -> String {
    let mut arguments = vec!["train", "--config", "tracelift.toml"];
    arguments.extend(settings.iter().flat_map(|set| ["--set", set]));
    let message = desk.refused(&arguments);
    assert!(!desk.path("run").exists(), "a refused run left something: {message}");
    message
}

#[test]
fn an_unknown_key_is_named_with_its_nearest() {
    let desk = desk();
    desk.write("typo.toml", &CONFIG.replace("steps = 1", "step = 1"));
    for command in ["train", "eval"] {
        for set in [&[][..], &["--set", "seed=1"]] {
            let message = desk.bad(&[&[command, "--config", "typo.toml"], set].concat());
            assert!(message.starts_with("error: typo.toml: TOML parse error at line 12"), "{message}");
            assert!(message.contains("12 | step = 1"), "{message}");
            assert!(message.contains("unknown field `step`"), "{message}");
            assert!(message.ends_with("the nearest known key is `steps`"), "{message}");
        }
    }
    let message = desk.bad(&["train", "--config", "tracelift.toml", "--set", "planer.model=x"]);
    assert!(message.starts_with("error: --set planer.model=x: unknown field `planer`"), "{message}");
    assert!(message.ends_with("the nearest known key is `planner`"), "{message}");
    // What is no slip of any key is not taken for one.
    let message = desk.bad(&["train", "--config", "tracelift.toml", "--set", "grpo.colour=x"]);
    assert!(message.contains("unknown field `colour`") && !message.contains("nearest"), "{message}");
}

#[test]
fn keys_that_were_renamed_name_their_successors() {
    let desk = desk();
    let old = CONFIG.replace(
        "[reward]\nrule = \"exec_only\"\n[grpo]",
        "[reward_model]\nmodel = \"rm\"\n[grpo]\nrule = \"exec_only\"",
    );
    desk.write("old.toml", &old);
    for command in ["train", "eval"] {
        let arguments = [command, "--config", "old.toml", "--set", "grpo.max_tokens=4", "--set", "seed=1"];
        let message = desk.bad(&arguments);
        assert_eq!(
            message,
            "error: old.toml:9: `reward_model` is now `rubric`\n\
             old.toml:12: `grpo.rule` is now `reward.rule`\n\
             --set grpo.max_tokens=4: `grpo.max_tokens` is now `planner.sampling.max_tokens`"
        );
    }
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_place() {
    let desk = desk();
    desk.write("broken.toml", "out = \"run\"\n[data\n");
    for set in [&[][..], &["--set", "seed=1"]] {
        let message = desk.bad(&[&["train", "--config", "broken.toml"], set].concat());
        assert!(message.starts_with("error: broken.toml: TOML parse error at line 2"), "{message}");
    }
    let message = desk.refused(&["train", "--config", "nowhere.toml"]);
    assert!(message.starts_with("error: failed to read nowhere.toml: "), "{message}");
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_key() {
    let desk = desk();
    for (set, told) in [
        ("grpo.steps=many", "steps"),
        (
            "reward.rule=tracelft",
            "`reward.rule` is `tracelft`, expected one of `exec_only`, `exec_only_matched`, `tracelift`",
        ),
        ("reward.lambda=2", "`reward.lambda`: 2 lies outside [0, 1]"),
        ("verifier.answers=steps", "`verifier.answers` is `steps`, expected one of `native`"),
        ("data.world=word", "`data.world` is `word`, expected one of `steps`, `words`, `programs`"),
    ] {
        let message = desk.bad(&["train", "--config", "tracelift.toml", "--set", set]);
        assert!(message.starts_with(&format!("error: --set {set}: ")), "{set}: {message}");
        assert!(message.contains(told) && !message.contains("nearest"), "{set}: {message}");
    }
    for (set, told) in [
        ("grpo.group=1", "error: --set grpo.group=1: `grpo.group` is 1, expected at least 2"),
        ("planner.sampling.top_p=0.0", "`planner.sampling.top_p` is 0, expected a number above 0"),
        (
            "planner.sampling.temperature=0.0",
            "`planner.sampling.temperature` is 0, expected above 0 in training",
        ),
        ("planner.prompt=chatter", "`planner.prompt` names \"chatter\", expected a preset (`boxed`, "),
        ("planner.prompt.user='{{ gold }}'", "`planner.prompt.user`: undefined value"),
        (
            "executor.in_process.prompt.user=''",
            "`executor.in_process.prompt.user` holds `{{ reasoning }}` 0 times",
        ),
        ("reward.runs=0", "error: --set reward.runs=0: `reward.runs` is 0, expected from 1 to 1000"),
        ("executor.in_process.sampling.top_p=2.0", "`executor.in_process.sampling.top_p` is 2, expected"),
        ("data.limit=0", "error: --set data.limit=0: `data.limit` is 0, expected from 1"),
        ("grpo.steps", "error: --set grpo.steps: expected KEY=VALUE"),
        ("out.run=1", "error: --set out.run=1: `out` is no table"),
    ] {
        if set.starts_with("executor") {
            models(&desk);
        }
        let message = refusal(&desk, &[set]);
        assert!(message.contains(told), "{set}: {message}");
    }
}

fn models(desk: &Desk) {
    for (name, seed) in [("planner", 1), ("executor", 2)] {
        if !desk.path(name).exists() {
            desk.small_model(name, seed);
        }
    }
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let desk = desk();
    let message = refusal(&desk, &[]);
    assert!(message.contains("`planner.model`: failed to load the planner from planner: "), "{message}");
    desk.small_model("planner", 1);
    let message = refusal(&desk, &[]);
    assert!(
        message.contains("`executor.in_process.model`: failed to load the executor from executor: "),
        "{message}"
    );
    desk.small_model("executor", 2);
    let reads = ["reward.rule=tracelift", "rubric.model=nowhere"];
    let message = refusal(&desk, &reads);
    assert!(message.contains("`rubric.model`: failed to load the reward model from nowhere: "), "{message}");
    // A language model is no reward model.
    let message = refusal(&desk, &["reward.rule=tracelift", "rubric.model=planner"]);
    assert!(message.contains("`rubric.model`: failed to load the reward model from planner: "), "{message}");
    let message = refusal(&desk, &["reward.rule=tracelift"]);
    assert_eq!(
        message,
        "error: --set reward.rule=tracelift: `reward.rule` is `tracelift`, which needs a reward model; name its directory in `rubric.model`, a server that has one in `rubric.url`, or a prompted model in `rubric.judge`"
    );
}

#[test]
fn an_evaluation_that_makes_no_sense_is_refused() {
    let desk = desk();
    models(&desk);
    for (set, told) in [
        ("eval.rows.mine=gone", "`eval.rows.mine`: failed to load the planner from gone: "),
        (
            "eval.rows={ \"no trace\" = \"planner\" }",
            "`eval.rows` has a row `no trace`, which is there anyway",
        ),
        ("eval.rows={ \"base planner\" = \"planner\" }", "`eval.rows` has a row `base planner`"),
        ("eval.seeds=0", "`eval.seeds` is 0, expected from 1 to 10000"),
        ("eval.runs=0", "`eval.runs` is 0, expected from 1 to 1000"),
        ("eval.data.limit=0", "`eval.data.limit` is 0, expected from 1"),
        ("eval.data.world=steps", "`eval.data.path` stands beside `world`"),
    ] {
        let data = "eval.data.path=problems.jsonl";
        // No run has been made here, so its own rows are left out.
        let rows = ["eval", "--config", "tracelift.toml", "--rows", "start", "--set", data, "--set", set];
        let message = desk.refused(&rows);
        assert!(message.starts_with("error: ") && message.contains(told), "{set}: {message}");
        assert!(!desk.path("run").exists());
    }
}

#[test]
fn a_damaged_model_is_named() {
    let desk = desk();
    models(&desk);
    desk.write("executor/model.safetensors", "not a tensor");
    let message = refusal(&desk, &[]);
    assert!(
        message.contains("`executor.in_process.model`: failed to load the executor from executor: "),
        "{message}"
    );
    assert!(message.contains("the weights beside it have 12 bytes"), "{message}");
    desk.write("planner/config.json", "{");
    assert!(refusal(&desk, &[]).contains("planner/config.json"));
}

#[test]
fn a_bad_line_is_named_with_its_file() {
    let desk = desk();
    models(&desk);
    desk.write("problems.jsonl", &format!("{PROBLEM}\n\n{{\"id\": \"2\"}}\n"));
    let message = refusal(&desk, &[]);
    assert!(
        message.starts_with("error: problems.jsonl:3: missing field `source`; format problems reads `id`, "),
        "{message}"
    );
    desk.write("gsm8k.jsonl", "{\"question\": \"1 + 1?\", \"answer\": \"2\"}\n");
    let data = "data={ path = \"gsm8k.jsonl\", format = \"gsm8k\" }";
    let message = refusal(&desk, &[data]);
    let told = "error: gsm8k.jsonl:1: `answer` has no final answer after `####`; format gsm8k reads ";
    assert!(
        message.starts_with(told)
            && message.ends_with(
                "the formats are gsm8k, math, svamp, aime, mbpp, humaneval, stdio, problems, groups, columns"
            ),
        "{message}"
    );
    // Nothing tells that it is of that format.
    let message = refusal(&desk, &["data={ path = \"gsm8k.jsonl\" }"]);
    let told = "error: gsm8k.jsonl:1: it is not plain how the file is laid out: its rows have `answer`, `question`; ";
    assert!(message.contains(told), "{message}");
    desk.write("gsm8k.jsonl", "\n");
    assert_eq!(refusal(&desk, &[data]), "error: gsm8k.jsonl holds no problems");
    assert!(refusal(&desk, &["data.path=gone.jsonl"]).starts_with("error: cannot read gone.jsonl: "));
}

#[test]
fn what_must_be_one_of_several_is_one() {
    let desk = desk();
    models(&desk);
    let two = "executor.openai={ base_urls = [\"http://localhost:1\"], model = \"m\" }";
    let message = "`executor` needs exactly one of `in_process` and `openai`";
    let said = refusal(&desk, &[two]);
    assert!(said.starts_with("error: tracelift.toml:") && said.ends_with(message), "{said}");
    assert_eq!(refusal(&desk, &["executor={}"]), format!("error: --set executor={{}}: {message}"));
    let said = refusal(&desk, &["data.world=steps"]);
    assert!(said.ends_with("`data.path` stands beside `world`; give exactly one of the two"), "{said}");
    assert!(said.starts_with("error: tracelift.toml:"), "{said}");
    let message = "error: --set data={}: `data.path` is missing, as is `world`; give exactly one of the two";
    assert_eq!(refusal(&desk, &["data={}"]), message);
    let message = desk.refused(&["eval", "--config", "tracelift.toml"]);
    assert_eq!(message, "error: tracelift.toml: `eval` is missing; it says which problems to evaluate on");
    desk.write("no-data.toml", &CONFIG.replace("[data]\npath = \"problems.jsonl\"\n", ""));
    let message = desk.refused(&["train", "--config", "no-data.toml"]);
    assert_eq!(message, "error: no-data.toml: `data` is missing; it says which problems to train on");
}

#[test]
fn an_executor_that_cannot_be_asked_is_refused_at_once() {
    let desk = desk();
    models(&desk);
    for (settings, told) in [
        ("base_urls = []", "`executor.openai.base_urls` is empty"),
        ("base_urls = [\"localhost\"]", "`executor.openai.base_urls` has \"localhost\""),
        ("base_urls = [\"http://localhost:1\"], timeout_s = 0.0", "`executor.openai.timeout_s` is 0"),
        (
            "base_urls = [\"http://localhost:1\"], api_key_env = \"TRACELIFT_NO_SUCH_KEY\"",
            "TRACELIFT_NO_SUCH_KEY",
        ),
    ] {
        let set = format!("executor={{ openai = {{ {settings}, model = \"m\" }} }}");
        let message = refusal(&desk, &[&set]);
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn a_folder_with_other_things_in_it_is_left_alone() {
    let desk = desk();
    models(&desk);
    let blind = ["--set", "preflight.problems=0", "--set", "out=planner"];
    let message = desk.refused(&[&["train", "--config", "tracelift.toml"][..], &blind].concat());
    assert!(message.contains("which is not part of a run; choose a new or empty folder"), "{message}");
}

#[test]
fn usage_errors_are_told_apart_by_their_status() {
    let desk = desk();
    for arguments in [&["train"][..], &["tarin"], &["train", "--config", "tracelift.toml", "--resum"]] {
        let output = desk.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: "), "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_is_the_end_and_no_panic() {
    use std::io::{BufRead, BufReader, Read};
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tracelift"))
        .args(["world", "show", "--world", "steps", "--count", "2000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("problem"), "{line}");
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert_eq!(said, "");
}

/// A server of files, as a mirror is one.
fn mirror(folder: &std::path::Path) -> (std::process::Child, String) {
    use std::io::{BufRead, BufReader};
    let serve = "import functools, http.server, sys\n\
                 handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])\n\
                 server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)\n\
                 print(server.server_port, flush=True)\n\
                 server.serve_forever()";
    let mut child = std::process::Command::new("python3")
        .args(["-I", "-c", serve])
        .arg(folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
    (child, format!("http://127.0.0.1:{}", port.trim()))
}

#[test]
fn published_files_are_fetched_whole_or_not_at_all() {
    let desk = Desk::new();
    let at = "www/openai/human-eval/6d43fb980f9fee3c892a914eda09951f772ad10d/data/HumanEval.jsonl.gz";
    let gsm8k = "www/openai/grade-school-math/3101c7d5072418e28b9008a6636bde82a006892c/grade_school_math/data/train.jsonl";
    for file in [at, gsm8k] {
        std::fs::create_dir_all(desk.path(file).parent().unwrap()).unwrap();
    }
    desk.write(gsm8k, "not what was published\n");
    let (mut server, url) = mirror(&desk.path("www"));
    let said = desk.failing(&["data", "fetch", "gsm8k", "--mirror", &url]);
    assert!(said.contains("is not what was published") && said.contains("nothing was written"), "{said}");
    let said = desk.failing(&["data", "fetch", "humaneval", "--mirror", &url]);
    assert!(said.contains("404") && said.contains("copy it to data/humaneval/HumanEval.jsonl.gz"), "{said}");
    assert!(!desk.path("data").exists());
    if let Some(published) = tracelift_testing::shared("data/humaneval/HumanEval.jsonl.gz") {
        std::fs::copy(published, desk.path(at)).unwrap();
        let said = desk.good(&["data", "fetch", "humaneval", "--mirror", &url]);
        assert!(said.contains("data/humaneval/HumanEval.jsonl.gz: 44877 bytes (MIT)"), "{said}");
        assert!(desk.good(&["data", "fetch", "humaneval", "--mirror", &url]).contains("is there"));
        desk.write("data/humaneval/HumanEval.jsonl.gz", "mine");
        assert!(desk.failing(&["data", "fetch", "humaneval", "--mirror", &url]).contains("is another file"));
        assert_eq!(desk.read("data/humaneval/HumanEval.jsonl.gz"), "mine");
    }
    server.kill().unwrap();
    let _ = server.wait();
    let said = desk.failing(&["data", "fetch", "aime24", "--mirror", &url]);
    assert!(said.contains("cannot fetch"), "{said}");
}
