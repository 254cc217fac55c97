//! An extracted text read as trees.

use std::borrow::Cow;

use dashu_ratio::RBig;

use crate::comparison::choice;
use crate::conditions::{self, Conditioned};
use crate::expression::Node;
use crate::extraction::{Extract, Side, is_phrase};
use crate::scan::holds_pair;
use crate::set_names::named_set;
use crate::syntax::measures::{Certainty, Measured, is_time_in_words, measured};
use crate::syntax::{Fault, number_words, parse, whole_number};

/// The ways in which an extract can be read.
#[derive(Clone, Debug)]
pub(crate) struct Readings {
    /// The likeliest first.
    pub(crate) nodes: Vec<Node>,
    /// As an amount whose unit is made of single letters: it counts beside other amounts only.
    pub(crate) letters: Option<Node>,
    /// The number alone, where one letter behind it may be a unit: it counts beside plain numbers only.
    pub(crate) bare: Option<Node>,
    /// The inequality under which the answer holds.
    pub(crate) bound: Option<String>,
}

impl Readings {
    pub(crate) fn only(node: Node) -> Readings {
        Readings { nodes: vec![node], letters: None, bare: None, bound: None }
    }

    /// Whether one of them is an amount with a unit.
    pub(crate) fn has_unit(&self) -> bool {
        self.letters.is_some() || self.nodes.iter().any(|node| matches!(node, Node::Unit(..)))
    }
}

/// Reads an extract.
pub(crate) fn readings(extract: &Extract, side: Side) -> Result<Readings, Fault> {
    let single = match extract.pieces.as_slice() {
        // "5 times (as many)" counts.
        [piece] => Some(
            piece
                .strip_suffix(" times")
                .filter(|count| count.ends_with(|c: char| c.is_ascii_digit()))
                .unwrap_or(piece),
        ),
        _ => None,
    };
    if let Some(piece) = single
        && let Some(numeral) = number_words::amount(unwrapped(piece).as_deref().unwrap_or(piece))
    {
        // "minus 7", "twenty-five": a number, and still these words.
        let node = parse(&numeral)?;
        return Ok(Readings {
            nodes: vec![node, Node::Text(piece.to_owned())],
            letters: None,
            bare: None,
            bound: None,
        });
    }
    if let Some(piece) = single
        && extract.words
    {
        return worded(piece);
    }
    if let Some(piece) = single
        && is_time_in_words(piece)
        && let Some(Measured { node, .. }) = measured(piece)
    {
        return Ok(Readings::only(node));
    }
    // A name or a phrase is words, however the letters of its parts would read.
    if extract.plain
        && let Some(piece) = single
        && is_phrase(piece)
    {
        return Ok(Readings::only(text_or_set(piece)));
    }
    if let Some(piece) = single
        && let Some((letter, value)) = label(piece)
    {
        let value = readings_of_piece(value, extract.plain, side)?;
        let label = Node::Text(format!("({letter})"));
        let mut nodes = value.nodes.into_iter();
        let node = nodes.next().ok_or(Fault::Empty)?;
        return Ok(Readings::only(Node::Form("labelled".to_owned(), vec![label, node])));
    }
    let mut readings = match single {
        Some(piece) => readings_of_piece(piece, extract.plain, side)?,
        None => {
            let mut nodes = Vec::with_capacity(extract.pieces.len());
            for piece in &extract.pieces {
                match parse(&unescaped(piece))? {
                    Node::List(items) => nodes.extend(items),
                    node => nodes.push(node),
                }
            }
            Readings::only(Node::List(nodes))
        }
    };
    if extract.percent && !matches!(readings.nodes[0], Node::Percent(_)) {
        let node = readings.nodes.remove(0);
        readings.nodes.insert(0, Node::Percent(Box::new(node)));
    }
    Ok(readings)
}

/// What a command for text at the start of a piece holds, with what follows it.
fn unwrapped(piece: &str) -> Option<String> {
    let rest = piece.trim().strip_prefix("\\text")?;
    let open = rest.find('{')?;
    let close = rest.find('}').filter(|close| *close > open)?;
    Some(format!("{}{}", &rest[open + 1..close], &rest[close + 1..]))
}

/// Words: a name for a set, an amount after all, or text.
fn worded(piece: &str) -> Result<Readings, Fault> {
    if let Some(set) = named_set(piece) {
        return Ok(Readings::only(set));
    }
    let conditioned = conditions::split(piece);
    if conditioned.condition.is_some()
        && let Ok(node) = parse(conditioned.answer)
        && !has_loose_text(&node)
    {
        return Ok(Readings {
            nodes: vec![node, Node::Text(piece.to_owned())],
            letters: None,
            bare: None,
            bound: None,
        });
    }
    if let Some(Measured { node, certainty: Certainty::Sure }) = measured(piece) {
        return Ok(Readings::only(node));
    }
    // "12 apples" are so many of something; "7 or so" is not, and "x works" says something of x.
    if let Ok(node @ Node::Unit(..)) = parse(piece)
        && !has_loose_text(&node)
        && !node.has_symbols()
    {
        return Ok(Readings::only(node));
    }
    Ok(Readings::only(text_or_set(piece)))
}

