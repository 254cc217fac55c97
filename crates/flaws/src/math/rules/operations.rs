//! `wrong_operation`: the calculation is right, and not the one that the problem asks for.

use super::{Case, Intent};
use crate::math::{
    equation::Expression,
    revision::Change,
    token::{Operation, TokenKind},
};

pub(super) fn intents(case: &Case<'_>) -> Vec<Intent> {
    use Operation::*;
    let derivation = case.derivation;
    let mut intents = Vec::new();
    for equation in derivation.equations.iter().filter(|equation| equation.shown.is_some()) {
        equation.left.each_sign(&mut |token, operation, _, right| {
            // The `of` of `20% of 50` is no sign that could be another, nor is the bar of the fraction `3/5`.
            let sign = &derivation.tokens[token];
            let close = token > 0
                && derivation.tokens[token - 1].end == sign.start
                && derivation.tokens.get(token + 1).is_some_and(|next| next.start == sign.end);
            let proper = derivation.tokens[token - usize::from(token > 0)].number();
            let fraction = operation == Over
                && close
                && right.single().is_some_and(|(under, _)| proper < Some(derivation.number(under)));
            if fraction || !matches!(sign.kind, TokenKind::Sign(_)) {
                return;
            }
            let others: &[Operation] = match operation {
                Plus => &[Minus, Times],
                Minus => &[Plus],
                Times => &[Plus, Over, Minus],
                Over => &[Times, Minus],
            };
            // Where more than two numbers are combined, a sign that binds otherwise would group them otherwise.
            let alone = matches!(&equation.left, Expression::Binary { left, right, .. }
                if left.single().is_some() && right.single().is_some());
            for other in others.iter().filter(|other| alone || other.binds() == operation.binds()) {
                let change = Change { signs: [(token, *other)].into(), ..Change::default() };
                intents.push(Intent::altering("other_sign", equation.line, change));
            }
        });
    }
    intents
}
