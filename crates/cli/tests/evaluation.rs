//! Evaluations: suites, work that is kept and parted, results that know what they are, and servers that fail.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use support::{Desk, PROMPT};
use tracelift_domain::{Gold, Problem, Question, TaskDomain};
use tracelift_eval::SampleRecord;
use tracelift_testing::raw::{self, Answer};
use tracelift_testing::{Server, until, words};

/// So many problems of GSM8K's format, all of which a server answers right that says the last number that it reads.
fn gsm8k(count: usize) -> String {
    (0..count)
        .map(|at| {
            let question = format!("In box {at} there are some pens. Say how many there are: {}", at + 3);
            json!({ "question": question, "answer": format!("They say so.\n#### {}", at + 3) }).to_string()
                + "\n"
        })
        .collect()
}

fn svamp(count: usize) -> String {
    (0..count)
        .map(|at| {
            let body = format!("Box {at} holds pens.");
            json!({ "Body": body, "Question": "How many? 7", "Answer": 7.0, "ID": format!("s-{at}") })
                .to_string()
                + "\n"
        })
        .collect()
}

/// A folder with a planner that writes usable traces, data, and a configuration that evaluates a suite of two benchmarks.
fn desk(url: &str, problems: usize) -> Desk {
    let desk = Desk::new();
    for (name, text) in [("gsm8k", gsm8k(problems)), ("svamp", svamp(3))] {
        fs::create_dir_all(desk.path("data").join(name)).unwrap();
        desk.write(PathBuf::from("data").join(name).join("test.jsonl"), &text);
    }
    let asked = Problem {
        id: "1".into(),
        question: Question::new("gsm8k", TaskDomain::Math, "In box 1 there are some pens."),
        gold: Gold::Answer("4".into()),
    };
    desk.warm_planner("planner", &[asked]);
    let config = format!(
        r#"
        out = "run"
        seed = 5
        [planner]
        model = "planner"
        prompt = {PROMPT}
        sampling = {{ temperature = 1.0, top_p = 1.0, max_tokens = 12 }}
        [executor.openai]
        base_urls = ["{url}"]
        model = "silly"
        api = "completions"
        retries = 0
        concurrency = 2
        sampling = {{ max_tokens = 8 }}
        [eval]
        suite = ["gsm8k", "svamp"]
        seeds = 2
        runs = 1
        "#
    );
    desk.write("tracelift.toml", &config);
    desk
}

const EVAL: [&str; 3] = ["eval", "--config", "tracelift.toml"];

