//! `wrong_operation`: the calculation is right, and not the one that the problem asks for.

use super::{Case, Draft};
use crate::math::{
    revision::Change,
    token::{Operation, TokenKind},
};

pub(super) fn drafts(case: &Case<'_>) -> Vec<Draft> {
    use Operation::*;
    let derivation = case.derivation;
    let mut drafts = Vec::new();
    for equation in derivation.equations.iter().filter(|equation| equation.shown.is_some()) {
        equation.left.each_sign(&mut |token, operation, _, _| {
            // The `of` of `20% of 50` is no sign that could be another.
            if !matches!(derivation.tokens[token].kind, TokenKind::Sign(_)) {
                return;
            }
            let others: &[Operation] = match operation {
                Plus => &[Minus, Times],
                Minus => &[Plus],
                Times => &[Plus, Over, Minus],
                Over => &[Times, Minus],
            };
            for other in others {
                let change = Change { signs: [(token, *other)].into(), ..Change::default() };
                drafts.push(Draft::altering("other_sign", equation.line, change));
            }
        });
    }
    drafts
}
