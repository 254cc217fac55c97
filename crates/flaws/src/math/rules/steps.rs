//! `dropped_step` and `premature_conclusion`: a calculation on the way, or the last one, is not made.

use super::{Case, Intent};
use crate::math::{revision::Change, token::TokenKind};
use tracelift_domain::Seed;

/// The forms that leave a sentence without its equation. They change how texts look (a line, and no `=` in it), so they
/// are used where a group would have too few kinds without them, and nowhere else.
pub(super) const LAST_RESORT: [&str; 2] = ["skipped_calculation", "early_result"];

/// Fewest lines of a trace from which whole lines are taken. Of those with one more, half are left alone: what stays of
/// the others is then about as long as references are.
const SHORTEST: usize = 3;

fn long_enough(case: &Case<'_>, seed: Seed) -> bool {
    match case.derivation.lines.len() {
        count if count < SHORTEST => false,
        SHORTEST => seed.child("short", 0).0.is_multiple_of(2),
        _ => true,
    }
}

/// A calculation that later ones need is left out: its whole line (what needs it then uses its result, or its first
/// operand in its place), or the calculation inside its sentence, whose operand then stands for the result.
pub(super) fn dropped(case: &Case<'_>, seed: Seed) -> Vec<Intent> {
    let derivation = case.derivation;
    let last = derivation.lines.len() - 1;
    let whole_lines = long_enough(case, seed);
    let mut intents = Vec::new();
    for (index, equation) in derivation.equations.iter().enumerate() {
        if index == derivation.answer || !needed(case, index) {
            continue;
        }
        let lines = Some(equation.line..equation.line + 1);
        let removable = whole_lines && equation.line < last && alone(case, index);
        if removable {
            let change = Change { lines: lines.clone(), ..Change::default() };
            intents.push(Intent::textual("missing_line", equation.line, change));
        }
        for operand in operands(case, index) {
            let stand_in = Some((index, operand));
            let change = Change { stand_in, ..Change::default() };
            intents.push(Intent::altering("skipped_calculation", equation.line, change));
            if removable {
                let change = Change { stand_in, lines: lines.clone(), ..Change::default() };
                intents.push(Intent::altering("missing_line_unprocessed", equation.line, change));
            }
        }
    }
    intents
}

/// The trace stops, or concludes from an earlier result, before the last calculation.
pub(super) fn premature(case: &Case<'_>, seed: Seed) -> Vec<Intent> {
    let derivation = case.derivation;
    let answer = &derivation.equations[derivation.answer];
    let mut intents = Vec::new();
    for operand in operands(case, derivation.answer) {
        if derivation.links[operand].result.is_some() {
            let change = Change { stand_in: Some((derivation.answer, operand)), ..Change::default() };
            intents.push(Intent::altering("early_result", answer.line, change));
        }
    }
    let count = derivation.lines.len();
    for first in 1..=answer.line {
        let end = derivation.equations.iter().rev().find(|equation| equation.line < first);
        // What is cut must be little of the whole, or its length alone would tell.
        if !long_enough(case, seed) || count - first > count.div_ceil(4) {
            continue;
        }
        if let Some(end) = end.and_then(|equation| equation.result) {
            let change = Change { lines: Some(first..count), ..Change::default() };
            let mut intent = Intent::textual("cut_short", first, change);
            intent.ends_with = Some(derivation.number(end));
            intents.push(intent);
        }
    }
    intents
}

/// Whether a later number comes from this equation.
fn needed(case: &Case<'_>, index: usize) -> bool {
    let equation = &case.derivation.equations[index];
    let linked = |token: usize| case.derivation.links[token].result == Some(index);
    (equation.last + 1..case.derivation.tokens.len()).any(linked)
}

/// Whether no other equation stands on its line.
fn alone(case: &Case<'_>, index: usize) -> bool {
    let line = case.derivation.equations[index].line;
    case.derivation.equations.iter().filter(|equation| equation.line == line).count() == 1
}

/// The operands of an equation that is shown and whose result is a plain number of the same sort.
fn operands(case: &Case<'_>, index: usize) -> Vec<usize> {
    let derivation = case.derivation;
    let equation = &derivation.equations[index];
    let (Some(shown), Some(result)) = (&equation.shown, equation.result) else { return Vec::new() };
    // A link of a chain (`2*3 + 4 = 6 + 4 = 10`) cannot be taken out of it.
    let equals = |at: Option<usize>| {
        at.and_then(|at| derivation.tokens.get(at)).is_some_and(|token| token.kind == TokenKind::Equals)
    };
    if equals(shown.start.checked_sub(1)) || equals(Some(result + 1)) {
        return Vec::new();
    }
    let mut operands = Vec::new();
    let mut percentages = false;
    percentage(&equation.left, &mut percentages);
    equation.left.each_number(&mut |token| {
        let link = derivation.links[token];
        let known = link.given || link.result.is_some();
        if known && derivation.number(token) != derivation.number(result) {
            operands.push(token);
        }
    });
    if percentages || equation.in_percent { Vec::new() } else { operands }
}

fn percentage(expression: &crate::math::equation::Expression, found: &mut bool) {
    use crate::math::equation::Expression::*;
    match expression {
        Number { percent, .. } => *found |= percent,
        Literal { .. } => {}
        Binary { left, right, .. } => {
            percentage(left, found);
            percentage(right, found);
        }
    }
}
