//! A clause taken apart: words with what they do, numbers and formulas, commas, asides in brackets.

use std::borrow::Cow;

use super::formulas::Span;
use super::vocabulary::{Listed, Role, listed, role};
use crate::syntax::characters::is_foreign_letter;
use crate::syntax::commands::{PlainWord, known};
use crate::syntax::token::Token;
use crate::syntax::units;
use crate::syntax::words::is_word;

/// What a part of a clause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word(Role),
    /// A word for percent.
    Percent,
    /// Plain arithmetic, a number, a name in letters.
    Plain,
    /// A formula, by its place among the formulas of the text.
    Formula(usize),
    Comma,
    /// A remark in brackets, by what its first word does.
    Aside(Role),
}

/// One part of a clause and where it stands in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// No clause is taken apart further than this.
const ATOM_LIMIT: usize = 400;

/// The parts of `text[start..end]`.
pub(super) fn atoms(text: &str, start: usize, end: usize, spans: &[Span]) -> Vec<Atom> {
    let mut atoms = Vec::with_capacity(((end - start) / 4).min(64));
    let mut at = start;
    let mut next_span = spans.partition_point(|span| span.start < start);
    while at < end && atoms.len() < ATOM_LIMIT {
        if let Some(span) = spans.get(next_span)
            && span.start == at
        {
            atoms.push(Atom { kind: Kind::Formula(next_span), start: at, end: span.end.min(end) });
            at = span.end.min(end);
            next_span += 1;
            continue;
        }
        while spans.get(next_span).is_some_and(|span| span.start < at) {
            next_span += 1;
        }
        if text.as_bytes()[at] == b' ' {
            at += 1;
            continue;
        }
        let Some(c) = text[at..end].chars().next() else { break };
        let length = c.len_utf8();
        let (kind, stop) = match c {
            ',' | ';' => (Some(Kind::Comma), at + length),
            ':' => (Some(Kind::Word(Role::Copula)), at + length),
            '(' => match aside(&text[at..end]) {
                Some((role, length)) => (Some(Kind::Aside(role)), at + length),
                None => (Some(Kind::Plain), plain_end(text, at, end)),
            },
            '.' if !text[at + 1..end].starts_with(|c: char| c.is_ascii_digit()) => (None, at + 1),
            // "answer != 41".
            '!' if text[at + 1..end].starts_with('=') => (Some(Kind::Word(Role::Negation)), at + 2),
            '!' | '?' | '"' | '“' | '”' | '\'' | '’' => (None, at + length),
            c if c.is_whitespace() => (None, at + length),
            c if c.is_alphabetic() && !is_formula_letter(c) => word(text, at, end),
            _ => (Some(Kind::Plain), plain_end(text, at, end).max(at + length)),
        };
        if let Some(kind) = kind {
            atoms.push(Atom { kind, start: at, end: stop });
        }
        at = stop;
    }
    atoms
}

fn is_formula_letter(c: char) -> bool {
    !c.is_ascii() && !is_foreign_letter(c)
}

/// Scripts that write words without spaces.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
}

/// The word at `at`, or the name in letters that it is.
fn word(text: &str, at: usize, end: usize) -> (Option<Kind>, usize) {
    let rest = &text[at..end];
    let run = &rest[..word_length(rest)];
    let stop = at + run.len();
    let listed = listed(run);
    if let Some(Listed { role, only_word: true }) = listed {
        return (Some(Kind::Word(role)), stop);
    }
    // "a.m.", "p.m.".
    if matches!(run, "a" | "p" | "A" | "P")
        && rest[1..].get(..2).is_some_and(|next| next.eq_ignore_ascii_case(".m"))
    {
        let stop = at + if rest[3..].starts_with('.') { 4 } else { 3 };
        return (Some(Kind::Plain), stop);
    }
    // "i.e. 20".
    if run == "i" && rest[1..].starts_with(".e.") {
        return (Some(Kind::Word(Role::Copula)), at + 4);
    }
    // The month is no doubt.
    if run == "May" {
        return (Some(Kind::Word(Role::Other)), stop);
    }
    if run.is_ascii() && !run.contains(['\'', '-']) && is_name(text, run, stop, end) {
        return single(text, at, run, stop, end);
    }
    let lower = if run.bytes().all(|b| b.is_ascii_lowercase()) {
        Cow::Borrowed(run)
    } else {
        let lower = run.to_lowercase();
        Cow::Owned(if lower.contains('’') { lower.replace('’', "'") } else { lower })
    };
    if matches!(lower.as_ref(), "percent" | "percentage" | "pct") {
        return (Some(Kind::Percent), stop);
    }
    // "36 km/h", "24 cm^2": what is glued to a noun belongs to it.
    let role = match (listed, &lower) {
        (Some(listed), _) => listed.role,
        // No apostrophe, no other script: nothing in it to look for.
        (None, Cow::Borrowed(_)) => Role::Other,
        (None, Cow::Owned(lower)) => role(lower),
    };
    let glued = if role == Role::Other { glued_end(text, stop, end) } else { stop };
    if glued > stop && units::unit(&text[at..glued]).is_some() {
        return (Some(Kind::Plain), glued);
    }
    (Some(Kind::Word(role)), glued)
}

