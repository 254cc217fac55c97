//! Runs whose executor is a server that fails: an outage is never a reward, and never stops a run.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::fs;
use support::{Desk, PROMPT, Run, lines, problems, rollouts::Rollout};
use tracelift_eval::SampleRecord;
use tracelift_testing::{
    Server,
    raw::{self, Answer},
};

const PROBLEMS: usize = 24;

/// A folder with problems, a planner that writes usable traces, and a configuration for the server.
fn desk(url: &str, reward: &str, grpo: &str) -> Desk {
    let desk = Desk::new();
    let problems = problems(PROBLEMS);
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
        retries = 0
        sampling = {{ max_tokens = 8 }}
        [rubric]
        model = "reward-model"
        [reward]
        {reward}
        [grpo]
        {grpo}
        problems = 4
        group = 4
        learning_rate = 1e-3
        checkpoint_every = 1
        "#
    );
    desk.write("tracelift.toml", &config);
    desk
}

fn train(desk: &Desk) -> Run {
    desk.good(&["train", "--config", "tracelift.toml"]);
    desk.run("run")
}

fn total(run: &Run, metric: &str) -> f64 {
    run.metrics().iter().map(|step| step.get(metric).unwrap()).sum()
}

/// The causes of what is unknown of a rollout.
fn causes(rollout: &Rollout) -> Vec<&str> {
    rollout.unknown_because.iter().map(String::as_str).collect()
}

#[test]
fn calls_that_fail_are_unknown_and_the_run_completes() {
    const RUNS: usize = 2;
    let server = Server::start(&["--fail-rate", "0.3"]);
    let desk = desk(&server.url(), "runs = 2\nrule = \"tracelift\"", "steps = 4");
    desk.reward_model("reward-model");
    let run = train(&desk);

    let rollouts = run.rollouts();
    assert_eq!(rollouts.len(), 4 * 4 * 4);
    let mut failed_runs = 0;
    for rollout in &rollouts {
        let causes = causes(rollout);
        let failed = causes.iter().filter(|cause| **cause == "status_5xx").count();
        failed_runs += failed;
        assert!(causes.iter().all(|cause| ["status_5xx", "no_baseline"].contains(cause)), "{causes:?}");
        assert_eq!(rollout.trace.is_none(), rollout.defect.is_some(), "{rollout:?}");
        assert_eq!(rollout.executor_prompt_sha256.is_none(), rollout.defect.is_some(), "{rollout:?}");
        assert_eq!(rollout.rubric_total.is_none(), rollout.defect.is_some(), "{rollout:?}");
        let runs = if rollout.defect.is_some() { 0 } else { RUNS };
        let [completions, verdicts] = [&rollout.executor_completions, &rollout.verdicts];
        assert_eq!([completions.len(), verdicts.len(), rollout.artifacts.len()], [runs; 3], "{rollout:?}");
        assert_eq!(completions.iter().filter(|run| run.is_none()).count(), failed, "{rollout:?}");
        if rollout.defect.is_some() {
            // Nobody was asked; that there is no trace to follow is known.
            assert_eq!((rollout.e, rollout.w, failed), (Some(0.0), Some(0.0), 0));
        } else {
            assert_eq!(rollout.w.is_none(), failed > 0, "{rollout:?}");
            // The primary run is the first one: it has a completion exactly if it did not fail.
            assert_eq!(rollout.e.is_none(), completions[0].is_none(), "{rollout:?}");
            for (completion, verdict) in completions.iter().zip(verdicts) {
                assert_eq!(completion.is_none(), verdict.is_none(), "{rollout:?}");
            }
        }
        assert_eq!(rollout.b.is_none(), causes.contains(&"no_baseline"), "{rollout:?}");
        assert_eq!(rollout.u.is_none(), rollout.w.is_none() || rollout.b.is_none(), "{rollout:?}");
        // Whatever the rule needs and does not know makes the reward unknown; and nothing else does.
        assert_eq!(rollout.reward.is_none(), !causes.is_empty(), "{rollout:?}");
        assert_eq!(rollout.advantage.is_none(), rollout.reward.is_none(), "{rollout:?}");
        if let (Some(reward), Some(e), Some(s), Some(u)) = (rollout.reward, rollout.e, rollout.s, rollout.u) {
            assert!((reward - 0.5 * e - 0.5 * s * u).abs() < 1e-12, "{rollout:?}");
        }
    }
    let some = |pick: fn(&Rollout) -> bool| assert!(rollouts.iter().any(pick), "the test shows nothing");
    some(|rollout| rollout.reward.is_some());
    some(|rollout| rollout.e.is_some() && rollout.w.is_none());
    some(|rollout| rollout.e.is_none() && rollout.defect.is_none());
    some(|rollout| rollout.w.is_some() && rollout.b.is_none());

    // Every fault that the server counts is in the books, in one arm or the other.
    let faults = server.stats()["faults"]["fail"].as_f64().unwrap();
    assert_eq!(total(&run, "executor/failed_calls"), faults);
    assert!(failed_runs > 0 && failed_runs as f64 <= faults);
    let unknown = rollouts.iter().filter(|rollout| rollout.reward.is_none()).count();
    assert!((total(&run, "reward/unknown") / 4.0 - unknown as f64 / rollouts.len() as f64).abs() < 1e-12);
}

