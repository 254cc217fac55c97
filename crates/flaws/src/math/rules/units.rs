//! `unit_or_rate_error`: a wrong factor between units, a percentage off by ten, a rate applied to the wrong number, a
//! unit taken for another.

use super::{Case, Intent, quantities::used};
use crate::math::{
    equation::Expression,
    rational::Rational,
    revision::Change,
    token::{Operation, TokenKind},
};
use std::collections::BTreeMap;

/// Factors between units, and what they are mistaken for.
const FACTORS: [(i64, &[i64]); 13] = [
    (60, &[100, 30]),
    (24, &[12, 20]),
    (12, &[10, 16]),
    (7, &[5, 6]),
    (52, &[50, 48]),
    (365, &[360, 350]),
    (100, &[10, 1000]),
    (1000, &[100]),
    (16, &[12, 10]),
    (30, &[28, 31]),
    (10, &[100]),
    (36, &[30]),
    (3600, &[600]),
];

/// Units that are taken for each other.
const UNITS: [(&str, &str); 20] = [
    ("minutes", "hours"),
    ("minute", "hour"),
    ("seconds", "minutes"),
    ("days", "weeks"),
    ("day", "week"),
    ("months", "years"),
    ("month", "year"),
    ("weeks", "months"),
    ("hours", "days"),
    ("hour", "day"),
    ("dollars", "cents"),
    ("feet", "inches"),
    ("miles", "kilometers"),
    ("pounds", "ounces"),
    ("pound", "ounce"),
    ("meters", "centimeters"),
    ("kilograms", "grams"),
    ("liters", "milliliters"),
    ("gallons", "quarts"),
    ("yards", "feet"),
];

pub(super) fn intents(case: &Case<'_>) -> Vec<Intent> {
    let mut intents = numbers(case);
    intents.extend(rates(case));
    intents.extend(words(case));
    intents
}

/// Factors and percentages.
fn numbers(case: &Case<'_>) -> Vec<Intent> {
    let derivation = case.derivation;
    let mut intents = Vec::new();
    for equation in derivation.equations.iter().filter(|equation| equation.shown.is_some()) {
        let mut put = |rule, token, number: Option<Rational>| {
            let Some(number) = number else { return };
            let change = Change { numbers: [(token, number)].into(), ..Change::default() };
            intents.push(Intent::altering(rule, equation.line, change));
        };
        equation.left.each_sign(&mut |_, operation, left, right| {
            if !operation.binds() {
                return;
            }
            for side in [left, right] {
                let Expression::Number { token, percent } = side else { continue };
                let (value, link) = (derivation.number(*token), derivation.links[*token]);
                let ten = Rational::whole(10);
                if *percent || !value.is_whole() && value < Rational::whole(1) {
                    put("decimal_point", *token, value.over(ten));
                    put("decimal_point", *token, value.times(ten).filter(|v| *v < Rational::whole(100)));
                } else if link.result.is_none() && !link.given {
                    let factor = FACTORS.iter().find(|(factor, _)| Rational::whole(*factor) == value);
                    for other in factor.map_or(&[][..], |(_, others)| others) {
                        put("wrong_factor", *token, Some(Rational::whole(*other)));
                    }
                }
            }
        });
    }
    intents
}

/// A rate is applied to another of the problem's numbers.
fn rates(case: &Case<'_>) -> Vec<Intent> {
    const MARKS: [&str; 9] =
        [" per ", " each ", " every ", " a day", " a week", " an hour", "/", " each.", " apiece"];
    let derivation = case.derivation;
    let used = used(case);
    let mut intents = Vec::new();
    for equation in derivation.equations.iter().filter(|equation| equation.shown.is_some()) {
        let line = derivation.line(equation.line);
        if !MARKS.iter().any(|mark| line.contains(mark) || *mark != "/" && case.problem.contains(mark)) {
            continue;
        }
        equation.left.each_sign(&mut |_, operation, left, right| {
            if operation != Operation::Times {
                return;
            }
            for side in [left, right] {
                let Expression::Number { token, percent: false } = side else { continue };
                let (value, link) = (derivation.number(*token), derivation.links[*token]);
                if !value.is_whole() || link.result.is_none() && !link.given {
                    continue;
                }
                for (other, _) in &used {
                    if other.value != value && other.value.is_whole() && !other.percent && !other.currency {
                        let change = Change { numbers: [(*token, other.value)].into(), ..Change::default() };
                        intents.push(Intent::altering("misapplied_rate", equation.line, change));
                    }
                }
            }
        });
    }
    intents
}

/// The words of a line that become others, and whether one of them measures a number.
type Exchange = (BTreeMap<usize, String>, bool);

/// A line in which a unit is taken for another.
fn words(case: &Case<'_>) -> Vec<Intent> {
    let derivation = case.derivation;
    let mut lines: BTreeMap<(usize, &str), Exchange> = BTreeMap::new();
    for (at, token) in derivation.tokens.iter().enumerate() {
        if token.kind != TokenKind::Word {
            continue;
        }
        let word = token.text(&derivation.text);
        for (a, b) in UNITS {
            let other = if word == a {
                b
            } else if word == b {
                a
            } else {
                continue;
            };
            let after_number = at > 0 && derivation.tokens[at - 1].number().is_some();
            let (words, measured) = lines.entry((token.line, word)).or_default();
            words.entry(at).or_insert_with(|| other.to_owned());
            *measured |= after_number;
        }
    }
    lines
        .into_iter()
        .filter(|(_, (_, measured))| *measured)
        .map(|((line, _), (words, _))| {
            Intent::textual("other_unit", line, Change { words, ..Change::default() })
        })
        .collect()
}
