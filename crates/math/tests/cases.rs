//! The project's own cases: what is equal and what is not, kind by kind.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde::Deserialize;
use tracelift_math::{MatchTypes, Options, Reason, Verdict, compare};

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
}

fn check(text: &str) {
    let mut wrong = Vec::new();
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let mut options = Options::default();
        options.strict = case.strict.unwrap_or(options.strict);
        options.precision = case.precision.unwrap_or(options.precision);
        options.allow_set_relation_comp = case.allow_set_relation_comp.unwrap_or(false);
        if let Some(names) = &case.match_types {
            options.match_types = MatchTypes::from_names(names.iter().map(String::as_str)).unwrap();
        }
        let comparison = compare(&case.gold, &case.pred, &options);
        // An empty gold is nobody's answer; everything else must be decided.
        // A number that is too large, and differs, may stay undecided: it is not accepted.
        let decided = comparison.verdict.equal() == Some(case.expected)
            || !case.expected
                && matches!(comparison.verdict, Verdict::Undecided(Reason::TooLarge | Reason::Imprecise))
            || case.gold.is_empty() && comparison.verdict.equal().is_none();
        if !decided {
            wrong.push(format!(
                "{}: {:?} | {:?} expected {}: {:?} by {:?}; gold {:?} pred {:?} extracted {:?}",
                case.id,
                case.gold,
                case.pred,
                case.expected,
                comparison.verdict,
                comparison.rule,
                comparison.gold,
                comparison.pred,
                comparison.extracted
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Bounds and estimates, what others say, other bases; currencies, shares and results in words, and what honest answers look like
/// beside them.
#[test]
fn qualified() {
    check(include_str!("cases/qualified.jsonl"));
}

/// Unusual words for denying, hedging and offering several, and what honest answers look like beside them.
#[test]
fn bought() {
    check(include_str!("cases/bought.jsonl"));
}

/// Parts of a stated total, and what a sentence only says of the number or letter that it begins with, beside honest ones.
#[test]
fn parts() {
    check(include_str!("cases/parts.jsonl"));
}

/// Values that are broken off, by an ellipsis or the end of a sentence, from what makes them another amount.
#[test]
fn cut_off() {
    check(include_str!("cases/cut_off.jsonl"));
}

/// What others say, answers given up since, denials behind the value, halves and squares in other languages, bases, modesty and
/// ornaments: what is accepted of them, and what is not.
#[test]
fn adversary() {
    check(include_str!("cases/adversary.jsonl"));
}

#[test]
fn numbers() {
    check(include_str!("cases/numbers.jsonl"));
}

#[test]
fn expressions() {
    check(include_str!("cases/expressions.jsonl"));
}

#[test]
fn relations() {
    check(include_str!("cases/relations.jsonl"));
}

#[test]
fn collections() {
    check(include_str!("cases/collections.jsonl"));
}

#[test]
fn quantities() {
    check(include_str!("cases/quantities.jsonl"));
}

#[test]
fn extraction() {
    check(include_str!("cases/extraction.jsonl"));
}

#[test]
fn shapes() {
    check(include_str!("cases/shapes.jsonl"));
}

#[test]
fn edges() {
    check(include_str!("cases/edges.jsonl"));
}

#[test]
fn said() {
    check(include_str!("cases/said.jsonl"));
}

#[test]
fn dress() {
    check(include_str!("cases/dress.jsonl"));
}

#[test]
fn languages() {
    check(include_str!("cases/languages.jsonl"));
}

#[test]
fn units() {
    check(include_str!("cases/units.jsonl"));
}

#[test]
fn names() {
    check(include_str!("cases/names.jsonl"));
}

#[test]
fn functions() {
    check(include_str!("cases/functions.jsonl"));
}

#[test]
fn spellings() {
    check(include_str!("cases/spellings.jsonl"));
}

/// Inequalities, empty sets, dates, times, units and choices in words.
#[test]
fn worded() {
    check(include_str!("cases/worded.jsonl"));
}

/// What is claimed, denied, offered and taken back, in several languages.
#[test]
fn claims() {
    check(include_str!("cases/claims.jsonl"));
}

/// Whole completions: steps, several boxes, corrections, checks at the end.
#[test]
fn completions() {
    check(include_str!("cases/completions.jsonl"));
}

/// Corrections, denials and honest sentences that no other file of these has.
#[test]
fn turns() {
    check(include_str!("cases/turns.jsonl"));
}

/// Pairs of every kind by someone who had not seen what reads them.
#[test]
fn unseen() {
    check(include_str!("cases/unseen.jsonl"));
}
