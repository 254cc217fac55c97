use super::*;
use crate::proposal::SeedProblem;
use proptest::prelude::*;
use serde_json::Map;
use std::collections::BTreeSet;
use tracelift_domain::{FunctionTests, Gold, Problem, Question, TaskDomain};

fn seed(program: &str, test: &str) -> SeedProblem {
    let problem = Problem {
        id: "p".into(),
        question: Question::new("test", TaskDomain::Code, "Do it."),
        gold: Gold::Function(FunctionTests { asserts: vec![test.into()], ..FunctionTests::default() }),
    };
    SeedProblem { problem, reference_solution: program.into(), trace: None, origin: Map::new() }
}

const PROGRAM: &str = "def count_big(xs, k):\r\n    \"\"\"Doc.\"\"\"\n    if not xs:\n        return 0\n    n = 0\n    for i in \
                       range(len(xs)):  # all\n        if xs[i] > k and xs[i] % 2 == 0:\n            n += 1\n    return n\n";

#[test]
fn a_program_is_told_in_words() {
    let outline = Outline::of(PROGRAM, Some("assert count_big([1, 2], 1) == 1")).unwrap();
    assert_eq!(
        outline.text(),
        "The input is xs, a list of numbers and k, a whole number, and all of it matters.\n\
         The plan is to make one pass over the input and update the result on the way.\n\
         When xs does not hold:\n\
         - Return 0.\n\
         Let n be 0.\n\
         Go through each i of the numbers from 0 up to but not including the length of xs:\n\
         - When the item of xs at i is greater than k and the item of xs at i is divisible by 2:\n  \
           - Add 1 to n.\n\
         Return n.\n\
         The result is a whole number.\n\
         With nothing to go through, the result stays 0."
    );
}

#[test]
fn every_kind_breaks_it() {
    let seed = seed(PROGRAM, "assert count_big([1, 2], 1) == 1");
    let broken = Broken::read(&seed).unwrap();
    let mut texts = BTreeSet::from([broken.outline.text()]);
    for kind in FlawKind::of(TaskDomain::Code) {
        let proposals = broken.proposals(*kind, Seed(1), 9);
        assert!(!proposals.is_empty(), "{kind:?}");
        for proposal in proposals {
            let span = proposal.flaw.span.unwrap();
            assert_eq!(&proposal.reasoning[span.start..span.end], span.after);
            texts.insert(proposal.reasoning);
        }
    }
    assert!(texts.len() > 10);
}

#[test]
fn what_has_no_outline_is_named() {
    for (program, expected) in [
        ("def f(:\n  pass", Unreadable::Syntax),
        ("class A:\n  x = 1", Unreadable::Statement),
        ("x = 'a", Unreadable::Syntax),
        ("", Unreadable::Size),
        ("if x:\n", Unreadable::Syntax),
    ] {
        assert_eq!(Outline::of(program, None), Err(expected), "{program}");
    }
}

proptest! {
    #[test]
    fn no_program_makes_it_panic(
        lines in prop::collection::vec("[ ]{0,6}(if|for|def|else|return|while|x =|x \\+=|) ?[a-c0-9()\\[\\]:.,+<= ]{0,12}:?", 0..12)
    ) {
        let seed = seed(&lines.join("\n"), "assert f(1) == [2]");
        if let Ok(broken) = Broken::read(&seed) {
            for kind in FlawKind::of(TaskDomain::Code) {
                let _ = broken.proposals(*kind, Seed(1), 9);
            }
        }
    }
}
