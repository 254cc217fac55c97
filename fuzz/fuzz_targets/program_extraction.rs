//! Finding the program in a completion, through the verifier. A problem without tests runs nothing, but shows what
//! would have run.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tracelift_domain::{Gold, Problem, TaskDomain, Verdict};
use tracelift_verify::{Artifact, Verifier, VerifierConfig};

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(VerifierConfig::default()).expect("the default settings are valid"));
static PROBLEM: LazyLock<Problem> = LazyLock::new(|| Problem {
    id: "fuzz-0".into(),
    source: "fuzz".into(),
    domain: TaskDomain::Code,
    statement: "Print 1.".into(),
    gold: Gold::Tests(Vec::new()),
});

fn program(completion: &str) -> Option<String> {
    let judgement = VERIFIER.judge(&PROBLEM, completion);
    match (judgement.verdict, judgement.artifact) {
        (Verdict::Unscorable { .. }, Some(Artifact::Program(source))) => Some(source),
        (Verdict::Failed { .. }, None) => None,
        other => panic!("a completion without tests is either no program or unscorable: {other:?}"),
    }
}

fuzz_target!(|completion: &str| {
    let found = program(completion);
    if let Some(source) = &found {
        assert!(!source.trim().is_empty(), "a program is not blank");
    }
    assert!(found.is_some() || completion.trim().is_empty() || completion.contains("```"), "text was lost");

    // Whatever has no fence in it comes out of a fence as it went in, but for carriage returns at the ends of lines.
    if !completion.contains("```") && !completion.contains('\r') && !completion.trim().is_empty() {
        let lines: String = completion.lines().map(|line| format!("{line}\n")).collect();
        assert_eq!(program(&format!("Here:\n```python\n{lines}```\nDone.")), Some(lines));
    }
});
