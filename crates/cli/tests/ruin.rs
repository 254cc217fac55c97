//! Settings and models that ruin a run: settings are refused by key, and what a broken model says is unknown.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use support::{Desk, PROMPT, lines, problems};
use tracelift_domain::{Gold, Problem, Question, TaskDomain};
use tracelift_engine::{Checkpoint, Precision};
use tracelift_testing::words;

const CONFIG: &str = r#"
    out = "run"
    preflight.problems = 0
    seed = 5
    [data]
    path = "problems.jsonl"
    [planner]
    model = "planner"
    prompt = PROMPT
    sampling = { temperature = 1.0, top_p = 1.0, max_tokens = 12 }
    [executor.in_process]
    model = "executor"
    sampling = { max_tokens = 8 }
    [reward]
    rule = "exec_only"
    runs = 1
    [grpo]
    steps = 9
    problems = 4
    group = 4
    patience = 2
    [eval]
    data = { path = "problems.jsonl", limit = 2 }
"#;

fn desk() -> Desk {
    let desk = Desk::new();
    let problems = problems(8);
    desk.write("problems.jsonl", &lines(&problems));
    desk.write("tracelift.toml", &CONFIG.replace("PROMPT", PROMPT));
    desk.warm_planner("planner", &problems[..1]);
    desk.small_model("executor", 2);
    desk
}

/// A model every weight of which is a number, and whose logits are none.
fn overflowing(desk: &Desk, from: &str, name: &str) {
    let mut checkpoint = Checkpoint::load(&desk.path(from)).unwrap();
    checkpoint.model.weights.iter_mut().for_each(|weight| *weight = weight.signum() * 1e30);
    checkpoint.save(&desk.path(name), Precision::F32).unwrap();
}

#[test]
fn an_executor_whose_logits_overflow_is_unknown() {
    let desk = desk();
    overflowing(&desk, "executor", "broken");
    let errors = desk.failing(&words("train --config tracelift.toml --set executor.in_process.model=broken"));
    assert!(errors.contains("stopped after step 2") && errors.contains("non_finite"), "{errors}");
    for rollout in desk.run("run").rollouts().iter().filter(|rollout| rollout.defect.is_none()) {
        assert_eq!((rollout.e, rollout.reward), (None, None));
        assert_eq!(rollout.unknown_because, ["non_finite"]);
    }
    let errors = desk.failing(&words("eval --config tracelift.toml --set executor.in_process.model=broken"));
    assert!(errors.contains("nothing is known") && errors.contains("logits are not finite"), "{errors}");
}

#[test]
fn a_planner_whose_logits_overflow_is_an_error() {
    let desk = desk();
    overflowing(&desk, "planner", "broken");
    desk.write("prompts.jsonl", "{\"prompt\": \"Pick 1, 2 or 3.\"}\n");
    for line in [
        "train --config tracelift.toml --set planner.model=broken",
        "eval --config tracelift.toml --set planner.model=broken",
        "generate broken --prompts prompts.jsonl --max-tokens 4",
    ] {
        let errors = desk.failing(&words(line));
        assert!(errors.contains("logits after prompt 0 are not finite"), "{line}: {errors}");
    }
}