fn samples(desk: &Desk, place: &str) -> Vec<SampleRecord> {
    let text = desk.read(format!("{place}/samples.jsonl"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn evaluation(desk: &Desk) -> Value {
    serde_json::from_str(&desk.read("run/evaluation/evaluation.json")).unwrap()
}

#[test]
fn a_suite_has_columns_and_results_say_what_they_are_of() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), 6);
    desk.write("groups.jsonl", &gsm8k(2));
    let trained_on = "eval.trained_on=[{ path = \"groups.jsonl\" }]";
    let said =
        desk.well(&[&EVAL[..], &["--set", "eval.benchmarks.gsm8k.limit=4", "--set", trained_on]].concat());
    for words in [
        "accuracy by benchmark",
        "gsm8k",
        "svamp",
        "micro",
        "macro",
        "pass@2",
        "majority@2",
        "Contamination of gsm8k",
    ] {
        assert!(said.out.contains(words), "{words} is not in\n{}", said.out);
    }
    assert!(said.err.contains("evaluation: ") && said.err.contains("base planner on svamp"), "{}", said.err);
    let found = evaluation(&desk);
    let rows = found["rows"].as_array().unwrap();
    let none = &rows[0];
    assert_eq!((&none["row"], &rows[1]["row"]), (&json!("no trace"), &json!("base planner")));
    let benchmarks: Vec<&Value> =
        none["benchmarks"].as_array().unwrap().iter().map(|b| &b["benchmark"]).collect();
    assert_eq!(benchmarks, ["gsm8k", "svamp"]);
    assert_eq!(
        (&none["benchmarks"][0]["problems"], &none["benchmarks"][0]["samples"]),
        (&json!(4), &json!(8))
    );
    assert_eq!(none["estimates"]["accuracy"]["mean"], 1.0);
    assert_eq!(none["averages"][0]["macro"]["accuracy"]["mean"], 1.0);
    assert_eq!(none["several"]["pass_at"]["2"]["mean"], 1.0);

    let made = &found["made"];
    assert_eq!((&made["seed"], &made["seeds"], &made["runs"]), (&json!(5), &json!(2), &json!(1)));
    assert_eq!(
        made["command"].as_array().unwrap()[1..4],
        ["eval", "--config", "tracelift.toml"].map(Value::from)
    );
    let data = &made["data"][0];
    assert_eq!((&data["benchmark"], &data["path"]), (&json!("gsm8k"), &json!("data/gsm8k/test.jsonl")));
    assert_eq!((&data["available"], &data["problems"], &data["draw"]), (&json!(6), &json!(4), &json!(18)));
    let sum =
        std::process::Command::new("sha256sum").arg(desk.path("data/gsm8k/test.jsonl")).output().unwrap();
    assert_eq!(data["sha256"], String::from_utf8(sum.stdout).unwrap()[..64]);
    assert_eq!(data["contamination"]["files"], json!(["groups.jsonl"]));
    assert_eq!(made["planners"][0]["row"], "base planner");
    assert_eq!(made["executors"][0]["calls"], server.count("requests"));
    for print in
        [&made["planners"][0]["fingerprint"], &made["executors"][0]["fingerprint"], &data["verifier"]]
    {
        assert_eq!(print.as_str().unwrap().len(), 64);
    }
    let all = samples(&desk, "run/evaluation");
    assert_eq!(all.len(), 2 * (4 + 3) * 2, "rows × problems × seeds");
    assert!(all.iter().all(|sample| sample.seconds.is_some_and(|seconds| seconds > 0.0)));
    assert!(
        all.iter()
            .filter(|s| s.defect.is_none())
            .all(|s| s.executor_calls == Some(1) && s.executor_tokens == Some(2))
    );

    // Again: other results, and the first ones are still there.
    let first = fs::canonicalize(desk.path("run/evaluation/latest")).unwrap();
    let kept = fs::read(first.join("samples.jsonl")).unwrap();
    desk.well(&[&EVAL[..], &["--set", "eval.suite=[\"svamp\"]"]].concat());
    assert!(fs::read(first.join("samples.jsonl")).unwrap() == kept, "an earlier result is another one now");
    assert_eq!(samples(&desk, "run/evaluation").len(), 2 * 3 * 2);
    assert_eq!(fs::read_dir(desk.path("run/evaluation/results")).unwrap().count(), 2);
    assert!(!desk.path("run/evaluation/work").exists(), "what has results need not be kept");
    // What lies there is compared, benchmark by benchmark.
    let results = [first.to_str().unwrap(), "run/evaluation"];
    let told = desk.good(&["compare", results[0], results[1], "--against", "base planner"]);
    assert!(
        told.contains("gsm8k") && told.contains("is another measurement") && told.contains("detectable"),
        "{told}"
    );
}

#[test]
fn results_are_exported_in_the_forms_of_others() {
    let server = Server::start(&["--fail-rate", "0.2"]);
    let desk = desk(&server.url(), 3);
    desk.well(&EVAL);
    let results = "run/evaluation";
    for (form, file) in
        [("lm-eval", "out/base_planner/results_"), ("inspect", "out/"), ("parquet", "out/samples.parquet")]
    {
        let told = desk.good(&["eval", "export", results, "--to", form, "--out", "out"]);
        assert!(told.contains(file), "{told}");
    }
    let all = samples(&desk, results);
    let lines: Vec<Value> = fs::read_dir(desk.path("out/no_trace"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    let none: Vec<&SampleRecord> = all.iter().filter(|sample| sample.row == "no trace").collect();
    assert_eq!(lines.len(), none.len());
    let unknown = none.iter().filter(|sample| sample.correct.is_none()).count();
    assert!(unknown > 0, "the test shows nothing");
    assert_eq!(lines.iter().filter(|line| line.get("exact_match").is_none()).count(), unknown);
    let message = desk.bad(&["eval", "export", "data", "--to", "parquet", "--out", "out"]);
    assert!(message.contains("data holds no results"), "{message}");
}

#[test]
fn what_was_answered_is_not_asked_again_after_a_kill() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), 12);
    // What the whole of it takes, in another folder.
    desk.well(&[&EVAL[..], &["--out", "whole"]].concat());
    let whole = server.count("requests");
    let answered = whole / 2;
    server.hold_after(answered);
    let mut child = desk.command(&EVAL).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let kept = || {
        let work = fs::read_dir(desk.path("run/evaluation/work")).ok()?.next()?.ok()?.path();
        Some(fs::read_to_string(work.join("1-of-1/calls.jsonl")).ok()?.lines().count() as u64)
    };
    until("every answer is kept", || kept() == Some(answered));
    until("the next calls are under way", || server.count("held") == 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = server.count("requests");
    server.release();
    desk.well(&EVAL);
    assert_eq!(server.count("requests") - before, whole - answered, "what was answered was asked again");
    let [mut killed, mut at_once] = ["run/evaluation", "whole"].map(|place| samples(&desk, place));
    for sample in killed.iter_mut().chain(&mut at_once) {
        sample.seconds = None;
    }
    assert_eq!(killed, at_once, "the kill left its mark");
}

