//! The parser and the numbers against values computed elsewhere (`../shared/conformance/math/latex_values.jsonl`).

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde::Deserialize;
use tracelift_math::{Options, Verdict, compare};
use tracelift_testing::shared;

#[derive(Deserialize)]
struct Case {
    id: String,
    latex: String,
    value: Option<String>,
}

#[test]
fn values_agree() {
    let Some(path) = shared("conformance/math/latex_values.jsonl") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let options = Options::default();
    let (mut total, mut agreed, mut unreadable) = (0, 0, 0);
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let own = compare(&case.latex, &case.latex, &options);
        if own.gold.is_none() {
            unreadable += 1;
            eprintln!("{}: not read: {}", case.id, case.latex);
        }
        let Some(value) = case.value else { continue };
        // Sets, intervals and matrices are spelled in another language there.
        let numeric = value.bytes().all(|b| b.is_ascii_digit() || b"+-.e".contains(&b));
        let set = value.starts_with('{') && !value.contains("Matrix");
        let value = if set { format!("${}$", value.replace('{', "\\{").replace('}', "\\}")) } else { value };
        if !numeric && !set {
            continue;
        }
        total += 1;
        let comparison = compare(&format!("${}$", case.latex.trim_matches('$')), &value, &options);
        // Beyond 30 digits the value there is rounded: then the quotient is one.
        let quotient = format!("$\\frac{{{}}}{{{value}}}$", case.latex);
        let rounded = value.contains('e') && compare("$1.0$", &quotient, &options).verdict == Verdict::Equal;
        if comparison.verdict == Verdict::Equal || rounded {
            agreed += 1;
        } else {
            eprintln!(
                "{}: {} is not {value}: {:?} {:?}",
                case.id, case.latex, comparison.gold, comparison.rule
            );
        }
    }
    eprintln!("{agreed} of {total} values agree; {unreadable} of the texts are not read");
    assert!(agreed * 100 >= total * 95, "{agreed} of {total}");
}
