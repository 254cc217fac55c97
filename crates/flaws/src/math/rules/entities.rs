//! `swapped_entities`: what belongs to one person or thing is given to another.

use super::{Case, Intent, quantities::used};
use crate::math::{
    quantity::{bare, names},
    revision::Change,
    token::TokenKind,
};
use std::collections::BTreeMap;

pub(super) fn intents(case: &Case<'_>) -> Vec<Intent> {
    let mut intents = quantities(case);
    let names = names(case.problem);
    let pairs = |words: &[String]| -> Vec<(String, String)> {
        words
            .iter()
            .enumerate()
            .flat_map(|(at, a)| words[at + 1..].iter().map(move |b| (a.clone(), b.clone())))
            .collect()
    };
    for (a, b) in pairs(&names) {
        intents.extend(exchanged(case, "names", &a, &b));
    }
    let counted = counted(case);
    for (a, b) in pairs(&counted) {
        intents.extend(exchanged(case, "nouns", &a, &b));
    }
    intents
}

/// Two quantities that count different things, or are different people's, in each other's place.
fn quantities(case: &Case<'_>) -> Vec<Intent> {
    let used = used(case);
    let mut intents = Vec::new();
    for (at, (a, line)) in used.iter().enumerate() {
        for (b, other) in &used[at + 1..] {
            let apart = a.noun != b.noun && !a.noun.is_empty() && !b.noun.is_empty()
                || a.owner != b.owner && a.owner.is_some() && b.owner.is_some();
            let alike = (a.percent, a.currency) == (b.percent, b.currency)
                && a.value.is_whole() == b.value.is_whole();
            if apart && alike {
                let given = vec![(a.value, b.value), (b.value, a.value)];
                let change = Change { given, ..Change::default() };
                intents.push(Intent::altering("quantities", *line.min(other), change));
            }
        }
    }
    intents
}

/// Plural nouns that the problem counts.
fn counted(case: &Case<'_>) -> Vec<String> {
    const UNITS: [&str; 30] = [
        "dollars",
        "cents",
        "hours",
        "minutes",
        "seconds",
        "days",
        "weeks",
        "months",
        "years",
        "feet",
        "inches",
        "miles",
        "pounds",
        "ounces",
        "times",
        "more",
        "less",
        "fewer",
        "pieces",
        "percent",
        "meters",
        "kilometers",
        "liters",
        "gallons",
        "grams",
        "kilograms",
        "yards",
        "cups",
        "others",
        "does",
    ];
    let mut nouns: Vec<String> = Vec::new();
    for quantity in crate::math::quantity::quantities(case.problem) {
        let plural =
            quantity.noun.len() > 3 && quantity.noun.ends_with('s') && !quantity.noun.ends_with("ss");
        if plural && !UNITS.contains(&quantity.noun.as_str()) && !nouns.contains(&quantity.noun) {
            nouns.push(quantity.noun);
        }
    }
    nouns
}

/// Each line that names one of the two or both, with the other in its place.
fn exchanged(case: &Case<'_>, rule: &'static str, a: &str, b: &str) -> Vec<Intent> {
    let derivation = case.derivation;
    let mut words: BTreeMap<usize, BTreeMap<usize, String>> = BTreeMap::new();
    let mut both = [false; 2];
    for (at, token) in derivation.tokens.iter().enumerate() {
        if token.kind != TokenKind::Word {
            continue;
        }
        let text = token.text(&derivation.text);
        let name = bare(text);
        let other = if name == a {
            both[0] = true;
            b
        } else if name == b {
            both[1] = true;
            a
        } else {
            continue;
        };
        let swapped = format!("{other}{}", &text[name.len()..]);
        words.entry(token.line).or_default().insert(at, swapped);
    }
    // Where the trace speaks of one of them only, the other would be a stranger.
    if both != [true; 2] {
        return Vec::new();
    }
    words
        .into_iter()
        .map(|(line, words)| Intent::textual(rule, line, Change { words, ..Change::default() }))
        .collect()
}