/// How long the word at the start of a text is, with apostrophes and hyphens inside of it.
fn word_length(rest: &str) -> usize {
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let ends = |next: &u8| next.is_ascii() && !matches!(next, b'\'' | b'-');
    if letters > 0 && rest.as_bytes().get(letters).is_none_or(ends) {
        return letters;
    }
    let unspaced = rest.starts_with(is_unspaced);
    let mut length = 0;
    for (i, c) in rest.char_indices() {
        let joins = matches!(c, '\'' | '’' | '-')
            && i > 0
            && rest[i + c.len_utf8()..].starts_with(|next: char| next.is_alphabetic() && !is_unspaced(next));
        let belongs =
            c.is_alphabetic() && !is_formula_letter(c) && is_unspaced(c) == unspaced || joins && !unspaced;
        if !belongs {
            break;
        }
        length = i + c.len_utf8();
    }
    length
}

/// Where a quotient or a power glued to a noun ends: "/h", "^2".
fn glued_end(text: &str, stop: usize, end: usize) -> usize {
    let mut at = stop;
    loop {
        let rest = &text[at..end];
        let Some(sign @ ('/' | '^')) = rest.chars().next() else { return at };
        let part = rest[1..]
            .find(|c: char| !(c.is_alphabetic() || sign == '^' && (c.is_ascii_digit() || "-{}".contains(c))))
            .unwrap_or(rest.len() - 1);
        if part == 0 {
            return at;
        }
        at += 1 + part;
    }
}

/// Whether letters are a name or a function of formulas and not a word.
fn is_name(text: &str, run: &str, stop: usize, end: usize) -> bool {
    if run.len() == 1 {
        // "a" and "A total" are articles, "I" speaks.
        let behind = &text[stop..end];
        let next = behind.strip_prefix(' ').unwrap_or_default();
        let length = next.bytes().take_while(u8::is_ascii_lowercase).count();
        // "A or B", "A because": a letter of a choice.
        let before_word = length > 1 && (role(&next[..length]) == Role::Other || run != "A");
        return !(matches!(run, "a" | "A" | "I") && before_word
            || run == "a" && behind.starts_with([' ', '.']));
    }
    // "He ate 3 of them": two letters before a word are one, too.
    let small = ["he", "me", "my", "us", "up", "go", "am"];
    if run.len() == 2
        && small.iter().any(|word| run.eq_ignore_ascii_case(word))
        && text[stop..end]
            .strip_prefix(' ')
            .is_some_and(|next| next.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()))
    {
        return false;
    }
    // Most words are long, and no name or function of these is.
    if run.len() > 12 {
        return false;
    }
    match known(run) {
        Some(PlainWord::Unit | PlainWord::Token(Token::Percent | Token::Connector | Token::Degree)) => false,
        Some(PlainWord::Token(_)) => {
            !matches!(run, "max" | "min" | "inf" | "mod" | "abs" | "floor" | "choose")
                || text[stop..end].starts_with('(')
        }
        None => {
            let capitals = run.bytes().all(|b| b.is_ascii_uppercase());
            run.len() <= 5 && !is_word(run) && (capitals || role(&run.to_ascii_lowercase()) == Role::Other)
        }
    }
}

/// A letter or a few: part of a formula without marks, or a connector of another language between two numbers.
fn single(text: &str, at: usize, run: &str, stop: usize, end: usize) -> (Option<Kind>, usize) {
    let between_numbers = text[..at].trim_end().ends_with(|c: char| c.is_ascii_digit())
        && text[..at].ends_with(' ')
        && text[stop..end].starts_with(' ')
        && text[stop..end].trim_start().starts_with(|c: char| c.is_ascii_digit());
    if between_numbers {
        match run {
            "y" | "e" | "et" => return (Some(Kind::Word(Role::And)), stop),
            "o" | "u" | "ou" => return (Some(Kind::Word(Role::Or)), stop),
            _ => {}
        }
    }
    // "5 horas y media", "deux heures et demie".
    let half = [" media", " medio", " demi", " meia", " meio", " mezz"];
    if matches!(run, "y" | "e" | "et") && half.iter().any(|half| text[stop..end].starts_with(half)) {
        return (Some(Kind::Word(Role::And)), stop);
    }
    // "não é 18, e sim 19".
    if run == "e" && text[stop..end].starts_with(" sim ") {
        return (Some(Kind::Word(Role::But)), stop + " sim".len());
    }
    (Some(Kind::Plain), plain_end(text, at, end).max(stop))
}

