//! Inequalities in words: "x is at least 3", "all real numbers greater than 5", "x大于3".

use super::formulas::Span;
use crate::scan::Set;

/// Longer clauses say more than one relation.
const LENGTH_LIMIT: usize = 160;

/// Words that compare, the longer first, and the sign that they stand for.
const COMPARATIVES: &[(&str, &str)] = &[
    ("strictly greater than", ">"),
    ("strictly less than", "<"),
    ("greater than or equal to", "≥"),
    ("larger than or equal to", "≥"),
    ("more than or equal to", "≥"),
    ("less than or equal to", "≤"),
    ("smaller than or equal to", "≤"),
    ("no less than", "≥"),
    ("not less than", "≥"),
    ("no smaller than", "≥"),
    ("not smaller than", "≥"),
    ("no more than", "≤"),
    ("not more than", "≤"),
    ("no greater than", "≤"),
    ("not greater than", "≤"),
    ("no larger than", "≤"),
    ("not exceeding", "≤"),
    ("greater than", ">"),
    ("larger than", ">"),
    ("bigger than", ">"),
    ("more than", ">"),
    ("less than", "<"),
    ("smaller than", "<"),
    ("lower than", "<"),
    ("at least", "≥"),
    ("at most", "≤"),
    ("not equal to", "≠"),
    ("not equal", "≠"),
    ("different from", "≠"),
    ("exceeds", ">"),
    ("大于或等于", "≥"),
    ("大于等于", "≥"),
    ("不小于", "≥"),
    ("不低于", "≥"),
    ("至少是", "≥"),
    ("至少为", "≥"),
    ("小于或等于", "≤"),
    ("小于等于", "≤"),
    ("不大于", "≤"),
    ("不超过", "≤"),
    ("不等于", "≠"),
    ("大于", ">"),
    ("小于", "<"),
];

/// Properties that are relations to zero.
const PROPERTIES: &[(&str, &str)] = &[
    ("positive", "> 0"),
    ("negative", "< 0"),
    ("nonnegative", "≥ 0"),
    ("non-negative", "≥ 0"),
    ("nonpositive", "≤ 0"),
    ("non-positive", "≤ 0"),
    ("nonzero", "≠ 0"),
    ("non-zero", "≠ 0"),
];

/// Letters of the words below that few other words have, and two bytes that Chinese ones begin with.
const SELDOM: Set = Set::new(b"hsqxwvzf\xe4\xe8");

/// The relation that a clause says of a letter, or the set of all numbers of which it says one, as a formula.
pub(super) fn relation(text: &str, (start, end): (usize, usize), spans: &[Span]) -> Option<String> {
    if end - start > LENGTH_LIMIT {
        return None;
    }
    let clause = &text[start..end];
    // A seldom letter of each word below, or a byte that Chinese ones begin with; and then the word around it.
    let bytes = clause.as_bytes();
    let likely = SELDOM.places(bytes).any(|at| {
        let stands = |word: &str, letter: usize| {
            at.checked_sub(letter).is_some_and(|from| bytes[from..].starts_with(word.as_bytes()))
        };
        match bytes[at] {
            b'h' => stands("than", 1),
            b's' => stands("least", 3) || stands("most", 2),
            b'q' => stands("equal", 1),
            b'x' => stands("exceed", 1),
            b'w' => stands("between", 3),
            b'v' => stands("itive", 3) || stands("ative", 3),
            b'z' => stands("zero", 0),
            b'f' => stands("different", 2),
            _ => true,
        }
    });
    if !likely {
        return None;
    }
    // The clause without the marks of its formulas.
    let mut plain = String::with_capacity(clause.len());
    let mut from = start;
    for span in spans.iter().filter(|span| span.start >= start && span.end <= end) {
        plain.push_str(&text[from..span.start]);
        plain.push_str(span.text(text));
        from = span.end;
    }
    plain.push_str(&text[from..end]);
    let plain = without_opening(plain.trim().trim_end_matches(['.', '!', '。']).trim());
    between(plain).or_else(|| compared(plain)).or_else(|| property(plain))
}

/// Without "so", "the answer is", "we need" before the subject.
fn without_opening(clause: &str) -> &str {
    let mut rest = clause;
    loop {
        let before = rest;
        for opening in [
            "so ",
            "thus",
            "hence",
            "therefore",
            "the answer is",
            "the solution is",
            "the solution set is",
            "we need",
            "we have",
            "that is",
            "then",
            "that",
            "the value of ",
            "the set of ",
            "if and only if",
            ",",
            ":",
        ] {
            if rest.get(..opening.len()).is_some_and(|start| start.eq_ignore_ascii_case(opening)) {
                rest = rest[opening.len()..].trim_start();
            }
        }
        if rest == before {
            return rest;
        }
    }
}

