//! Derivations: a worked solution, cleaned and understood. Which equations it shows, what follows from what.

use super::{
    equation::{Expression, Prose, Side, annotation},
    quantity,
    rational::Rational,
    token::{Token, TokenKind, tokens},
};
use std::{collections::BTreeSet, ops::Range};

/// Longest solution that is read.
const LONGEST: usize = 16 << 10;

/// Why a solution makes no reference trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Unusable {
    /// Nothing is left of it, or far too much.
    #[error("the solution is empty or too long")]
    Size,
    /// It shows an equation, or is annotated with one, that does not hold exactly.
    #[error("the solution states an equation that does not hold exactly")]
    FalseEquation,
    /// It shows no equation at all.
    #[error("the solution shows no equation")]
    NoEquation,
    /// Its last results are not the gold answer.
    #[error("the solution does not arrive at the answer")]
    MissesAnswer,
}

impl Unusable {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unusable::Size => "reference_size",
            Unusable::FalseEquation => "reference_false_equation",
            Unusable::NoEquation => "reference_without_equation",
            Unusable::MissesAnswer => "reference_misses_answer",
        }
    }
}

/// Where a number of the text comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The latest equation before it with this result.
    pub result: Option<usize>,
    /// Whether the problem states this number.
    pub given: bool,
}

/// An equation, shown or behind a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// The line it stands on.
    pub line: usize,
    /// What is calculated.
    pub left: Expression,
    /// The tokens of the left side; none where it is not shown.
    pub shown: Option<Range<usize>>,
    /// The token of its result; none where its right side is more than a number.
    pub result: Option<usize>,
    /// The last token of its right side.
    pub last: usize,
    /// Whether the result is displayed in percent, and the calculation is not.
    pub in_percent: bool,
    /// What the numbers of an equation that is not shown come from.
    pub literals: Vec<Link>,
}

/// A worked solution.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// The cleaned text: sentences, a step a line.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// The bytes of each line, without its break.
    pub lines: Vec<Range<usize>>,
    /// Its equations, in the order of their results.
    pub equations: Vec<Equation>,
    /// For each token, where its number comes from.
    pub links: Vec<Link>,
    /// The numbers that the problem states.
    pub given: BTreeSet<Rational>,
    /// The equation whose result is the answer.
    pub answer: usize,
}

impl Derivation {
    /// Understands a solution in the form of GSM8K: `<<48/2=24>>` annotations and a final `#### 72` are taken out,
    /// everything else stays.
    ///
    /// # Errors
    /// Why it makes no reference.
    pub fn read(problem: &str, solution: &str, gold: &str) -> Result<Derivation, Unusable> {
        if solution.len() > LONGEST || problem.len() > LONGEST {
            return Err(Unusable::Size);
        }
        let (text, notes) = cleaned(solution);
        if text.is_empty() {
            return Err(Unusable::Size);
        }
        let tokens = tokens(&text);
        let mut equations = shown(&text, &tokens)?;
        for note in &notes {
            if let Some(hidden) = behind(note, &tokens, &equations)? {
                equations.push(hidden);
            }
        }
        equations.sort_by_key(|equation| equation.last);
        let given = quantity::stated(problem);
        let links = links(&tokens, &mut equations, &given);
        let gold = Rational::parse(gold.trim().trim_start_matches('$')).ok_or(Unusable::MissesAnswer)?;
        let value = |at: Option<usize>| at.and_then(|at| tokens[at].number());
        let answer = equations
            .iter()
            .rposition(|equation| value(equation.result) == Some(gold))
            .ok_or(if equations.is_empty() { Unusable::NoEquation } else { Unusable::MissesAnswer })?;
        let last_line = tokens.last().map_or(0, |token| token.line);
        if equations[answer].line + 2 < last_line
            || !equations.iter().any(|equation| equation.shown.is_some())
        {
            return Err(Unusable::MissesAnswer);
        }
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split('\n') {
            lines.push(start..start + line.len());
            start += line.len() + 1;
        }
        Ok(Derivation { text, tokens, lines, equations, links, given, answer })
    }

    /// The text of a token.
    #[must_use]
    pub fn word(&self, token: usize) -> &str {
        self.tokens[token].text(&self.text)
    }

    /// The number of a token; zero of what is none.
    #[must_use]
    pub fn number(&self, token: usize) -> Rational {
        self.tokens[token].number().unwrap_or(Rational::ZERO)
    }

    /// The text of a line.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        &self.text[self.lines[line].clone()]
    }
}

/// An annotation that was taken out of the text.
struct Note {
    /// The byte of the cleaned text where it stood.
    at: usize,
    /// What it says.
    text: String,
}

/// The solution without annotations and final answer, and the annotations.
fn cleaned(solution: &str) -> (String, Vec<Note>) {
    let mut text = String::with_capacity(solution.len());
    let mut notes = Vec::new();
    for line in solution.lines() {
        let line = line.trim();
        if line.starts_with("####") {
            break;
        }
        if line.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("<<") {
            text.push_str(before);
            let Some((note, after)) = after.split_once(">>") else {
                rest = after;
                break;
            };
            notes.push(Note { at: text.len(), text: note.to_owned() });
            rest = after;
        }
        text.push_str(rest);
    }
    (text, notes)
}

