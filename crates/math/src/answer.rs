//! An extracted text read as trees.

use dashu_ratio::RBig;

use crate::expression::Node;
use crate::extraction::Extract;
use crate::syntax::{Fault, parse};

/// The ways in which an extract can be read, the likeliest first.
pub(crate) fn readings(extract: &Extract) -> Result<Vec<Node>, Fault> {
    let mut nodes = Vec::with_capacity(extract.pieces.len());
    for piece in &extract.pieces {
        match parse(&unescaped(piece))? {
            Node::List(items) if extract.pieces.len() > 1 => nodes.extend(items),
            node => nodes.push(node),
        }
    }
    let mut node = if nodes.len() == 1 { nodes.remove(0) } else { Node::List(nodes) };
    if extract.percent && !matches!(node, Node::Percent(_)) {
        node = Node::Percent(Box::new(node));
    }
    let mut readings = vec![node];
    if extract.plain
        && let [piece] = extract.pieces.as_slice()
        && let Some(decimal) = decimal_comma(piece)
    {
        readings.push(decimal);
    }
    Ok(readings)
}

/// A text whose backslashes were all escaped once too often, made plain. Environments tell: `\\begin` is never meant.
fn unescaped(piece: &str) -> String {
    if piece.contains("\\\\begin") || piece.contains("\\\\\\\\") && piece.contains("\\\\end") {
        piece.replace("\\\\", "\\")
    } else {
        piece.to_owned()
    }
}

/// `1000,99` outside of formulas: a decimal comma where it cannot separate thousands.
fn decimal_comma(piece: &str) -> Option<Node> {
    let unsigned = piece.trim().trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once(',')?;
    let digits = |part: &str| !part.is_empty() && part.len() <= 15 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (fraction.len() == 3 && whole.len() <= 3 && whole != "0") {
        return None;
    }
    let joined: i64 = format!("{whole}{fraction}").parse().ok()?;
    let value = RBig::from_parts(joined.into(), 10u64.pow(fraction.len() as u32).into());
    let value = if piece.trim().starts_with('-') { -value } else { value };
    Some(Node::Number { value, decimals: Some(fraction.len() as u32) })
}