#[test]
fn shards_part_the_work_and_are_put_together() {
    let mut server = Server::start(&[]);
    let desk = desk(&server.url(), 7);
    desk.well(&[&EVAL[..], &["--out", "whole"]].concat());
    let whole = server.count("requests");
    for shard in ["2/3", "1/3", "3/3"] {
        let said = desk.good(&[&EVAL[..], &["--shard", shard]].concat());
        assert!(said.contains(&format!("shard {shard}: ")) && said.contains("without --shard"), "{said}");
        assert!(!desk.path("run/evaluation/latest").exists());
    }
    assert_eq!(server.count("requests"), 2 * whole, "shards ask for other things than the whole");
    // Nobody need be asked any more.
    server.kill();
    desk.well(&EVAL);
    let [mut parted, mut at_once] = ["run/evaluation", "whole"].map(|place| samples(&desk, place));
    for sample in parted.iter_mut().chain(&mut at_once) {
        sample.seconds = None;
    }
    assert_eq!(parted, at_once);
    let message = desk.says(&[&EVAL[..], &["--shard", "4/3"]].concat());
    assert!(message.status == Some(2) && message.err.contains("such as 2/8"), "{}", message.err);
}

#[test]
fn what_is_asked_for_wrongly_fails_before_the_first_paid_call() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), 3);
    let row = "eval.rows.other=\"nowhere\"";
    for (arguments, says) in [
        (
            &["--set", "eval.suite=[\"gsm8k\", \"math500\"]"][..],
            "names `math500`, whose file is not there (data/math500/test.jsonl",
        ),
        (&["--set", "eval.suite=[\"gsm9k\"]"], "names `gsm9k`, which is none of gsm8k"),
        (&["--set", "eval.data.path=x.jsonl"], "`eval.data` stands beside `suite`"),
        (&["--set", "eval.benchmarks.svanp.limit=2"], "`eval.benchmarks.svanp` is none of `eval.suite`"),
        (&["--set", row], "the planner of row `other`"),
        (&["--planner", "nowhere"], "--planner nowhere"),
        (&["--planner", "no trace=planner"], "two rows are called `no trace`"),
        (&["--rows", "all"], "holds no run; train it first, or leave its rows out by `--rows start`"),
        (&["--set", "eval.executors=[{ name = \"a\" }]"], "exactly one of `in_process` and `openai`"),
    ] {
        let message = desk.failing(&[&EVAL[..], arguments].concat());
        assert!(message.contains(says), "{says:?} is not in\n{message}");
    }
    assert_eq!(server.count("requests"), 0);
    // A server that has another model is not asked about every problem.
    let message = desk.failing(&[&EVAL[..], &["--set", "executor.openai.model=another"]].concat());
    assert!(message.contains("were refused") && message.contains("nothing more was asked"), "{message}");
    assert!((1..=9).contains(&server.count("requests")), "{}", server.count("requests"));
    // A server that says to everything that it is asked wrongly.
    let refusing = raw::serve(Answer::of("400 Bad Request", "", r#"{"error": {"message": "no such key"}}"#));
    let url = format!("executor.openai.base_urls=[\"{refusing}\"]");
    let message = desk.failing(&[&EVAL[..], &["--set", &url]].concat());
    assert!(message.contains("the executor cannot be asked") && message.contains("no such key"), "{message}");
    // And one that is not there is not asked at all.
    let message =
        desk.failing(&[&EVAL[..], &["--set", "executor.openai.base_urls=[\"http://127.0.0.1:9\"]"]].concat());
    assert!(
        message.contains("the executor cannot be asked") && message.contains("cannot connect"),
        "{message}"
    );
}

#[test]
fn rows_are_named_by_the_run_that_made_them() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), 3);
    let config = desk.read("tracelift.toml");
    let training = "\n[data]\npath = \"data/gsm8k/test.jsonl\"\nforce_test_sets = true\n[reward]\nrule = \"uplift_only\"\nruns = 1\n\
                    [grpo]\nsteps = 1\nproblems = 2\ngroup = 2\n[preflight]\nproblems = 0\n";
    desk.write("trained.toml", &(config + training));
    let message = desk.failing(&["eval", "--config", "trained.toml"]);
    assert!(message.contains("holds no run"), "{message}");
    desk.well(&["train", "--config", "trained.toml"]);
    // Today's flags say another rule; the planner is what it is.
    let set = ["--set", "reward.rule=exec_only"];
    desk.well(&[&["eval", "--config", "trained.toml", "--planner", "copy=planner", "--planner", "run/planner"][..], &set].concat());
    let found = evaluation(&desk);
    let rows: Vec<&str> =
        found["rows"].as_array().unwrap().iter().map(|row| row["row"].as_str().unwrap()).collect();
    assert_eq!(rows, ["no trace", "base planner", "uplift-only", "copy", "uplift-only (run)"]);
    let run = &found["made"]["planners"][1]["run"];
    assert_eq!(
        (&run["kind"], &run["rule"], &run["seed"]),
        (&json!("grpo"), &json!("uplift-only"), &json!(5))
    );
    fs::remove_dir_all(desk.path("run/planner")).unwrap();
    let message = desk.failing(&["eval", "--config", "trained.toml"]);
    assert!(message.contains("has not left a planner yet") && message.contains("--rows start"), "{message}");
}

