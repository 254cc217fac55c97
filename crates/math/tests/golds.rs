//! Gold answers of published sets (`../shared/data`): each equals itself and differs from others of its set.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::Value;
use tracelift_math::{Gold, Options, Verdict, gold_faults};
use tracelift_testing::shared;

fn rows(name: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(shared(&format!("data/{name}"))?).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn answers(name: &str) -> Option<Vec<String>> {
    let rows = rows(name)?;
    Some(
        rows.iter()
            .map(|row| match row["answer"].as_str() {
                Some(text) => text.rsplit("####").next().unwrap_or(text).trim().to_owned(),
                None => row["answer"].to_string(),
            })
            .collect(),
    )
}

/// A spelling in which equal golds of these sets read the same, made without the parser: spaces and sizes removed,
/// short fractions written out, thousands joined, units and degree signs cut.
fn spelled(text: &str) -> String {
    let mut plain: String = text.split_whitespace().collect();
    for noise in ["\\left", "\\right", "\\!", "\\$", "$", "^\\circ", "\\text{degrees}"] {
        plain = plain.replace(noise, "");
    }
    for unit in ["\\text{cents}", "\\mbox{cm}^2", "\\mbox{inches}^2"] {
        plain = plain.replace(unit, "");
    }
    plain = plain.replace("dfrac", "frac").replace("tfrac", "frac").replace("x\\in", "").replace("x=", "");
    if plain.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.' || b == b'-')
        && !plain.contains("-2,1")
    {
        let thousands = plain.split(',').skip(1).all(|group| group.len() == 3);
        if thousands {
            plain = plain.replace(',', "");
        }
    }
    // \frac12 and \frac9{19}.
    let mut out = String::new();
    let mut rest = plain.as_str();
    while let Some(at) = rest.find("\\frac") {
        out.push_str(&rest[..at + 5]);
        rest = &rest[at + 5..];
        for _ in 0..2 {
            if let Some(digit) = rest.chars().next().filter(char::is_ascii_digit) {
                out.push('{');
                out.push(digit);
                out.push('}');
                rest = &rest[1..];
            } else if let Some(close) = rest.find('}') {
                out.push_str(&rest[..=close]);
                rest = &rest[close + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The value of a spelling that is a plain number or a fraction of two.
fn value(spelling: &str) -> Option<f64> {
    if let Ok(number) = spelling.parse() {
        return Some(number);
    }
    let (negative, body) = spelling.strip_prefix('-').map_or((false, spelling), |rest| (true, rest));
    let inside = body.strip_prefix("\\frac{")?.strip_suffix('}')?;
    let (a, b) = inside.split_once("}{")?;
    let quotient = a.parse::<f64>().ok()? / b.parse::<f64>().ok()?;
    Some(if negative { -quotient } else { quotient })
}

/// Pairs that are taken for the same answer on purpose, looked at one by one.
/// A pair may lose its brackets; the solutions of a quadratic come in any order.
const SAME: &[(&str, &str)] = &[("-2,1", "1,-2"), ("1,-2", "-2,1"), ("(-2,1)", "-2,1")];

fn check(name: &str, picks: usize) {
    let Some(golds) = answers(name) else { return };
    let options = Options::default();
    let faults = gold_faults(golds.iter().map(String::as_str), &options);
    assert!(faults.is_empty(), "{name}: {faults:?}");
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for gold in &golds {
        let parsed = Gold::parse(gold, &options);
        let mut left = picks;
        while left > 0 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let other = &golds[(state >> 33) as usize % golds.len()];
            left -= 1;
            let (a, b) = (spelled(gold), spelled(other));
            let equal_values = matches!((value(&a), value(&b)), (Some(x), Some(y)) if (x - y).abs() < 1e-12);
            if a == b || equal_values || SAME.contains(&(a.as_str(), b.as_str())) {
                continue;
            }
            compared += 1;
            let comparison = parsed.compare(other);
            if comparison.verdict != Verdict::Different {
                wrong.push(format!("{gold} | {other}: {:?} by {}", comparison.verdict, comparison.rule));
            }
        }
    }
    eprintln!("{name}: {} golds equal themselves; {compared} pairs of others compared", golds.len());
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}

#[test]
fn math500() {
    check("math500/test.jsonl", 500);
}

#[test]
fn gsm8k_test() {
    check("gsm8k/test.jsonl", 5);
}

#[test]
fn gsm8k_train() {
    check("gsm8k/train.jsonl", 5);
}

#[test]
fn aime24() {
    check("aime24/test.jsonl", 30);
}
