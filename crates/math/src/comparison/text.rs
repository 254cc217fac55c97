//! Words and the letters of choices.

use super::{Judge, Judgement, found};
use crate::expression::{Constant, Node};
use crate::rule::Rule;

impl Judge<'_> {
    pub(super) fn text(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        if !matches!(gold, Node::Text(_)) && !matches!(pred, Node::Text(_)) {
            return None;
        }
        let (Some(a), Some(b)) = (words(gold), words(pred)) else { return Some(found(false, Rule::Text)) };
        if let (Some(a), Some(b)) = (choice(&a), choice(&b)) {
            return Some(found(a == b, Rule::Choice));
        }
        let x = said(&a);
        // A date in words has at most three words where it is said with two: a text of many more is not gold.
        let (y, whole) = said_up_to(&b, 2 * x.len() + 2);
        if !whole {
            return Some(found(false, Rule::Text));
        }
        // A single letter is a name, and names have their case.
        let letters = |words: &[Word]| {
            words
                .iter()
                .map(|word| if let Word::Letters(letters) = word { letters.chars().count() } else { 2 })
                .sum::<usize>()
        };
        let same_case = letters(&x) > 1
            || a.contains(|c: char| c.is_uppercase()) == b.contains(|c: char| c.is_uppercase());
        Some(found(x == y && !x.is_empty() && same_case, Rule::Text))
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
            (Some((a, x)), Some((b, y))) => Some(self.both(&[(a, b), (x, y)], Rule::ChoiceAndItsValue)),
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

/// Whether a clause says the words of gold: all of it, or behind "is" at its end, or before a reason.
pub(crate) fn says(clause: &str, gold: &str) -> bool {
    if let Some(same) = begins_with_verdict(clause, gold) {
        return same;
    }
    let (clause, gold) = (said(clause), said(gold));
    if gold.is_empty() || clause.len() < gold.len() {
        return false;
    }
    if clause == gold {
        return true;
    }
    let denies = |words: &[Word]| {
        words.iter().any(|word| match word {
            Word::Letters(letters) => {
                letters.ends_with("n't")
                    || matches!(
                        letters.as_str(),
                        "not"
                            | "no"
                            | "never"
                            | "neither"
                            | "nor"
                            | "or"
                            | "maybe"
                            | "perhaps"
                            | "possibly"
                            | "might"
                            | "could"
                            | "either"
                            | "but"
                            | "false"
                            | "wrong"
                            | "if"
                            | "unless"
                            | "cannot"
                    )
            }
            _ => false,
        })
    };
    if clause.ends_with(&gold) {
        let before = &clause[..clause.len() - gold.len()];
        let verbs = ["is", "are", "was", "were", "be", "equals", "has", "have", "means", "that"];
        let tail: Vec<&str> = before
            .iter()
            .rev()
            .take(2)
            .filter_map(|word| if let Word::Letters(letters) = word { Some(letters.as_str()) } else { None })
            .collect();
        let introduced = match tail.as_slice() {
            [verb, ..] if verbs.contains(verb) => true,
            // "On the 20th of June".
            ["on" | "at" | "in"] if before.len() == 1 => true,
            [preposition, verb] => {
                matches!(*preposition, "on" | "at" | "in" | "to" | "by") && verbs.contains(verb)
            }
            _ => false,
        };
        // "It increases by 5", "It points east".
        let pronoun = matches!(before.first(), Some(Word::Letters(word)) if matches!(word.as_str(), "it" | "he" | "she" | "they" | "this" | "limit" | "value" | "function" | "graph"));
        let subject = pronoun
            && (before.len() == 1 && gold.len() > 1
                || before.len() == 2
                || before.len() == 3
                    && matches!(before.last(), Some(Word::Letters(word)) if matches!(word.as_str(), "on" | "at" | "in")));
        return (introduced || subject) && !denies(before);
    }
    if clause.starts_with(&gold) {
        let rest = &clause[gold.len()..];
        let reason = matches!(&rest[0], Word::Letters(word) if matches!(
            word.as_str(),
            "because" | "since" | "as" | "it" | "they" | "he" | "she" | "we" | "for" | "so" | "which" | "this" | "these" | "there"
        ));
        // "Evelyn ran the fastest": a superlative says who was asked for.
        let superlative = rest.iter().any(|word| matches!(word, Word::Letters(word) if word == "most" || word.len() > 4 && word.ends_with("est")))
            && !rest.iter().any(|word| matches!(word, Word::Letters(word) if matches!(word.as_str(), "than" | "second" | "third" | "next" | "almost" | "nearly" | "among" | "one")));
        return (reason || superlative) && !denies(rest);
    }
    // "There are infinitely many solutions."
    let opened = matches!(clause.as_slice(), [Word::Letters(a), Word::Letters(b), ..]
        if matches!((a.as_str(), b.as_str()), ("there", "are" | "is") | ("it", "has") | ("equation" | "system", "has")));
    if opened && clause[2..].starts_with(&gold) && clause.len() == gold.len() + 3 {
        return matches!(clause.last(), Some(Word::Letters(noun)) if noun.ends_with('s'))
            && !denies(&clause[2..2 + gold.len()]);
    }
    false
}

/// "No, it is not possible": where gold is a verdict, the word that begins the clause is one.
fn begins_with_verdict(clause: &str, gold: &str) -> Option<bool> {
    let gold = gold.trim().to_lowercase();
    let opposite = match gold.as_str() {
        "yes" => "no",
        "no" => "yes",
        "true" => "false",
        "false" => "true",
        _ => return None,
    };
    let clause = clause.trim().to_lowercase();
    let rest = clause.strip_prefix(gold.as_str())?;
    if !rest.trim_start().starts_with([',', ';', ':', '-', '—', '.']) {
        return None;
    }
    let turned = rest.split(|c: char| !c.is_alphabetic()).any(|word| {
        word == opposite
            || matches!(
                word,
                "wait"
                    | "actually"
                    | "but"
                    | "or"
                    | "maybe"
                    | "perhaps"
                    | "unless"
                    | "if"
                    | "sure"
                    | "wrong"
                    | "incorrect"
            )
    });
    (!turned).then_some(true)
}

/// The full name of a month or a day of the week.
fn full_name(word: &str) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let name = NAMES.iter().find(|name| **name == word || word.len() >= 3 && name.starts_with(word));
    name.copied()
        .filter(|name| *name == word || word.len() == 3 || matches!(word, "sept" | "tues" | "thur" | "thurs"))
}

