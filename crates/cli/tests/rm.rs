//! `tracelift rm eval` and `rm score`: reward models and judges measured and asked, on groups and on solutions.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};
use support::Desk;
use tracelift_domain::{Question, Seed, TaskDomain, Trace};
use tracelift_engine::{Checkpoint, Precision};
use tracelift_reward::RewardModel;
use tracelift_testing::{
    Server,
    raw::{Answer, serve},
    words,
};

/// A desk with the reward model `rm`, of random weights.
fn desk() -> (Desk, RewardModel) {
    let desk = Desk::new();
    let Checkpoint { model, tokenizer } = Checkpoint::load(&desk.small_model("backbone", 3)).unwrap();
    let model = RewardModel::new(model, tokenizer, TaskDomain::Math, Seed(3));
    model.save(&desk.path("rm"), Precision::F32).unwrap();
    (desk, model)
}

/// Groups of a reference whose equations hold and two flawed traces of which one equation or none does. In some statements
/// stands what the judge's server is to do wrong.
fn groups(count: usize) -> String {
    let rubric = |label: u8| {
        let mut rubric = json!({ "total": f64::from(label) / 4.0 });
        for name in tracelift_domain::rubric::dimension_names(TaskDomain::Math) {
            rubric[*name] = json!(label);
        }
        rubric
    };
    (0..count)
        .map(|i| {
            let (a, b) = (2 + i, 3 + i % 7);
            let fault = match i % 6 {
                3 => "@@garbage",
                4 => "@@refuse",
                _ => "",
            };
            let group = json!({
                "problem_id": format!("p{i}"), "source": "test", "task_type": "math",
                "problem": format!("How much is {a} plus {b}, doubled? {fault}"), "reference_solution": "",
                "positive_pool": [
                    {"reasoning": format!("{a} + {b} = {}\n{} * 2 = {}", a + b, a + b, 2 * (a + b)), "rubric": rubric(4)}
                ],
                "negative_bank": [
                    {"reasoning": format!("{a} + {b} = {}\n{} * 2 = {}", a + b, a + b, 2 * (a + b) + 1),
                     "negative_kind": "arithmetic_slip", "rubric": rubric(2)},
                    {"reasoning": format!("{a} + {b} = {}\n{} * 2 = {}", a + b + 1, a + b, 2 * (a + b) + 3),
                     "negative_kind": "misread_quantity", "rubric": rubric(0)}
                ],
            });
            group.to_string() + "\n"
        })
        .collect()
}

fn judge_settings(server: &Server) -> String {
    format!(
        "[oracle]\nbase_urls = ['{}']\nmodel = 'silly'\nretries = 1\nbackoff_s = 0.01\nconcurrency = 8\n",
        server.url()
    )
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn model_and_judge_stand_side_by_side() {
    let (desk, _) = desk();
    let server = Server::prompted(&["--api-key", "s3cret"]);
    desk.write("groups.jsonl", &groups(24));
    desk.write("judge.toml", &(judge_settings(&server) + "api_key_env = 'RM_TEST_KEY'\n"));
    let line = "rm eval rm groups.jsonl --judge judge.toml --json out.json --html out.html";
    let run = || desk.command(&words(line)).env("RM_TEST_KEY", "s3cret").output().unwrap();
    let output = run();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        told.contains("24 groups") && told.contains("judge silly") && told.contains("surface probe"),
        "{told}"
    );
    assert!(told.contains("24 (12 refusal, 12 unusable)"), "failures are counted by cause: {told}");

    let found = read(&desk.path("out.json"));
    let [model, judge] = [0, 1].map(|at| &found["groups"]["scorers"][at]);
    assert_eq!((model[0].as_str(), judge[0].as_str()), (Some("rm"), Some("judge silly")));
    assert_eq!(model[1]["traces"], 72);
    assert_eq!(
        (&judge[1]["traces"], &judge[1]["unscored"]),
        (&json!(48), &json!({"refusal": 12, "unusable": 12}))
    );
    // It counts equations that hold: of what it judged, everything is in order.
    assert_eq!(judge[1]["score"]["ranking"]["pairs"]["mean"], 1.0);
    assert_eq!(
        judge[1]["score"]["ranking"]["groups"],
        json!({
            "mean": 1.0, "standard_error": 0.0, "problems": 16, "samples": 16, "unscored": 0
        })
    );
    assert_eq!(judge[1]["saturation"]["distinct"], 3);
    assert_eq!(judge[1]["total"]["mae"], 0.0);
    assert_eq!(found["groups"]["probe"]["pairs"]["samples"], 48);
    let page = fs::read_to_string(desk.path("out.html")).unwrap();
    assert!(page.contains("Reliability") && page.contains("arithmetic_slip") && !page.contains("<script"));

    // What was answered is in the ledger: asked again, nothing is sent, and nothing is different.
    let answers = server.count("answers");
    assert!(run().status.success());
    assert_eq!(server.count("answers"), answers);
    assert_eq!(read(&desk.path("out.json")), found);
}

