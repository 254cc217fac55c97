//! Every group that the rules make of GSM8K's training problems, looked at twice: by a checker of its own, an equation parser
//! that shares no line with the one that made them, and by the reading of the rules, which also knows units between numbers.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use tracelift_curation::{BuildConfig, SeedConfig, build};
use tracelift_datasets::Format;
use tracelift_domain::Group;
use tracelift_flaws::math;
use tracelift_groups::{GroupReader, probe::Probe};
use tracelift_testing::shared;

/// A number as a fraction of whole numbers.
type Fraction = (i128, i128);

fn fraction(text: &str) -> Fraction {
    let text = text.replace(',', "");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    (format!("{whole}{part}").parse().unwrap(), 10_i128.pow(part.len() as u32))
}

fn same((a, b): Fraction, (c, d): Fraction) -> bool {
    a * d == c * b
}

/// Words that may follow a number as its unit; everything else ends an expression.
fn is_word(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '\'' | '’' | '-' | ' ')
}

/// With `*` for every `x` that stands between two numbers.
fn multiplied(line: &str) -> String {
    let near = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || "().%".contains(c));
    line.char_indices()
        .map(|(at, c)| {
            let before = line[..at].trim_end().chars().next_back();
            let after = line[at + c.len_utf8()..].trim_start().chars().next();
            // After a unit (`60 students x 2/3`) it stands alone.
            let alone = line[..at].ends_with(' ');
            if matches!(c, 'x' | 'X') && (near(before) || alone) && near(after) { '*' } else { c }
        })
        .collect()
}

/// An equation as it reads, and whether it holds. In percent it may state the number or its hundredth.
struct Equation {
    reads: String,
    holds: bool,
}

/// The equations of a line whose left side is plain arithmetic up to the `=`. What the checker cannot read it leaves out.
fn equations(line: &str) -> Vec<Equation> {
    let line = line.replace('$', "").replace('×', "*").replace('÷', "/").replace(['–', '−'], "-");
    let line = multiplied(&line);
    let line = line.replace(", ", "; ");
    let mut found = Vec::new();
    for (at, _) in line.match_indices('=') {
        let mut start = at;
        for (index, c) in line[..at].char_indices().rev() {
            if c.is_ascii_digit() || ".,+-*/() ".contains(c) {
                start = index;
            } else {
                break;
            }
        }
        let left = line[start..at].trim_start_matches([' ', ',']).trim();
        let left = left.strip_prefix(". ").unwrap_or(left).trim();
        let right: String = line[at + 1..]
            .trim_start()
            .chars()
            .take_while(|c| c.is_ascii_digit() || ".,".contains(*c))
            .collect();
        let after = line[at + 1..].trim_start()[right.len()..].chars().next();
        let right = right.trim_end_matches(['.', ',']);
        let cut = line[..start].chars().next_back().is_some_and(|c| {
            c == '%' || is_word(c) && !c.is_whitespace() && left.starts_with(['+', '-', '*', '/'])
        });
        if cut || right.is_empty() || after.is_some_and(|c| c == '/' || c.is_alphabetic()) {
            continue;
        }
        let percent = after == Some('%');
        let next = &line[at + 1..].trim_start()[right.len()..];
        let next = next.strip_prefix('%').unwrap_or(next).trim_start();
        if next.starts_with(['+', '-', '*', '/']) {
            continue;
        }
        let signs = left.chars().filter(|c| "+-*/".contains(*c)).count();
        if signs == 0 || left.starts_with(['+', '-', '*', '/', ')']) {
            continue;
        }
        if let Some(value) = evaluate(left) {
            let (whole, parts) = fraction(right);
            let holds = same(value, (whole, parts)) || percent && same(value, (whole, 100 * parts));
            found.push(Equation { reads: format!("{left} = {right}"), holds });
        }
    }
    found
}

/// Shunting-yard over `+ - * / ( )`.
fn evaluate(text: &str) -> Option<Fraction> {
    let mut values: Vec<Fraction> = Vec::new();
    let mut signs: Vec<char> = Vec::new();
    fn apply(values: &mut Vec<Fraction>, sign: char) -> Option<()> {
        let ((c, d), (a, b)) = (values.pop()?, values.pop()?);
        values.push(match sign {
            '+' => (a * d + c * b, b * d),
            '-' => (a * d - c * b, b * d),
            '*' => (a * c, b * d),
            '/' if c != 0 => (a * d, b * c),
            _ => return None,
        });
        Some(())
    }
    let rank = |sign: char| match sign {
        '(' => 0,
        '+' | '-' => 1,
        _ => 2,
    };
    let mut number = String::new();
    let mut before_value = false;
    for c in text.chars().chain([' ']) {
        if c.is_ascii_digit() || ".,".contains(c) {
            number.push(c);
            continue;
        }
        if !number.is_empty() {
            if before_value || number.matches('.').count() > 1 || number.ends_with([',', '.']) {
                return None;
            }
            values.push(fraction(&number));
            number.clear();
            before_value = true;
        }
        match c {
            ' ' => {}
            '(' if before_value => return None,
            '(' => signs.push(c),
            ')' => loop {
                match signs.pop()? {
                    '(' => break,
                    sign => apply(&mut values, sign)?,
                }
            },
            sign => {
                if !before_value {
                    return None;
                }
                while signs.last().is_some_and(|top| rank(*top) >= rank(sign)) {
                    let top = signs.pop()?;
                    apply(&mut values, top)?;
                }
                signs.push(sign);
                before_value = false;
            }
        }
    }
    while let Some(sign) = signs.pop() {
        apply(&mut values, sign)?;
    }
    (values.len() == 1 && before_value).then(|| values[0])
}

