//! Equations as they stand in prose: `7 stickers/page * 6 pages = 42 stickers`, `20% of $50 = $10`.

use super::{
    rational::Rational,
    token::{Operation, Token, TokenKind},
};
use std::ops::Range;

/// How many words may stand between an operand and the sign or `=` that follows it (`$7 per bag of rice + …`).
const UNIT_WORDS: usize = 4;
/// How deep brackets may nest.
const DEPTH: usize = 16;

/// An expression over the numbers of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// The number at this token, divided by 100 if a percent sign follows.
    Number {
        /// Which token.
        token: usize,
        /// Whether a percent sign follows.
        percent: bool,
    },
    /// A number that stands in an annotation, not in the text.
    Literal {
        /// Its value.
        value: Rational,
        /// Which of the annotation's numbers.
        index: usize,
    },
    /// Two expressions and a sign.
    Binary {
        /// The sign.
        operation: Operation,
        /// The token of the sign; none in an annotation.
        token: Option<usize>,
        /// On its left.
        left: Box<Expression>,
        /// On its right.
        right: Box<Expression>,
    },
}

impl Expression {
    /// The value, with the numbers and signs that the functions give.
    pub fn value(
        &self,
        number: &impl Fn(usize) -> Option<Rational>,
        literal: &impl Fn(usize, Rational) -> Option<Rational>,
        sign: &impl Fn(Option<usize>, Operation) -> Operation,
    ) -> Option<Rational> {
        match self {
            Expression::Number { token, percent } => {
                let value = number(*token)?;
                if *percent { value.over(Rational::whole(100)) } else { Some(value) }
            }
            Expression::Literal { value, index } => literal(*index, *value),
            Expression::Binary { operation, token, left, right } => {
                let (left, right) = (left.value(number, literal, sign)?, right.value(number, literal, sign)?);
                sign(*token, *operation).apply(left, right)
            }
        }
    }

    /// Calls back with each number's token.
    pub fn each_number(&self, visit: &mut impl FnMut(usize)) {
        match self {
            Expression::Number { token, .. } => visit(*token),
            Expression::Literal { .. } => {}
            Expression::Binary { left, right, .. } => {
                left.each_number(visit);
                right.each_number(visit);
            }
        }
    }

    /// The numbers of an annotation, in its order.
    #[must_use]
    pub fn literals(&self) -> Vec<Rational> {
        match self {
            Expression::Literal { value, .. } => vec![*value],
            Expression::Number { .. } => Vec::new(),
            Expression::Binary { left, right, .. } => {
                let (mut values, more) = (left.literals(), right.literals());
                values.extend(more);
                values
            }
        }
    }

    /// How it reads as an annotation, with the numbers that the function gives; what binds less than its surroundings
    /// stands in brackets.
    pub fn annotated(&self, literal: &impl Fn(usize, Rational) -> Option<Rational>) -> Option<String> {
        match self {
            Expression::Number { .. } => None,
            Expression::Literal { value, index } => literal(*index, *value)?.display(0, false),
            Expression::Binary { operation, left, right, .. } => {
                let bracketed = |side: &Expression, equals_too: bool| {
                    let text = side.annotated(literal)?;
                    let weaker = matches!(side, Expression::Binary { operation: inner, .. }
                        if !inner.binds() && operation.binds() || equals_too && inner.binds() == operation.binds());
                    Some(if weaker { format!("({text})") } else { text })
                };
                Some(format!("{}{}{}", bracketed(left, false)?, operation.sign(), bracketed(right, true)?))
            }
        }
    }

    /// Calls back with each sign of the text: its token, operation, and operands.
    pub fn each_sign<'a>(&'a self, visit: &mut impl FnMut(usize, Operation, &'a Expression, &'a Expression)) {
        if let Expression::Binary { operation, token, left, right } = self {
            left.each_sign(visit);
            if let Some(token) = token {
                visit(*token, *operation, left, right);
            }
            right.each_sign(visit);
        }
    }

    /// Whether it is a single number of the text: its token, and whether it is a percentage.
    #[must_use]
    pub fn single(&self) -> Option<(usize, bool)> {
        match self {
            Expression::Number { token, percent } => Some((*token, *percent)),
            _ => None,
        }
    }
}

