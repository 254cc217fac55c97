//! `misread_quantity`: a number of the problem is taken for another wherever it is used.

use super::{Case, Intent};
use crate::math::{
    quantity::{Quantity, quantities},
    rational::Rational,
    revision::Change,
};
use rand::seq::SliceRandom;
use std::collections::BTreeSet;
use tracelift_domain::Seed;

/// The quantities that the problem states once, in digits, and that an equation of the trace uses: with the line.
pub(super) fn used(case: &Case<'_>) -> Vec<(Quantity, usize)> {
    let all = quantities(case.problem);
    let once = |quantity: &Quantity| all.iter().filter(|other| other.value == quantity.value).count() == 1;
    let mut used = Vec::new();
    for quantity in all.iter().filter(|quantity| once(quantity)) {
        let mut first: Option<usize> = None;
        for equation in &case.derivation.equations {
            equation.left.each_number(&mut |token| {
                let link = case.derivation.links[token];
                let here = link.given && link.result.is_none();
                if here && case.derivation.number(token) == quantity.value && first.is_none() {
                    first = Some(equation.line);
                }
            });
        }
        used.extend(first.map(|line| (quantity.clone(), line)));
    }
    used
}

pub(super) fn misread(case: &Case<'_>, seed: Seed) -> Vec<Intent> {
    let used = used(case);
    let mut intents = Vec::new();
    for (index, (quantity, line)) in used.iter().enumerate() {
        let mut others = misreadings(quantity.value);
        others.retain(|other| !case.derivation.given.contains(other));
        others.shuffle(&mut seed.child("misread", index as u64).rng());
        for other in others {
            let change = Change { given: vec![(quantity.value, other)], ..Change::default() };
            intents.push(Intent::altering("other_digits", *line, change));
        }
        for (other, _) in used.iter().filter(|(other, _)| alike(other, quantity)) {
            let change = Change { given: vec![(quantity.value, other.value)], ..Change::default() };
            intents.push(Intent::altering("another_quantity", *line, change));
        }
    }
    intents
}

fn alike(a: &Quantity, b: &Quantity) -> bool {
    a.value != b.value
        && (a.percent, a.currency) == (b.percent, b.currency)
        && a.value.is_whole() == b.value.is_whole()
}

/// What a number may be misread as: two digits exchanged, one digit another; as many digits, as many zeros.
fn misreadings(value: Rational) -> Vec<Rational> {
    let Some(places) = value.decimals() else { return Vec::new() };
    let Some(text) = value.display(places, false) else { return Vec::new() };
    let mut found = BTreeSet::new();
    let characters: Vec<char> = text.chars().collect();
    for at in 0..characters.len().saturating_sub(1) {
        let mut other = characters.clone();
        other.swap(at, at + 1);
        found.insert(other.into_iter().collect::<String>());
    }
    for at in 0..characters.len() {
        let Some(digit) = characters[at].to_digit(10).filter(|digit| *digit > 0) else { continue };
        for other in [digit + 1, digit.saturating_sub(1), digit + 2, digit.saturating_sub(2)] {
            if let Some(c) = char::from_digit(other, 10).filter(|_| other > 0) {
                let mut text = characters.clone();
                text[at] = c;
                found.insert(text.into_iter().collect());
            }
        }
    }
    found
        .into_iter()
        .filter_map(|text| Rational::parse(&text))
        .filter(|other| {
            other.is_positive()
                && *other != value
                && other.decimals() == Some(places)
                && other.magnitude() == value.magnitude()
                && other.trailing_zeros() == value.trailing_zeros()
        })
        .collect()
}
