//! Quantities of a problem: what it states in digits or in words, and what it counts.

use super::{
    rational::Rational,
    token::{TokenKind, tokens},
};
use std::collections::BTreeSet;

const WORDS: [(&str, i64); 24] = [
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("hundred", 100),
    ("thousand", 1000),
    ("dozen", 12),
    ("twice", 2),
    ("half", 2),
    ("double", 2),
    ("triple", 3),
];

/// Every number that a problem states, in digits or as a word.
#[must_use]
pub fn stated(problem: &str) -> BTreeSet<Rational> {
    let mut stated = BTreeSet::new();
    for token in tokens(problem) {
        match token.kind {
            TokenKind::Number(value) => {
                stated.insert(value);
            }
            TokenKind::Word => stated.extend(of_word(token.text(problem))),
            _ => {}
        }
    }
    stated
}

/// The number that a word stands for.
#[must_use]
pub fn of_word(word: &str) -> Option<Rational> {
    let word = word.to_lowercase();
    WORDS.iter().find(|(name, _)| *name == word).map(|(_, value)| Rational::whole(*value))
}

/// A number that the problem states in digits, with the noun that it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// The number.
    pub value: Rational,
    /// The word after it, in lower case; empty where none follows.
    pub noun: String,
    /// Its sentence's last capitalised word before it, if there is one.
    pub owner: Option<String>,
    /// Whether a percent sign follows.
    pub percent: bool,
    /// Whether a sign of currency stands before it.
    pub currency: bool,
}

/// The quantities of a problem, in its order.
#[must_use]
pub fn quantities(problem: &str) -> Vec<Quantity> {
    let tokens = tokens(problem);
    let mut quantities = Vec::new();
    let mut owner: Option<String> = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Word => {
                let word = token.text(problem);
                if word.starts_with(char::is_uppercase) && word.chars().count() > 2 {
                    owner = Some(bare(word).to_owned());
                }
            }
            TokenKind::Number(value) => {
                let next = tokens.get(at + 1);
                let noun = next
                    .filter(|next| next.kind == TokenKind::Word)
                    .map(|next| next.text(problem).to_lowercase())
                    .unwrap_or_default();
                quantities.push(Quantity {
                    value,
                    noun,
                    owner: owner.clone(),
                    percent: next.is_some_and(|next| next.kind == TokenKind::Percent),
                    currency: at > 0 && tokens[at - 1].kind == TokenKind::Currency,
                });
            }
            _ => {}
        }
    }
    quantities
}

/// A name without its possessive.
#[must_use]
pub fn bare(word: &str) -> &str {
    word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word)
}

/// Capitalised words that name nobody.
const NO_NAMES: [&str; 72] = [
    "The",
    "How",
    "What",
    "When",
    "Where",
    "Which",
    "Who",
    "Why",
    "She",
    "He",
    "They",
    "Her",
    "His",
    "Their",
    "Its",
    "There",
    "This",
    "That",
    "These",
    "Those",
    "Each",
    "Every",
    "Then",
    "After",
    "Before",
    "Once",
    "Since",
    "While",
    "And",
    "But",
    "For",
    "From",
    "With",
    "Given",
    "Find",
    "Calculate",
    "Assume",
    "Suppose",
    "Today",
    "Yesterday",
    "Tomorrow",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
    "You",
    "Your",
    "Our",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Half",
    "All",
    "Some",
    "Not",
];

/// The names that a problem uses: capitalised words that it never writes small, and that are not just the first word of
/// a sentence in common use.
#[must_use]
pub fn names(problem: &str) -> Vec<String> {
    let tokens = tokens(problem);
    let words: Vec<&str> = tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Word)
        .map(|token| bare(token.text(problem)))
        .collect();
    let small: BTreeSet<&str> =
        words.iter().copied().filter(|word| word.starts_with(char::is_lowercase)).collect();
    let mut names: Vec<String> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let word = bare(token.text(problem));
        let opens = at == 0
            || tokens[at - 1].kind == TokenKind::Other
                && matches!(tokens[at - 1].text(problem), "." | "?" | "!" | ":" | "\"" | "“");
        let plain = word.chars().skip(1).all(char::is_lowercase) && word.chars().count() > 2;
        if token.kind == TokenKind::Word
            && word.starts_with(char::is_uppercase)
            && plain
            && !NO_NAMES.contains(&word)
            && !small.contains(word.to_lowercase().as_str())
            && (!opens || words.iter().filter(|other| **other == word).count() > 1 || !ends_commonly(word))
            && !names.iter().any(|name| name == word)
        {
            names.push(word.to_owned());
        }
    }
    names
}

/// Openers of sentences such as `During` or `Besides` end as names hardly do.
fn ends_commonly(word: &str) -> bool {
    ["ing", "ly", "ides", "ore", "ough", "less", "ever"].iter().any(|end| word.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBLEM: &str = "There are 87 oranges and 290 bananas in Philip's collection. During May, Anna paid $2.50 for half of them.";

    #[test]
    fn numbers_are_found_in_digits_and_words() {
        let stated: Vec<String> = stated(PROBLEM).iter().map(ToString::to_string).collect();
        assert_eq!(stated, ["2", "2.5", "87", "290"]);
    }

    #[test]
    fn quantities_know_what_they_count_and_whose_they_are() {
        let found = quantities(PROBLEM);
        assert_eq!(found[0].noun, "oranges");
        assert_eq!(found[1].noun, "bananas");
        assert_eq!(found[2].owner.as_deref(), Some("Anna"));
        assert!(found[2].currency);
    }

    #[test]
    fn names_are_told_from_openers() {
        assert_eq!(names(PROBLEM), ["Philip", "Anna"]);
    }
}
