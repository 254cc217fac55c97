//! The exact checker: how far a text carries a procedure out, and what it answers.
//!
//! A *statement* says what a value is: its name (`S7`, `S_7`, `S_{7}`, `S₇`), then `=`, `:` or "is". A name behind an operator, a bracket or
//! an equals sign is an operand and states nothing. The clause goes on to the end of the line or sentence, or to the next statement; what it
//! states is the number behind its last equals sign, or its only number where there is none. A clause without a number (`S7 = S6 + S5`)
//! plans a step and does not carry it out.

use super::{Decimal, Procedure};
use crate::report::Extent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far a text carries a procedure out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// Fewer steps than there are, all of them, or more.
    pub extent: Extent,
    /// Steps that there are.
    pub expected: u32,
    /// Steps that are carried out, right or wrong; one that is stated again is carried out once.
    pub executed: u32,
    /// Those of them whose first result is right.
    pub confirmed: u32,
    /// The first step, from 0, that is wrong or left out; `None` where all are right.
    pub first_flaw: Option<u32>,
}

impl Execution {
    /// Whether all steps are carried out, each with the right result, and no others.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.extent == Extent::Exact && self.first_flaw.is_none()
    }
}

/// What a text answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Whether the first answer that it states is right.
    pub first: bool,
    /// Whether any is.
    pub any: bool,
    /// Whether it states none.
    pub empty: bool,
}

impl Procedure {
    /// How far a text carries it out.
    #[must_use]
    pub fn execution(&self, text: &str) -> Execution {
        let mut first: BTreeMap<usize, Decimal> = BTreeMap::new();
        for Stated { number, value } in statements(text) {
            if number > 2 {
                first.entry(number).or_insert(value);
            }
        }
        let needed = 3..=self.last();
        let beyond = first.range(self.last() + 1..).count();
        let executed = first.range(needed.clone()).count();
        let right = |number: usize| first.get(&number) == Some(&self.values[number - 1]);
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        Execution {
            extent: match (beyond, executed) {
                (0, executed) if executed == self.steps.len() => Extent::Exact,
                (0, _) => Extent::Under,
                _ => Extent::Over,
            },
            expected: count(self.steps.len()),
            executed: count(executed + beyond),
            confirmed: count(needed.clone().filter(|number| right(*number)).count()),
            first_flaw: needed.clone().position(|number| !right(number)).map(count),
        }
    }

    /// What a text answers: in a box, behind `####` or "answer", or as the value of what is asked for.
    #[must_use]
    pub fn answers(&self, text: &str) -> Answers {
        let mut found: Vec<(usize, Decimal)> = Vec::new();
        for (mark, longest) in [("\\boxed{", 40), ("####", 40), ("answer", 60), ("Answer", 60)] {
            for (at, _) in text.match_indices(mark) {
                let rest = &text[at + mark.len()..];
                let end = rest.char_indices().nth(longest).map_or(rest.len(), |(end, _)| end);
                let clause = rest[..end].split(['\n', '}']).next().unwrap_or_default();
                found.extend(last_number(clause).map(|value| (at, value)));
            }
        }
        found.extend(
            placed(text)
                .into_iter()
                .filter(|(_, stated)| stated.number == self.last())
                .map(|(at, stated)| (at, stated.value)),
        );
        found.sort_by_key(|(at, _)| *at);
        let right =
            |value: Option<&(usize, Decimal)>| value.is_some_and(|(_, value)| *value == self.answer());
        Answers {
            first: right(found.first()),
            any: found.iter().any(|value| right(Some(value))),
            empty: found.is_empty(),
        }
    }

    /// Whether a text states the value that is asked for.
    #[must_use]
    pub fn states_answer(&self, text: &str) -> bool {
        statements(text).iter().any(|stated| stated.number == self.last() && stated.value == self.answer())
    }
}

/// A value that a text states.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stated {
    number: usize,
    value: Decimal,
}

fn statements(text: &str) -> Vec<Stated> {
    placed(text).into_iter().map(|(_, stated)| stated).collect()
}

/// Statements with where they begin.
fn placed(text: &str) -> Vec<(usize, Stated)> {
    let beginnings = beginnings(text);
    let clauses = beginnings.iter().enumerate().filter_map(|(at, beginning)| {
        let next = beginnings.get(at + 1).map_or(text.len(), |next| next.at);
        let clause = sentence(&text[beginning.behind..next]);
        Some((beginning.at, Stated { number: beginning.number, value: result(clause)? }))
    });
    clauses.collect()
}

/// The beginning of a statement: where its name is, which number it has, and where the clause goes on.
struct Beginning {
    at: usize,
    number: usize,
    behind: usize,
}