#[test]
fn retries_get_over_failures_that_pass() {
    let server = Server::start(&["--fail-rate", "0.3", "--retry-after", "0"]);
    let desk = desk(&server.url(), "runs = 2\nrule = \"uplift_only\"", "steps = 1");
    let patient = ["executor.openai.retries=12", "executor.openai.backoff_s=0.001"];
    desk.good(&["train", "--config", "tracelift.toml", "--set", patient[0], "--set", patient[1]]);
    let run = desk.run("run");
    assert!(server.stats()["faults"]["fail"].as_u64().unwrap() > 0);
    assert_eq!((total(&run, "executor/failed_calls"), total(&run, "reward/unknown")), (0.0, 0.0));
}

#[test]
fn nothing_moves_once_the_server_is_gone() {
    // A step is 4 calls without a trace and about 16 with one.
    let server = Server::start(&["--die-after", "50"]);
    let desk = desk(&server.url(), "runs = 1\nrule = \"uplift_only\"", "steps = 6");
    let run = train(&desk);

    let metrics = run.metrics();
    assert_eq!(metrics.len(), 6);
    assert_eq!(metrics[0].get("reward/unknown"), Some(0.0));
    assert!(
        metrics[0].get("policy/gradient_norm").is_some_and(|norm| norm > 0.0),
        "nothing was learnt before"
    );
    let first_dark = 3;
    for step in &metrics[first_dark..] {
        assert_eq!(step.get("reward/unknown"), Some(1.0), "step {}", step.step);
        assert_eq!(step.get("executor/failed_calls"), step.get("executor/calls"));
        for unknown in ["reward/mean", "uplift/b", "uplift/u", "policy/gradient_norm"] {
            assert_eq!(step.get(unknown), None, "step {}: {unknown}", step.step);
        }
        assert_eq!(step.get("policy/loss").unwrap_or(0.0), 0.0);
    }
    for rollout in run.rollouts().iter().filter(|rollout| rollout.step > first_dark as u64) {
        assert_eq!((rollout.reward, rollout.advantage, rollout.b, rollout.u), (None, None, None, None));
        assert!(causes(rollout).contains(&"no_baseline"));
        if rollout.defect.is_none() {
            assert_eq!((rollout.e, rollout.w), (None, None));
            assert!(causes(rollout).contains(&"refused"), "{rollout:?}");
        }
    }
    // Neither momentum nor decay moved what no reward did.
    let steps = run.layout.checkpoint_steps().unwrap();
    assert!(steps.len() == 2 && steps[0] <= first_dark as u64 && steps[1] == 6, "{steps:?}");
    let [lit, dark] =
        [0, 1].map(|at| fs::read(run.layout.checkpoint(steps[at]).join("state.safetensors")).unwrap());
    assert!(lit == dark, "the planner moved without a reward");
    let start = fs::read(desk.path("planner/model.safetensors")).unwrap();
    assert!(run.file("planner/model.safetensors") != start, "the steps before the outage are lost");
}