/// An equation as it stands in a text.
struct Stated {
    left: Side,
    right: Side,
    /// Whether its sides are the same number exactly.
    holds: bool,
    /// Whether it is the number that is the same, where the right side is in percent: `5/20*100 = 25%`.
    as_number: bool,
}

/// The equation around a sign of equality, if that is one.
fn around(prose: &Prose<'_>, sign: usize) -> Option<Stated> {
    let (left, right) = (prose.left_side(sign)?, prose.right_side(sign + 1)?);
    let all = prose.tokens;
    if all[left.tokens.start].line != all[sign].line || right.tokens.is_empty() {
        return None;
    }
    let number = |token: usize| all[token].number();
    let value = |side: &Expression| side.value(&number, &|_, value| Some(value), &|_, sign| sign);
    let (calculated, stated) = (value(&left.expression), value(&right.expression));
    let single = right.expression.single();
    let as_number = single.is_some_and(|(token, percent)| percent && number(token) == calculated);
    let known = calculated.is_some() && stated.is_some();
    let holds = known && (calculated == stated || as_number);
    Some(Stated { left, right, holds, as_number: known && as_number })
}

/// The lines of the equations that a text shows and that do not hold exactly, one for each.
#[must_use]
pub fn false_equations(text: &str) -> Vec<usize> {
    let tokens = tokens(text);
    let prose = Prose { text, tokens: &tokens };
    let signs = tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Equals);
    signs
        .filter(|(at, _)| around(&prose, *at).is_some_and(|equation| !equation.holds))
        .map(|(_, token)| token.line)
        .collect()
}

/// The equations that the text shows; each must hold.
fn shown(text: &str, all: &[Token]) -> Result<Vec<Equation>, Unusable> {
    let prose = Prose { text, tokens: all };
    let mut equations = Vec::new();
    for (at, token) in all.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Equals) {
        let Some(Stated { left, right, holds, as_number }) = around(&prose, at) else { continue };
        if !holds {
            return Err(Unusable::FalseEquation);
        }
        if left.expression.single().is_some() {
            continue;
        }
        let single = right.expression.single();
        equations.push(Equation {
            line: token.line,
            left: left.expression,
            shown: Some(left.tokens),
            result: single.map(|(token, _)| token),
            last: right.tokens.end - 1,
            in_percent: single.is_some_and(|(_, percent)| percent) && !as_number,
            literals: Vec::new(),
        });
    }
    Ok(equations)
}

/// The equation of an annotation whose left side the text does not show.
fn behind(note: &Note, all: &[Token], shown: &[Equation]) -> Result<Option<Equation>, Unusable> {
    let Some((left, right)) = note.text.rsplit_once('=') else { return Ok(None) };
    let left_tokens = tokens(left);
    let Some((expression, values)) = annotation(left, &left_tokens) else { return Ok(None) };
    let value = expression.value(&|_| None, &|_, value| Some(value), &|_, sign| sign);
    let stated = Rational::parse(right.trim().trim_start_matches('$'));
    if value.is_none() || stated.is_some_and(|stated| Some(stated) != value) {
        return Err(Unusable::FalseEquation);
    }
    let at = all.iter().position(|token| token.start >= note.at && token.number().is_some());
    let Some(at) = at.filter(|&at| all[at].start <= note.at + 2 && all[at].number() == value) else {
        return Ok(None);
    };
    if values.len() < 2 || shown.iter().any(|equation| equation.result == Some(at)) {
        return Ok(None);
    }
    Ok(Some(Equation {
        line: all[at].line,
        left: expression,
        shown: None,
        result: Some(at),
        last: at,
        in_percent: false,
        literals: values.iter().map(|_| Link::default()).collect(),
    }))
}

/// Where the numbers come from: of equal results the latest before them.
fn links(all: &[Token], equations: &mut [Equation], given: &BTreeSet<Rational>) -> Vec<Link> {
    let results: Vec<Option<(usize, Rational)>> = equations
        .iter()
        .map(|equation| equation.result.and_then(|at| all[at].number().map(|value| (at, value))))
        .collect();
    let link = |value: Rational, before: usize| Link {
        result: results
            .iter()
            .rposition(|result| result.is_some_and(|(at, known)| at < before && known == value)),
        given: given.contains(&value),
    };
    let mut links: Vec<Link> = all
        .iter()
        .enumerate()
        .map(|(at, token)| token.number().map_or_else(Link::default, |value| link(value, at)))
        .collect();
    for (index, equation) in equations.iter_mut().enumerate() {
        if let Some(at) = equation.result {
            links[at] = Link { result: Some(index), given: false };
        }
        for (slot, value) in equation.literals.iter_mut().zip(equation.left.literals()) {
            *slot = link(value, equation.last);
        }
    }
    links
}

#[cfg(test)]
mod tests;
