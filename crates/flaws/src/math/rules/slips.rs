//! `arithmetic_slip`: one calculation that is shown has a wrong result, which is used from then on.

use super::{Case, Intent};
use crate::math::{rational::Rational, revision::Change};
use rand::seq::SliceRandom;
use tracelift_domain::Seed;

/// By how much people are off: a unit, a few, a carry.
const OFF: [i64; 10] = [1, -1, 2, -2, 10, -10, 3, -3, 20, -20];

/// Wrong results that look like right ones: as many digits, as many zeros at the end.
pub(super) fn intents(case: &Case<'_>, seed: Seed) -> Vec<Intent> {
    let derivation = case.derivation;
    let mut intents = Vec::new();
    for (index, equation) in derivation.equations.iter().enumerate() {
        let (Some(result), Some(_)) = (equation.result, &equation.shown) else { continue };
        let right = derivation.number(result);
        let mut off = OFF;
        off.shuffle(&mut seed.child("slip", index as u64).rng());
        let wrong = off.into_iter().find_map(|off| wrong(right, off));
        let change =
            Change { results: wrong.map(|wrong| (index, wrong)).into_iter().collect(), ..Change::default() };
        if wrong.is_some() {
            intents.push(Intent::altering("wrong_result", equation.line, change));
        }
        for off in off.into_iter().skip(1) {
            let Some(wrong) = self::wrong(right, off) else { continue };
            let change = Change { results: [(index, wrong)].into(), ..Change::default() };
            intents.push(Intent::altering("wrong_result", equation.line, change));
        }
    }
    intents
}

fn wrong(right: Rational, off: i64) -> Option<Rational> {
    let zeros = right.trailing_zeros();
    let unit = Rational::new(10_i128.checked_pow(zeros)?, 10_i128.checked_pow(right.decimals()?)?)?;
    let wrong = right.plus(Rational::whole(off).times(unit)?)?;
    let alike = wrong.is_positive()
        && wrong.magnitude() == right.magnitude()
        && wrong.trailing_zeros() == zeros
        && wrong.decimals() == right.decimals();
    alike.then_some(wrong)
}
