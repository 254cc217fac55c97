//! Revisions: one change to a derivation, and all that follows from it.

use super::{
    derivation::{Derivation, false_equations},
    rational::Rational,
    token::Operation,
};
use crate::proposal::{Consequence, Span};
use std::{collections::BTreeMap, ops::Range};

/// What is changed. Everything else follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Results that are stated wrongly: equation → displayed number.
    pub results: BTreeMap<usize, Rational>,
    /// Signs of operation that become others: token → operation.
    pub signs: BTreeMap<usize, Operation>,
    /// Single numbers that become others: token → number.
    pub numbers: BTreeMap<usize, Rational>,
    /// Numbers of the problem that are taken for others, wherever they occur.
    pub given: Vec<(Rational, Rational)>,
    /// Words that become others: token → text.
    pub words: BTreeMap<usize, String>,
    /// A calculation that is left out: its equation, and the token of the operand that stands in for its result.
    pub stand_in: Option<(usize, usize)>,
    /// Lines that are left out.
    pub lines: Option<Range<usize>>,
}

/// Why a change makes no flawed trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A number that must change could be one of two.
    #[error("it cannot be told which of two equal numbers is meant")]
    Ambiguous,
    /// What follows is nothing that a person would write down.
    #[error("a number follows that nobody would write down")]
    Implausible,
    /// An equation would not hold that the change leaves as it is.
    #[error("an equation would be false that is not the one that is broken")]
    FalseEquation,
    /// Nothing is different.
    #[error("nothing changes")]
    Nothing,
}

/// A changed derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The text.
    pub text: String,
    /// The first change.
    pub span: Span,
    /// The results that changed, in the order of the text.
    pub changed: Vec<(usize, Consequence)>,
    /// The answer that now follows; none where it is not arrived at.
    pub answer: Option<Rational>,
}

/// Carries out a change and recalculates what follows.
///
/// # Errors
/// Why no person would have written the result.
pub fn revise(derivation: &Derivation, change: &Change) -> Result<Revision, Refusal> {
    let (numbers, altered) = recalculate(derivation, change)?;
    let edits = edits(derivation, change, &numbers)?;
    let Some(first) = edits.first() else { return Err(Refusal::Nothing) };
    let span = Span {
        start: first.bytes.start,
        end: first.bytes.start + first.after.len(),
        before: derivation.text[first.bytes.clone()].to_owned(),
        after: first.after.clone(),
    };
    let text = edited(&derivation.text, &edits);
    // Sides of equations that are more than a number, chains of them and the like are not recalculated, but seen.
    let broken: Vec<usize> = change.results.keys().map(|index| derivation.equations[*index].line).collect();
    if false_equations(&text) != broken {
        return Err(Refusal::FalseEquation);
    }
    let gone = |line: usize| change.lines.as_ref().is_some_and(|lines| lines.contains(&line));
    let changed = altered
        .iter()
        .enumerate()
        .filter(|(_, altered)| **altered)
        .filter_map(|(index, _)| {
            let equation = &derivation.equations[index];
            let result = equation.result.filter(|_| !gone(equation.line))?;
            let after = written(derivation, result, numbers[result]?)?;
            let before = derivation.word(result).to_owned();
            Some((index, Consequence { step: equation.line, before, after }))
        })
        .collect();
    let answer = &derivation.equations[derivation.answer];
    let answer = answer.result.filter(|_| !gone(answer.line)).and_then(|token| numbers[token]);
    Ok(Revision { text: text.trim_end().to_owned(), span, changed, answer })
}

/// The solution under a change, with an annotation wherever a calculation is not shown, and its answer.
///
/// # Errors
/// As [`revise`].
pub(super) fn solution(derivation: &Derivation, change: &Change) -> Result<(String, Rational), Refusal> {
    let (numbers, altered) = recalculate(derivation, change)?;
    let mut all = Vec::new();
    for equation in derivation.equations.iter().filter(|equation| equation.shown.is_none()) {
        let Some((at, value)) = equation.result.and_then(|at| Some((at, numbers[at]?))) else { continue };
        let literal = |slot: usize, old: Rational| {
            follow(derivation, change, *equation.literals.get(slot)?, old, &numbers, &altered).ok()
        };
        let left = equation.left.annotated(&literal).ok_or(Refusal::Implausible)?;
        let value = value.display(0, false).ok_or(Refusal::Implausible)?;
        let start = derivation.tokens[at].start;
        all.push(Edit { bytes: start..start, after: format!("<<{left}={value}>>") });
    }
    all.extend(edits(derivation, change, &numbers)?);
    // An annotation comes before the number that it is about.
    all.sort_by_key(|edit| edit.bytes.start);
    let answer = derivation.equations[derivation.answer].result.and_then(|at| numbers[at]);
    Ok((edited(&derivation.text, &all), answer.ok_or(Refusal::Implausible)?))
}

