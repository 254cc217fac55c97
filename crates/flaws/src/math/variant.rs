//! Variants: a worked problem again, with other numbers in its statement and in everything that follows from them.
//!
//! Only numbers are touched of which it is clear what they are: the statement has them once, in digits, and wherever the
//! solution has them they can come from nowhere else. A solution that knows a number by itself, beyond the sizes of
//! units, may have worked it out silently, so such a problem has no variants.

use super::{
    derivation::Derivation,
    quantity,
    rational::Rational,
    revision::{Change, Edit, dressed, edited, solution},
    token::{Operation, Token, TokenKind, tokens},
};
use rand::Rng;
use std::collections::BTreeSet;
use tracelift_domain::Seed;

/// A problem with other numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The statement.
    pub statement: String,
    /// The solution; calculations behind a number are annotated, a `####` line ends it.
    pub solution: String,
    /// The answer.
    pub answer: String,
}

/// How many draws a variant may take before there is none.
const DRAWS: usize = 60;

/// Numbers that a solution may know by itself.
const KNOWN: [i64; 16] = [1, 2, 3, 4, 5, 7, 10, 12, 16, 24, 30, 52, 60, 100, 365, 1000];

/// Numbers that are sizes of units, wherever one of the words occurs; without words always.
const SIZES: [(i64, &[&str]); 18] = [
    (2, &[]),
    (3, &["yard", "triang", "tricycle"]),
    (4, &["month", "week", "quarter", "square", "rectang", "gallon", "season"]),
    (5, &["nickel", "work", "school", "weekday"]),
    (7, &["week", "day"]),
    (10, &["dime", "decade", "percent", "%"]),
    (12, &["dozen", "year", "month", "inch", "feet", "foot", "hour"]),
    (16, &["pound", "ounce"]),
    (20, &["score", "%"]),
    (24, &["day", "hour"]),
    (25, &["quarter", "%"]),
    (30, &["month", "day"]),
    (50, &["half", "%"]),
    (52, &["year", "week"]),
    (60, &["minute", "hour", "second"]),
    (100, &["%", "percent", "cent", "meter"]),
    (365, &["year", "day"]),
    (1000, &["kilo", "gram", "liter", "meter"]),
];

/// At most so many variants of a problem, each with other numbers; none of a solution that cannot be followed.
#[must_use]
pub fn variants(statement: &str, worked: &str, gold: &str, seed: Seed, count: usize) -> Vec<Variant> {
    if count == 0 {
        return Vec::new();
    }
    let Ok(derivation) = Derivation::read(statement, worked, gold) else { return Vec::new() };
    let stated = tokens(statement);
    let places = changeable(&derivation, statement, &stated);
    if places.is_empty() || !accounted(&derivation) {
        return Vec::new();
    }
    let mut rng = seed.child("variants", 0).rng();
    let (mut known, mut found) = (BTreeSet::from([statement.to_owned()]), Vec::new());
    for draw in 0..DRAWS * count {
        if found.len() == count {
            break;
        }
        // All numbers at once wherever that works out; fewer where it does not.
        let share = [1.0, 0.7, 0.4][draw % 3];
        let mut taken = derivation.given.clone();
        let mut change = Change::default();
        let mut edits = Vec::new();
        for place in &places {
            if !rng.random_bool(share) {
                continue;
            }
            let token = &stated[*place];
            let Some(old) = token.number() else { continue };
            let percent = stated.get(place + 1).is_some_and(|next| next.kind == TokenKind::Percent);
            let Some(new) = drawn(old, percent, &mut rng).filter(|new| taken.insert(*new)) else { continue };
            let Some(after) = alike(token.text(statement), new) else { continue };
            change.given.push((old, new));
            edits.push(Edit { bytes: token.start..token.end, after });
        }
        if edits.is_empty() {
            continue;
        }
        let Some(variant) = made(&derivation, statement, &change, &edits) else { continue };
        if known.insert(variant.statement.clone()) {
            found.push(variant);
        }
    }
    found
}

/// The variant that a change of the solution and edits of the statement make.
fn made(derivation: &Derivation, statement: &str, change: &Change, edits: &[Edit]) -> Option<Variant> {
    let (worked, answer) = solution(derivation, change).ok()?;
    let answer = answer.display(0, false)?;
    let changed = edited(statement, edits);
    let worked = format!("{worked}\n#### {answer}");
    // What was written is read again: it must be the same derivation, with other numbers.
    let again = Derivation::read(&changed, &worked, &answer).ok()?;
    let same = again.equations.len() == derivation.equations.len()
        && again.lines.len() == derivation.lines.len()
        && again.answer == derivation.answer;
    same.then_some(Variant { statement: changed, solution: worked, answer })
}