/// Dates in one order: `20 June` and `the 20th of June` as `June 20`; names of months and days written out.
fn dated(mut words: Vec<Word>) -> Vec<Word> {
    let month = |word: &Word| match word {
        Word::Letters(letters) => full_name(letters).filter(|name| !name.ends_with("day")),
        _ => None,
    };
    let day = |word: &Word| matches!(word, Word::Number(number) if number.parse().is_ok_and(|n: u32| (1..=31).contains(&n)));
    let mut at = 0;
    while at < words.len() {
        if let Some(name) = month(&words[at]) {
            let numbered = words.get(at + 1).is_some_and(|next| matches!(next, Word::Number(_)));
            let of =
                at >= 2 && matches!(&words[at - 1], Word::Letters(of) if of == "of") && day(&words[at - 2]);
            let before = if of { Some(at - 2) } else { at.checked_sub(1).filter(|at| day(&words[*at])) };
            if let Some(before) = before {
                let number = words[before].clone();
                words.splice(before..=at, [Word::Letters(name.to_owned()), number]);
                at = before + 1;
            } else if numbered {
                words[at] = Word::Letters(name.to_owned());
            }
        } else if let Word::Letters(letters) = &words[at]
            && words.len() == 1
            && let Some(name) = full_name(letters)
        {
            words[at] = Word::Letters(name.to_owned());
        } else if let Word::Letters(letters) = &words[at]
            && letters == "dne"
        {
            let written = ["does", "not", "exist"].map(|word| Word::Letters(word.to_owned()));
            words.splice(at..=at, written);
        }
        at += 1;
    }
    words
}

/// One part of a text that counts when texts are compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    Letters(String),
    /// A numeral with its sign, without separators and idle zeros.
    Number(String),
    Sign(char),
}

/// What a text says: words in lower case without articles, numbers with their signs, and signs of arithmetic.
/// Punctuation, brackets and formula marks are dress.
pub(crate) fn said(text: &str) -> Vec<Word> {
    said_up_to(text, usize::MAX).0
}