#[test]
fn several_executors_read_every_planner() {
    let server = Server::start(&[]);
    let desk = desk(&server.url(), 4);
    desk.small_model("executor", 2);
    let executors = format!(
        "eval.executors=[{{ name = \"echo\", openai = {{ base_urls = [\"{}\"], model = \"silly\", api = \"completions\" }} }}, \
         {{ name = \"small\", in_process = {{ model = \"executor\", sampling = {{ max_tokens = 6 }} }} }}]",
        server.url()
    );
    let said = desk.good(&[&EVAL[..], &["--set", &executors]].concat());
    assert!(
        said.contains("accuracy by executor") && said.contains("echo") && said.contains("small"),
        "{said}"
    );
    let found = evaluation(&desk);
    assert_eq!((&found["executors"], found["rows"].as_array().unwrap().len()), (&json!("transfer"), 4));
    let all = samples(&desk, "run/evaluation");
    let traces = |executor: &Value| -> Vec<Option<String>> {
        let print = executor["fingerprint"].as_str().unwrap();
        all.iter().filter(|s| s.executor.as_str() == print).map(|s| s.completion.clone()).collect()
    };
    let [echo, small] = [0, 1].map(|at| traces(&found["made"]["executors"][at]));
    assert!(echo == small && echo.iter().any(Option::is_some), "executors read other traces");
    let twice = executors.replace("small", "echo");
    let message = desk.failing(&[&EVAL[..], &["--set", &twice]].concat());
    assert!(message.contains("`eval.executors[1].name`"), "{message}");
}