fn compared(clause: &str) -> Option<String> {
    let ascii = clause.is_ascii();
    let (at, words, sign) = COMPARATIVES
        .iter()
        .filter(|(words, _)| !ascii || words.is_ascii())
        // Whether they stand in it is told faster than where.
        .filter(|(words, _)| clause.contains(words))
        .filter_map(|(words, sign)| Some((clause.find(words)?, *words, *sign)))
        .min_by_key(|(at, words, _)| (*at, usize::MAX - words.len()))?;
    let value = clause[at + words.len()..].trim();
    let subject = subject(clause[..at].trim())?;
    is_bound(value).then(|| written(subject, sign, value))
}

fn between(clause: &str) -> Option<String> {
    let (subject_words, rest) = clause.split_once("between ")?;
    let subject = subject(subject_words.trim())?;
    let (rest, closed) = match ["inclusive", "(inclusive)", ", inclusive"]
        .iter()
        .find_map(|end| rest.trim_end().strip_suffix(end))
    {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (low, high) = rest.split_once(" and ")?;
    let (low, high) = (low.trim(), high.trim().trim_end_matches(',').trim());
    if !is_bound(low) || !is_bound(high) {
        return None;
    }
    let sign = if closed { "≤" } else { "<" };
    Some(match subject {
        Subject::Letter(letter) => format!("{low} {sign} {letter} {sign} {high}"),
        Subject::Reals => {
            let (open, close) = if closed { ('[', ']') } else { ('(', ')') };
            format!("{open}{low}, {high}{close}")
        }
    })
}

fn property(clause: &str) -> Option<String> {
    let (subject_words, last) = clause.rsplit_once(' ')?;
    let (_, relation) = PROPERTIES.iter().find(|(word, _)| *word == last)?;
    match subject(subject_words.trim())? {
        Subject::Letter(letter) if subject_words.contains(' ') => Some(format!("{letter} {relation}")),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Subject<'t> {
    Letter(&'t str),
    /// "all real numbers".
    Reals,
}

/// What a relation is about: a letter, or all real numbers; nothing else may be said of it.
fn subject(words: &str) -> Option<Subject<'_>> {
    let mut all = false;
    let mut letter = None;
    for word in words.split_whitespace() {
        match word.to_ascii_lowercase().as_str() {
            "all" | "any" | "every" => all = true,
            "real" | "numbers" | "number" | "reals" | "values" | "value" | "of" if all => {}
            "is" | "are" | "must" | "be" | "should" | "has" | "to" | "strictly" | "that" | "such"
            | "which" | "only" | "the" | "for" | "can" | "always" => {}
            _ if letter.is_none() && is_letter(word) => letter = Some(word),
            _ => return None,
        }
    }
    match (all, letter) {
        (true, _) => Some(Subject::Reals),
        (false, Some(letter)) => Some(Subject::Letter(letter)),
        (false, None) => None,
    }
}

fn is_letter(word: &str) -> bool {
    let mut chars = word.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    let name = chars.as_str();
    first && (name.is_empty() || name.starts_with('_') && name.len() <= 4)
        || word.starts_with('\\') && word[1..].bytes().all(|b| b.is_ascii_lowercase()) && word.len() <= 8
}

/// Whether a text can be what something is compared with: mathematics without words.
fn is_bound(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= 48
        && !value.contains([',', ';', '=', '<', '>', '?'])
        && !super::prose::is_prose(value)
        && value.chars().all(|c| c.is_ascii() || "∞π√½".contains(c))
}

fn written(subject: Subject<'_>, sign: &str, value: &str) -> String {
    match (subject, sign) {
        (Subject::Letter(letter), _) => format!("{letter} {sign} {value}"),
        (Subject::Reals, ">") => format!("({value}, ∞)"),
        (Subject::Reals, "≥") => format!("[{value}, ∞)"),
        (Subject::Reals, "<") => format!("(-∞, {value})"),
        (Subject::Reals, "≤") => format!("(-∞, {value}]"),
        (Subject::Reals, _) => format!("(-∞, {value}) ∪ ({value}, ∞)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_in_words_are_read() {
        let read = |text: &str| relation(text, (0, text.len()), &[]);
        for (text, expected) in [
            ("x is at least 3", "x ≥ 3"),
            ("So x must be less than or equal to 3.", "x ≤ 3"),
            ("x is between 2 and 5", "2 < x < 5"),
            ("all real numbers greater than 5", "(5, ∞)"),
            ("The answer is all x less than -1/2", "(-∞, -1/2)"),
            ("k is positive", "k > 0"),
            ("x is not equal to 3", "x ≠ 3"),
            ("x大于3", "x > 3"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "The answer is at least 3",
            "He has 5 more than 3",
            "x is positive and even",
            "at least 3",
            "all integers greater than 3",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