/// A text with its edits, which are in its order.
pub(super) fn edited(text: &str, edits: &[Edit]) -> String {
    let mut after = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for edit in edits {
        after.push_str(&text[at..edit.bytes.start]);
        after.push_str(&edit.after);
        at = edit.bytes.end;
    }
    after.push_str(&text[at..]);
    after
}

/// The new number of every token, and which equations' results are others.
fn recalculate(
    derivation: &Derivation,
    change: &Change,
) -> Result<(Vec<Option<Rational>>, Vec<bool>), Refusal> {
    let mut numbers: Vec<Option<Rational>> = derivation.tokens.iter().map(|token| token.number()).collect();
    let mut altered = vec![false; derivation.equations.len()];
    let mut equations = derivation.equations.iter().enumerate().peekable();
    for token in 0..derivation.tokens.len() {
        // Also where it does not end in a number: `50 - 20 = 30%`.
        while let Some((index, equation)) = equations.next_if(|(_, equation)| equation.last <= token) {
            let new = result(derivation, change, index, &numbers, &altered)?;
            match equation.result {
                Some(at) => {
                    let old = derivation.number(at);
                    if new != old {
                        plausible(old, new)?;
                        altered[index] = true;
                        numbers[at] = Some(new);
                    }
                }
                None if stated(derivation, index) != Some(new) => return Err(Refusal::Implausible),
                None => {}
            }
        }
        let Some(old) = numbers[token] else { continue };
        // What an equation states was settled with the equation.
        if derivation.equations.iter().any(|equation| equation.result == Some(token)) {
            continue;
        }
        if let Some(new) = change.numbers.get(&token) {
            numbers[token] = Some(*new);
            continue;
        }
        let link = derivation.links[token];
        numbers[token] = Some(follow(derivation, change, link, old, &numbers, &altered)?);
    }
    announced(derivation, &mut numbers, &altered);
    Ok((numbers, altered))
}

/// A sentence may state a result before it calculates it: `worth $60 because 20 x 3 = 60`.
fn announced(derivation: &Derivation, numbers: &mut [Option<Rational>], altered: &[bool]) {
    for (index, equation) in derivation.equations.iter().enumerate() {
        let (Some(result), true) = (equation.result, altered[index]) else { continue };
        let start = equation.shown.as_ref().map_or(result, |shown| shown.start);
        for token in 0..start {
            let link = derivation.links[token];
            let mention = derivation.tokens[token].line == equation.line
                && derivation.tokens[token].number() == derivation.tokens[result].number()
                && link.result.is_none()
                && !link.given;
            if mention && !operand(derivation, token) {
                numbers[token] = numbers[result];
            }
        }
    }
}

/// Whether a number takes part in a calculation that is shown.
fn operand(derivation: &Derivation, token: usize) -> bool {
    derivation
        .equations
        .iter()
        .any(|equation| equation.shown.as_ref().is_some_and(|shown| shown.contains(&token)))
}

/// What becomes of a number that is a mention or an operand.
fn follow(
    derivation: &Derivation,
    change: &Change,
    link: super::derivation::Link,
    old: Rational,
    numbers: &[Option<Rational>],
    altered: &[bool],
) -> Result<Rational, Refusal> {
    let result = link.result.filter(|index| altered[*index]);
    let given = change.given.iter().find(|(from, _)| *from == old && link.given);
    match (result, given) {
        (None, None) => Ok(old),
        (Some(index), None) if !link.given => {
            derivation.equations[index].result.and_then(|at| numbers[at]).ok_or(Refusal::Ambiguous)
        }
        (None, Some((_, to))) if link.result.is_none() => Ok(*to),
        _ => Err(Refusal::Ambiguous),
    }
}

/// The displayed result of an equation under a change.
fn result(
    derivation: &Derivation,
    change: &Change,
    index: usize,
    numbers: &[Option<Rational>],
    altered: &[bool],
) -> Result<Rational, Refusal> {
    if let Some(wrong) = change.results.get(&index) {
        return Ok(*wrong);
    }
    if let Some((_, operand)) = change.stand_in.filter(|(equation, _)| *equation == index) {
        return numbers[operand].ok_or(Refusal::Implausible);
    }
    let equation = &derivation.equations[index];
    let refused = std::cell::Cell::new(None);
    let literal = |slot: usize, old: Rational| {
        let link = *equation.literals.get(slot)?;
        follow(derivation, change, link, old, numbers, altered).map_err(|why| refused.set(Some(why))).ok()
    };
    let sign = |token: Option<usize>, operation| {
        token.and_then(|token| change.signs.get(&token)).copied().unwrap_or(operation)
    };
    let value = equation.left.value(&|token| numbers[token], &literal, &sign);
    let value = value.ok_or(refused.get().unwrap_or(Refusal::Implausible))?;
    let value = if equation.in_percent { value.times(Rational::whole(100)) } else { Some(value) };
    value.ok_or(Refusal::Implausible)
}

