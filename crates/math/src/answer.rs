//! An extracted text read as trees.

use dashu_ratio::RBig;

use crate::comparison::choice;
use crate::expression::Node;
use crate::extraction::{Extract, is_phrase};
use crate::syntax::{Fault, parse};

/// The ways in which an extract can be read, the likeliest first.
pub(crate) fn readings(extract: &Extract, predicted: bool) -> Result<Vec<Node>, Fault> {
    // A name or a phrase is words, however the letters of its parts would read.
    if extract.plain
        && let [piece] = extract.pieces.as_slice()
        && is_phrase(piece)
    {
        return Ok(vec![Node::Text(piece.clone())]);
    }
    let mut nodes = Vec::with_capacity(extract.pieces.len());
    for piece in &extract.pieces {
        match parse(&unescaped(piece))? {
            Node::List(items) if extract.pieces.len() > 1 => nodes.extend(items),
            node => nodes.push(node),
        }
    }
    let mut node = if nodes.len() == 1 { labelled(nodes.remove(0)) } else { Node::List(nodes) };
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
    if predicted
        && extract.plain
        && let [piece] = extract.pieces.as_slice()
        && let Some(number) = unit_letter(piece)
        && let Ok(node) = parse(number)
    {
        readings.push(node);
    }
    Ok(readings)
}

/// `\textbf{(A)} 5`: the letter of a choice with what it says.
fn labelled(node: Node) -> Node {
    match node {
        Node::Product(mut items) if items.len() > 1 => match &items[0] {
            Node::Text(words) if words.starts_with('(') && choice(words).is_some() => {
                let label = items.remove(0);
                let value = if items.len() == 1 { items.remove(0) } else { Node::Product(items) };
                Node::Form("labelled".to_owned(), vec![label, value])
            }
            _ => Node::Product(items),
        },
        other => other,
    }
}

/// `100m` and `100m2` outside of formulas: the number in front of a unit's letter. In gold, a letter is a letter.
fn unit_letter(piece: &str) -> Option<&str> {
    let end = piece.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = piece.split_at(end);
    let unit = unit.trim_end_matches(|c: char| c.is_ascii_digit() || c == '²' || c == '³');
    let numeral = number.trim().bytes().all(|b| b.is_ascii_digit() || b".,-".contains(&b));
    (numeral
        && number.contains(|c: char| c.is_ascii_digit())
        && matches!(unit, "m" | "g" | "s" | "h" | "l" | "L" | "N" | "J" | "W" | "V"))
    .then(|| number.trim())
}

/// `7 425 000`: spaces between groups of three digits.
fn spaced_thousands(piece: &str) -> bool {
    let mut groups = piece.trim().trim_start_matches('-').split(' ');
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    let first =
        groups.next().is_some_and(|group| digits(group) && group.len() <= 3 && !group.starts_with('0'));
    let rest: Vec<&str> = groups.collect();
    first && !rest.is_empty() && rest.iter().all(|group| digits(group) && group.len() == 3)
}

/// A text whose backslashes were all escaped once too often, made plain. Environments tell: `\\begin` is never meant.
fn unescaped(piece: &str) -> String {
    if spaced_thousands(piece) {
        return piece.replace(' ', "");
    }
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
    let digits =
        |part: &str| !part.is_empty() && part.len() <= 15 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (fraction.len() == 3 && whole.len() <= 3 && whole != "0") {
        return None;
    }
    let joined: i64 = format!("{whole}{fraction}").parse().ok()?;
    let value = RBig::from_parts(joined.into(), 10u64.pow(fraction.len() as u32).into());
    let value = if piece.trim().starts_with('-') { -value } else { value };
    Some(Node::Number { value, decimals: Some(fraction.len() as u32) })
}