/// A remark in brackets: words, by what the first of them does. Anything else in brackets is mathematics.
fn aside(rest: &str) -> Option<(Role, usize)> {
    let close = rest.find(')')?;
    let inside = &rest[1..close];
    if inside.contains('(') || inside.len() > 200 {
        return None;
    }
    let mut worst = Role::Other;
    let mut words = 0;
    let mut also = false;
    for word in inside
        .split(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’')))
        .filter(|word| !word.is_empty())
    {
        let lower = word.to_lowercase();
        let role = role(&lower);
        let counts = !word.is_ascii() || is_word(word) || role != Role::Other && word.len() > 1;
        if !counts {
            continue;
        }
        words += 1;
        // "(or 8)" and "(this is wrong)" change what stands before; "(not 8)" does not.
        if worst == Role::Other
            && matches!(role, Role::Or | Role::Hedge | Role::Wrong | Role::Negation | Role::Case)
        {
            worst = role;
        }
        // "(74 also works)".
        also |= matches!(
            lower.as_str(),
            "also" | "too" | "edit" | "actually" | "correction" | "corrected" | "rather" | "update"
        );
    }
    // "(not sure)".
    let lower = inside.to_lowercase();
    // "(too big)", "(rejected)", "(doesn't work)".
    let numbered = inside.contains(|c: char| c.is_ascii_digit());
    let gone = [
        "rejected",
        "discarded",
        "eliminated",
        "excluded",
        "too big",
        "too small",
        "too large",
        "too low",
        "too high",
    ];
    let fails = worst == Role::Negation
        && ["work", "valid", "possible", "allowed", "cannot be", "can't be"]
            .iter()
            .any(|word| lower.contains(word));
    if !numbered && (fails || gone.iter().any(|word| lower.contains(word))) {
        worst = Role::Wrong;
    }
    if worst == Role::Negation
        && ["sure", "certain", "confident", "positive"].iter().any(|word| lower.contains(word))
    {
        worst = Role::Hedge;
    }
    if worst == Role::Other && also && inside.contains(|c: char| c.is_ascii_digit()) {
        worst = Role::Or;
    }
    (words > 0).then_some((worst, close + 1))
}

/// Where the arithmetic that begins at `at` ends: at a space outside of brackets, a comma that separates, or a word.
fn plain_end(text: &str, at: usize, end: usize) -> usize {
    let rest = &text[at..end];
    let bytes = rest.as_bytes();
    let mut depth = 0usize;
    let mut i = 0;
    while i < bytes.len() {
        let c = bytes[i];
        let next = bytes.get(i + 1).copied().unwrap_or(b' ');
        match c {
            b'(' | b'[' | b'{' => {
                if c == b'(' && depth == 0 && i > 0 && aside(&rest[i..]).is_some() {
                    break;
                }
                depth += 1;
            }
            b')' | b']' | b'}' => {
                if depth == 0 && i > 0 && c == b')' {
                    break;
                }
                depth = depth.saturating_sub(1);
            }
            b'\\' => {
                let name = bytes[i + 1..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
                i += 1 + name.max(rest[i + 1..].chars().next().map_or(0, char::len_utf8));
                continue;
            }
            b',' | b';' if depth == 0 => {
                let separates =
                    c == b';' || !next.is_ascii_digit() || i == 0 || !bytes[i - 1].is_ascii_digit();
                if separates {
                    break;
                }
            }
            b':' if depth == 0 && !next.is_ascii_digit() => break,
            b'.' | b'!' | b'?'
                if depth == 0 && (next.is_ascii_whitespace() || matches!(next, b'"' | b'\'' | b')')) =>
            {
                break;
            }
            // "73... of 100": what breaks off is no part of the number.
            b'.' if depth == 0 && i > 0 && next == b'.' => break,
            b'"' if depth == 0 => {
                // Inches, or a closing quote.
                if i > 0 && !bytes[i - 1].is_ascii_digit() || text[..at].ends_with(['"', '“']) {
                    break;
                }
            }
            _ if c.is_ascii_whitespace() && depth == 0 => break,
            _ if c.is_ascii() => {}
            _ => {
                let Some(c) = rest[i..].chars().next() else { break };
                if is_foreign_letter(c) || matches!(c, '”' | '“' | '’') {
                    break;
                }
                i += c.len_utf8();
                continue;
            }
        }
        i += 1;
    }
    at + i.min(rest.len())
}