fn readings_of_piece(piece: &str, plain: bool, side: Side) -> Result<Readings, Fault> {
    if let Some(number) = whole_number(piece) {
        return Ok(Readings::only(number));
    }
    let conditioned = conditions::split(piece);
    let piece = conditioned.answer;
    let amount = measured(piece);
    if let Some(Measured { node, certainty: Certainty::Sure }) = amount {
        // "3 and 1/4" may be two numbers, "8:40" a ratio.
        let mut nodes = vec![node];
        if piece.contains(" and ")
            && let Ok(list @ Node::List(_)) = parse(piece)
        {
            nodes.push(list);
        }
        return Ok(Readings { nodes, letters: None, bare: None, bound: None });
    }
    let letters = amount.map(|amount| amount.node);
    let parsed = parse(&unescaped(piece));
    let node = match parsed {
        Ok(node) => node,
        Err(Fault::Malformed(_)) if letters.is_some() => {
            return Ok(Readings {
                nodes: letters.clone().into_iter().collect(),
                letters,
                bare: None,
                bound: None,
            });
        }
        // What has words in it is text, even where it cannot be read as anything.
        Err(Fault::Malformed(_)) if has_words(piece) => return Ok(Readings::only(text_or_set(piece))),
        Err(fault) => return Err(fault),
    };
    let node = labelled(renamed(node, &conditioned));
    if has_loose_text(&node) && !matches!(node, Node::Text(_)) {
        // `5\frac{\text{m}}{\text{s}}`: upright letters are no factors.
        if let Some(amount) = letters {
            return Ok(Readings::only(amount));
        }
        return Ok(Readings::only(text_or_set(piece)));
    }
    let node = match node {
        Node::Text(words) => text_or_set(&words),
        other => other,
    };
    let mut nodes = vec![node];
    let mut bare = None;
    if plain {
        nodes.extend(decimal_comma(piece.trim_end_matches([' ', '$', '€', '£'])));
        if side == Side::Prediction
            && let Some(number) = unit_letter(piece)
            && let Ok(node) = parse(number)
        {
            bare = Some(node);
        }
    }
    Ok(Readings { nodes, letters, bare, bound: conditioned.bound().map(str::to_owned) })
}

/// A letter that stands for any whole number is called k, whatever it was called.
fn renamed(node: Node, conditioned: &Conditioned<'_>) -> Node {
    let Some(letter) = conditioned.whole_letter() else { return node };
    let taken = letter == "k" || node.any(&|part| matches!(part, Node::Symbol(name) if name == "k"));
    if taken {
        return node;
    }
    node.rebuilt(&|part| match part {
        Node::Symbol(name) if name == letter => Node::Symbol("k".to_owned()),
        other => other,
    })
}

fn has_words(piece: &str) -> bool {
    piece.contains("\\text") || piece.contains("\\mbox") || crate::extraction::is_prose(piece)
}

/// Whether words stand in it that are neither a unit nor all of it: then it is a text with numbers in it.
fn has_loose_text(node: &Node) -> bool {
    match node {
        Node::Text(_) => true,
        Node::Unit(inner, words) => has_loose_text(inner) || !is_noun(words),
        // Names are compared in tuples and lists, and beside relations.
        Node::List(items) | Node::Tuple(items) | Node::Set(items) => {
            items.iter().any(|item| !matches!(item, Node::Text(_)) && has_loose_text(item))
        }
        Node::Chain(sides, _) => sides.iter().any(|side| !is_made_of_names(side) && has_loose_text(side)),
        Node::Form(..) => false,
        Node::Product(_)
        | Node::Sum(_)
        | Node::Quotient(..)
        | Node::Power(..)
        | Node::Negative(_)
        | Node::Percent(_) => node.any_child(&mut has_loose_text),
        _ => false,
    }
}

fn is_made_of_names(node: &Node) -> bool {
    match node {
        Node::Text(_) | Node::Symbol(_) | Node::Constant(_) => true,
        Node::Product(items) => items.iter().all(is_made_of_names),
        Node::Quotient(a, b) => is_made_of_names(a) && is_made_of_names(b),
        _ => false,
    }
}

