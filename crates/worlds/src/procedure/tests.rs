use super::*;
use crate::report::Extent;
use proptest::prelude::*;

fn cell(length: u32, look_back: u32, operations: &str, numbers: Numbers) -> Cell {
    Cell { length, look_back, operations: operations.parse().unwrap(), numbers, largest: 1000 }
}

/// S1 = 12, S2 = 7, S3 = S2 + S1 = 19, S4 = S3 − S2 = 12, S5 = S4 · S3 = 228.
fn small() -> Procedure {
    serde_json::from_value(serde_json::json!({
        "length": 3, "look_back": 1, "operations": "+-*", "numbers": "integers", "largest": 1000,
        "inputs": ["12", "7"], "steps": [["+", 2, 1], ["-", 3, 2], ["*", 4, 3]],
    }))
    .unwrap()
}

#[test]
fn a_statement_says_all_that_is_needed() {
    insta::assert_snapshot!(small().statement(), @r"
    Carry out this procedure step by step, in order.

    S1 = 12
    S2 = 7
    S3 = S2 + S1
    S4 = S3 - S2
    S5 = S4 * S3

    What is the value of S5?
    ");
    assert_eq!(small().answer().to_string(), "228");
}

/// Texts as models write them, and what the checker says: extent, executed, confirmed, first flaw.
#[test]
fn texts_are_read_as_they_are_meant() {
    let exact = (Extent::Exact, 3, 3, None);
    for (text, expected) in [
        ("S3 = S2 + S1 = 7 + 12 = 19\nS4 = S3 - S2 = 19 - 7 = 12\nS5 = S4 * S3 = 12 * 19 = 228", exact),
        ("S3 = 19, S4 = 12, S5 = 228.", exact),
        ("First, S3 is 19. Then S4 is 12. Finally S5 is 228.", exact),
        ("**S3** = 7 + 12 = **19**\n\n**S4** = 19 - 7 = **12**\n\n**S5** = 12 × 19 = **228**", exact),
        ("- S3: 7 + 12 = 19\n- S4: 19 - 7 = 12\n- S5: 12 * 19 = 228", exact),
        (
            "\\( S_3 = S_2 + S_1 = 7 + 12 = 19 \\)\n\\( S_{4} = 19 - 7 = 12 \\)\n\\( S_5 = 12 \\times 19 = 228 \\)",
            exact,
        ),
        ("S₃ = 19; S₄ = 12; S₅ = 228", exact),
        ("Step 3: S3 = S2 + S1 = 19\nStep 4: S4 = 12.0\nStep 5: S5 = 228\nSo the answer is S5 = 228.", exact),
        ("S1 = 12\nS2 = 7\nS3 = 19\nS4 = 12\nS5 = 228", exact),
        // A wrong result, and what follows from it.
        ("S3 = 7 + 12 = 18\nS4 = 18 - 7 = 11\nS5 = 11 * 18 = 198", (Extent::Exact, 3, 0, Some(0))),
        ("S3 = 19\nS4 = 12\nS5 = 218", (Extent::Exact, 3, 2, Some(2))),
        // Too few, too many.
        ("S3 = 19\nS4 = 12\nTherefore the answer is 12.", (Extent::Under, 2, 2, Some(2))),
        ("S3 = 19\nS5 = 228", (Extent::Under, 2, 2, Some(1))),
        ("S3 = 19\nS4 = 12\nS5 = 228\nS6 = S5 + S4 = 240", (Extent::Over, 4, 3, None)),
        // Planned, not carried out.
        ("S3 = S2 + S1\nS4 = S3 - S2\nS5 = S4 * S3", (Extent::Under, 0, 0, Some(0))),
        ("S3 = 7 + 12\nS4 = 19 - 7\nS5 = 12 * 19", (Extent::Under, 0, 0, Some(0))),
        ("The answer is 228.", (Extent::Under, 0, 0, Some(0))),
        ("", (Extent::Under, 0, 0, Some(0))),
    ] {
        let found = small().execution(text);
        let told = (found.extent, found.executed, found.confirmed, found.first_flaw);
        assert_eq!(told, expected, "{text}");
        assert_eq!(found.verified(), told == exact, "{text}");
    }
}

#[test]
fn answers_are_first_or_any_or_none() {
    for (text, first, any, empty) in [
        ("S5 = 228", true, true, false),
        ("The answer is \\boxed{228}.", true, true, false),
        ("#### 228", true, true, false),
        ("\\boxed{227}, no: \\boxed{228}", false, true, false),
        ("S5 = 12 * 19 = 218. The answer is 228.", false, true, false),
        ("The final answer is: 227", false, false, false),
        ("S3 = 19\nS4 = 12", false, false, true),
        ("I do not know.", false, false, true),
        ("", false, false, true),
    ] {
        assert_eq!(small().answers(text), Answers { first, any, empty }, "{text}");
    }
    assert!(small().states_answer("S5 = 228") && !small().states_answer("S5 = 227, S3 = 228"));
}

#[test]
fn a_file_that_is_wrong_says_what() {
    let good = serde_json::to_value(small()).unwrap();
    assert_eq!(serde_json::from_value::<Procedure>(good.clone()).unwrap(), small());
    for (key, value, says) in [
        (
            "steps",
            serde_json::json!([["+", 2, 1], ["-", 9, 2], ["*", 4, 3]]),
            "S4 uses a value that comes later",
        ),
        ("steps", serde_json::json!([["+", 2, 1]]), "it has 1 steps"),
        ("steps", serde_json::json!([["/", 2, 1], ["-", 3, 2], ["*", 4, 3]]), "S3 is no decimal number"),
        ("operations", serde_json::json!("+%"), "is no operation"),
        ("look_back", serde_json::json!(0), "`look_back` is 0"),
    ] {
        let mut wrong = good.clone();
        wrong[key] = value;
        let message = serde_json::from_value::<Procedure>(wrong).unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_set_has_so_many_of_every_cell() {
    let config = ProcedureConfig {
        lengths: vec![5, 15],
        look_back: vec![1, 7],
        numbers: vec![Numbers::Integers, Numbers::Decimals],
        per_cell: 3,
        ..ProcedureConfig::default()
    };
    let problems = config.problems(Seed(4));
    assert_eq!(problems.len(), 2 * 2 * 2 * 3);
    assert_eq!(problems, config.problems(Seed(4)));
    let names: std::collections::BTreeSet<&str> =
        problems.iter().map(|(problem, _)| problem.id.as_str()).collect();
    assert_eq!(names.len(), problems.len());
    assert!(names.contains("procedural/15/7/asmd-decimals/0002"), "{names:?}");
    let statements: std::collections::BTreeSet<&str> =
        problems.iter().map(|(problem, _)| problem.question.statement.as_str()).collect();
    assert_eq!(statements.len(), problems.len(), "two problems are one");
    assert!(ProcedureConfig { lengths: Vec::new(), ..config.clone() }.validate().is_err());
    assert!(ProcedureConfig { lengths: vec![0], ..config }.validate().unwrap_err().contains("`length` is 0"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_cell_can_be_drawn_and_its_gold_is_verified(
        length in 1_u32..100, look_back in 1_u32..9,
        operations in prop::sample::select(vec!["+-", "*/", "+-*/", "+", "-", "+*", "-/"]),
        decimals in any::<bool>(), seed in any::<u64>(),
    ) {
        let numbers = if decimals { Numbers::Decimals } else { Numbers::Integers };
        // What only grows cannot go on for ever under a bound.
        let length = if operations == "+" || operations == "+*" { length.min(4) } else { length };
        let procedure = cell(length, look_back, operations, numbers).procedure(Seed(seed), 0);
        let execution = procedure.execution(&procedure.gold_trace());
        prop_assert!(execution.verified(), "{execution:?}\n{}", procedure.gold_trace());
        let answers = procedure.answers(&procedure.gold_trace());
        prop_assert!(answers.first && answers.any && !answers.empty);
        for step in &procedure.steps {
            prop_assert!(step.operands[0] != step.operands[1]);
        }
        let again: Procedure = serde_json::from_str(&serde_json::to_string(&procedure).unwrap()).unwrap();
        prop_assert_eq!(again, procedure);
    }

    #[test]
    fn a_wrong_result_is_found_where_it_is(length in 2_u32..40, at in any::<prop::sample::Index>(), seed in any::<u64>()) {
        let procedure = cell(length, 3, "+-*/", Numbers::Integers).procedure(Seed(seed), 0);
        let at = at.index(length as usize);
        let mut lines: Vec<String> = procedure.gold_trace().lines().map(str::to_owned).collect();
        lines[at].push('7');
        let execution = procedure.execution(&lines.join("\n"));
        prop_assert_eq!(execution.first_flaw, Some(at as u32));
        prop_assert_eq!(execution.confirmed, length - 1);
        lines.remove(at);
        let execution = procedure.execution(&lines.join("\n"));
        prop_assert_eq!((execution.extent, execution.first_flaw), (Extent::Under, Some(at as u32)));
    }

    #[test]
    fn any_text_is_judged(text in "[S_{}=0-9.,+*\\-−×/₀-₉a-z \n:$#\\\\]{0,200}") {
        let execution = small().execution(&text);
        prop_assert!(execution.confirmed <= execution.executed.min(execution.expected));
        let answers = small().answers(&text);
        prop_assert!(answers.any || !answers.first);
        prop_assert!(!(answers.empty && answers.any));
    }
}
