//! Agreement with cases judged elsewhere (`../shared/conformance/math`), where they are present.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde::Deserialize;
use tracelift_math::{Comparison, MatchTypes, Options, Verdict, compare};
use tracelift_testing::shared;

#[derive(Deserialize)]
struct Case {
    id: String,
    gold: String,
    pred: String,
    expected: bool,
    strict: Option<bool>,
    precision: Option<u32>,
    match_types: Option<Vec<String>>,
    allow_set_relation_comp: Option<bool>,
    status: Option<String>,
}

impl Case {
    fn options(&self) -> Options {
        let mut options = Options::default();
        if let Some(strict) = self.strict {
            options.strict = strict;
        }
        if let Some(precision) = self.precision {
            options.precision = precision;
        }
        if let Some(names) = &self.match_types {
            options.match_types = MatchTypes::from_names(names.iter().map(String::as_str)).unwrap();
        }
        options.allow_set_relation_comp = self.allow_set_relation_comp.unwrap_or(false);
        options
    }
}

fn cases(name: &str) -> Option<Vec<Case>> {
    let text = std::fs::read_to_string(shared(&format!("conformance/math/{name}"))?).unwrap();
    Some(
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// The cases whose expectation is known to be wrong or about something else than equivalence.
const DISPUTED: &[&str] = &["mv-0271", "mv-0197", "mv-0137"];

struct Score {
    total: usize,
    agreed: usize,
    false_accepts: Vec<String>,
}

fn score(cases: &[Case]) -> Score {
    let mut score = Score { total: 0, agreed: 0, false_accepts: Vec::new() };
    for case in cases {
        let comparison: Comparison = compare(&case.gold, &case.pred, &case.options());
        let accepted = comparison.verdict == Verdict::Equal;
        // An undecided case agrees with neither expectation.
        let agrees = comparison.verdict.equal() == Some(case.expected);
        let disputed =
            DISPUTED.contains(&case.id.as_str()) || case.status.as_deref() == Some("commented_out_upstream");
        if !agrees {
            eprintln!(
                "{}{}: expected {}, {:?} by {:?}; gold {:?} pred {:?} extracted {:?}",
                case.id,
                if disputed { " (disputed)" } else { "" },
                case.expected,
                comparison.verdict,
                comparison.rule,
                comparison.gold,
                comparison.pred,
                comparison.extracted
            );
        }
        if disputed {
            continue;
        }
        score.total += 1;
        score.agreed += usize::from(agrees);
        if accepted && !case.expected {
            score.false_accepts.push(case.id.clone());
        }
    }
    eprintln!("{} of {} agree; false accepts: {:?}", score.agreed, score.total, score.false_accepts);
    score
}

#[test]
fn upstream_cases_agree() {
    let Some(cases) = cases("math_verify_dev.jsonl") else { return };
    let score = score(&cases);
    assert!(score.agreed * 100 >= score.total * 98, "{} of {}", score.agreed, score.total);
    assert!(score.false_accepts.is_empty(), "{:?}", score.false_accepts);
}

#[test]
fn near_misses_are_never_accepted() {
    let Some(cases) = cases("near_miss_negatives_dev.jsonl") else { return };
    let score = score(&cases);
    assert!(score.false_accepts.is_empty(), "{:?}", score.false_accepts);
    assert!(score.agreed * 100 >= score.total * 95, "{} of {}", score.agreed, score.total);
}

#[test]
fn hand_judged_cases_agree() {
    let Some(cases) = cases("hand_judged_dev.jsonl") else { return };
    let score = score(&cases);
    assert!(score.false_accepts.is_empty(), "{:?}", score.false_accepts);
    assert!(score.agreed * 100 >= score.total * 95, "{} of {}", score.agreed, score.total);
}

/// What was reported of graders in the field, in our own words: every line is judged as it should be.
#[test]
fn field_reports_agree() {
    let Some(cases) = cases("../field/math.jsonl") else { return };
    let score = score(&cases);
    assert!(score.false_accepts.is_empty(), "{:?}", score.false_accepts);
    assert_eq!(score.agreed, score.total);
}
