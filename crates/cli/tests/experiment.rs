//! Experiments: cells that are trained, evaluated, killed, gone on with and compared.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::LazyLock;
use support::Desk;
use tracelift_testing::{files_of, until, words};
use tracelift_train::metrics::read_metrics;

const PRETRAINING: &str = "
    hidden = 32
    layers = 2
    without_trace = 0.3
    flawed = 0.5
    follow = 0.7
    planner_noise = { spoiling = 0.06, benign = 0.08 }
    executor_noise = { spoiling = 0.1, benign = 0.1 }
    planner = { steps = 60, batch = 16, learning_rate = 1e-2, warmup = 10 }
    executor = { steps = 60, batch = 16, learning_rate = 1e-2, warmup = 10 }
";

const BASE: &str = r#"
    out = "never"
    preflight.problems = 0
    [data]
    world = "steps"
    [planner]
    model = "models/planner"
    prompt = "world"
    sampling = { temperature = 1.0, top_p = 1.0, max_tokens = 96 }
    [executor.in_process]
    model = "models/executor"
    prompt = "world"
    sampling = { temperature = 0.5, max_tokens = 4 }
    [verifier]
    answers = "exact"
    [grpo]
    problems = 3
    group = 4
    learning_rate = 1e-3
    checkpoint_every = 1
    [dev]
    every = 1
    [dev.data]
    world = "steps"
    limit = 4
    [eval]
    seeds = 1
    runs = 1
    [eval.data]
    world = "steps"
    limit = 5
"#;

/// Two arms, two seeds, two steps.
const EXPERIMENT: &str = r#"
    out = "whole"
    base = "base.toml"
    seeds = [1, 2]
    jobs = 1
    [grid]
    "reward.rule" = ["exec_only", "uplift_only"]
    "reward.runs" = [2]
    [budget]
    steps = 2
    [tests.unseen]
    world = "steps"
    limit = 6
"#;

/// Models, made once; tests work in folders of their own beside them.
static DESK: LazyLock<Desk> = LazyLock::new(|| {
    let desk = Desk::new();
    desk.write("pretraining.toml", PRETRAINING);
    desk.good(&words("world pretrain --world steps --out models --config pretraining.toml"));
    desk.write("base.toml", BASE);
    desk
});

/// The experiment in a folder, with its file changed in some way.
fn experiment(out: &str, change: impl Fn(&str) -> String) -> [String; 3] {
    let file = format!("{out}.toml");
    DESK.write(&file, &change(&EXPERIMENT.replace("\"whole\"", &format!("\"{out}\""))));
    ["experiment".to_owned(), "--config".to_owned(), file]
}