#[test]
fn an_evaluation_as_large_as_gsm8k_survives_outages() {
    const PROBLEMS: usize = 1319;
    let server = Server::start(&["--fail-rate", "0.05"]);
    let desk = desk(&server.url(), PROBLEMS);
    let sized = words(
        "--set eval.suite=[\"gsm8k\"] --set eval.seeds=3 --set executor.openai.concurrency=8 --rows none",
    );
    let said = desk.good(&[&EVAL[..], &sized].concat());
    let all = samples(&desk, "run/evaluation");
    assert_eq!(all.len(), 3 * PROBLEMS);
    let unknown = all.iter().filter(|sample| sample.correct.is_none()).count();
    let faults = server.stats()["faults"]["fail"].as_u64().unwrap();
    let lost: usize =
        all.iter().map(|s| s.unknown_because.iter().filter(|cause| *cause == "status_5xx").count()).sum();
    // Faults of the samples' own runs, and of the runs without a trace behind b, which a problem's three samples share.
    assert!(
        unknown > 100 && lost == unknown && faults > lost as u64,
        "{unknown} unknown, {lost} lost, {faults} faults"
    );
    let row = &evaluation(&desk)["rows"][0];
    assert_eq!(row["estimates"]["accuracy"]["unscored"], unknown);
    assert_eq!(row["estimates"]["accuracy"]["mean"], 1.0, "an outage is no wrong answer");
    assert!(
        said.contains(&format!("{unknown} of {} samples lack an answer", all.len()))
            || said.contains("lack an answer"),
        "{said}"
    );
    // The same again asks for what is missing, and for nothing else.
    let before = server.count("requests");
    desk.good(&[&EVAL[..], &sized].concat());
    assert_eq!(server.count("requests") - before, faults, "more was asked again than had failed");
    let left = samples(&desk, "run/evaluation").iter().filter(|sample| sample.correct.is_none()).count();
    assert!(left < unknown / 5, "{left} of {unknown} are unknown still");
}

#[test]
fn a_file_of_stdin_sets_may_hold_functions_as_well() {
    const PROGRAM: &str =
        "```python\nclass Solution:\n    def pair(self, a, b):\n        return (a + b, [a])\n```";
    let server = Server::start(&["--reply", PROGRAM]);
    let desk = desk(&server.url(), 1);
    let rows = [
        json!({
            "question_id": "calls", "question_content": "Pair them.", "starter_code": "class Solution:\n    def pair(self, a, b):\n        ",
            "public_test_cases": json!([{ "input": "1\n2", "output": "[3, [1]]", "testtype": "functional" }]).to_string(),
            "private_test_cases": json!([{ "input": "-4\n0", "output": "[-4, [-4]]", "testtype": "functional" }]).to_string(),
            "metadata": json!({ "func_name": "pair" }).to_string(),
        }),
        json!({
            "question_id": "prints", "question_content": "Print the sum.",
            "public_test_cases": json!([{ "input": "1 2", "output": "3", "testtype": "stdin" }]).to_string(),
        }),
    ];
    fs::create_dir_all(desk.path("data/livecodebench")).unwrap();
    desk.write("data/livecodebench/test.jsonl", &rows.map(|row| row.to_string() + "\n").concat());
    let sets = words(
        "--rows none --set eval.suite=[\"livecodebench\"] --set eval.seeds=1 --set executor.openai.sampling.max_tokens=200",
    );
    desk.well(&[&EVAL[..], &sets].concat());
    let all = samples(&desk, "run/evaluation");
    let found: Vec<(&str, Option<bool>)> = all.iter().map(|s| (s.problem_id.as_str(), s.correct)).collect();
    assert_eq!(found, [("livecodebench/calls", Some(true)), ("livecodebench/prints", Some(false))]);
    assert!(all[0].question.contains("class Solution"), "the question does not say what to define");
    assert!(desk.path("run/evaluation/sandbox.json").exists());
}