/// The same, with no more than so many words and one of a text; and whether these are all.
fn said_up_to(text: &str, limit: usize) -> (Vec<Word>, bool) {
    let mut words = Vec::new();
    let mut rest = text;
    let mut glued = false;
    while let Some(c) = rest.chars().next() {
        if words.len() > limit {
            return (words, false);
        }
        let length = if c == '\\' {
            let name = rest[1..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let command = &rest[1..1 + name];
            // Faces and spaces are dress, other commands are words.
            let dress = matches!(
                command,
                "" | "text"
                    | "mathrm"
                    | "textbf"
                    | "mbox"
                    | "mathbf"
                    | "left"
                    | "right"
                    | "quad"
                    | "textrm"
                    | "textit"
            );
            if !dress {
                words.push(Word::Letters(command.to_owned()));
            }
            if name > 0 { 1 + name } else { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) }
        } else if c.is_alphabetic() {
            let end = rest
                .char_indices()
                .find(|(i, c)| {
                    !(c.is_alphabetic()
                        || matches!(c, '\'' | '’')
                            && rest[i + c.len_utf8()..].starts_with(char::is_alphabetic))
                })
                .map_or(rest.len(), |(i, _)| i);
            let word = rest[..end].to_lowercase().replace('’', "'");
            if !matches!(word.as_str(), "the" | "a" | "an") {
                words.push(Word::Letters(word));
            }
            end
        } else if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            let end = numeral_end(rest);
            let negative = !glued && words.last() == Some(&Word::Sign('-'));
            if negative {
                words.pop();
            }
            let plain = rest[..end].replace(',', "");
            let plain =
                if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.') } else { &plain };
            let plain = plain.trim_start_matches('0');
            let plain = if plain.is_empty() || plain.starts_with('.') {
                format!("0{plain}")
            } else {
                plain.to_owned()
            };
            let sign = if negative && plain != "0" { "-" } else { "" };
            words.push(Word::Number(format!("{sign}{plain}")));
            // "June 20th".
            let ending = &rest[end..];
            let ordinal = ["st", "nd", "rd", "th"].iter().any(|ordinal| {
                ending.strip_prefix(ordinal).is_some_and(|next| !next.starts_with(char::is_alphanumeric))
            });
            if ordinal { end + 2 } else { end }
        } else {
            match c {
                '-' | '−' | '–' => {
                    // A hyphen between letters joins a word; before a number it may be a sign.
                    let between_letters = words.last().is_some_and(|word| matches!(word, Word::Letters(_)))
                        && rest[c.len_utf8()..].starts_with(char::is_alphabetic);
                    if !between_letters {
                        glued = matches!(words.last(), Some(Word::Number(_)));
                        words.push(Word::Sign('-'));
                    }
                }
                '+' | '=' | '<' | '>' | '/' | '*' | '^' | '_' | '%' | '°' | '≤' | '≥' | '≠' | '±' | '×'
                | '÷' | '√' => {
                    words.push(Word::Sign(c));
                }
                // A prime at the end of a name is part of it; quotes come in pairs.
                '\'' | '′'
                    if text.matches(['\'', '′']).count() % 2 == 1
                        && matches!(words.last(), Some(Word::Letters(_))) =>
                {
                    words.push(Word::Sign('\''));
                }
                c if !c.is_ascii() && !c.is_whitespace() && !"“”‘’–—，。：；！？（）".contains(c) =>
                {
                    words.push(Word::Sign(c));
                }
                _ => {}
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    (dated(words), true)
}

/// The length of the numeral at the start: digits, with separators of thousands and a point between them.
fn numeral_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    while bytes.get(end) == Some(&b',') && digits(end + 1) == 3 && end <= 15 {
        end += 4;
    }
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    end.max(1)
}

/// The capital letter of a choice: "C", "(C)", "C.", "C) 12 apples", "choice C".
pub(crate) fn choice(words: &str) -> Option<char> {
    let trimmed = words.trim().trim_end_matches('.');
    let lower = trimmed.to_ascii_lowercase();
    let trimmed = ["option ", "choice ", "answer "]
        .iter()
        .find_map(|prefix| lower.starts_with(prefix).then(|| trimmed[prefix.len()..].trim()))
        .unwrap_or(trimmed);
    let bracketed = trimmed.starts_with('(');
    let inside = trimmed.trim_start_matches(['(', '*']);
    let letter = inside.chars().next().filter(|c| ('A'..='J').contains(c))?;
    let rest = inside[1..].trim_start_matches('*');
    let more = |rest: &str| {
        let rest = rest.trim_start();
        rest.starts_with([',', ';', '&', '/', '(']) || rest.starts_with("or ") || rest.starts_with("and ")
    };
    let closed = rest.trim().is_empty()
        || rest.strip_prefix(')').is_some_and(|behind| !more(behind))
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
