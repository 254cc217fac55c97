//! What stands behind a statement of the answer and changes it: "Wait, no. It's 8.", "Actually, 74", "But the question
//! asks for …, which is 10".

use super::Extract;
use super::claims::{in_words, retracted};
use super::continuations::goes_on;
use super::formulas::Span;
use super::sentences::{last_sentence_from, sentence_end};
use super::vocabulary::{Role, role};

/// No more sentences behind a statement are looked at.
const SENTENCE_LIMIT: usize = 12;

/// Words that a turn begins with.
const TURNS: &[&str] = &[
    "actually",
    "wait",
    "no",
    "nope",
    "oops",
    "sorry",
    "correction",
    "hmm",
    "hold",
    "oh",
    "rather",
    "mean",
    "meant",
    "but",
    "however",
    "edit",
    "update",
    "corrected",
    "thought",
    "thoughts",
    "bad",
    "mistake",
    "erratum",
    "errata",
    "scratch",
    "strike",
];

/// Whether a text begins with one of them.
pub(super) fn begins_turn(text: &str) -> bool {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    TURNS.iter().any(|turn| text[..length].eq_ignore_ascii_case(turn))
}

/// Whether one of them begins a word of a text, in one pass.
fn has_turn(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut before = b' ';
    for (at, byte) in bytes.iter().enumerate() {
        let starts = !before.is_ascii_alphabetic();
        before = *byte;
        if !starts
            || !matches!(
                byte | 0x20,
                b'a' | b'b' | b'c' | b'e' | b'h' | b'm' | b'n' | b'o' | b'r' | b's' | b't' | b'u' | b'w'
            )
        {
            continue;
        }
        let length = bytes[at..].iter().take(12).take_while(|b| b.is_ascii_alphabetic()).count();
        if TURNS
            .iter()
            .any(|turn| turn.len() == length && bytes[at..at + length].eq_ignore_ascii_case(turn.as_bytes()))
        {
            return true;
        }
    }
    false
}

/// Whether a word stands in a text, in any case, apart from other letters.
fn contains_word(text: &str, word: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(word.len()).enumerate().any(|(at, part)| {
        part[1..] == word.as_bytes()[1..]
            && part[0].eq_ignore_ascii_case(&word.as_bytes()[0])
            && (at == 0 || !bytes[at - 1].is_ascii_alphabetic())
            && bytes.get(at + word.len()).is_none_or(|next| !next.is_ascii_alphabetic())
    })
}

/// The extract that holds after what is said behind `end`: the same, another one, or the same as words.
pub(super) fn corrected(text: &str, end: usize, spans: &[Span], extract: Extract) -> Extract {
    if extract.words || !text[end..].contains(char::is_alphanumeric) {
        return extract;
    }
    if extract.pieces.len() == 1 && goes_on(text, end) {
        return in_words(extract);
    }
    let rung = extract.rung;
    let found = |from: usize| {
        last_sentence_from(text, from, spans, |_| rung)
            .filter(|later| !later.words || later.pieces.is_empty())
    };
    if retracted(&text[end..]) {
        return found(end).unwrap_or_else(|| in_words(extract));
    }
    // Without a turn in it, nothing behind the answer is read.
    if !has_turn(&text[end..]) {
        return extract;
    }
    let mut start = end;
    for _ in 0..SENTENCE_LIMIT {
        let rest = &text[start..];
        start += rest.len()
            - rest.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '$' && c != '\\').len();
        if start >= text.len() {
            break;
        }
        let stop = sentence_end(text, start, spans);
        match turn(&text[start..stop]) {
            Turn::None => {}
            // What is named right behind it is the answer: "Actually, 74".
            Turn::Value => {
                if let Some(later) = found(start) {
                    return later;
                }
            }
            Turn::Mistake => return found(start).unwrap_or_else(|| in_words(extract)),
        }
        start = stop.max(start + 1);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        if start >= text.len() {
            break;
        }
    }
    extract
}

/// What a sentence behind the answer does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    None,
    /// It names another value in its place.
    Value,
    /// It says that the answer was wrong.
    Mistake,
}

