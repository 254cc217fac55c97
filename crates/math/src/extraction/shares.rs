//! A share in words, with what it is a share of: "three quarters of the cake" is 3/4.

use super::vocabulary::{Role, role};
use crate::syntax::{number_words, units};

/// Words that begin what a share is taken of.
const DETERMINERS: &[&str] = &[
    "the", "a", "an", "his", "her", "their", "its", "my", "our", "your", "all", "this", "that", "each",
    "every", "these", "those",
];

/// What a share of is a number, which then is what is meant: "half of the sum".
const NUMBERS: &[&str] = &[
    "answer",
    "sum",
    "total",
    "product",
    "number",
    "result",
    "value",
    "amount",
    "difference",
    "quotient",
    "sums",
    "numbers",
    "rest",
    "remainder",
];

/// The share that a text names and nothing else, as a numeral.
pub(super) fn share(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('.');
    if text.len() > 80
        || !text.starts_with(|c: char| c.is_ascii_alphabetic())
        || text.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let (share, of) = text.split_once(" of ")?;
    let share = share.trim().to_ascii_lowercase();
    let share = ["exactly ", "just ", "only ", "about "]
        .iter()
        .find_map(|word| share.strip_prefix(word))
        .unwrap_or(&share);
    let fraction = match share {
        "half" | "a half" | "one half" | "one-half" => "1/2".to_owned(),
        "a third" => "1/3".to_owned(),
        "a quarter" | "a fourth" => "1/4".to_owned(),
        _ => number_words::numeral(share).filter(|numeral| numeral.contains('/'))?,
    };
    let mut words = of.split_whitespace();
    let first = words.next()?.to_ascii_lowercase();
    if !DETERMINERS.contains(&first.as_str()) {
        return None;
    }
    let rest: Vec<String> = words.map(str::to_ascii_lowercase).collect();
    let plain = |word: &String| {
        word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b'\'')
            && matches!(role(word), Role::Other | Role::Filler)
            && !NUMBERS.contains(&word.as_str())
            && units::multiplier(word).is_none()
            && units::unit(word).is_none()
            && number_words::numeral(word).is_none()
    };
    (!rest.is_empty() && rest.len() <= 4 && rest.iter().all(plain)).then_some(fraction)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_is_a_number_and_a_share_of_a_number_is_none() {
        for (text, value) in [
            ("three quarters of the cake", "3/4"),
            ("three-quarters of the cake.", "3/4"),
            ("Two thirds of his marbles", "2/3"),
            ("half of the pizza", "1/2"),
            ("a third of the class", "1/3"),
        ] {
            assert_eq!(share(text).as_deref(), Some(value), "{text}");
        }
        for text in [
            "three quarters of a million",
            "three quarters of an hour",
            "half of the sum",
            "half of 146",
            "three quarters",
            "not half of the cake",
            "half of the cake or more",
            "three of the cakes",
            "half of dozens",
        ] {
            assert_eq!(share(text), None, "{text}");
        }
    }
}