#[test]
fn evalplus_files_are_judged_by_all_their_inputs() {
    let desk = Desk::new();
    let doubled = json!({
        "task_id": "HumanEval/0", "prompt": "def double(x):\n    \"\"\"Doubles.\"\"\"\n", "canonical_solution": "    return 2 * x\n",
        "entry_point": "double", "base_input": [[1]], "plus_input": [[2], [-3], [0.1]], "atol": 0, "contract": "",
    });
    let shared = json!({
        "task_id": "Mbpp/2", "prompt": "\"\"\"\nWrite a function to find the shared elements of two tuples.\n\"\"\"\n",
        "entry_point": "similar_elements",
        "canonical_solution": "\ndef similar_elements(a, b):\n    return tuple(set(a) & set(b))\n",
        "base_input": [[[3, 4], [4, 5]]], "plus_input": [[[1], [2]], [[7, 8, 9], [9, 8]]], "atol": 0,
        "assertion": "\nassert set(similar_elements((3, 4), (4, 5))) == set((4,))\n",
    });
    desk.write("plus.jsonl", &(doubled.to_string() + "\n"));
    desk.write("mbpp.jsonl", &(shared.to_string() + "\n"));
    let judged = |set: &str, file: &str, task: &str, solution: &str| -> String {
        desk.write("samples.jsonl", &(json!({ "task_id": task, "solution": solution }).to_string() + "\n"));
        desk.good(&["verify", "code", set, file, "--samples", "samples.jsonl", "--out", "verdicts.jsonl"]);
        desk.read("verdicts.jsonl")
    };
    for (solution, right) in [
        ("def double(x):\n    return x + x", true),
        ("def double(x):\n    return 2 * x if x > 0 else 0", false),
        ("def double(x):\n    return 2 * x + 1e-9 if isinstance(x, float) else 2 * x", true),
    ] {
        let verdict = judged("--humaneval", "plus.jsonl", "HumanEval/0", solution);
        assert_eq!(verdict.contains("Accepted"), right, "{solution}: {verdict}");
    }
    for (solution, right) in [
        // In another order, and of what the asserts show to be tuples.
        (
            "def similar_elements(a, b):\n    assert isinstance(a, tuple)\n    return [x for x in b if x in a]",
            true,
        ),
        ("def similar_elements(a, b):\n    return (4,)", false),
    ] {
        let verdict = judged("--mbpp", "mbpp.jsonl", "Mbpp/2", solution);
        assert_eq!(verdict.contains("Accepted"), right, "{solution}: {verdict}");
    }
}

#[test]
fn procedures_are_carried_out_exactly_or_not() {
    let server = Server::start(&["--reply", "S3 = 1\nS4 = 2\n#### 3"]);
    let desk = desk(&server.url(), 1);
    let told = desk.good(&words("world procedures --lengths 2,6 --look-back 1,2 --per-cell 2 --operations +- --out made/procedures.jsonl"));
    assert!(told.contains("8 problems, 2 of each of 4 kinds"), "{told}");
    let made = desk.read("made/procedures.jsonl");
    let more = desk.good(&words(
        "world procedures --lengths 2,6 --look-back 1,2 --per-cell 2 --operations +- --out again.jsonl",
    ));
    assert!(more.contains("again.jsonl") && desk.read("again.jsonl") == made, "the seed does not decide");
    let file = "eval.benchmarks.own.path=\"made/procedures.jsonl\"";
    let own = "eval.benchmarks.cells.procedure={ lengths = [4], look_back = [1], per_cell = 3 }";
    let said = desk.good(
        &[
            &EVAL[..],
            &[
                "--set",
                "eval.suite=[\"own\", \"cells\"]",
                "--set",
                file,
                "--set",
                own,
                "--set",
                "eval.seeds=1",
            ],
        ]
        .concat(),
    );
    for title in ["exact by level", "accuracy by look-back", "first answer", "under"] {
        assert!(said.contains(title), "{title} is not in\n{said}");
    }
    let all = samples(&desk, "run/evaluation");
    let none: Vec<&SampleRecord> = all.iter().filter(|sample| sample.row == "no trace").collect();
    assert_eq!(none.len(), 8 + 3);
    for sample in none {
        let execution = sample.execution.as_ref().unwrap();
        let extent = serde_json::to_value(execution.extent).unwrap();
        assert_eq!(extent, if execution.expected == 2 { "exact" } else { "under" }, "{sample:?}");
        assert_eq!((sample.level, execution.empty), (Some(execution.expected), false));
        assert_eq!(
            execution.first_answer || execution.any_answer,
            sample.correct == Some(true) || execution.any_answer
        );
    }
    // What a planner wrote carries nothing out.
    let planned: Vec<&SampleRecord> = all.iter().filter(|sample| sample.row == "base planner").collect();
    assert!(planned.iter().all(|sample| sample.verified == Some(false)));
    let message = desk.failing(&words("world procedures --lengths 0 --out x.jsonl"));
    assert!(message.contains("`length` is 0, expected 1 to 1000"), "{message}");
}
