//! Programs of field reports, programs that were accepted and must not be, and the sets' own solutions. What lies beside
//! the project is used where it is there.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use serde_json::Value;
use std::{fs, num::NonZeroUsize};
use tracelift_datasets::Format;
use tracelift_testing::shared;
use tracelift_verify::{
    ProgramConfig,
    cases::code::{self, CodeCase},
    programs::{Extent, ProgramReport, ProgramVerdict, Runner},
};

/// A runner whose time limit no honest program of these files reaches, however slow or busy the machine: verdicts are
/// tested here, and limits where the sandbox is. Cases that must reach a limit name one of their own.
fn patient() -> Runner {
    Runner::new(ProgramConfig { time_limit_s: 60.0, ..ProgramConfig::default() }, NonZeroUsize::MIN)
}

fn judge(runner: &Runner, case: &CodeCase) -> ProgramReport {
    match &case.source {
        Some(source) => runner.run(source, &case.tests, &case.limits, Extent::ToFirstFailure),
        None => ProgramReport::nothing_to_run(&case.tests),
    }
}

#[test]
fn programs_of_field_reports_get_the_right_verdicts() {
    let Some(path) = shared("conformance/field/code.jsonl") else { return };
    let text = fs::read_to_string(&path).unwrap();
    let expected: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cases = code::read(&path).unwrap();
    assert_eq!(cases.len(), expected.len());
    let runner = patient();
    let wrong: Vec<String> = cases
        .iter()
        .zip(&expected)
        .filter_map(|(case, row)| {
            let report = judge(&runner, case);
            (row["expected"] != report.verdict.name())
                .then(|| format!("{}: {} expected, {:?}", case.id, row["expected"], report))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn known_exploits_are_not_accepted() {
    // Some of them wait for ever: that they are not accepted need not take long.
    let config = ProgramConfig { wall_limit_s: Some(10.0), ..ProgramConfig::default() };
    let runner = Runner::new(config, NonZeroUsize::MIN);
    for file in ["s1_equal_object", "s2_builtins"] {
        let Some(path) = shared(&format!("conformance/exploits/{file}.jsonl")) else { return };
        for case in code::read(&path).unwrap() {
            let report = judge(&runner, &case);
            assert!(report.verdict.failure().is_some(), "{file}: {report:?}");
        }
    }
    let Some(set) = shared("data/humaneval/HumanEval.jsonl.gz") else { return };
    let Some(samples) = shared("conformance/exploits/s8_helpers.jsonl") else { return };
    let tasks = code::read_tasks(&set, Format::HumanEval).unwrap();
    for (place, sample) in code::read_samples(&samples, &tasks).unwrap() {
        let report = judge(&runner, &tasks[place].case(tasks[place].program(&sample)));
        assert!(report.verdict.failure().is_some(), "{}: {report:?}", sample.task_id);
    }
}

#[test]
fn the_sets_own_solutions_are_accepted_and_stubs_are_not() {
    let runner = patient();
    let mut wrong = Vec::new();
    if let Some(path) = shared("data/humaneval/HumanEval.jsonl.gz") {
        for task in code::read_tasks(&path, Format::HumanEval).unwrap() {
            let report = judge(&runner, &task.canonical_case());
            if report.verdict != ProgramVerdict::Accepted || report.weak {
                wrong.push(format!("{}: {report:?}", task.id));
            }
            let entry = task.tests.entry.clone().unwrap();
            let stub = judge(&runner, &task.case(Some(format!("def {entry}(*args): return None\n"))));
            if stub.verdict.failure().is_none() {
                wrong.push(format!("a stub of {}: {stub:?}", task.id));
            }
        }
    }
    if let Some(path) = shared("data/mbpp/mbpp.jsonl") {
        for task in code::read_tasks(&path, Format::Mbpp).unwrap() {
            let report = judge(&runner, &task.canonical_case());
            if report.verdict != ProgramVerdict::Accepted {
                wrong.push(format!("{}: {report:?}", task.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_field_that_is_not_read_is_an_error_that_names_file_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.jsonl");
    let good = r#"{"id": 1, "code": "x", "tests": {"entry": "f", "asserts": ["f()"]}, "expected": "Accepted", "note": [1]}"#;
    let read = |line: &str| {
        fs::write(&path, format!("{good}\n{line}\n")).unwrap();
        code::read(&path).map_err(|error| error.to_string())
    };
    assert_eq!(read(&good.replace("1,", "2,")).unwrap().len(), 2);
    assert!(read(good).unwrap_err().ends_with("cases.jsonl:2: the id `1` stands on line 1 already"));
    for (line, key) in [
        (r#"{"id": 2, "code": "x", "tests": {"asserts": ["f()"]}, "limts": {}}"#, "limts"),
        (r#"{"id": 2, "code": "x", "tests": {"asserts": ["f()"]}, "limits": {"time": 1}}"#, "time"),
        (r#"{"id": 2, "code": "x", "tests": {"assert": ["f()"]}}"#, "assert"),
        (r#"{"id": 2, "code": "x", "test": [{"stdin": "", "stdout": ""}]}"#, "test"),
        (r#"{"id": 2, "code": "x", "tests": [{"stdin": "", "stdout": "", "std": ""}]}"#, "std"),
        (r#"{"id": 2, "code": "x", "tests": [{"stdin": "", "stdout": ""}], "setup": "x"}"#, "setup"),
        (r#"{"id": 2, "code": "x", "tests": {"asserts": ["f()"], "setup": "y"}, "setup": "x"}"#, "setup"),
        (r#"{"id": 2, "code": "x", "tests": {"asserts": ["f()"]}, "asserts": ["g()"]}"#, "asserts"),
        (r#"{"id": 2, "code": "x", "tests": {"asserts": ["f()"]}, "checker": "y"}"#, "checker"),
        (r#"{"id": 2, "code": "x", "asserts": ["f()"], "entrypoint": "f"}"#, "entrypoint"),
        (r#"{"id": 2, "code": "x", "asserts": ["f()"], "limits": {"time_s": -1}}"#, "limits.time_s"),
        (r#"{"id": 2, "code": "x", "asserts": ["f()"], "limits": {"memory_mib": 1}}"#, "limits.memory_mib"),
    ] {
        let error = read(line).unwrap_err();
        assert!(error.contains("cases.jsonl:2") && error.contains(&format!("`{key}`")), "{error}");
    }
}