/// Which tokens of the statement may become others.
fn changeable(derivation: &Derivation, statement: &str, stated: &[Token]) -> Vec<usize> {
    let in_words = |text: &str, all: &[Token]| -> BTreeSet<Rational> {
        all.iter()
            .filter(|token| token.kind == TokenKind::Word)
            .flat_map(|token| quantity::of_word(token.text(text)))
            .collect()
    };
    let mut worded = in_words(statement, stated);
    worded.extend(in_words(&derivation.text, &derivation.tokens));
    let text = format!("{statement} {}", derivation.text).to_lowercase();
    let size = |value: Rational| {
        SIZES.iter().any(|(size, words)| {
            Rational::whole(*size) == value
                && (words.is_empty() || words.iter().any(|word| text.contains(word)))
        })
    };
    let mut used: BTreeSet<Rational> = BTreeSet::new();
    for equation in &derivation.equations {
        equation.left.each_number(&mut |token| {
            used.insert(derivation.number(token));
        });
        used.extend(equation.left.literals());
    }
    let single = |at: usize, value: Rational| {
        let joined = |at: Option<usize>| {
            at.and_then(|at| stated.get(at)).is_some_and(|token| {
                matches!(token.kind, TokenKind::Sign(Operation::Over | Operation::Plus | Operation::Minus))
                    || token.text(statement) == ":"
            })
        };
        !joined(at.checked_sub(1))
            && !joined(Some(at + 1))
            && stated.iter().filter(|token| token.number() == Some(value)).count() == 1
    };
    let clear = |value: Rational| {
        derivation
            .tokens
            .iter()
            .zip(&derivation.links)
            .all(|(token, link)| token.number() != Some(value) || link.given && link.result.is_none())
            && derivation
                .equations
                .iter()
                .all(|equation| equation.result.is_none_or(|at| derivation.number(at) != value))
    };
    (0..stated.len())
        .filter(|&at| {
            stated[at].number().is_some_and(|value| {
                value > Rational::whole(1)
                    && used.contains(&value)
                    && !worded.contains(&value)
                    && !size(value)
                    && single(at, value)
                    && clear(value)
            })
        })
        .collect()
}

/// Whether every number of the solution comes from the statement, from a calculation, or is one that people know.
fn accounted(derivation: &Derivation) -> bool {
    let results: BTreeSet<Rational> = derivation
        .equations
        .iter()
        .filter_map(|equation| equation.result.map(|at| derivation.number(at)))
        .collect();
    let known = |value: Rational| KNOWN.iter().any(|known| Rational::whole(*known) == value);
    let text = derivation.tokens.iter().zip(&derivation.links).all(|(token, link)| {
        token.number().is_none_or(|value| {
            link.given || link.result.is_some() || results.contains(&value) || known(value)
        })
    });
    let behind = derivation.equations.iter().all(|equation| {
        let values = equation.left.literals();
        equation
            .literals
            .iter()
            .zip(values)
            .all(|(link, value)| link.given || link.result.is_some() || known(value))
    });
    text && behind
}

/// Another number of the same make: as many decimals, as many zeros, about as large.
fn drawn(old: Rational, percent: bool, rng: &mut impl Rng) -> Option<Rational> {
    let places = old.decimals()?;
    let scale = Rational::whole(10_i64.checked_pow(places)?);
    let scaled = old.times(scale)?;
    let zeros = scaled.trailing_zeros();
    let unit = Rational::whole(10_i64.checked_pow(zeros)?);
    let digits: i64 = scaled.over(unit)?.display(0, false)?.parse().ok()?;
    let new = match digits {
        _ if percent && old < Rational::whole(100) && old.over(Rational::whole(5))?.is_whole() => {
            return Some(Rational::whole(5 * rng.random_range(1..20)));
        }
        0..10 if zeros == 0 && places == 0 => rng.random_range(2..13),
        0..10 => rng.random_range(1..10),
        _ => rng.random_range(digits / 2..=digits.checked_mul(2)?),
    };
    let new = Rational::whole(new).times(unit)?.over(scale)?;
    (new != old).then_some(new)
}

/// A number in the style of another: with its commas and decimals.
fn alike(old: &str, new: Rational) -> Option<String> {
    let places = old.split_once('.').map_or(0, |(_, part)| part.len());
    let commas = old.contains(',') || !old.contains('.') && old.len() < 4;
    dressed(old, new, u32::try_from(places).ok()?, commas)
}

#[cfg(test)]
mod tests;