fn false_equations(text: &str) -> (usize, Vec<(usize, String)>) {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (line, content) in text.lines().enumerate() {
        for Equation { reads, holds } in equations(content) {
            seen += 1;
            if !holds {
                wrong.push((line, reads));
            }
        }
    }
    (seen, wrong)
}

#[test]
fn the_checker_checks() {
    assert_eq!(
        false_equations("She sold 48/2 = 24 clips and 24 + 48 = $73."),
        (2, vec![(0, "24 + 48 = 73".to_owned())])
    );
    assert_eq!(false_equations("2*(3+4)=14, 1,000 x 2 = 2,000 and x = 5").0, 2);
    assert!(false_equations("0.5*3 = 1.5").1.is_empty());
    let (seen, wrong) = false_equations("50 - 40 = 30% and 50 - 20 = 30%, or 20 / 100 = 20%.");
    assert_eq!((seen, wrong), (3, vec![(0, "50 - 40 = 30".to_owned())]));
}

/// What is wrong with a group, and how many equations and slips were looked at.
fn check(group: &Group, wrongs: &mut Vec<String>) -> (usize, usize) {
    let id = &group.problem_id;
    let reference = &group.positive_pool[0].reasoning;
    let (seen, wrong) = false_equations(reference);
    if !wrong.is_empty() {
        wrongs.push(format!("{id}: the reference states {wrong:?}\n{reference}"));
    }
    let mut slips = 0;
    for negative in &group.negative_bank {
        let text = &negative.reasoning;
        let mut bad = |what: &str| wrongs.push(format!("{id}: {}: {what}\n{text}", negative.negative_kind));
        let step = negative.extra["flaw_step"].as_u64().unwrap() as usize;
        assert_eq!(negative.extra["source"], "rule");
        let span = &negative.extra["span"];
        let [start, end] = ["start", "end"].map(|key| span[key].as_u64().unwrap() as usize);
        let [before, after] = ["before", "after"].map(|key| span[key].as_str().unwrap());
        if text.get(start..end) != Some(after) || !reference[start..].starts_with(before) {
            bad("the span is not what changed");
        }
        let slip = negative.negative_kind == "arithmetic_slip";
        let read = math::false_equations(text);
        if read != (if slip { vec![step] } else { Vec::new() }) {
            bad(&format!("states false equations at {read:?}, as rules read it; broken at {step}"));
        }
        let (_, wrong) = false_equations(text);
        if !slip {
            if !wrong.is_empty() {
                bad(&format!("states {wrong:?}"));
            }
            continue;
        }
        slips += 1;
        if wrong.len() > 1 || wrong.iter().any(|(line, _)| *line != step) {
            bad(&format!("states {wrong:?}, broken at {step}"));
        }
        // Where the origin has units between its numbers, the checker cannot read it and finds nothing wrong.
        let line = reference.lines().nth(step).unwrap();
        let readable = equations(line).iter().any(|one| one.reads.ends_with(&format!("= {before}")));
        if readable && wrong.len() != 1 {
            bad("has no wrong equation");
        }
    }
    (seen, slips)
}

#[test]
fn all_groups_of_gsm8k_hold_what_they_promise() {
    let Some(path) = shared("data/gsm8k/train.jsonl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let seeds =
        SeedConfig { path: Some(path), format: Some(Format::Gsm8k), variants: 2, ..SeedConfig::default() };
    let config: BuildConfig =
        serde_json::from_value(serde_json::json!({"out": folder.path().join("g.jsonl"), "seeds": [seeds]}))
            .unwrap();
    let report = build(&config, &mut |_| {}).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    if let Ok(keep) = std::env::var("KEEP_GROUPS") {
        std::fs::copy(&config.out, keep).unwrap();
    }
    let mut probe = Probe::default();
    let (mut equations, mut slips, mut groups) = (0, 0, 0);
    let mut wrongs = Vec::new();
    for group in GroupReader::open(&config.out).unwrap() {
        let group = group.unwrap();
        let kinds: std::collections::HashSet<_> =
            group.negative_bank.iter().map(|n| &n.negative_kind).collect();
        assert!(group.negative_bank.len() >= 4 && kinds.len() >= 4);
        probe.see(&group);
        let (seen, slipped) = check(&group, &mut wrongs);
        (equations, slips, groups) = (equations + seen, slips + slipped, groups + 1);
    }
    println!("{groups} groups, {equations} equations of references and {slips} slips checked");
    assert!(groups - report.variants >= 6000 && report.variants >= 9000, "{groups} groups");
    let shortcuts = probe.report().unwrap();
    println!("{}", serde_json::to_string_pretty(&shortcuts).unwrap());
    assert!(wrongs.is_empty(), "{} wrong:\n{}", wrongs.len(), wrongs[..wrongs.len().min(25)].join("\n\n"));
    assert!(shortcuts.auc <= 0.60, "the surface tells flawed traces: {shortcuts:?}");
}
