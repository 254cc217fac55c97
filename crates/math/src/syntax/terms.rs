//! Products: factors with signs between them or side by side, mixed numbers, and the units behind them.

use super::DEPTH_LIMIT;
use super::numerals;
use super::parser::{Fault, Parser};
use super::token::{Bracket, Command, Token};
use crate::expression::{Function, Node};

impl Parser<'_> {
    /// Factors with `·`, `/`, `mod` or nothing between them. What stands side by side binds tighter than a slash:
    /// `1/2x` is `1/(2x)`, unless a space says otherwise.
    pub(super) fn term(&mut self) -> Result<Node, Fault> {
        let node = self.single_term()?;
        self.with_unit(node)
    }

    /// A term without words behind it.
    pub(super) fn single_term(&mut self) -> Result<Node, Fault> {
        let first = self.group()?;
        let goes_on =
            matches!(self.peek(), Some(Token::Times | Token::Divide | Token::Command(Command::Mod)));
        if !goes_on && !self.starts_factor(true) {
            return Ok(first);
        }
        let mut factors = vec![first];
        let mut wraps = 0usize;
        loop {
            match self.peek() {
                Some(Token::Times) => {
                    self.at += 1;
                    factors.push(self.group()?);
                }
                Some(Token::Divide) => {
                    self.at += 1;
                    let divisor = self.group()?;
                    let node = match factors.len() {
                        1 if wraps == 0 => {
                            wraps += 1;
                            let dividend = factors.remove(0);
                            self.made(Node::Quotient(Box::new(dividend), Box::new(divisor)))?
                        }
                        _ => self.made(Node::Quotient(Box::new(Node::integer(1)), Box::new(divisor)))?,
                    };
                    factors.push(node);
                    // `1/2 x`: the space ends the divisor.
                    if self.spaced() && self.starts_factor(true) {
                        factors.push(self.group()?);
                    }
                }
                Some(Token::Command(Command::Mod)) => {
                    self.at += 1;
                    wraps += 1;
                    if wraps > DEPTH_LIMIT {
                        return Err(Fault::TooDeep);
                    }
                    let left = self.product(factors)?;
                    let right = self.group()?;
                    let node = self.made(Node::Apply(Function::Mod, vec![left, right]))?;
                    factors = vec![node];
                }
                // A slash keeps implicit factors to its right together; a dot or a bracket ends that.
                _ if self.starts_factor(true) => factors.push(self.group()?),
                _ => break,
            }
        }
        self.product(factors)
    }

    pub(super) fn product(&mut self, mut factors: Vec<Node>) -> Result<Node, Fault> {
        if factors.len() == 1 { Ok(factors.remove(0)) } else { self.made(Node::Product(factors)) }
    }

    /// Factors side by side.
    pub(super) fn group(&mut self) -> Result<Node, Fault> {
        let first = self.signed_factor()?;
        let number = matches!(first, Node::Number { .. });
        // A number may go on as a mixed one.
        if !(number && matches!(self.peek(), Some(Token::Number(_))) || self.starts_factor(number)) {
            return Ok(first);
        }
        let mut factors = vec![first];
        loop {
            let after_number = matches!(factors.last(), Some(Node::Number { .. }));
            if let Some(mixed) = self.mixed_number(factors.last())? {
                factors.pop();
                factors.push(mixed);
                continue;
            }
            if !self.starts_factor(after_number) {
                break;
            }
            // A space after a plain quotient's divisor is left to the term.
            if self.spaced() && self.at > 1 && self.divisor_before(factors.len()) {
                break;
            }
            factors.push(self.factor()?);
        }
        self.product(factors)
    }

    /// Whether the group so far is one number right behind a slash.
    pub(super) fn divisor_before(&self, factors: usize) -> bool {
        factors == 1
            && matches!(self.lexemes.get(self.at - 1).map(|l| &l.token), Some(Token::Number(_)))
            && matches!(self.lexemes.get(self.at - 2).map(|l| &l.token), Some(Token::Divide))
    }

    pub(super) fn signed_factor(&mut self) -> Result<Node, Fault> {
        let mut negative = false;
        let mut signed = false;
        while let Some(Token::Plus | Token::Minus) = self.peek() {
            negative ^= self.peek() == Some(&Token::Minus);
            signed = true;
            self.at += 1;
        }
        if !signed && matches!(self.peek(), Some(Token::PlusMinus | Token::MinusPlus)) {
            let flipped = self.peek() == Some(&Token::MinusPlus);
            self.at += 1;
            let term = self.factor()?;
            return self.made(Node::PlusMinus { term: Box::new(term), flipped });
        }
        let factor = self.factor()?;
        if negative { self.made(Node::Negative(Box::new(factor))) } else { Ok(factor) }
    }

    /// `2\frac{1}{2}`, `2 1/2`: an integer with a proper fraction of integers right behind it.
    pub(super) fn mixed_number(&mut self, whole: Option<&Node>) -> Result<Option<Node>, Fault> {
        let Some(Node::Number { value: whole, decimals: None }) = whole else { return Ok(None) };
        if !whole.is_int()
            || !matches!(self.lexemes.get(self.at.wrapping_sub(1)).map(|l| &l.token), Some(Token::Number(_)))
        {
            return Ok(None);
        }
        if !matches!(self.peek(), Some(Token::Command(Command::Fraction) | Token::Number(_))) {
            return Ok(None);
        }
        let whole = whole.clone();
        let mark = self.at;
        // `\frac12` takes its digits out of their token: what does not become a mixed number gets them back.
        let saved: Vec<Token> =
            self.lexemes.iter().skip(mark).take(4).map(|lexeme| lexeme.token.clone()).collect();
        let fraction = match (self.peek(), self.peek_after(1), self.peek_after(2)) {
            (Some(Token::Command(Command::Fraction)), ..) => {
                self.at += 1;
                match self.deeper(|parser| parser.fraction())? {
                    Node::Quotient(a, b) => match (*a, *b) {
                        (
                            Node::Number { value: a, decimals: None },
                            Node::Number { value: b, decimals: None },
                        ) if a.is_int() && b.is_int() && a < b && !self.raised() => Some(a / b),
                        _ => None,
                    },
                    _ => None,
                }
            }
            (Some(Token::Number(a)), Some(Token::Divide), Some(Token::Number(b))) if self.spaced() => {
                let parts = (numerals::value(a), numerals::value(b));
                match parts {
                    (
                        Some(Node::Number { value: a, decimals: None }),
                        Some(Node::Number { value: b, decimals: None }),
                    ) if a < b && !a.is_zero() => {
                        self.at += 3;
                        Some(a / b)
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        match fraction {
            // A percent or degree sign behind it belongs to all of it.
            Some(fraction) => {
                let mixed = self.made(Node::exact(whole + fraction))?;
                Ok(Some(self.marked(mixed)?))
            }
            None => {
                self.at = mark;
                for (lexeme, token) in self.lexemes.iter_mut().skip(mark).zip(saved) {
                    lexeme.token = token;
                }
                Ok(None)
            }
        }
    }

    /// Whether a power other than a degree sign follows.
    fn raised(&self) -> bool {
        let degree = matches!(self.peek_after(1), Some(Token::Degree))
            || matches!(
                (self.peek_after(1), self.peek_after(2)),
                (Some(Token::Open(_)), Some(Token::Degree))
            );
        self.peek() == Some(&Token::Power) && !degree
    }

    /// Words behind a term: a unit, or percent.
    pub(super) fn with_unit(&mut self, node: Node) -> Result<Node, Fault> {
        let mut node = node;
        let mut words = String::new();
        while let Some(token) = self.peek() {
            match token {
                Token::Text(text) => {
                    if !words.is_empty() {
                        words.push(' ');
                    }
                    words.push_str(text);
                    self.at += 1;
                    self.unit_power(&mut words);
                }
                Token::Currency(name) => {
                    let name = *name;
                    if words.is_empty() {
                        words.push_str(name);
                    }
                    self.at += 1;
                }
                Token::Percent if words.is_empty() => {
                    self.at += 1;
                    node = self.made(Node::Percent(Box::new(node)))?;
                    return Ok(node);
                }
                Token::Times
                    if super::units::unit(&words).is_some()
                        && matches!(self.peek_after(1), Some(Token::Text(_))) =>
                {
                    self.at += 1;
                    words.push('·');
                    if let Some(Token::Text(name)) = self.peek() {
                        words.push_str(name);
                        self.at += 1;
                    }
                    self.unit_power(&mut words);
                }
                // "km/h": a slash between two units.
                Token::Divide
                    if !words.is_empty()
                        && matches!(self.peek_after(1), Some(Token::Text(_) | Token::Letter(_))) =>
                {
                    self.at += 1;
                    words.push('/');
                    if let Some(Token::Text(name) | Token::Letter(name)) = self.peek() {
                        words.push_str(name);
                        self.at += 1;
                    }
                    self.unit_power(&mut words);
                }
                _ => break,
            }
        }
        // "1.5 million", "3 thousand dollars", "2 hundred thousand".
        for _ in 0..3 {
            let (first, rest) = words.split_once(' ').unwrap_or((words.as_str(), ""));
            let Some((factor, glued)) = leading_multiplier(first) else { break };
            words = [glued, rest].concat().trim().to_owned();
            node = self.made(Node::Product(vec![node, Node::integer(factor)]))?;
        }
        if words.is_empty() {
            return Ok(node);
        }
        let lower = words.to_ascii_lowercase();
        if matches!(lower.trim(), "degrees" | "degree" | "deg" | "度") {
            return self.made(Node::Degrees(Box::new(node)));
        }
        let scale = lower.strip_prefix("degrees ").or_else(|| lower.strip_prefix("degree "));
        if let Some(scale) = scale.and_then(super::primary::temperature_scale) {
            return self.made(Node::Unit(Box::new(node), scale.to_owned()));
        }
        self.made(Node::Unit(Box::new(node), words))
    }

    pub(super) fn unit_power(&mut self, words: &mut String) {
        if self.peek() != Some(&Token::Power) {
            return;
        }
        let (digit, length) = match (self.peek_after(1), self.peek_after(2), self.peek_after(3)) {
            (Some(Token::Number(digit)), ..) => (digit.clone(), 2),
            (
                Some(Token::Open(Bracket::Brace)),
                Some(Token::Number(digit)),
                Some(Token::Close(Bracket::Brace)),
            ) => (digit.clone(), 4),
            _ => return,
        };
        words.push('^');
        words.push_str(&digit);
        self.at += length;
    }
}

/// The factor that a word begins with, and the rest of the word: "12万元" is written without spaces.
fn leading_multiplier(word: &str) -> Option<(i64, &str)> {
    if let Some(factor) = super::units::multiplier(&word.to_lowercase()) {
        return Some((factor, ""));
    }
    let first = word.chars().next().filter(|c| !c.is_ascii())?;
    let (sign, rest) = word.split_at(first.len_utf8());
    let factor = super::units::multiplier(sign)?;
    // 千克 is a kilogram.
    super::units::unit(word).is_none().then_some((factor, rest))
}