#[test]
fn numbers_that_ruin_a_run_are_refused_by_key() {
    let desk = desk();
    for (key, values) in [
        ("grpo.learning_rate", &["inf", "nan", "-1.0", "0.0", "1e30"][..]),
        ("grpo.optimizer.beta1", &["1.0", "nan", "-1.0"]),
        ("grpo.optimizer.weight_decay", &["nan", "-1.0", "inf"]),
        ("grpo.optimizer.max_norm", &["-1.0", "nan", "0.0"]),
        ("grpo.clip_high", &["nan", "inf", "-1.0"]),
        ("grpo.patience", &["0"]),
        ("planner.sampling.temperature", &["nan", "inf", "-1.0", "1e-40"]),
        ("planner.sampling.top_p", &["nan", "0.0", "1.5"]),
        ("planner.sampling.max_tokens", &["0", "9000000"]),
        ("executor.in_process.sampling.temperature", &["nan", "-1.0"]),
        ("executor.in_process.sampling.max_tokens", &["0", "9000000"]),
        ("reward.runs", &["0"]),
        ("reward.lambda", &["nan", "2.0", "-1.0"]),
    ] {
        for value in values {
            for command in ["train", "eval"] {
                let errors =
                    desk.failing(&words(&format!("{command} --config tracelift.toml --set {key}={value}")));
                let last = key.rsplit('.').next().unwrap();
                assert!(errors.contains(last), "{command}, {key} = {value}: {errors}");
            }
        }
    }
    assert!(!desk.path("run").exists(), "a run was begun");
}

/// A problem that takes so many bytes to say, which are as many tokens of a byte-level model.
fn long(id: &str, bytes: usize) -> Problem {
    let statement = "Pick 1, 2 or 3. ".repeat(bytes / 16);
    Problem {
        id: id.into(),
        question: Question::new("pick", TaskDomain::Math, statement),
        gold: Gold::Answer("1".into()),
    }
}

#[test]
fn prompts_that_do_not_fit_are_said_before_the_first_step() {
    let desk = desk();
    // A byte a token, and a context of 4,096: of these the first is too long for both models, the second for the executor
    // with a budget of its own.
    let mut all = problems(8);
    all.extend([long("long/1", 6000), long("long/2", 3000)]);
    desk.write("problems.jsonl", &lines(&all));
    let told = |sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let output =
            desk.command(&[&["train", "--config", "tracelift.toml"][..], &sets].concat()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let tight = ["grpo.steps=1", "executor.in_process.sampling.max_tokens=1100"];
    let (code, errors) = told(&tight);
    assert_eq!(code, Some(0), "{errors}");
    for says in [
        "the prompts of 1 of 10 problems leave less than `planner.sampling.max_tokens` of the planner's context (`long/1` lacks ",
        "the prompts of 1 of 9 problems leave less than `executor.in_process.sampling.max_tokens` of the executor's context \
         (`long/2` lacks ",
        "those are left out",
    ] {
        assert!(errors.contains(says), "{says:?} is not in\n{errors}");
    }
    assert!(desk.run("run").rollouts().iter().all(|rollout| rollout.problem_id.starts_with("pick/")));

    // A trace may make a prompt too long that fits without.
    desk.write("short.jsonl", &lines(&all[..8]));
    let (executor, planner) =
        ("executor.in_process.sampling.max_tokens=700", "planner.sampling.max_tokens=3500");
    let (_, errors) = told(&["data.path=short.jsonl", "out=traced", "grpo.steps=1", executor, planner]);
    assert!(
        errors.contains("with a trace of `planner.sampling.max_tokens` (3500), the prompts of 8 of 8"),
        "{errors}"
    );

    // Where nothing fits there is no run; and what is measured is not chosen by its length.
    desk.write("long.jsonl", &lines(&all[8..]));
    for (sets, says) in [
        (
            &["data.path=long.jsonl", "planner.sampling.max_tokens=3000"][..],
            "`[data]`: the prompts of 2 of 2 problems",
        ),
        (&["dev.data.path=problems.jsonl"], "`[dev.data]`: the prompts of 1 of 10 problems"),
    ] {
        let (code, errors) = told(&[sets, &["out=none"]].concat());
        assert_eq!(code, Some(1), "{errors}");
        assert!(errors.contains(says) && errors.contains("`planner.sampling.max_tokens`"), "{errors}");
        assert!(!desk.path("none").exists(), "a run was begun");
    }
    let errors = desk.failing(&words("eval --config tracelift.toml --set eval.data.limit=10"));
    assert!(errors.contains("the planner of row `base planner`"), "{errors}");
    assert!(errors.contains("`[eval.data]`: the prompts of 1 of 10 problems"), "{errors}");
}
