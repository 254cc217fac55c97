use super::*;

fn line(test: &str, outcome: &str) -> String {
    format!("{{\"test\":{test},\"outcome\":\"{outcome}\",\"message\":\"m\",\"weak\":true}}\n")
}

#[test]
fn outcomes_are_read_in_any_order_and_missing_ones_were_not_run() {
    let written = line("2", "failed") + &line("0", "passed");
    let (tests, done, weak, _) = outcomes(written.as_bytes(), 3).unwrap();
    assert_eq!(tests, [AssertOutcome::Passed, AssertOutcome::NotRun, AssertOutcome::Failed("m".into())]);
    assert!(!done && weak);
}

#[test]
fn a_run_is_done_when_its_tester_says_so_in_a_whole_line() {
    let whole = line("0", "passed") + &line("null", "done");
    assert!(outcomes(whole.as_bytes(), 1).unwrap().1);
    let (tests, done, ..) = outcomes(&whole.as_bytes()[..whole.len() - 1], 1).unwrap();
    assert!(!done);
    assert_eq!(tests, [AssertOutcome::Passed]);
}

#[test]
fn what_no_tester_writes_is_a_fault() {
    for written in [
        "nonsense\n".to_owned(),
        line("1", "passed"),
        line("null", "passed"),
        line("0", "perhaps"),
        line("null", "done") + &line("0", "passed"),
    ] {
        assert!(matches!(outcomes(written.as_bytes(), 1), Err(Fault::Protocol(_))), "{written}");
    }
}

#[test]
fn only_all_of_some_tests_is_acceptance() {
    let run = |ending, passed, total| FunctionRun {
        ending,
        passed,
        total,
        tests: Vec::new(),
        weak: false,
        message: String::new(),
        cpu: Duration::ZERO,
        wall: Duration::ZERO,
        peak_memory: 0,
    };
    assert!(run(FunctionEnding::Completed, 2, 2).accepted());
    assert!(!run(FunctionEnding::Completed, 1, 2).accepted());
    assert!(!run(FunctionEnding::Completed, 0, 0).accepted());
    assert!(!run(FunctionEnding::Broken, 2, 2).accepted());
}
