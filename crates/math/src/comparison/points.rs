//! Points: which numbers the letters of an expression stand for.

use dashu_int::IBig;
use dashu_ratio::RBig;

use crate::expression::{Function, Node};

/// What points are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PointKind {
    Positive,
    Mixed,
    Natural,
}

/// The number that a letter stands for at a point: the same for the same name, unrelated for different ones.
pub(super) fn coordinate(name: &str, kind: PointKind, index: usize) -> RBig {
    // FNV-1a, then a finalizer: fixed, so that every run asks at the same points.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes().chain([index as u8, kind as u8]) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^= hash >> 32;
    match kind {
        PointKind::Natural => RBig::from(2 + hash % 9 + index as u64),
        _ => {
            let numerator = (hash % 9973 + 211) as i64;
            let denominator = 1009 + 2 * ((hash >> 20) % 1500) as i64;
            let negative = kind == PointKind::Mixed && !(hash >> 40).is_multiple_of(4);
            let signed = if negative { -numerator } else { numerator };
            RBig::from_parts_signed(IBig::from(signed), IBig::from(denominator))
        }
    }
}

/// Where one comparison happens: all letters at a fixed point, or at a jump of a whole-valued function.
pub(super) enum Place<'v> {
    Fixed {
        kind: PointKind,
        index: usize,
    },
    /// Letters take this value, or where index is not 0, each its own small multiple of it.
    Step {
        value: &'v RBig,
        index: usize,
    },
}

impl Place<'_> {
    pub(super) fn coordinate(&self, name: &str) -> RBig {
        match self {
            Place::Fixed { kind, index } => coordinate(name, *kind, *index),
            Place::Step { value, index: 0 } => (*value).clone(),
            Place::Step { value, index } => (*value).clone() * coordinate(name, PointKind::Natural, *index),
        }
    }
}

/// Whether the node has a function that jumps, applied to a letter.
pub(super) fn is_stepped(node: &Node) -> bool {
    node.any(&|part| match part {
        Node::Apply(Function::Floor | Function::Ceil | Function::Mod, arguments) => {
            arguments.iter().any(|argument| argument.has_symbols() && !cancels(argument))
        }
        _ => false,
    })
}

/// Whether all letters of a sum cancel: `2y-y-y` never jumps.
fn cancels(node: &Node) -> bool {
    let mut slopes = Vec::new();
    collect_slopes(node, &RBig::from(1), &mut slopes).is_some()
        && slopes.iter().all(|(_, slope)| slope.is_zero())
}

/// Adds how often each letter stands in `factor` times a sum; `None` where it is not a sum of multiples of letters.
fn collect_slopes<'n>(node: &'n Node, factor: &RBig, slopes: &mut Vec<(&'n str, RBig)>) -> Option<()> {
    match node {
        Node::Number { .. } => {}
        Node::Symbol(name) => match slopes.iter_mut().find(|(known, _)| known == name) {
            Some((_, slope)) => *slope += factor,
            None => slopes.push((name, factor.clone())),
        },
        Node::Negative(inner) => collect_slopes(inner, &-factor.clone(), slopes)?,
        Node::Sum(items) => items.iter().try_for_each(|item| collect_slopes(item, factor, slopes))?,
        Node::Product(items) => match items.as_slice() {
            [Node::Number { value, .. }, rest] => collect_slopes(rest, &(factor * value), slopes)?,
            _ => return None,
        },
        _ => return None,
    }
    Some(())
}

/// Where whole-valued functions of expressions like these may jump, and points between: small whole numbers (squares and
/// powers among them), their halves and thirds, the numbers that the expressions hold, their multiples and powers.
pub(super) fn steps(gold: &Node, pred: &Node) -> Vec<RBig> {
    let mut values: Vec<RBig> = (0..=36).map(RBig::from).collect();
    for n in [
        49, 64, 81, 100, 120, 121, 125, 128, 144, 243, 256, 343, 360, 512, 720, 729, 1000, 1024, 2520, 10_000,
    ] {
        values.push(RBig::from(n));
        values.push(RBig::from(n - 1));
    }
    for n in 1..=12 {
        values.push(RBig::from(-n));
        values.push(ratio(2 * n - 1, 2));
        values.push(ratio(1 - 2 * n, 2));
        values.push(ratio(3 * n - 2, 3));
        values.push(ratio(10 * n + 1, 10));
    }
    let mut constants = Vec::new();
    whole_constants(gold, &mut constants);
    whole_constants(pred, &mut constants);
    constants.sort_unstable();
    constants.dedup();
    for constant in constants.into_iter().take(6) {
        for n in [1, 2, 3, 7] {
            values.push(RBig::from(constant * n));
            values.push(RBig::from(constant * n + 1));
            values.push(RBig::from(constant * n - 1));
            values.push(ratio(n, constant));
        }
        values.push(RBig::from(constant * constant));
        values.push(RBig::from(constant * constant * constant));
    }
    values
}

fn ratio(numerator: i64, denominator: i64) -> RBig {
    RBig::from_parts_signed(IBig::from(numerator), IBig::from(denominator))
}

fn whole_constants(node: &Node, out: &mut Vec<i64>) {
    if let Node::Number { value, .. } = node
        && let (Ok(n), Ok(d)) = (i64::try_from(value.numerator()), i64::try_from(value.denominator()))
    {
        out.extend([n.abs(), d].into_iter().filter(|n| (2..=100_000).contains(n)));
    }
    node.each_child(&mut |child| whole_constants(child, out));
}

/// Whether the node has a factorial, a binomial or another function of whole numbers applied to a letter.
pub(super) fn needs_integers(node: &Node) -> bool {
    node.any(&|part| match part {
        Node::Apply(
            Function::Factorial
            | Function::DoubleFactorial
            | Function::Binomial
            | Function::Gcd
            | Function::Lcm
            | Function::Gamma,
            arguments,
        ) => arguments.iter().any(Node::has_symbols),
        Node::Series { low, high, .. } => low.has_symbols() || high.has_symbols(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    #[test]
    fn letters_that_cancel_do_not_jump() {
        for (text, stepped) in [
            ("\\lfloor 2y-y-y\\rfloor", false),
            ("\\lceil x+\\frac12-x\\rceil", true),
            ("\\lceil x+0.5-x\\rceil", false),
            ("\\lfloor 2y-y\\rfloor", true),
            ("\\lfloor x-y\\rfloor", true),
            ("\\lfloor x^2-x\\rfloor", true),
            ("\\lfloor 3.5\\rfloor", false),
        ] {
            assert_eq!(is_stepped(&parse(text).unwrap()), stepped, "{text}");
        }
    }
}