fn beginnings(text: &str) -> Vec<Beginning> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(['S', 's']) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let Some((number, length)) = number_of(&text[at + 1..]) else { continue };
        if is_operand(&text[..at]) {
            continue;
        }
        let behind = at + 1 + length;
        if let Some(skipped) = equals(&text[behind..]) {
            found.push(Beginning { at, number, behind: behind + skipped });
        }
    }
    found
}

/// The number of a value's name behind its `S`, and how long it is.
fn number_of(rest: &str) -> Option<(usize, usize)> {
    let inner = rest.strip_prefix('_').unwrap_or(rest);
    let inner = inner.strip_prefix('{').unwrap_or(inner);
    let mut digits = String::new();
    let mut length = rest.len() - inner.len();
    for c in inner.chars() {
        let digit = match c {
            '0'..='9' => c,
            '₀'..='₉' => char::from_digit(c as u32 - '₀' as u32, 10)?,
            _ => break,
        };
        digits.push(digit);
        length += c.len_utf8();
    }
    if digits.is_empty() || digits.len() > 5 {
        return None;
    }
    length += usize::from(rest[length..].starts_with('}'));
    Some((digits.parse().ok()?, length))
}

/// Whether what stands before a name, on its line, makes an operand of it.
fn is_operand(before: &str) -> bool {
    const MARKS: [&str; 13] =
        ["+", "−", "×", "÷", "/", "=", "\\times", "\\cdot", "\\div", "\\frac", "plus", "minus", "times"];
    let line = before.rsplit('\n').next().unwrap_or_default();
    let bare = line.trim_end_matches([' ', '\t', '$', '{', '*', '_']);
    // Asterisks may be those of bold type; a multiplication has a number or a bracket before it.
    let starred = line[bare.len()..].contains('*');
    let multiplied = starred && bare.ends_with(|c: char| c.is_ascii_digit() || c == ')');
    let subtracted = bare.ends_with('-') && bare.trim_start() != "-";
    // What LaTeX puts formulas in is no bracket.
    let bracketed = bare.ends_with('(') && !bare.ends_with("\\(");
    multiplied
        || subtracted
        || bracketed
        || bare.ends_with(" by")
        || MARKS.iter().any(|mark| bare.ends_with(mark))
}

/// How long what makes a statement of a name is: `=`, `:` or "is", with what surrounds it.
fn equals(rest: &str) -> Option<usize> {
    let inner = rest.trim_start_matches([' ', '*', '$', '`', '&', '\\', ')']);
    let skipped = rest.len() - inner.len();
    [("=", 1), (":", 1), ("≈", '≈'.len_utf8()), ("is ", 3), ("equals ", 7)]
        .into_iter()
        .find(|(mark, _)| inner.starts_with(mark))
        .map(|(_, length)| skipped + length)
}

/// A clause to the end of its line or sentence.
fn sentence(clause: &str) -> &str {
    let end = clause.char_indices().find(|(at, c)| match c {
        '\n' | ';' => true,
        '.' => !clause[at + 1..].starts_with(|next: char| next.is_ascii_digit()),
        ',' => clause[at + 1..].starts_with([' ', '\n']) || clause.len() == at + 1,
        _ => false,
    });
    end.map_or(clause, |(at, _)| &clause[..at])
}

/// What a clause states.
fn result(clause: &str) -> Option<Decimal> {
    match clause.rsplit_once(['=', '≈']) {
        Some((_, last)) => only_number(last),
        None => only_number(clause),
    }
}

/// The only number of a text in which nothing is computed.
fn only_number(text: &str) -> Option<Decimal> {
    let found = numbers(text);
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

fn last_number(text: &str) -> Option<Decimal> {
    numbers(text.rsplit(['=', '≈']).next().unwrap_or(text)).first().copied()
}

/// The numbers of a text that are no part of a value's name or of a word.
fn numbers(text: &str) -> Vec<Decimal> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let signed = matches!(c, '-' | '−') && !before.is_alphanumeric() && before != ')';
        let start = if signed { c.len_utf8() } else { 0 };
        let length = rest[start..]
            .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
            .unwrap_or(rest.len() - start);
        let number = rest[start..start + length].trim_end_matches(['.', ',']);
        if number.starts_with(|c: char| c.is_ascii_digit())
            && !before.is_alphanumeric()
            && !matches!(before, '_' | '{')
        {
            let end = start + number.len();
            found.extend(rest[..end].parse::<Decimal>().ok());
            before = '0';
            rest = &rest[end..];
            continue;
        }
        before = c;
        rest = &rest[c.len_utf8()..];
    }
    found
}