/// Settings of a judge that is asked once.
fn judge_at(url: &str) -> String {
    format!(
        "[oracle]\nbase_urls = ['{url}']\nmodel = 'silly'\nretries = 0\nbackoff_s = 0.01\ntimeout_s = 2\n"
    )
}

#[test]
fn a_judge_that_says_nothing_is_no_measurement() {
    let (desk, _) = desk();
    desk.write("groups.jsonl", &groups(4));
    let solution = json!({"problem": "Add 5 to 1.", "reasoning": "1 + 5 = 6", "is_correct": true});
    desk.write("solutions.jsonl", &format!("{solution}\n"));
    let mut gone = Server::prompted(&[]);
    let dead = gone.url();
    gone.kill();
    let choice = |choice: &str| Answer::json(format!(r#"{{"model": "silly", "choices": [{choice}]}}"#));
    let judges = [
        (dead, "cannot connect"),
        (serve(Answer::of("401 Unauthorized", "", r#"{"error": "no such key"}"#)), "no such key"),
        (serve(Answer::of("503 Service Unavailable", "", "starting")), "503"),
        (serve(Answer::json(r#"{"error": {"message": "CUDA out of memory"}}"#)), "CUDA out of memory"),
        (serve(Answer::json("<html>")), "<html>"),
        (serve(choice(r#"{"message": {"content": null}, "finish_reason": "stop"}"#)), "it is empty"),
        (serve(choice(r#"{"message": {"content": "{}"}, "finish_reason": "abort"}"#)), "abort"),
        (serve(choice(r#"{"message": {"content": "I cannot."}, "finish_reason": "stop"}"#)), "I cannot."),
    ];
    for (i, (url, cause)) in judges.iter().enumerate() {
        // A ledger of its own each: what one judge said is not another's word.
        let settings = format!("{}ledger = 'ledger-{i}'\n", judge_at(url));
        desk.write("judge.toml", &settings);
        for line in [
            "rm eval groups.jsonl --judge judge.toml --json out.json",
            "rm eval rm groups.jsonl --judge judge.toml",
            "rm eval --judge judge.toml --solutions solutions.jsonl",
        ] {
            let message = desk.bad(&words(line));
            for said in ["nothing is known", "`judge silly` scored none of the ", cause] {
                assert!(message.contains(said), "{url}, {line}: {said:?} is not in\n{message}");
            }
        }
        let found = &read(&desk.path("out.json"))["groups"]["scorers"][0][1];
        assert_eq!(found["traces"], 0, "{found}");
        let means = [&found["total"]["mae"], &found["score"]["ranking"]["pairs"]["mean"]];
        assert_eq!(means, [&Value::Null; 2], "{found}");
        let input = json!({"problem": "Add.", "reasoning": "2 + 2 = 4"}).to_string();
        let output = score(&desk, &words("rm score --judge judge.toml -"), &input);
        assert_eq!((output.status.code(), &lines(&output.stdout)[0]["score"]), (Some(1), &Value::Null));
    }
}

#[test]
fn solutions_are_told_apart() {
    let (desk, _) = desk();
    let server = Server::prompted(&[]);
    desk.write("judge.toml", &judge_settings(&server));
    let lines: String = (0..40)
        .map(|i| {
            let (problem, right) = (i / 8, i % 3 == 0);
            let sum = problem + 5 + usize::from(!right);
            let reasoning = format!("{}: {problem} + 5 = {sum}", i % 8);
            json!({"problem": format!("Add 5 to {problem}."), "reasoning": reasoning, "is_correct": right})
                .to_string()
                + "\n"
        })
        .collect();
    desk.write("solutions.jsonl", &(lines + "{\"problem\": \"Add.\"}\n"));
    let line = "rm eval --judge judge.toml --solutions solutions.jsonl --json out.json";
    let output = desk.command(&words(line)).output().unwrap();
    let (told, warned) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(
        output.status.success() && warned.contains("solutions.jsonl:41: missing field `reasoning`"),
        "{warned}"
    );
    insta::assert_snapshot!(told.replace("out.json", "OUT"));
    let found = &read(&desk.path("out.json"))["solutions"]["scorers"][0][1];
    assert_eq!(
        (&found["area"]["auc"], &found["problems"], &found["correct"]),
        (&json!(1.0), &json!(5), &json!(14))
    );
    assert_eq!(
        found["best_of"][3]["chosen"], found["best_of"][3]["oracle"],
        "who is always right chooses as the oracle"
    );
}

#[test]
fn a_planners_solutions_are_written_and_measured() {
    let (desk, _) = desk();
    let planner = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../checkpoints/words/planner");
    let mut arguments =
        words("world solutions --world words --problems 6 --samples 4 --out solutions.jsonl --planner");
    arguments.push(planner.to_str().unwrap());
    let told = desk.good(&arguments);
    assert!(told.contains(" solutions of 6 problems, "), "{told}");
    let first = fs::read(desk.path("solutions.jsonl")).unwrap();
    desk.good(&arguments);
    assert_eq!(fs::read(desk.path("solutions.jsonl")).unwrap(), first, "the seed decides everything");
    assert!(!desk.path("solutions.jsonl.partial").exists());
    let told = desk.good(&words("rm eval rm --solutions solutions.jsonl"));
    assert!(told.contains("AUC") && told.contains("best of"), "{told}");
}

fn score(desk: &Desk, arguments: &[&str], input: &str) -> Output {
    let mut command = desk.command(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn lines(output: &[u8]) -> Vec<Value> {
    std::str::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn lines_are_scored_in_order_and_fail_alone() {
    let (desk, model) = desk();
    let good = |i: usize| {
        json!({"problem": format!("Add {i}."), "reasoning": "One step.", "task_name": "t"}).to_string()
    };
    let input = [
        good(0),
        String::new(),
        "{".into(),
        json!({"problem": "P", "reasonning": "R"}).to_string(),
        json!({"problem": "P", "reasoning": "<reasoning> a </reasoning> b"}).to_string(),
        good(1),
    ]
    .join("\n");
    let output = score(&desk, &words("rm score rm -"), &input);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors.trim(), "error: 2 of 5 lines have no score; their output says why");
    let found = lines(&output.stdout);
    let numbers: Vec<&Value> = found.iter().map(|line| &line["line"]).collect();
    assert_eq!(numbers, [1, 3, 4, 5, 6]);
    let said: Vec<&str> = found[1..3].iter().map(|line| line["error"]["message"].as_str().unwrap()).collect();
    assert!(said[0].starts_with("not JSON") && said[1].contains("did you mean `reasoning`"), "{said:?}");
    assert_eq!((&found[3]["score"], &found[3]["defect"]), (&json!(0.0), &json!("text_outside")));
    for (line, i) in [(&found[0], 0), (&found[4], 1)] {
        let question = Question::new("t", TaskDomain::Math, format!("Add {i}."));
        let tokens = model.encode(&question, &Trace::new("One step.").unwrap()).unwrap();
        let wanted = model.score(&[tokens])[0];
        assert!((line["score"].as_f64().unwrap() - wanted.score).abs() < 1e-6, "{line}");
        assert_eq!(line["dimensions"].as_object().unwrap().len(), 5);
    }

    // Alone or in company, from a file or a pipe, to a file or a pipe: the same line.
    desk.write("one.jsonl", &good(0));
    let told = desk.good(&words("rm score rm one.jsonl --out scores.jsonl --lanes 1"));
    assert_eq!(told, "1 of 1 lines scored: scores.jsonl\n");
    assert_eq!(lines(&fs::read(desk.path("scores.jsonl")).unwrap()), found[..1]);
    assert!(!desk.path("scores.jsonl.partial").exists());
}

/// The table that the servers' routes are held to.
#[test]
fn a_line_holds_a_trace_or_a_defect_as_everywhere() {
    let (desk, model) = desk();
    let cases: Vec<Value> = include_str!("../../domain/tests/completions.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = |field: &str, case: &Value| {
        json!({"problem": "Add.", field: case["completion"], "task_name": "t"}).to_string() + "\n"
    };
    let asked = |field: &str| cases.iter().map(|case| line(field, case)).collect::<String>();
    let score_of = |trace: &str| {
        let text = tracelift_domain::prompt::reward_model_text("t", "math", "Add.", None, trace);
        model.score(&[model.tokenizer.encode(&text).unwrap()])[0].score
    };
    for field in ["completion", "reasoning"] {
        let output = score(&desk, &words("rm score rm -"), &asked(field));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for (case, found) in cases.iter().zip(lines(&output.stdout)) {
            let bare = if field == "reasoning" { case["bare"].as_str() } else { None };
            let trace = bare.or_else(|| case["trace"].as_str());
            let wanted = trace.map_or(0.0, score_of);
            assert!((found["score"].as_f64().unwrap() - wanted).abs() < 1e-6, "{field} of {case}: {found}");
            let defect = if trace.is_some() { None } else { case["defect"].as_str() };
            assert_eq!(found["defect"].as_str(), defect, "{field} of {case}: {found}");
        }
    }
}

#[test]
fn a_judge_scores_lines_too() {
    let (desk, _) = desk();
    let server = Server::prompted(&[]);
    desk.write("judge.toml", &judge_settings(&server));
    let line = |problem: &str, reasoning: &str, kind: &str| {
        json!({"problem": problem, "reasoning": reasoning, "task_type": kind}).to_string() + "\n"
    };
    let input = [
        line("Add.", "2 + 2 = 4", "math"),
        line("@@garbage", "2 + 2 = 4", "math"),
        line("Add.", "2 + 2 = 5", "steps"),
        line("Add.", "2 + 2 = 5", "poetry"),
    ];
    let output = score(&desk, &words("rm score --judge judge.toml -"), &input.concat());
    let found = lines(&output.stdout);
    assert_eq!((&found[0]["score"], &found[2]["score"]), (&json!(1.0), &json!(0.0)));
    assert_eq!((&found[1]["error"]["code"], &found[1]["score"]), (&json!("unusable"), &Value::Null));
    assert_eq!(found[3]["error"]["code"], "invalid_item");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let (desk, _) = desk();
    desk.write("groups.jsonl", &groups(2));
    for (line, said) in [
        (
            "rm eval groups.jsonl",
            "give a reward model's directory, a server's address as --url, or a judge's settings as --judge",
        ),
        ("rm eval rm", "give a group file, or solutions as --solutions"),
        ("rm eval backbone groups.jsonl", "failed to read the reward model in backbone"),
        ("rm score rm", "give a reward model's directory and a file, or a file and --judge"),
        ("rm score rm nothing.jsonl", "failed to read nothing.jsonl"),
    ] {
        let message = desk.refused(&words(line));
        assert!(message.contains(said), "{line}: {message}");
    }
    desk.write("code.jsonl", &groups(1).replace("\"math\"", "\"code\""));
    assert!(desk.refused(&words("rm eval rm code.jsonl")).contains("rubric lacks the dimension"));
    desk.write("judge.toml", "sample = 2\n[oracle]\nbase_urls = ['http://127.0.0.1:9']\nmodel = 'm'\n");
    let message = desk.bad(&words("rm eval groups.jsonl --judge judge.toml"));
    assert!(message.contains("the nearest known key is `samples`"), "{message}");
    // Too few groups to train the probe on are no reason not to measure the model.
    assert!(desk.good(&words("rm eval rm groups.jsonl")).contains("2 groups"));
}