fn turn(sentence: &str) -> Turn {
    let mut words = sentence
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’' | '.' | '/' | '-' | '$' | '\\')))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| !word.is_empty())
        .take(24)
        .map(|word| word.to_lowercase().replace('’', "'"))
        .peekable();
    let mut opened = false;
    let mut asks = false;
    let mut mine = false;
    while let Some(word) = words.peek().cloned() {
        match word.as_str() {
            "actually" | "wait" | "no" | "nope" | "oops" | "sorry" | "correction" | "hmm" | "hm" | "hold"
            | "thought" | "thoughts" | "bad" | "oh" | "edit" | "update" | "corrected" | "rather" | "mean"
            | "meant" | "erratum" | "errata" => opened = true,
            // "My mistake, it's 72".
            "mistake" if mine => opened = true,
            // "Scratch that, 72".
            "scratch" | "strike"
                if sentence.split_whitespace().nth(1).is_some_and(|next| next.starts_with("that")) =>
            {
                words.next();
                opened = true;
            }
            "but" | "however" => asks = true,
            "i" | "and" | "on" | "second" | "my" => {}
            _ => break,
        }
        mine = word == "my";
        words.next();
    }
    if !opened && !asks {
        return Turn::None;
    }
    let rest: Vec<String> = words.collect();
    // "Wait, no."; "Hmm, wait." looks at what follows.
    if rest.is_empty() && opened {
        return if contains_word(sentence, "no") { Turn::Mistake } else { Turn::Value };
    }
    let mistaken = rest.iter().any(|word| {
        matches!(
            word.as_str(),
            "forgot"
                | "mistake"
                | "mistaken"
                | "error"
                | "missed"
                | "overlooked"
                | "miscounted"
                | "misread"
                | "wrong"
                | "incorrect"
                | "neglected"
        )
    });
    // "Replace 73 by 72".
    let replaced = rest.first().is_some_and(|word| matches!(word.as_str(), "replace" | "change" | "read"));
    if opened && (mistaken || replaced) {
        return Turn::Mistake;
    }
    let names =
        |word: &String| word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '$' || c == '\\');
    // "Hmm, that counts one twice, so 72".
    if opened
        && let [.., before, last] = rest.as_slice()
        && matches!(before.as_str(), "so" | "giving" | "making" | "hence" | "leaving" | "thus")
        && names(last)
    {
        return Turn::Mistake;
    }
    if asks {
        let question = rest
            .iter()
            .take(8)
            .any(|word| matches!(word.as_str(), "question" | "problem" | "asks" | "asked"));
        return if question { Turn::Value } else { Turn::None };
    }
    // "Actually, it is 74."
    let mut named = rest.iter().skip_while(|word| {
        matches!(
            word.as_str(),
            "it" | "it's"
                | "that"
                | "that's"
                | "the"
                | "answer"
                | "should"
                | "be"
                | "must"
                | "make"
                | "final"
                | "correct"
                | "result"
                | "value"
        ) || role(word) == Role::Copula
    });
    match named.next() {
        Some(word)
            if names(word)
                && named
                    .next()
                    .is_none_or(|next| !matches!(next.as_str(), "is" | "works" | "also" | "+" | "=")) =>
        {
            Turn::Value
        }
        _ => Turn::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_seen() {
        for (sentence, expected) in [
            ("Actually, 74", Turn::Value),
            ("Wait, no: it's 8", Turn::Value),
            ("Hold on, I forgot to subtract the overlap", Turn::Mistake),
            ("Oh no, I made a mistake", Turn::Mistake),
            ("But the question asks for f(3) + 1, which is 10", Turn::Value),
            ("Wait, let me check: 2 + 2 = 4", Turn::None),
            ("But 3 is prime, too", Turn::None),
            ("There are 5 of them", Turn::None),
            ("Wait, no", Turn::Mistake),
            ("My mistake, it's 72", Turn::Value),
            ("Erratum: replace 73 by 72", Turn::Mistake),
            ("Scratch that, 72", Turn::Value),
            ("Hmm, that counts one twice, so 72", Turn::Mistake),
            ("My favourite is 72", Turn::None),
            ("Strike the first of them", Turn::None),
        ] {
            assert_eq!(turn(sentence), expected, "{sentence}");
        }
    }
}