/// One side of an equation: its tokens and what they say.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// From its first token to the one after its last.
    pub tokens: Range<usize>,
    /// What they say.
    pub expression: Expression,
}

/// The text and its tokens.
#[derive(Clone, Copy)]
pub struct Prose<'a> {
    /// The text.
    pub text: &'a str,
    /// Its tokens.
    pub tokens: &'a [Token],
}

impl Prose<'_> {
    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// `of` between a share and a quantity multiplies.
    fn is_of(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text(self.text) == "of")
            && at > 0
            && (self.kind(at - 1) == Some(TokenKind::Percent) || self.is_fraction_end(at - 1))
            && matches!(self.kind(at + 1), Some(TokenKind::Number(_) | TokenKind::Currency | TokenKind::Open))
    }

    fn is_fraction_end(&self, at: usize) -> bool {
        at >= 2
            && matches!(self.kind(at), Some(TokenKind::Number(_)))
            && self.kind(at - 1) == Some(TokenKind::Sign(Operation::Over))
            && matches!(self.kind(at - 2), Some(TokenKind::Number(_)))
    }

    /// The sign at a token, if it is one.
    fn sign(&self, at: usize) -> Option<Operation> {
        match self.kind(at)? {
            TokenKind::Sign(operation) if !self.is_rate(at) => Some(operation),
            TokenKind::Word if self.is_of(at) => Some(Operation::Times),
            _ => None,
        }
    }

    /// The slash of `stickers/page`.
    fn is_rate(&self, at: usize) -> bool {
        self.kind(at) == Some(TokenKind::Sign(Operation::Over)) && self.kind(at + 1) == Some(TokenKind::Word)
    }

    fn is_unit(&self, at: usize) -> bool {
        self.kind(at) == Some(TokenKind::Word) && !self.is_of(at) || self.is_rate(at)
    }

    fn same_line(&self, a: usize, b: usize) -> bool {
        matches!((self.tokens.get(a), self.tokens.get(b)), (Some(a), Some(b)) if a.line == b.line)
    }

    /// The expression that ends right before token `end` (an `=`), as long as it goes.
    #[must_use]
    pub fn left_side(&self, end: usize) -> Option<Side> {
        let mut start = self.operand_before(end)?;
        while start > 0 && self.sign(start - 1).is_some() && self.same_line(start - 1, end) {
            match self.operand_before(start - 1) {
                Some(further) => start = further,
                None => break,
            }
        }
        let (expression, after) = self.sum(start, end, 0)?;
        (self.after_units(after, end) == end).then_some(Side { tokens: start..end, expression })
    }

    /// Where the operand begins that ends (with its units) right before `end`.
    fn operand_before(&self, end: usize) -> Option<usize> {
        let mut at = end.checked_sub(1)?;
        let mut words = 0;
        while self.is_unit(at) {
            words += 1;
            at = at.checked_sub(1)?;
            if words > UNIT_WORDS {
                return None;
            }
        }
        if self.kind(at) == Some(TokenKind::Percent) {
            at = at.checked_sub(1)?;
        }
        let start = match self.kind(at)? {
            TokenKind::Number(_) => at,
            TokenKind::Close => {
                let mut open = 1;
                while open > 0 {
                    at = at.checked_sub(1)?;
                    match self.kind(at)? {
                        TokenKind::Close => open += 1,
                        TokenKind::Open => open -= 1,
                        _ => {}
                    }
                }
                at
            }
            _ => return None,
        };
        let start = match start.checked_sub(1) {
            Some(before) if self.kind(before) == Some(TokenKind::Currency) => before,
            _ => start,
        };
        self.same_line(start, end.min(self.tokens.len().saturating_sub(1))).then_some(start)
    }

    /// The expression that begins at token `start` (after an `=`), as long as it goes.
    #[must_use]
    pub fn right_side(&self, start: usize) -> Option<Side> {
        let line = self.tokens.get(start)?.line;
        let mut end = start;
        while self.tokens.get(end).is_some_and(|token| token.line == line)
            && self.kind(end) != Some(TokenKind::Equals)
        {
            end += 1;
        }
        let (expression, after) = self.sum(start, end, 0)?;
        Some(Side { tokens: start..after, expression })
    }

    fn sum(&self, start: usize, end: usize, depth: usize) -> Option<(Expression, usize)> {
        self.chain(start, end, depth, |operation| !operation.binds(), |at| self.product(at, end, depth))
    }

    fn product(&self, start: usize, end: usize, depth: usize) -> Option<(Expression, usize)> {
        self.chain(start, end, depth, Operation::binds, |at| self.operand(at, end, depth))
    }

    /// Operands with signs between them, from left to right; units may stand before a sign.
    fn chain(
        &self,
        start: usize,
        end: usize,
        _depth: usize,
        wanted: impl Fn(Operation) -> bool,
        operand: impl Fn(usize) -> Option<(Expression, usize)>,
    ) -> Option<(Expression, usize)> {
        let (mut expression, mut at) = operand(start)?;
        loop {
            let sign = self.after_units(at, end);
            let next = (sign < end)
                .then(|| self.sign(sign))
                .flatten()
                .filter(|operation| wanted(*operation))
                .and_then(|operation| operand(sign + 1).map(|right| (operation, right)));
            let Some((operation, (right, after))) = next else { return Some((expression, at)) };
            expression = Expression::Binary {
                operation,
                token: Some(sign),
                left: Box::new(expression),
                right: Box::new(right),
            };
            at = after;
        }
    }

    fn after_units(&self, mut at: usize, end: usize) -> usize {
        let start = at;
        while at < end && at - start <= UNIT_WORDS && self.is_unit(at) {
            at += 1;
        }
        at
    }

    fn operand(&self, mut at: usize, end: usize, depth: usize) -> Option<(Expression, usize)> {
        if at < end && self.kind(at) == Some(TokenKind::Currency) {
            at += 1;
        }
        if at >= end || depth > DEPTH {
            return None;
        }
        match self.kind(at)? {
            TokenKind::Number(_) => {
                let percent = at + 1 < end && self.kind(at + 1) == Some(TokenKind::Percent);
                Some((Expression::Number { token: at, percent }, at + 1 + usize::from(percent)))
            }
            TokenKind::Open => {
                let (expression, after) = self.sum(at + 1, end, depth + 1)?;
                let close = self.after_units(after, end);
                (close < end && self.kind(close) == Some(TokenKind::Close)).then_some((expression, close + 1))
            }
            _ => None,
        }
    }
}

/// Reads an annotation's left side (`48/2`): every number becomes a [`Expression::Literal`].
#[must_use]
pub fn annotation(text: &str, tokens: &[Token]) -> Option<(Expression, Vec<Rational>)> {
    let prose = Prose { text, tokens };
    let (expression, after) = prose.sum(0, tokens.len(), 0)?;
    if after != tokens.len() {
        return None;
    }
    let mut values = Vec::new();
    let expression = literals(expression, tokens, &mut values)?;
    Some((expression, values))
}

fn literals(expression: Expression, tokens: &[Token], values: &mut Vec<Rational>) -> Option<Expression> {
    Some(match expression {
        Expression::Number { token, percent } => {
            let value = tokens.get(token)?.number()?;
            let value = if percent { value.over(Rational::whole(100))? } else { value };
            values.push(value);
            Expression::Literal { value, index: values.len() - 1 }
        }
        Expression::Binary { operation, left, right, .. } => Expression::Binary {
            operation,
            token: None,
            left: Box::new(literals(*left, tokens, values)?),
            right: Box::new(literals(*right, tokens, values)?),
        },
        literal @ Expression::Literal { .. } => literal,
    })
}
