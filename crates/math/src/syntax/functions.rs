//! Functions with their powers, bases and arguments, in brackets or beside them.

use super::parser::{Fault, Parser};
use super::token::{Bracket, Command, Token};
use crate::expression::{Function, Node};

impl Parser<'_> {
    /// A function with its arguments: brackets, or what stands beside it.
    pub(super) fn function(&mut self, function: Function) -> Result<Node, Fault> {
        let mut power = None;
        if self.peek() == Some(&Token::Power) {
            self.at += 1;
            power = Some(self.exponent()?);
        }
        // A subscript of a function only names it: `\max_{x}`.
        if self.peek() == Some(&Token::Subscript) {
            self.at += 1;
            let from = self.at;
            if self.peek() == Some(&Token::Open(Bracket::Brace)) {
                self.skip_braces()?
            } else {
                self.at += 1
            }
            let name = self.source(from, self.at);
            let body = self.function_arguments()?;
            return self.made(Node::Form(format!("{function:?}_{name}"), body));
        }
        let arguments = self.function_arguments()?;
        if power == Some(Node::Negative(Box::new(Node::integer(1))))
            && let Some(inverse) = inverse(function)
        {
            return self.made(Node::Apply(inverse, arguments));
        }
        let node = self.made(Node::Apply(function, arguments))?;
        match power {
            Some(power) => self.made(Node::Power(Box::new(node), Box::new(power))),
            None => Ok(node),
        }
    }

    pub(super) fn function_arguments(&mut self) -> Result<Vec<Node>, Fault> {
        match self.peek() {
            Some(Token::Open(Bracket::Round | Bracket::Brace | Bracket::Set | Bracket::Square)) => {
                let Some(Token::Open(open)) = self.peek().cloned() else { return Err(Fault::Empty) };
                self.at += 1;
                let (bars, in_set) =
                    (std::mem::replace(&mut self.bars, 0), std::mem::replace(&mut self.in_set, false));
                let inside = self.statements()?;
                (self.bars, self.in_set) = (bars, in_set);
                let close =
                    if open == Bracket::Set { &[Bracket::Set, Bracket::Brace][..] } else { &[open][..] };
                self.close(close)?;
                Ok(match inside {
                    Node::List(items) | Node::Set(items) => items,
                    one => vec![one],
                })
            }
            _ => Ok(vec![self.bare_argument()?]),
        }
    }

    /// `\sin 2x`, `\ln xy`, `\sin\cos x`: factors side by side, up to the next function.
    pub(super) fn bare_argument(&mut self) -> Result<Node, Fault> {
        let mut negative = false;
        while let Some(Token::Minus | Token::Plus) = self.peek() {
            negative ^= self.peek() == Some(&Token::Minus);
            self.at += 1;
        }
        let mut factors = vec![self.factor()?];
        while matches!(
            self.peek(),
            Some(
                Token::Letter(_)
                    | Token::Constant(_)
                    | Token::Command(Command::Fraction | Command::Root | Command::Accent(_))
            )
        ) {
            factors.push(self.factor()?);
        }
        let node = if factors.len() == 1 { factors.remove(0) } else { self.made(Node::Product(factors))? };
        if negative { self.made(Node::Negative(Box::new(node))) } else { Ok(node) }
    }

    pub(super) fn logarithm(&mut self) -> Result<Node, Fault> {
        let mut base = None;
        let mut power = None;
        for _ in 0..2 {
            if base.is_none() && self.eat(&Token::Subscript) {
                base = Some(self.log_base()?);
            } else if power.is_none() && self.eat(&Token::Power) {
                power = Some(self.exponent()?);
            }
        }
        let mut arguments = self.function_arguments()?;
        if arguments.len() != 1 {
            return Err(Fault::Malformed("a logarithm of several numbers"));
        }
        let argument = arguments.remove(0);
        let base = base.unwrap_or(Node::integer(10));
        let node = self.made(Node::Apply(Function::Log, vec![base, argument]))?;
        match power {
            Some(power) => self.made(Node::Power(Box::new(node), Box::new(power))),
            None => Ok(node),
        }
    }

    /// `\log_2 8` and `\log_{10}`; `\log_28` is base 2 as LaTeX reads it.
    pub(super) fn log_base(&mut self) -> Result<Node, Fault> {
        let spaced_number = matches!(self.peek(), Some(Token::Number(_)))
            && self
                .lexemes
                .get(self.at + 1)
                .is_some_and(|next| next.spaced || matches!(next.token, Token::Open(_)));
        if spaced_number { self.primary() } else { self.argument() }
    }
}

fn inverse(function: Function) -> Option<Function> {
    Some(match function {
        Function::Sin => Function::Asin,
        Function::Cos => Function::Acos,
        Function::Tan => Function::Atan,
        Function::Cot => Function::Acot,
        Function::Sec => Function::Asec,
        Function::Csc => Function::Acsc,
        Function::Sinh => Function::Asinh,
        Function::Cosh => Function::Acosh,
        Function::Tanh => Function::Atanh,
        _ => return None,
    })
}