/// The value of a right side that is more than a number: it stays, so the left side must too.
fn stated(derivation: &Derivation, index: usize) -> Option<Rational> {
    let equation = &derivation.equations[index];
    let number = |token: usize| derivation.tokens[token].number();
    let value = equation.left.value(&number, &|_, value| Some(value), &|_, sign| sign)?;
    if equation.in_percent { value.times(Rational::whole(100)) } else { Some(value) }
}

/// Whether a person could take one number for the result where the other belongs.
fn plausible(old: Rational, new: Rational) -> Result<(), Refusal> {
    let decimals = |number: Rational| number.decimals().unwrap_or(u32::MAX);
    let fits = new.is_positive()
        && (new.is_whole() || !old.is_whole())
        && decimals(new) <= decimals(old).max(2)
        && new.magnitude().abs_diff(old.magnitude()) <= 3;
    if fits { Ok(()) } else { Err(Refusal::Implausible) }
}

/// A number in the style of the token that it replaces.
pub(super) fn written(derivation: &Derivation, token: usize, number: Rational) -> Option<String> {
    let old = derivation.word(token);
    let places = old.split_once('.').map_or(0, |(_, part)| part.len());
    let commas = old.contains(',')
        || old.chars().filter(char::is_ascii_digit).nth(3).is_none()
            && derivation
                .tokens
                .iter()
                .any(|t| t.number().is_some() && t.text(&derivation.text).contains(','));
    dressed(old, number, if places == 2 { 2 } else { 0 }, commas)
}

/// A number with at least so many decimals and maybe commas; without a zero before its point where the `old` one has none.
pub(super) fn dressed(old: &str, number: Rational, decimals: u32, commas: bool) -> Option<String> {
    let text = number.display(decimals, commas)?;
    Some(if old.starts_with('.') { text.strip_prefix('0').unwrap_or(&text).to_owned() } else { text })
}

/// A sign in the style of the text.
fn sign(derivation: &Derivation, operation: Operation) -> &'static str {
    let has = |sign: &str| {
        derivation.tokens.iter().any(|token| {
            token.kind == super::token::TokenKind::Sign(Operation::Times)
                && token.text(&derivation.text) == sign
        })
    };
    match operation {
        Operation::Plus => "+",
        Operation::Minus => "-",
        Operation::Times if has("x") => "x",
        Operation::Times => "*",
        Operation::Over => "/",
    }
}

/// A place in a text, and what stands there afterwards.
pub(super) struct Edit {
    /// The place; an empty one is before the byte where it starts.
    pub bytes: Range<usize>,
    /// What stands there.
    pub after: String,
}

fn edits(
    derivation: &Derivation,
    change: &Change,
    numbers: &[Option<Rational>],
) -> Result<Vec<Edit>, Refusal> {
    let mut edits = Vec::new();
    if let Some(lines) = &change.lines {
        let (first, last) = (&derivation.lines[lines.start], &derivation.lines[lines.end - 1]);
        let end = (last.end + 1).min(derivation.text.len());
        // Without its last line, the text ends before the break.
        let start =
            if last.end == derivation.text.len() { first.start.saturating_sub(1) } else { first.start };
        edits.push(Edit { bytes: start..end, after: String::new() });
    }
    if let Some((index, operand)) = change.stand_in {
        let equation = &derivation.equations[index];
        if let (Some(shown), Some(result)) = (&equation.shown, equation.result)
            && !change.lines.as_ref().is_some_and(|lines| lines.contains(&equation.line))
        {
            let number = numbers[operand].ok_or(Refusal::Implausible)?;
            let bytes = derivation.tokens[shown.start].start..derivation.tokens[result].end;
            let currency = derivation.text[..derivation.tokens[result].start].chars().next_back();
            let currency = currency.filter(|c| matches!(c, '$' | '€' | '£'));
            let after = written(derivation, operand, number).ok_or(Refusal::Implausible)?;
            edits.push(Edit { bytes, after: currency.into_iter().chain(after.chars()).collect() });
        }
    }
    let covered: Vec<Range<usize>> = edits.iter().map(|edit| edit.bytes.clone()).collect();
    for (at, token) in derivation.tokens.iter().enumerate() {
        if covered.iter().any(|bytes| bytes.start <= token.start && token.end <= bytes.end) {
            continue;
        }
        let after = if let Some(operation) = change.signs.get(&at) {
            sign(derivation, *operation).to_owned()
        } else if let Some(word) = change.words.get(&at) {
            word.clone()
        } else if let Some(number) = numbers[at].filter(|number| Some(*number) != token.number()) {
            written(derivation, at, number).ok_or(Refusal::Implausible)?
        } else {
            continue;
        };
        edits.push(Edit { bytes: token.start..token.end, after });
    }
    edits.sort_by_key(|edit| edit.bytes.start);
    Ok(edits)
}
