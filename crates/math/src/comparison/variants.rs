//! Shapes made plain before a comparison: `±` written out, matrices multiplied, brackets around one thing removed.

use super::matrices;
use crate::expression::{Node, Relation};

/// How many times `±` is written out in one answer.
const SIGN_LIMIT: usize = 64;

/// The node in the shape that comparisons expect.
pub(super) fn prepared(node: &Node) -> Node {
    let plain = node.clone().rebuilt(&|node| match node {
        Node::List(mut items) | Node::Tuple(mut items) if items.len() == 1 => items.remove(0),
        // `{2}` in braces reads as 2; between sets it is the set.
        Node::Sets(operation, items) => Node::Sets(
            operation,
            items
                .into_iter()
                .map(|item| if item.is_scalar() { Node::Set(vec![item]) } else { item })
                .collect(),
        ),
        // `\triangle ABC` is the triangle of that name.
        Node::Product(mut items)
            if matches!(items.as_slice(), [Node::Symbol(shape), Node::Symbol(name)] if shape == "triangle" && is_run(name)) =>
        {
            items.remove(1)
        }
        other => matrices::reduced(other),
    });
    match plain {
        Node::List(items) if items.iter().any(has_sign) && items.len() <= SIGN_LIMIT => {
            Node::List(items.into_iter().flat_map(signs_written_out).collect())
        }
        Node::Set(items) if items.iter().any(has_sign) && items.len() <= SIGN_LIMIT => {
            Node::Set(items.into_iter().flat_map(signs_written_out).collect())
        }
        Node::Chain(sides, relations)
            if relations == [Relation::Equal]
                && sides.len() == 2
                && has_sign(&sides[1])
                && !has_sign(&sides[0]) =>
        {
            let mut sides = sides;
            let values = match sides.remove(1) {
                Node::List(items) | Node::Set(items) if items.len() <= SIGN_LIMIT => {
                    items.into_iter().flat_map(signs_written_out).collect()
                }
                value => signs_written_out(value),
            };
            Node::Chain(vec![sides.remove(0), Node::Set(values)], relations)
        }
        node if node.is_scalar() && has_sign(&node) => Node::Set(signs_written_out(node)),
        Node::PlusMinus { .. } => Node::Set(signs_written_out(plain)),
        Node::Tuple(_) if has_sign(&plain) => Node::Set(signs_written_out(plain)),
        other => other,
    }
}

/// Whether a name is three capitals or more in a row.
pub(super) fn is_run(name: &str) -> bool {
    name.len() >= 3 && name.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether capitals in a row name something in it.
pub(super) fn has_run(node: &Node) -> bool {
    node.any(&|part| matches!(part, Node::Symbol(name) if is_run(name)))
}

/// The node with capitals in a row as the product of these letters.
pub(super) fn runs_written_out(node: Node) -> Node {
    node.rebuilt(&|part| match part {
        Node::Symbol(name) if is_run(&name) => {
            Node::Product(name.chars().map(|letter| Node::Symbol(letter.to_string())).collect())
        }
        other => other,
    })
}

fn has_sign(node: &Node) -> bool {
    node.any(&|part| matches!(part, Node::PlusMinus { .. }))
}

/// The node with every `±` as plus (and `∓` as minus), and the other way round.
fn signs_written_out(node: Node) -> Vec<Node> {
    if !has_sign(&node) {
        return vec![node];
    }
    let with = |negative: bool| {
        node.clone().rebuilt(&|part| match part {
            Node::PlusMinus { term, flipped } if flipped != negative => Node::Negative(term),
            Node::PlusMinus { term, .. } => *term,
            other => other,
        })
    };
    vec![with(false), with(true)]
}
