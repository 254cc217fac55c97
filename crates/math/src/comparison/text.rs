//! Words and the letters of choices.

use super::{Judge, Judgement, found};
use crate::expression::{Constant, Node};

impl Judge<'_> {
    pub(super) fn text(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        if !matches!(gold, Node::Text(_)) && !matches!(pred, Node::Text(_)) {
            return None;
        }
        let (Some(a), Some(b)) = (words(gold), words(pred)) else { return Some(found(false, "text")) };
        if let (Some(a), Some(b)) = (choice(&a), choice(&b)) {
            return Some(found(a == b, "choice"));
        }
        // A single letter is a name, and names have their case.
        let letters = folded(&a);
        let same_case = letters.chars().count() > 1
            || a.contains(|c: char| c.is_uppercase()) == b.contains(|c: char| c.is_uppercase());
        Some(found(letters == folded(&b) && !letters.is_empty() && same_case, "text"))
    }
}

impl Judge<'_> {
    /// `(A) 5` is A and is 5, whichever the other side has; where it has both, both must agree.
    pub(super) fn labelled(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        let split = |node: &Node| match node {
            Node::Form(name, parts) if name == "labelled" && parts.len() == 2 => {
                Some((parts[0].clone(), parts[1].clone()))
            }
            _ => None,
        };
        let is_letter = |node: &Node| words(node).is_some_and(|words| choice(&words).is_some());
        match (split(gold), split(pred)) {
            (Some((a, x)), Some((b, y))) => Some(self.both(&[(a, b), (x, y)], "choice and its value")),
            (Some((a, x)), None) => {
                Some(if is_letter(pred) { self.judge(&a, pred) } else { self.judge(&x, pred) })
            }
            (None, Some((b, y))) => {
                Some(if is_letter(gold) { self.judge(gold, &b) } else { self.judge(gold, &y) })
            }
            (None, None) => None,
        }
    }
}

/// The words of a node that can be read as words: text, a letter, letters side by side.
fn words(node: &Node) -> Option<String> {
    match node {
        Node::Text(words) => Some(words.clone()),
        Node::Symbol(name) => Some(name.clone()),
        Node::Constant(Constant::E) => Some("e".to_owned()),
        Node::Constant(Constant::I) => Some("i".to_owned()),
        Node::Product(items) => items.iter().map(words).collect(),
        Node::Unit(inner, unit) => Some(format!("{} {unit}", words(inner)?)),
        Node::Tuple(items) | Node::List(items) => {
            let parts: Option<Vec<String>> = items.iter().map(words).collect();
            parts.map(|parts| parts.join(","))
        }
        Node::Number { value, decimals: None } => Some(value.to_string()),
        _ => None,
    }
}

/// Letters and digits only, in lower case, without articles at the start.
fn folded(words: &str) -> String {
    let mut lower = words.to_lowercase();
    for article in ["the ", "a ", "an "] {
        if let Some(rest) = lower.strip_prefix(article) {
            lower = rest.to_owned();
            break;
        }
    }
    lower.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The capital letter of a choice: "C", "(C)", "C.", "C) 12 apples", "choice C".
pub(crate) fn choice(words: &str) -> Option<char> {
    let trimmed = words.trim();
    let lower = trimmed.to_ascii_lowercase();
    let trimmed = ["option ", "choice ", "answer "]
        .iter()
        .find_map(|prefix| lower.starts_with(prefix).then(|| trimmed[prefix.len()..].trim()))
        .unwrap_or(trimmed);
    let bracketed = trimmed.starts_with('(');
    let inside = trimmed.trim_start_matches(['(', '*']);
    let letter = inside.chars().next().filter(|c| ('A'..='J').contains(c))?;
    let rest = inside[1..].trim_start_matches('*');
    let closed = rest.trim().is_empty()
        || rest.starts_with(')')
        || (!bracketed
            && rest.starts_with(['.', ':'])
            && rest[1..].chars().next().is_none_or(char::is_whitespace));
    closed.then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_letters_with_their_brackets() {
        for (text, letter) in [("C", 'C'), ("(C)", 'C'), ("B) 12", 'B'), ("D.", 'D'), ("option A", 'A')] {
            assert_eq!(choice(text), Some(letter), "{text}");
        }
        for text in ["Cat", "", "12", "c", "Z"] {
            assert_eq!(choice(text), None, "{text}");
        }
    }
}