fn arguments(command: &[String; 3]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

fn record(out: &str) -> Value {
    serde_json::from_str(&DESK.read(format!("{out}/experiment.json"))).unwrap()
}

/// The names of the cells, with their states.
fn states(out: &str) -> Vec<(String, String)> {
    let record = record(out);
    let text = |cell: &Value, key: &str| cell[key].as_str().unwrap().to_owned();
    let cells = record["cells"].as_array().unwrap();
    cells.iter().map(|cell| (text(cell, "name"), text(cell, "state"))).collect()
}

const CELLS: [&str; 4] = ["exec_only_seed-1", "uplift_only_seed-1", "exec_only_seed-2", "uplift_only_seed-2"];

fn finished(out: &str, cells: &[&str]) {
    let expected: Vec<(String, String)> =
        cells.iter().map(|cell| ((*cell).to_owned(), "finished".to_owned())).collect();
    assert_eq!(states(out), expected);
}

/// What a cell came to: its planner, its rollouts, and its samples.
fn outcome(out: &str, cell: &str) -> Vec<(String, Vec<u8>)> {
    let folder = DESK.path(out).join("cells").join(cell);
    let mut all = Vec::new();
    for part in ["planner", "rollouts", "dev"] {
        let files = files_of(&folder.join(part));
        assert!(!files.is_empty(), "{cell} has no {part}");
        all.extend(files.into_iter().map(|(path, content)| (format!("{part}/{}", path.display()), content)));
    }
    let samples = support::samples(&folder.join("evaluation/unseen/samples.jsonl"));
    assert!(!samples.is_empty(), "{cell} was not evaluated");
    all.push(("samples".to_owned(), serde_json::to_vec(&samples).unwrap()));
    all
}

#[test]
fn an_experiment_that_is_killed_and_gone_on_with_is_the_one_that_was_not() {
    let whole = experiment("whole", str::to_owned);
    let said = DESK.well(&arguments(&whole));
    finished("whole", &CELLS);
    assert!(said.out.contains("tracelift compare whole"), "{}", said.out);
    assert!(
        said.err.contains("cell exec_only_seed-1: training") && said.err.contains("(4 of 4"),
        "{}",
        said.err
    );

    let killed = experiment("killed", str::to_owned);
    let mut child =
        DESK.command(&arguments(&killed)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // In the midst of the second cell, whose training has a checkpoint.
    let second = DESK.path("killed/cells").join(CELLS[1]);
    until("the second cell is at work", || second.join("checkpoints/step_000001").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let first_log = DESK.read(format!("killed/cells/{}.log", CELLS[0]));
    // What worked for it has ended with it: its folders are free at once.
    until("the cell's own process has ended", || {
        let lock = fs::File::open(second.join("run.lock")).unwrap();
        lock.try_lock().is_ok()
    });
    let again = DESK.well(&arguments(&killed));
    finished("killed", &CELLS);
    assert!(again.err.contains("of 4 cells are finished"), "{}", again.err);
    assert_eq!(
        DESK.read(format!("killed/cells/{}.log", CELLS[0])),
        first_log,
        "a finished cell is not repeated"
    );
    for cell in CELLS {
        let [one, other] = ["whole", "killed"].map(|out| outcome(out, cell));
        assert!(one == other, "{cell} differs");
    }

    // A finished one is finished.
    let logs = |out: &str| CELLS.map(|cell| DESK.read(format!("{out}/cells/{cell}.log")));
    let before = logs("killed");
    DESK.good(&arguments(&killed));
    assert_eq!(logs("killed"), before);

    // It is another experiment where a setting is another; arms and seeds may be added.
    let changed = experiment("killed", |text| text.replace("steps = 2", "steps = 3"));
    let refused = DESK.refused(&arguments(&changed));
    for told in
        ["another `budget`", "`grpo.steps` was 2 and is 3", "cell `exec_only_seed-1` with other settings"]
    {
        assert!(refused.contains(told), "{refused}");
    }
    let fewer = experiment("killed", |text| text.replace("[1, 2]", "[2]"));
    assert!(DESK.refused(&arguments(&fewer)).contains("cell `exec_only_seed-1`, which is gone now"));
    let more = experiment("killed", |text| {
        text.replace("[1, 2]", "[1, 2, 3]")
            .replace("[\"exec_only\", ", "[\"exec_only_matched\", \"exec_only\", ")
    });
    DESK.good(&arguments(&more));
    assert_eq!(states("killed").len(), 9);
    assert_eq!(logs("killed"), before, "what was there is as it was");
    compared();
}

/// What `compare` makes of the experiment above.
fn compared() {
    let text = DESK.good(&words("compare whole"));
    for told in
        ["unseen", "uplift_only − exec_only", "learning curves", "dev/accuracy", "base planner", "seed 2"]
    {
        assert!(text.contains(told), "no {told} in\n{text}");
    }
    let csv = DESK.good(&words("compare whole --format csv"));
    // The arm of a run's best planner has a comma, and is quoted.
    let plain = csv.lines().filter(|line| !line.contains('"'));
    let lines: Vec<Vec<&str>> = plain.map(|line| line.split(',').collect()).collect();
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{csv}");
    let of =
        |table: &str, metric: &str| lines.iter().filter(|line| line[0] == table && line[4] == metric).count();
    assert_eq!((of("curve", "dev/accuracy"), of("cost", "executor_calls")), (4, 2));
    assert_eq!(of("difference", "accuracy"), 1);
    let json: Value = serde_json::from_str(&DESK.good(&words("compare whole --format json"))).unwrap();
    assert_eq!(json["tests"][0]["arms"].as_array().unwrap().len(), 6);
    DESK.good(&words("compare whole --format latex --out table.tex"));
    assert!(DESK.read("table.tex").contains("\\begin{tabular}"));
    // Runs by themselves are named by what they differ in.
    let runs: Vec<String> = CELLS.iter().map(|cell| format!("whole/cells/{cell}")).collect();
    let text =
        DESK.good(&[&["compare"], runs.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
    assert!(text.contains("uplift_only − exec_only"), "{text}");
    let error = DESK.refused(&words("compare whole --against tracelift"));
    assert!(error.contains("there is no row `tracelift`") && error.contains("`exec_only`"), "{error}");
    assert!(DESK.refused(&words("compare models")).contains("holds no run, no experiment and no evaluation"));
}

#[test]
fn a_cell_that_fails_is_named_and_the_others_finish() {
    let command = experiment("failing", |text| {
        let text = text.replace("[1, 2]", "[1]").replace("jobs = 1", "jobs = 2");
        text + "\n[[arms]]\nname = \"lost\"\nset = { reward.rule = \"exec_only\", planner.lora = { rank = 4, alpha = 8 }, executor.in_process.model = \"nowhere\" }\n"
    });
    let said = DESK.says(&arguments(&command));
    assert_eq!(said.status, Some(1));
    let error = said.err.lines().last().unwrap();
    assert!(
        error.starts_with("error: ") && error.contains("lost_seed-1 (") && error.contains("nowhere"),
        "{error}"
    );
    assert!(error.contains("failing/cells/lost_seed-1.log"), "{error}");
    let states = states("failing");
    let of = |name: &str| states.iter().find(|(cell, _)| cell == name).unwrap().1.as_str();
    assert_eq!(
        (of("exec_only_seed-1"), of("uplift_only_seed-1"), of("lost_seed-1")),
        ("finished", "finished", "failed")
    );
    let text = DESK.good(&words("compare failing"));
    assert!(text.contains("cell `lost_seed-1` is left out: it is not trained (failed)"), "{text}");
    // What was wrong with it is mended, and the same command does what is left.
    let path = DESK.path("nowhere");
    if !path.exists() {
        std::os::unix::fs::symlink(DESK.path("models/executor"), path).unwrap();
    }
    DESK.good(&arguments(&command));
}

fn calls(folder: &Path) -> Vec<f64> {
    let steps = read_metrics(&folder.join("metrics.jsonl")).unwrap();
    steps.iter().map(|step| step.get("executor/calls").unwrap()).collect()
}

#[test]
fn cells_of_different_rules_spend_the_same_number_of_executor_calls() {
    const BUDGET: f64 = 150.0;
    let command = experiment("equal", |text| {
        text.replace("[1, 2]", "[1]")
            .replace("steps = 2", "executor_calls = 150")
            .replace("[tests", "[grpo_]\n[tests")
    });
    let error = DESK.bad(&arguments(&command));
    assert!(error.contains("unknown field `grpo_`"), "{error}");
    let command = experiment("equal", |text| {
        text.replace("[1, 2]", "[1]").replace("steps = 2", "executor_calls = 150")
    });
    DESK.good(&arguments(&command));
    let mut steps = Vec::new();
    for cell in ["exec_only_seed-1", "uplift_only_seed-1"] {
        let folder = DESK.path("equal/cells").join(cell);
        let calls = calls(&folder);
        let (sum, last) = (calls.iter().sum::<f64>(), calls.last().unwrap());
        assert!(sum <= BUDGET && sum + last > BUDGET, "{cell}: {calls:?}");
        assert!(folder.join("planner").exists());
        // The last step is looked at, as it is where the number of steps is said.
        assert!(folder.join(format!("dev/step_{:06}.jsonl", calls.len())).exists());
        steps.push(calls.len());
    }
    assert!(steps[0] > steps[1], "a step of fewer calls is made more often: {steps:?}");
    // Such a run goes on as any other.
    DESK.good(&words("train --config equal/cells/uplift_only_seed-1.toml --resume"));
    assert_eq!(calls(&DESK.path("equal/cells/uplift_only_seed-1")).len(), steps[1]);
}

#[test]
fn a_plan_says_what_there_is_and_does_nothing() {
    let command = experiment("planned", str::to_owned);
    let text = DESK.good(&[arguments(&command).as_slice(), &["--plan"]].concat());
    assert!(CELLS.iter().all(|cell| text.contains(cell)) && text.contains("waiting"), "{text}");
    assert!(!DESK.path("planned").exists());
    let unsound = experiment("planned", |text| text.replace("uplift_only", "uplift"));
    let error = DESK.bad(&arguments(&unsound));
    assert!(error.contains("planned.toml: `reward.rule`") && error.contains("uplift_only"), "{error}");
}
