//! A look at a run before it begins: what it says, and which runs it does not let begin.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use support::{Desk, PROMPT, lines, problems};
use tracelift_domain::{Gold, Problem};
use tracelift_testing::{Server, words};

/// A planner that writes usable traces, and an executor that takes the last number that it is told for the answer: of
/// the trace, or of the problem, which is 3.
fn desk(url: &str, gold: impl Fn(usize) -> usize) -> Desk {
    let desk = Desk::new();
    let mut all: Vec<Problem> = problems(24);
    for (at, problem) in all.iter_mut().enumerate() {
        problem.gold = Gold::Answer(gold(at).to_string());
    }
    desk.write("problems.jsonl", &lines(&all));
    desk.warm_planner("planner", &all[..1]);
    let config = format!(
        r#"
        out = "run"
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
        prompt = "world"
        retries = 0
        sampling = {{ max_tokens = 8 }}
        [reward]
        rule = "uplift_only"
        runs = 2
        [grpo]
        steps = 3
        problems = 4
        group = 8
        learning_rate = 1e-3
        "#
    );
    desk.write("tracelift.toml", &config);
    desk
}

/// The number before ` of ` in a line that begins with a name.
fn share(said: &str, name: &str, before: &str) -> (usize, usize) {
    let line = said
        .lines()
        .find(|line| line.trim_start().starts_with(name))
        .unwrap_or_else(|| panic!("{name}: {said}"));
    let (_, rest) = line.split_once(before).unwrap_or_else(|| panic!("{before}: {line}"));
    let numbers: Vec<usize> =
        rest.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    (numbers[0], numbers[1])
}

#[test]
fn a_run_that_can_teach_is_told_of_and_nothing_is_left() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), |at| 1 + at % 3);
    let said = desk.good(&words("doctor --config tracelift.toml --problems 12"));
    let (usable, of) = share(&said, "traces", "usable ");
    assert!(of == 96 && usable > 80, "{said}");
    let (found, replies) = share(&said, "without a trace", "found in ");
    assert_eq!((found, replies), (12, 12), "{said}");
    let (found, replies) = share(&said, "with a trace", "found in ");
    assert!(found == replies && replies == 2 * usable, "{said}");
    let (uneven, groups) = share(&said, "gradient", "in ");
    assert!(groups == 12 && uneven >= 6, "{said}");
    for says in
        ["cores", "memory", "disk", "programs", "for 3 steps", "a step of 4 problems", "nothing looks wrong"]
    {
        assert!(said.contains(says), "{says}: {said}");
    }
    assert!(!desk.path("run").exists(), "a look left a run");
    // There are 24 problems, and none is looked at twice.
    let all = desk
        .well(&words("doctor --config tracelift.toml --problems 100 --set grpo.group=2 --set out=planner"));
    assert!(all.out.contains("looked at         24 problems, 48 completions"), "{}", all.out);
    assert!(all.err.contains("warning: planner already holds"), "{}", all.err);
    let many = desk.bad(&words("train --config tracelift.toml --set preflight.problems=99999999999"));
    assert!(many.contains("`preflight.problems`"), "{many}");
}

#[test]
fn a_machine_is_looked_at_without_a_configuration() {
    let desk = Desk::new();
    let said = desk.good(&["doctor"]);
    for name in ["tracelift", "cores", "memory", "disk", "models by name", "programs"] {
        assert!(said.lines().any(|line| line.trim_start().starts_with(name)), "{name}: {said}");
    }
    for (line, says) in
        [("doctor --problems 3", "--config"), ("doctor --config x.toml --problems 0", "--problems")]
    {
        let output = desk.command(&words(line)).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(says), "{line}");
    }
}

#[test]
fn a_look_changes_nothing_of_the_run_after_it() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), |at| 1 + at % 3);
    let seen = desk.well(&words("train --config tracelift.toml --set out=seen")).err;
    assert!(seen.contains("preflight: 8 problems, usable traces "), "{seen}");
    let unseen =
        desk.well(&words("train --config tracelift.toml --set out=unseen --set preflight.problems=0")).err;
    assert!(!unseen.contains("preflight"), "{unseen}");
    for file in ["planner/model.safetensors", "planner/tokenizer.json"] {
        assert_eq!(desk.run("seen").file(file), desk.run("unseen").file(file), "{file}");
    }
    // A run that is gone on with has shown what it is, and may be told otherwise about looks.
    let more =
        "train --config tracelift.toml --set out=seen --set grpo.steps=4 --set preflight.problems=9 --resume";
    let resumed = desk.well(&words(more)).err;
    assert!(!resumed.contains("preflight:"), "{resumed}");
}

/// That a run does not begin, in what is said; and that it does where it is told to.
fn refuses(desk: &Desk, says: &[&str]) {
    let looked = desk.failing(&words("doctor --config tracelift.toml"));
    assert!(looked.contains("would teach nothing"), "{looked}");
    let refused = desk.failing(&words("train --config tracelift.toml"));
    for says in says.iter().chain(&["Nothing was trained", "`preflight.hopeless = \"warn\"`"]) {
        assert!(refused.contains(says), "{says}: {refused}");
    }
    assert!(!desk.path("run/run.json").exists(), "a run was begun: {refused}");
    let told = "train --config tracelift.toml --set preflight.hopeless=warn --set grpo.steps=1 --set grpo.patience=9";
    let output = desk.command(&words(told)).output().unwrap();
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(warned.contains(&format!("warning: {}", says[0])), "{warned}");
    assert!(desk.path("run/run.json").exists(), "a run was not begun: {warned}");
}

#[test]
fn a_run_without_a_usable_trace_does_not_begin() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), |at| 1 + at % 3);
    // Cut off after a token.
    let config = desk.read("tracelift.toml").replace("max_tokens = 12", "max_tokens = 1");
    desk.write("tracelift.toml", &config);
    refuses(&desk, &["0 of 64 traces are usable", "`planner."]);
}

#[test]
fn a_run_whose_executor_is_not_there_does_not_begin() {
    let server = Server::start(&[]);
    let url = server.url();
    drop(server);
    let desk = desk(&url, |at| 1 + at % 3);
    refuses(&desk, &["nothing is known of the executor without a trace (refused 8, last: cannot connect"]);
}

#[test]
fn a_run_in_whose_replies_no_answer_is_found_does_not_begin() {
    let server = Server::start(&["--reply", "Let me think about that for a while."]);
    let desk = desk(&server.url(), |at| 1 + at % 3);
    refuses(&desk, &["the verifier finds an answer in 0 of 8 replies", "tracelift prompt show"]);
}

#[test]
fn a_run_whose_problems_need_no_trace_does_not_begin() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), |_| 3);
    refuses(&desk, &["the executor solves every problem without a trace (b = 1)", "`data`"]);
}

#[test]
fn a_run_in_which_no_trace_helps_does_not_begin() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), |_| 9);
    refuses(&desk, &["no trace leads the executor to a right answer (w = 0)", "`grpo.group`"]);
}
