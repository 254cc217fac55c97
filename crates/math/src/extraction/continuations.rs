//! What stands behind a value and makes it a part of something larger, past the mark that seemed to end it: the rest of
//! a share ("73%… of 100 million"), of a number ("73… million") or of an operation ("73… squared", "73… or 74").

use crate::syntax::number_words::numeral;
use crate::syntax::units::multiplier;

/// What may stand between a value and what it goes on with.
const MARKS: &[char] =
    &['.', '$', ')', ']', '}', '"', '\'', '”', '’', '*', '_', ',', ';', ' ', '\t', '\u{a0}'];

/// Words for "of" behind a share, in the languages whose phrases are read.
const OF: &[&str] = &[
    "of", "de", "d'un", "d'une", "du", "des", "del", "do", "da", "dos", "das", "di", "von", "vom", "der",
    "из", "от", "×", "x",
];

/// Whether what stands right behind a value in percent is an amount that it is a share of: "of 100 million", "(of 200)",
/// "of a 100". "Of the 200 students" names what is counted, and the share is the answer.
pub(super) fn is_share(rest: &str) -> bool {
    let Some(rest) = past_percent(past_marks(rest)) else { return false };
    is_of_amount(rest)
}

/// The same where the percent sign is part of the value.
pub(super) fn is_of_amount(rest: &str) -> bool {
    let rest = past_marks(rest).trim_start_matches(['(', '[', '-', '–', '—', ' ', '\n']);
    if let Some(rest) = rest.strip_prefix('的') {
        return begins_number(rest);
    }
    let rest = rest.strip_prefix("out ").unwrap_or(rest);
    let (word, rest) = first_word(rest);
    if !OF.contains(&word.to_lowercase().as_str()) {
        return false;
    }
    let mut rest = rest.trim_start_matches(['}', '$', ' ', '\n', '\t']);
    for filler in ["a ", "an ", "about ", "exactly ", "roughly ", "only "] {
        rest = rest.strip_prefix(filler).unwrap_or(rest).trim_start();
    }
    begins_number(rest)
}

/// Whether a word for a large number stands by itself behind a mark: "7 (million)", "7 – million", "7, million".
pub(super) fn is_remote_multiplier(rest: &str) -> bool {
    let behind = rest.trim_start_matches(MARKS).trim_start_matches(['(', '[', '-', '–', '—', ' ']);
    let (word, after) = first_word(behind);
    multiplier(&word.to_lowercase()).is_some() && !after.trim_start().starts_with(char::is_alphanumeric)
}

/// Whether what stands behind the end of a statement goes on with its value.
pub(super) fn goes_on(text: &str, end: usize) -> bool {
    let (before, rest) = text.split_at(end);
    // `\boxed{73\%}\text{ of }200`
    let behind = past_upright(rest.trim_start_matches(MARKS)).trim_start_matches(MARKS);
    let marks = &rest[..rest.len() - behind.len()];
    let ellipsis = marks.contains("..") || marks.contains('.') && before.ends_with('.');
    // At most one end of line: a paragraph says something of its own.
    let (behind, line) = match behind.strip_prefix('\n') {
        Some(below) => (below.trim_start_matches([' ', '\t']), true),
        None => (behind, false),
    };
    let Some(first) = behind.chars().next().filter(|c| *c != '\n') else { return false };
    // A sentence of its own begins with a capital, unless it says nothing but an amount: "73%. Of 100 million."
    if first.is_uppercase() && !is_amount(behind) {
        return false;
    }
    // Whatever breaks off before "of 100" is a share of it.
    let share = ellipsis || ends_in_percent(before);
    if is_share(behind) || share && is_of_amount(behind) || is_multiplied(behind) {
        return true;
    }
    // "73… 000", "73… × 10".
    ellipsis && !line && (first.is_ascii_digit() || is_operation(behind))
}

/// Whether a sentence holds only numbers, shares and operations.
fn is_amount(rest: &str) -> bool {
    let end = rest.find(['.', '!', '?', '\n']).unwrap_or(rest.len());
    let mut words = rest[..end].split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let counts = |word: &str| {
        let lower = word.to_lowercase();
        let joins = matches!(
            lower.as_str(),
            "or" | "a"
                | "per"
                | "cent"
                | "percent"
                | "times"
                | "over"
                | "plus"
                | "minus"
                | "squared"
                | "cubed"
        );
        joins || OF.contains(&lower.as_str()) || begins_number(&lower)
    };
    words.all(counts)
}