/// Whether the words behind a number can name what is counted or measured, and do not change the number.
fn is_noun(words: &str) -> bool {
    if crate::syntax::units::unit(words).is_some() {
        return true;
    }
    if crate::extraction::begins_predicate(words) {
        return false;
    }
    let mut count = 0;
    let plain = words
        .split(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '^' | '/')))
        .filter(|word| !word.is_empty());
    for word in plain {
        count += 1;
        if crate::extraction::changes_number(&word.to_lowercase()) {
            return false;
        }
    }
    count <= 5 && !words.contains(|c: char| c.is_ascii_digit() && !words.contains('^') || "()=<>".contains(c))
}

/// Words for sets as these sets, everything else as text.
fn text_or_set(words: &str) -> Node {
    named_set(words).unwrap_or_else(|| Node::Text(words.to_owned()))
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

/// The letter of a choice at the start of an answer, and the value behind it: `(C) 42`, `\text{C) } 42`, `B. 12`.
pub(crate) fn label(piece: &str) -> Option<(char, &str)> {
    let mut rest = piece.trim().trim_start_matches('$');
    let mut wrapped = false;
    for command in
        ["\\textbf{", "\\text{", "\\mathrm{", "\\mathbf{", "\\mbox{", "\\textrm{", "\\rm{", "\\bf{"]
    {
        if let Some(inside) = rest.strip_prefix(command) {
            rest = inside.trim_start();
            wrapped = true;
            break;
        }
    }
    for word in ["Option ", "option ", "Choice ", "choice "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let (bracketed, inside) = match rest.strip_prefix('(') {
        Some(inside) => (true, inside),
        None => (false, rest),
    };
    let letter = inside.chars().next().filter(|c| ('A'..='J').contains(c))?;
    let behind = inside[1..].trim_start_matches(' ');
    let (sign, mut behind) = match behind.chars().next() {
        Some(sign @ (')' | '.' | ':')) if !bracketed || sign == ')' => (sign, &behind[1..]),
        _ => return None,
    };
    let spaced = behind.starts_with([' ', '\\', '~', '}', '$']);
    loop {
        let before = behind;
        behind = behind.trim_start_matches([' ', '~', '$']);
        for space in ["\\ ", "\\quad", "\\qquad", "\\,", "\\;", "\\:"] {
            behind = behind.strip_prefix(space).unwrap_or(behind);
        }
        if wrapped && let Some(after) = behind.strip_prefix('}') {
            behind = after;
            wrapped = false;
        }
        if behind == before {
            break;
        }
    }
    // What stood in the command with the letter ends with its brace.
    let value = if wrapped { behind.strip_suffix('}')? } else { behind };
    let value = value.trim().trim_end_matches('$').trim();
    // "(A)(B)", "(A)+1" and "A:B" are formulas.
    let glued = sign != ')' && !spaced || value.starts_with(['+', '*', '/', '^', '=', '(', ',', '_', '\'']);
    let product = sign == ')' && !spaced && !value.starts_with(|c: char| c.is_ascii_digit());
    let another = value.starts_with("or ") || value.starts_with("and ");
    (!value.is_empty() && !glued && !product && !another).then_some((letter, value))
}

/// `100m` and `100m2` outside of formulas: the number in front of a unit's letter. In gold, a letter is a letter.
fn unit_letter(piece: &str) -> Option<&str> {
    let end = piece.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = piece.split_at(end);
    let unit = unit.trim_end_matches(|c: char| c.is_ascii_digit() || c == '^');
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
    first && groups.clone().next().is_some() && groups.all(|group| digits(group) && group.len() == 3)
}

/// A text whose backslashes were all escaped once too often, made plain. Environments tell: `\\begin` is never meant.
fn unescaped(piece: &str) -> Cow<'_, str> {
    if spaced_thousands(piece) {
        return Cow::Owned(piece.replace(' ', ""));
    }
    if !piece.contains('\\') {
        // `{∅}` as plain text writes it.
        return if !piece.is_ascii() && piece.contains("{∅}") {
            Cow::Owned(piece.replace('{', "\\{").replace('}', "\\}"))
        } else {
            Cow::Borrowed(piece)
        };
    }
    // `R \ {0}`.
    if let Some(at) = piece.find("\\ {").filter(|at| *at <= 4 && piece.ends_with('}'))
        && matches!(piece[..at].trim(), "R" | "Z" | "N" | "Q" | "C" | "ℝ" | "ℤ" | "ℕ" | "ℚ" | "ℂ")
    {
        let points = &piece[at + 3..piece.len() - 1];
        return Cow::Owned(format!("{}\\setminus\\{{{points}\\}}", &piece[..at]));
    }
    let twice = holds_pair(piece.as_bytes(), |a, b| (a == b'\\') & (b == b'\\'));
    if twice && (piece.contains("\\\\begin") || piece.contains("\\\\\\\\") && piece.contains("\\\\end")) {
        Cow::Owned(piece.replace("\\\\", "\\"))
    } else {
        Cow::Borrowed(piece)
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
