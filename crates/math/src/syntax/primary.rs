//! The smallest parts: numbers, letters, and what may stand behind them.

use super::numerals;
use super::parser::{Fault, Parser};
use super::token::{Bracket, Command, Token};
use crate::expression::{Constant, Function, Node};

/// How many marks (`!`, `'`, `^…`) one factor may carry.
const MARK_LIMIT: usize = 16;

impl Parser<'_> {
    /// A primary with its powers, subscripts, factorials, percent signs and degrees.
    pub(super) fn factor(&mut self) -> Result<Node, Fault> {
        self.deeper(|parser| {
            let node = parser.primary()?;
            parser.marked(node)
        })
    }

    pub(super) fn marked(&mut self, mut node: Node) -> Result<Node, Fault> {
        for _ in 0..MARK_LIMIT {
            match self.peek() {
                Some(Token::Power) => node = self.power(node)?,
                Some(Token::Subscript) => node = self.subscripted(node)?,
                Some(Token::Exclamation) => {
                    self.at += 1;
                    let double = self.peek() == Some(&Token::Exclamation)
                        && self.peek_after(1) != Some(&Token::Exclamation);
                    let function = if double { Function::DoubleFactorial } else { Function::Factorial };
                    self.at += usize::from(double);
                    node = self.made(Node::Apply(function, vec![node]))?;
                }
                Some(Token::Percent) => {
                    self.at += 1;
                    node = self.made(Node::Percent(Box::new(node)))?;
                }
                Some(Token::Degree) => {
                    self.at += 1;
                    node = self.degrees(node)?;
                }
                Some(Token::Prime) => {
                    self.at += 1;
                    node = match node {
                        Node::Symbol(name) => self.called(format!("{name}'"))?,
                        Node::Call(name, arguments) => Node::Call(format!("{name}'"), arguments),
                        // Minutes of an angle and feet need no more than their number.
                        other => other,
                    };
                }
                _ => return Ok(node),
            }
        }
        Err(Fault::TooDeep)
    }

    /// Degrees of an angle, or of a temperature where its letter follows.
    pub(super) fn degrees(&mut self, node: Node) -> Result<Node, Fault> {
        let scale = match self.peek() {
            Some(Token::Letter(letter) | Token::Text(letter)) => temperature_scale(letter),
            _ => None,
        };
        match scale {
            Some(scale) => {
                self.at += 1;
                self.made(Node::Unit(Box::new(node), scale.to_owned()))
            }
            None => self.made(Node::Degrees(Box::new(node))),
        }
    }

    pub(super) fn power(&mut self, base: Node) -> Result<Node, Fault> {
        self.at += 1;
        // x^\circ, x^{\circ}, A^T, x^\prime.
        let braced = self.peek() == Some(&Token::Open(Bracket::Brace));
        let inner = if braced { self.peek_after(1) } else { self.peek() };
        let closed = !braced || self.peek_after(2) == Some(&Token::Close(Bracket::Brace));
        let length = if braced { 3 } else { 1 };
        match inner {
            Some(Token::Degree) if closed => {
                self.at += length;
                return self.degrees(base);
            }
            Some(Token::Prime) if closed => {
                self.at += length;
                return Ok(match base {
                    Node::Symbol(name) => Node::Symbol(format!("{name}'")),
                    other => other,
                });
            }
            Some(Token::Command(Command::Transpose)) if closed => {
                self.at += length;
                return self.made(Node::Apply(Function::Transpose, vec![base]));
            }
            Some(Token::Letter(letter)) if closed && letter == "T" && matches!(base, Node::Matrix(_)) => {
                self.at += length;
                return self.made(Node::Apply(Function::Transpose, vec![base]));
            }
            // 4^{th}.
            Some(Token::Text(_)) if closed => {
                self.at += length;
                return Ok(base);
            }
            _ => {}
        }
        let exponent = self.exponent()?;
        // f^{-1}(x), f^2(x): a function with a power of its own.
        if let Node::Symbol(name) = &base
            && matches!(name.as_str(), "f" | "g" | "h" | "F" | "G" | "H")
            && self.peek() == Some(&Token::Open(Bracket::Round))
        {
            return self.called(format!("{name}'{}", crate::canonical::form(&exponent)));
        }
        self.made(Node::Power(Box::new(base), Box::new(exponent)))
    }

    pub(super) fn exponent(&mut self) -> Result<Node, Fault> {
        self.deeper(|parser| {
            let mut negative = false;
            while let Some(Token::Plus | Token::Minus) = parser.peek() {
                negative ^= parser.peek() == Some(&Token::Minus);
                parser.at += 1;
            }
            let primary = parser.primary()?;
            let node = if parser.peek() == Some(&Token::Power) { parser.power(primary)? } else { primary };
            if negative { parser.made(Node::Negative(Box::new(node))) } else { Ok(node) }
        })
    }

    /// `x_1`, `x_{i,j}`, `52_8`, `x^2_i`.
    pub(super) fn subscripted(&mut self, node: Node) -> Result<Node, Fault> {
        self.at += 1;
        let from = self.at;
        match self.peek() {
            Some(Token::Open(Bracket::Brace)) => self.skip_braces()?,
            Some(_) => self.at += 1,
            None => return Err(Fault::Malformed("a subscript without anything")),
        }
        let name = self.source(from, self.at);
        Ok(match node {
            Node::Symbol(letter) => self.called(format!("{letter}_{name}"))?,
            Node::Constant(Constant::E) => Node::Symbol(format!("e_{name}")),
            Node::Constant(Constant::I) => Node::Symbol(format!("i_{name}")),
            Node::Power(base, exponent) => match *base {
                Node::Symbol(letter) => {
                    Node::Power(Box::new(Node::Symbol(format!("{letter}_{name}"))), exponent)
                }
                other => Node::Power(Box::new(other), exponent),
            },
            Node::Number { value, decimals: None } if value.is_int() => {
                let base: u32 = name
                    .parse()
                    .ok()
                    .or_else(|| base_word(&name))
                    .ok_or(Fault::Malformed("a number with a subscript that is no base"))?;
                let value = numerals::in_base(&value.to_string(), base)
                    .ok_or(Fault::Malformed("digits that the base does not have"))?;
                self.made(Node::Based { value, base })?
            }
            Node::Text(word) => Node::Text(format!("{word}_{name}")),
            Node::Call(function, arguments) => Node::Call(format!("{function}_{name}"), arguments),
            other => other,
        })
    }

    /// Past a balanced `{ … }`.
    pub(super) fn skip_braces(&mut self) -> Result<(), Fault> {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Open(Bracket::Brace) => depth += 1,
                Token::Close(Bracket::Brace) => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
        Err(Fault::Malformed("a brace that is not closed"))
    }

    pub(super) fn primary(&mut self) -> Result<Node, Fault> {
        let Some(token) = self.peek().cloned() else {
            return Err(Fault::Malformed("the expression stops early"));
        };
        match token {
            Token::Number(clean) => {
                self.at += 1;
                self.numeral(&clean)
            }
            Token::Letter(name) => {
                self.at += 1;
                if name == "angle"
                    && let Some(angle) = self.angle()
                {
                    return self.made(Node::Symbol(angle));
                }
                self.called(name)
            }
            Token::Constant(constant) => {
                self.at += 1;
                self.made(Node::Constant(constant))
            }
            Token::NamedSet(set) => {
                self.at += 1;
                self.made(Node::NamedSet(set))
            }
            Token::Text(words) => {
                self.at += 1;
                self.made(Node::Text(words))
            }
            Token::Ellipsis => {
                self.at += 1;
                self.made(Node::Ellipsis)
            }
            Token::Currency(name) => {
                self.at += 1;
                let amount = self.factor()?;
                // $2 1/2.
                let amount = self.mixed_number(Some(&amount))?.unwrap_or(amount);
                self.made(Node::Unit(Box::new(amount), name.to_owned()))
            }
            Token::Function(function) => {
                self.at += 1;
                self.function(function)
            }
            Token::Begin(name) => {
                self.at += 1;
                self.environment(&name)
            }
            Token::Open(bracket) => {
                self.at += 1;
                self.bracketed(bracket)
            }
            Token::Bar => {
                self.at += 1;
                self.between_bars(&[Token::Bar, Token::Close(Bracket::Bar)])
            }
            Token::DoubleBar => {
                self.at += 1;
                self.between_bars(&[Token::DoubleBar])
            }
            Token::Command(command) => {
                self.at += 1;
                self.command(command)
            }
            // A sign where a factor is expected: `2^{-1}` has its own rule, `(-3)` is a sum.
            _ => Err(Fault::Malformed("an operator without an operand")),
        }
    }

    pub(super) fn numeral(&mut self, clean: &str) -> Result<Node, Fault> {
        // 0.1\overline{6}.
        if matches!(self.peek(), Some(Token::Command(Command::Overline | Command::Accent("bar")))) {
            let digits = match (self.peek_after(1), self.peek_after(2), self.peek_after(3)) {
                (
                    Some(Token::Open(Bracket::Brace)),
                    Some(Token::Number(digits)),
                    Some(Token::Close(Bracket::Brace)),
                ) => Some(digits.clone()),
                _ => None,
            };
            if let Some(digits) = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
                // Without a point before it, `0\overline{6}` would be a name.
                let before = if clean.contains('.') {
                    Some(clean.to_owned())
                } else {
                    self.point_before_bar().map(|()| format!("{clean}."))
                };
                if let Some(before) = before {
                    self.at += 4;
                    return numerals::repeating(&before, &digits).ok_or(Fault::TooLong);
                }
            }
        }
        let node = numerals::value(clean).ok_or(Fault::TooLong)?;
        self.made(node)
    }

    /// Whether the source has a point right before the bar at the cursor ("0.\overline{3}").
    pub(super) fn point_before_bar(&self) -> Option<()> {
        let start = self.lexemes.get(self.at)?.start;
        self.text.get(..start)?.trim_end().ends_with('.').then_some(())
    }

    /// An angle by three points, the same from either side: ∠CBA is ∠ABC.
    fn angle(&mut self) -> Option<String> {
        let Some(Token::Letter(points)) = self.peek() else { return None };
        let [a, vertex, b] = points.as_bytes() else { return None };
        let (a, vertex, b) = (char::from(*a.min(b)), char::from(*vertex), char::from(*a.max(b)));
        self.at += 1;
        Some(format!("∠{a}{vertex}{b}"))
    }

    /// A letter that may be the name of a function in front of brackets.
    pub(super) fn called(&mut self, name: String) -> Result<Node, Fault> {
        let opens = self.peek() == Some(&Token::Open(Bracket::Round));
        if !opens || !self.looks_called(&name) {
            return self.made(Node::Symbol(name));
        }
        self.at += 1;
        let (bars, in_set) =
            (std::mem::replace(&mut self.bars, 0), std::mem::replace(&mut self.in_set, false));
        let inside = self.statements()?;
        (self.bars, self.in_set) = (bars, in_set);
        self.expect(&Token::Close(Bracket::Round), "a bracket that is not closed")?;
        let arguments = match inside {
            Node::List(items) => items,
            one => vec![one],
        };
        self.made(Node::Call(name, arguments))
    }

    /// `f(…)` is a call; `P(x)`, `W(n)`, `y(t)` are where the bracket holds one letter or number; `x(x+1)` is a product.
    pub(super) fn looks_called(&self, name: &str) -> bool {
        let plain: &str = name.split(['_', '\'']).next().unwrap_or(name);
        if name.contains('\'')
            || matches!(plain, "f" | "g" | "h" | "F" | "G" | "H" | "phi" | "psi" | "varphi")
        {
            return true;
        }
        let single = self.peek_after(2) == Some(&Token::Close(Bracket::Round));
        let simple = matches!(self.peek_after(1), Some(Token::Letter(_) | Token::Number(_)));
        let letter_inside = matches!(self.peek_after(1), Some(Token::Letter(_)));
        let capital = plain.chars().next().is_some_and(|c| c.is_ascii_uppercase()) && plain.len() == 1;
        let usual = matches!(plain, "p" | "q" | "r" | "s" | "u" | "v" | "y" | "a" | "b" | "c" | "d");
        single && (capital && simple || usual && letter_inside)
    }
}

/// A base in words: `52_{\text{eight}}`.
fn base_word(name: &str) -> Option<u32> {
    let names = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen",
    ];
    (2u32..).zip(names).find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(base, _)| base)
}

/// The unit of a temperature by the letter or word behind the degree sign.
pub(super) fn temperature_scale(letter: &str) -> Option<&'static str> {
    match letter.to_ascii_lowercase().as_str() {
        "c" | "celsius" => Some("°C"),
        "f" | "fahrenheit" => Some("°F"),
        _ => None,
    }
}