#[test]
fn a_run_without_a_server_is_not_a_success() {
    let mut server = Server::start(&[]);
    let desk = desk(&server.url(), "runs = 1\nrule = \"uplift_only\"", "steps = 2\nepochs = 2\nkl = 0.1");
    server.kill();
    let errors = desk.failing(&["train", "--config", "tracelift.toml"]);
    for says in [
        "error: stopped after step 2: for 2 steps in a row, no ",
        "refused 1",
        "the executor's last error: cannot connect to http://127.0.0.1:",
        "[executor.openai]",
        "nothing was trained yet, and --resume begins anew",
    ] {
        assert!(errors.contains(says), "{says:?} is not in\n{errors}");
    }
    let run = desk.run("run");
    assert_eq!(total(&run, "reward/unknown"), 2.0);
    assert_eq!((total(&run, "unknown/no_baseline"), total(&run, "reward/teaching")), (2.0, 0.0));
    assert_eq!(total(&run, "executor/failed/refused"), total(&run, "executor/calls"));
    for rollout in run.rollouts().iter().filter(|rollout| rollout.defect.is_none()) {
        assert_eq!((rollout.e, rollout.w, rollout.reward), (None, None, None));
        assert_eq!(rollout.unknown_because, ["refused", "no_baseline"]);
    }
    assert!(!desk.path("run/planner").exists(), "a planner that was never trained looks trained");
    // Nor is a second attempt, nor an evaluation.
    desk.failing(&["train", "--config", "tracelift.toml", "--resume"]);
    let config = fs::read_to_string(desk.path("tracelift.toml")).unwrap();
    desk.write("tracelift.toml", &(config + "\n[eval]\ndata = { path = \"problems.jsonl\", limit = 4 }\n"));
    let errors = desk.failing(&["eval", "--config", "tracelift.toml", "--rows", "start"]);
    assert!(errors.contains("the executor cannot be asked: cannot connect to http://127.0.0.1:"), "{errors}");
    assert!(!desk.path("run/evaluation/latest").exists());
}

#[test]
fn a_server_that_aborts_everything_is_unknown_and_says_so() {
    let aborted = r#"{"model":"silly","choices":[{"text":"7","finish_reason":"abort"}]}"#;
    let url = raw::serve(Answer::json(aborted));
    let desk = desk(&url, "runs = 1\nrule = \"exec_only\"", "steps = 50\npatience = 3");
    let errors = desk.failing(&["train", "--config", "tracelift.toml"]);
    assert!(errors.contains("stopped after step 3") && errors.contains("unfinished"), "{errors}");
    assert!(errors.contains("`finish_reason` \"abort\""), "{errors}");
    assert!(desk.run("run").rollouts().iter().all(|rollout| rollout.e != Some(1.0)));
    // Nor is an evaluation of it a success.
    let config = fs::read_to_string(desk.path("tracelift.toml")).unwrap();
    desk.write("tracelift.toml", &(config + "\n[eval]\ndata = { path = \"problems.jsonl\", limit = 4 }\n"));
    let errors = desk.failing(&["eval", "--config", "tracelift.toml", "--rows", "start"]);
    assert!(errors.contains("error: nothing is known: of ") && errors.contains("unfinished"), "{errors}");
    let samples = fs::read_to_string(desk.path("run/evaluation/samples.jsonl")).unwrap();
    let samples = samples.lines().map(|line| serde_json::from_str(line).unwrap());
    for sample in samples.filter(|sample: &SampleRecord| sample.defect.is_none()) {
        assert_eq!((sample.correct, sample.baseline_success), (None, None));
        assert_eq!(sample.unknown_because, ["unfinished", "unfinished", "unfinished", "no_baseline"]);
        assert_eq!((&sample.verdicts, &sample.executor_completions), (&vec![None; 3], &vec![None; 3]));
    }
}