/// "Million", "squared", "times 2", "or 74".
pub(super) fn is_multiplied(rest: &str) -> bool {
    let (word, behind) = first_word(rest);
    let lower = word.to_lowercase();
    let number = || begins_number(behind.trim_start());
    if multiplier(&lower).is_some() {
        return true;
    }
    match lower.as_str() {
        "squared" | "cubed" | "factorial" => true,
        "times" if behind.trim_start().starts_with("itself") => true,
        "times" | "plus" | "minus" | "over" | "or" => number(),
        "divided" | "multiplied" => behind.trim_start().starts_with("by "),
        "more" | "less" | "fewer" => behind.trim_start().strip_prefix("than ").is_some_and(begins_number),
        // "To the power", "to the 3rd".
        "to" => behind.trim_start().strip_prefix("the ").is_some_and(|rest| {
            let (word, _) = first_word(rest.trim_start_matches(|c: char| c.is_ascii_digit()));
            matches!(
                word,
                "power" | "st" | "nd" | "rd" | "th" | "second" | "third" | "fourth" | "fifth" | "tenth"
            )
        }),
        "raised" => behind.trim_start().starts_with("to "),
        "take" => behind.trim_start().strip_prefix("away ").is_some_and(begins_number),
        "point" => number(),
        _ => false,
    }
}

fn is_operation(rest: &str) -> bool {
    let operator = ["×", "·", "÷", "*", "/", "+", "-", "−", "^", "\\times", "\\cdot", "\\div", "%", "\\%"];
    operator
        .iter()
        .find_map(|sign| rest.strip_prefix(sign))
        .is_some_and(|behind| begins_number(behind.trim_start()))
}

fn past_marks(rest: &str) -> &str {
    past_upright(rest.trim_start_matches(MARKS)).trim_start_matches(MARKS)
}

/// Without the commands that set the words upright which a text begins with.
fn past_upright(rest: &str) -> &str {
    let spaces = ["\\,", "\\;", "\\ ", "~"];
    let rest = spaces.iter().find_map(|space| rest.strip_prefix(space)).unwrap_or(rest);
    let set = ["\\text{", "\\mbox{", "\\mathrm{", "\\textrm{"];
    set.iter().find_map(|command| rest.strip_prefix(command)).unwrap_or(rest)
}

fn ends_in_percent(before: &str) -> bool {
    let before = before.trim_end_matches(MARKS);
    ["%", "percent", "per cent", "percentage", "pct", "percentage points"]
        .iter()
        .any(|sign| before.ends_with(sign))
}

/// What stands behind a sign or word for percent.
fn past_percent(rest: &str) -> Option<&str> {
    for sign in ["\\%", "%", "％"] {
        if let Some(behind) = rest.strip_prefix(sign) {
            return Some(behind);
        }
    }
    let (word, behind) = first_word(rest);
    match word.to_lowercase().as_str() {
        "percent" | "percentage" | "pct" | "prozent" | "porcentaje" => Some(behind),
        "per" | "por" | "pour" => {
            let (word, behind) = first_word(behind.trim_start());
            matches!(word, "cent" | "ciento" | "cento").then_some(behind)
        }
        _ => None,
    }
}

fn first_word(rest: &str) -> (&str, &str) {
    let length = rest.find(|c: char| !(c.is_alphabetic() || matches!(c, '×' | '\'')));
    rest.split_at(length.unwrap_or(rest.len()))
}

/// Whether a text begins with a number, in digits or in words.
fn begins_number(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['$', '(', '\\', '£', '€', '-', '−']);
    let (word, _) = first_word(rest);
    rest.starts_with(|c: char| c.is_ascii_digit())
        || !word.is_empty()
            && (numeral(&word.to_lowercase()).is_some() || multiplier(&word.to_lowercase()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_name_an_amount() {
        for rest in [
            "% of 100 million",
            "\\% of $200$",
            " percent... of a hundred",
            "%... of 100",
            "% (of 200)",
            "%\nof 3",
        ] {
            assert!(is_share(rest), "{rest}");
        }
        for rest in ["% of the 200 students", "% of them", "%. Of course", " of 30", "%", "% of students"] {
            assert!(!is_share(rest), "{rest}");
        }
    }

    #[test]
    fn what_goes_on_is_seen_past_marks() {
        for rest in
            ["... million", "... squared", "... or 74", ". Million", "... 000", "... × 10^6", "\nmillion"]
        {
            assert!(goes_on(rest, 0), "{rest}");
        }
        assert!(goes_on("73% of 5", 3) && !goes_on("73 of 5", 2));
        for rest in [
            "",
            ".",
            "...",
            "... so we are done",
            ". 5 of them are red",
            "\n\nmillion",
            ". Or so I think",
            "\n- 5 more",
            ". Over 50 are red",
        ] {
            assert!(!goes_on(rest, 0), "{rest}");
        }
    }
}
