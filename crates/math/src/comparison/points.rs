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