#[test]
fn what_was_trained_before_an_outage_is_kept_and_gone_on_with() {
    let server = Server::start(&[]);
    let (url, port) = (server.url(), server.url().rsplit(':').next().unwrap().to_owned());
    let desk = desk(&url, "runs = 1\nrule = \"uplift_only\"", "steps = 5\npatience = 2");
    let config = fs::read_to_string(desk.path("tracelift.toml")).unwrap();
    // No checkpoint is due before the end.
    desk.write("tracelift.toml", &config.replace("checkpoint_every = 1", "checkpoint_every = 100"));
    desk.good(&["train", "--config", "tracelift.toml", "--set", "out=whole"]);
    let whole = desk.run("whole");
    let calls: f64 = whole.metrics()[..2].iter().map(|step| step.get("executor/calls").unwrap()).sum();
    drop(server);

    let dying = Server::start(&["--port", &port, "--die-after", &calls.to_string()]);
    let errors = desk.failing(&["train", "--config", "tracelift.toml"]);
    assert!(errors.contains("error: stopped after step 4: for 2 steps in a row, no "), "{errors}");
    assert!(errors.contains("what was trained in 2 steps is kept in run/checkpoints/"), "{errors}");
    let run = desk.run("run");
    assert_eq!(run.layout.checkpoint_steps().unwrap(), [2]);
    drop(dying);

    let _server = Server::start(&["--port", &port]);
    desk.good(&["train", "--config", "tracelift.toml", "--resume", "--set", "grpo.patience=4"]);
    assert_eq!(run.metrics().len(), 5);
    assert!(
        run.file("planner/model.safetensors") == whole.file("planner/model.safetensors"),
        "the outage left its mark on the planner"
    );
}

/// Requests that the server has been sent.
fn requests(server: &Server) -> f64 {
    server.stats()["requests"].as_f64().unwrap()
}

#[test]
fn a_run_whose_budget_is_spent_stops_at_a_step_and_goes_on_as_if_nothing_had_been() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), "runs = 1\nrule = \"uplift_only\"", "steps = 4");
    let config = fs::read_to_string(desk.path("tracelift.toml")).unwrap();
    // No checkpoint is due before the end.
    desk.write("tracelift.toml", &config.replace("checkpoint_every = 1", "checkpoint_every = 100"));
    desk.good(&["train", "--config", "tracelift.toml", "--set", "out=whole"]);
    let whole = desk.run("whole");
    assert!(!desk.path("whole/spending.jsonl").exists() && whole.metrics()[0].get("spent/calls").is_none());
    let calls: Vec<f64> = whole.metrics().iter().map(|step| step.get("executor/calls").unwrap()).collect();

    // Enough for two steps and a part of the third.
    let before = requests(&server);
    let budget = calls[0] + calls[1] + 5.0;
    let capped = |calls: f64| format!("executor.openai.budget.calls={calls}");
    let price = "executor.openai.price={ input = 1.0, output = 2.0 }";
    let spent = capped(budget);
    let train = ["train", "--config", "tracelift.toml", "--set", price, "--set"];
    let errors = desk.failing(&[&train[..], &[&spent]].concat());
    let kept =
        "what was trained in 2 steps is kept in run/checkpoints/step_000002, and --resume goes on from there";
    for says in [
        "error: stopped before step 3: the budget of ",
        &format!("{budget} calls is used up: {budget} spent"),
        "raise `executor.openai.budget`",
        kept,
    ] {
        assert!(errors.contains(says), "{says:?} is not in\n{errors}");
    }
    assert_eq!(requests(&server) - before, budget, "the server was asked another number of times");
    let run = desk.run("run");
    assert_eq!(run.layout.rollout_steps().unwrap(), [1, 2], "half a step was kept");
    assert_eq!((run.metrics().len(), run.layout.checkpoint_steps().unwrap()), (2, vec![2]));
    assert_eq!(total(&run, "executor/failed_calls"), 0.0);
    assert_eq!(run.metrics()[1].get("spent/calls"), Some(calls[0] + calls[1]));
    assert!(run.metrics()[1].get("spent/money").is_some_and(|money| money > 0.0));
    assert!(!desk.path("run/planner").exists());

    // A second attempt begins with what is spent.
    let errors = desk.failing(&[&train[..], &[&spent, "--resume"]].concat());
    assert!(errors.contains("stopped before step 3") && errors.contains(kept), "{errors}");
    assert_eq!(requests(&server) - before, budget, "what was spent did not count");
    // Enough in money is enough for nothing where the calls are spent, and the other way round.
    let money = ["executor.openai.budget.money=0.000001", "--resume"];
    let errors = desk.failing(&[&train[..], &money].concat());
    assert!(errors.contains("stopped before step 3: the budget of 0.000001 money is used up"), "{errors}");

    desk.good(&[&train[..], &[&capped(10_000.0), "--resume"]].concat());
    for file in ["planner/model.safetensors", "rollouts/step_000003.parquet", "rollouts/step_000004.parquet"]
    {
        assert!(run.file(file) == whole.file(file), "{file} is not what it would have been");
    }
    assert_eq!(run.metrics()[3].get("spent/calls"), Some(requests(&server) - before));
}

#[test]
fn what_a_killed_run_spent_counts() {
    let server = Server::start(&["--latency-ms", "20"]);
    let desk = desk(&server.url(), "runs = 1\nrule = \"uplift_only\"", "steps = 4");
    let train = ["train", "--config", "tracelift.toml", "--set", "executor.openai.budget.calls=10000"];
    let mut child = desk.command(&train).stderr(std::process::Stdio::null()).spawn().unwrap();
    while !desk.path("run/rollouts/step_000002.parquet").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run was too fast to be killed");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    // In the midst of the third step's calls.
    let seen = requests(&server);
    while requests(&server) < seen + 3.0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    desk.good(&[&train[..], &["--resume"]].concat());
    let spent = desk.run("run").metrics()[3].get("spent/calls").unwrap();
    // What was about to be sent counts, too.
    assert!(spent >= requests(&server), "{spent} of {} requests are on the bill", requests(&server));
    assert!(spent <= requests(&server) + 16.0);
}

#[test]
fn an_evaluation_whose_budget_is_spent_is_no_result() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), "runs = 1\nrule = \"exec_only\"", "steps = 1");
    let data = "eval.data.path=problems.jsonl";
    let budget = "executor.openai.budget={ calls = 20 }";
    let eval = ["eval", "--config", "tracelift.toml", "--rows", "start", "--set", data, "--set", budget];
    let errors = desk.failing(&eval);
    assert!(
        errors.contains("what was not asked any more is unknown: the budget of 20 calls is used up"),
        "{errors}"
    );
    assert_eq!(requests(&server), 20.0);
    let samples = fs::read_to_string(desk.path("run/evaluation/samples.jsonl")).unwrap();
    let samples = samples.lines().map(|line| serde_json::from_str::<SampleRecord>(line).unwrap());
    let (known, unknown): (Vec<_>, Vec<_>) = samples
        .filter(|sample| sample.defect.is_none())
        .partition(|sample| sample.unknown_because.iter().all(|cause| cause != "budget"));
    assert!(unknown.len() > known.len());
    assert!(unknown.iter().all(|sample| sample.correct.is_none() || sample.verdicts[0].is_some()));

    for (set, says) in [
        ("executor.openai.budget={ money = 1.0 }", "needs `price"),
        ("executor.openai.budget={ cals = 1 }", "the nearest known key is `calls`"),
        ("executor.openai.price={ input = -1.0, output = 1.0 }", "`executor.openai.price.input` is -1"),
    ] {
        let message = desk.bad(&["train", "--config", "tracelift.toml", "--set", "out=other", "--set", set]);
        assert!(message.contains(says), "{set}: {message}");
    }
    assert!(!desk.path("other").exists());
}
