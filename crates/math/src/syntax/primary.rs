//! The smallest parts: numbers, letters, brackets, functions, and what may stand behind them.

use super::numerals;
use super::parser::{Fault, Parser};
use super::token::{Bracket, Command, Token};
use crate::expression::{Constant, Function, NamedSet, Node, Relation, Series};

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

    fn marked(&mut self, mut node: Node) -> Result<Node, Fault> {
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
                    self.temperature_letter();
                    node = self.made(Node::Degrees(Box::new(node)))?;
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

    /// The letter of °C and °F.
    fn temperature_letter(&mut self) {
        if let Some(Token::Letter(letter)) = self.peek()
            && (letter == "C" || letter == "F")
        {
            self.at += 1;
        }
    }

    fn power(&mut self, base: Node) -> Result<Node, Fault> {
        self.at += 1;
        // x^\circ, x^{\circ}, A^T, x^\prime.
        let braced = self.peek() == Some(&Token::Open(Bracket::Brace));
        let inner = if braced { self.peek_after(1) } else { self.peek() };
        let closed = !braced || self.peek_after(2) == Some(&Token::Close(Bracket::Brace));
        let length = if braced { 3 } else { 1 };
        match inner {
            Some(Token::Degree) if closed => {
                self.at += length;
                self.temperature_letter();
                return self.made(Node::Degrees(Box::new(base)));
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

    fn exponent(&mut self) -> Result<Node, Fault> {
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
    fn subscripted(&mut self, node: Node) -> Result<Node, Fault> {
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
                    .map_err(|_| Fault::Malformed("a number with a subscript that is no base"))?;
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
    fn skip_braces(&mut self) -> Result<(), Fault> {
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

    fn primary(&mut self) -> Result<Node, Fault> {
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

    fn numeral(&mut self, clean: &str) -> Result<Node, Fault> {
        // 0.1\overline{6}.
        if self.peek() == Some(&Token::Command(Command::Overline)) {
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
    fn point_before_bar(&self) -> Option<()> {
        let start = self.lexemes.get(self.at)?.start;
        self.text.get(..start)?.trim_end().ends_with('.').then_some(())
    }

    /// A letter that may be the name of a function in front of brackets.
    fn called(&mut self, name: String) -> Result<Node, Fault> {
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
    fn looks_called(&self, name: &str) -> bool {
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

    /// Brackets: a group, a tuple, an interval, a set.
    fn bracketed(&mut self, open: Bracket) -> Result<Node, Fault> {
        let (bars, in_set) =
            (std::mem::replace(&mut self.bars, 0), std::mem::replace(&mut self.in_set, open == Bracket::Set));
        let node = self.inside(open);
        (self.bars, self.in_set) = (bars, in_set);
        node
    }

    fn inside(&mut self, open: Bracket) -> Result<Node, Fault> {
        if let Some(Token::Close(close)) = self.peek() {
            let close = *close;
            if close == open {
                self.at += 1;
                return match open {
                    Bracket::Set => self.made(Node::NamedSet(NamedSet::Empty)),
                    Bracket::Brace => self.made(Node::Product(Vec::new())),
                    _ => Err(Fault::Malformed("brackets around nothing")),
                };
            }
        }
        let node = self.statements()?;
        if open == Bracket::Set && matches!(self.peek(), Some(Token::Bar | Token::Colon)) {
            self.at += 1;
            self.in_set = false;
            let condition = self.statements()?;
            self.close(&[Bracket::Set, Bracket::Brace])?;
            return self.made(Node::Builder(Box::new(node), Box::new(condition)));
        }
        match open {
            Bracket::Floor | Bracket::Ceil => {
                self.close(&[open])?;
                let function = if open == Bracket::Floor { Function::Floor } else { Function::Ceil };
                self.made(Node::Apply(function, vec![node]))
            }
            Bracket::Bar => {
                if self.peek() == Some(&Token::Bar) {
                    self.at += 1;
                } else {
                    self.close(&[Bracket::Bar])?;
                }
                self.made(Node::Apply(Function::Abs, vec![node]))
            }
            Bracket::Angle => {
                if self.peek() == Some(&Token::Relation(Relation::Greater)) {
                    self.at += 1;
                } else {
                    self.close(&[Bracket::Angle])?;
                }
                Ok(tuple(node))
            }
            Bracket::Set => {
                self.close(&[Bracket::Set, Bracket::Brace])?;
                match node {
                    Node::List(items) => self.made(Node::Set(items)),
                    other => self.made(Node::Set(vec![other])),
                }
            }
            Bracket::Brace => {
                self.close(&[Bracket::Brace, Bracket::Set])?;
                match node {
                    Node::List(items) => self.made(Node::Set(items)),
                    other => Ok(other),
                }
            }
            Bracket::Round | Bracket::Square => {
                let close = self.close(&[Bracket::Round, Bracket::Square])?;
                self.round_or_square(node, open == Bracket::Square, close == Bracket::Square)
            }
        }
    }

    fn round_or_square(&mut self, node: Node, low_closed: bool, high_closed: bool) -> Result<Node, Fault> {
        match node {
            Node::List(mut items) if items.len() == 2 && (low_closed || high_closed) => {
                let high = items.remove(1);
                let low = items.remove(0);
                self.made(Node::Interval {
                    low: Box::new(low),
                    high: Box::new(high),
                    low_closed,
                    high_closed,
                })
            }
            // (1,1;2,2) is written as rows and meant as one tuple.
            Node::List(items) if low_closed == high_closed => {
                let all_tuples = items.iter().all(|item| matches!(item, Node::Tuple(_)));
                let flat = if all_tuples && self.had_semicolon() {
                    items
                        .into_iter()
                        .flat_map(|item| if let Node::Tuple(parts) = item { parts } else { vec![item] })
                        .collect()
                } else {
                    items
                };
                self.made(Node::Tuple(flat))
            }
            _ if low_closed != high_closed => Err(Fault::Malformed("brackets that do not match")),
            // (35x) is 35x, but a group keeps a percent or a unit apart from what follows: nothing to do.
            one => Ok(one),
        }
    }

    /// Whether the list that was just read held a semicolon at its own level (and not explicit brackets).
    fn had_semicolon(&self) -> bool {
        let mut depth = 0usize;
        for lexeme in self.lexemes[..self.at.saturating_sub(1)].iter().rev().take(400) {
            match lexeme.token {
                Token::Close(_) => depth += 1,
                Token::Open(_) if depth == 0 => return false,
                Token::Open(_) => depth -= 1,
                Token::Semicolon if depth == 0 => return true,
                _ => {}
            }
        }
        false
    }

    fn close(&mut self, allowed: &[Bracket]) -> Result<Bracket, Fault> {
        match self.peek() {
            Some(Token::Close(bracket)) if allowed.contains(bracket) => {
                let bracket = *bracket;
                self.at += 1;
                Ok(bracket)
            }
            _ => Err(Fault::Malformed("a bracket that is not closed")),
        }
    }

    fn between_bars(&mut self, closers: &[Token]) -> Result<Node, Fault> {
        // Set back, not counted down: what fails inside may leave other counts behind.
        let (bars, in_set) = (self.bars, std::mem::replace(&mut self.in_set, false));
        self.bars += 1;
        let node = self.statements();
        (self.bars, self.in_set) = (bars, in_set);
        let node = node?;
        match self.peek() {
            Some(token) if closers.contains(token) => self.at += 1,
            _ => return Err(Fault::Malformed("a bar that is not closed")),
        }
        self.made(Node::Apply(Function::Abs, vec![node]))
    }

    /// A function with its arguments: brackets, or what stands beside it.
    fn function(&mut self, function: Function) -> Result<Node, Fault> {
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

    fn function_arguments(&mut self) -> Result<Vec<Node>, Fault> {
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
    fn bare_argument(&mut self) -> Result<Node, Fault> {
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

    /// One argument of a command: braces, one digit, one token.
    pub(super) fn argument(&mut self) -> Result<Node, Fault> {
        // `\frac12`: each argument takes one digit of the run.
        if let Some(Token::Number(digits)) = self.peek()
            && digits.len() > 1
            && digits.bytes().all(|b| b.is_ascii_digit())
        {
            let (first, rest) = (digits[..1].to_owned(), digits[1..].to_owned());
            self.lexemes[self.at].token = Token::Number(rest);
            return numerals::value(&first).ok_or(Fault::TooLong);
        }
        if self.peek() == Some(&Token::Open(Bracket::Brace)) {
            self.at += 1;
            return self.bracketed(Bracket::Brace);
        }
        let primary = self.primary()?;
        Ok(primary)
    }

    fn command(&mut self, command: Command) -> Result<Node, Fault> {
        match command {
            Command::Fraction => self.fraction(),
            Command::Root => self.root(),
            Command::Binomial => {
                let n = self.argument()?;
                let k = self.argument()?;
                self.made(Node::Apply(Function::Binomial, vec![n, k]))
            }
            Command::Logarithm => self.logarithm(),
            Command::Series(series) => self.series(series),
            Command::Integral => {
                let (low, high) = self.bounds()?;
                let body = self.sum()?;
                let parts = low.into_iter().chain(high).chain([body]).collect();
                self.made(Node::Form("integral".to_owned(), parts))
            }
            Command::Limit => {
                let (low, _) = self.bounds()?;
                let body = self.sum()?;
                self.made(Node::Form("limit".to_owned(), low.into_iter().chain([body]).collect()))
            }
            Command::Accent(mark) => {
                let from = self.at;
                if self.peek() == Some(&Token::Open(Bracket::Brace)) {
                    self.skip_braces()?
                } else {
                    self.at += 1
                }
                let name = self.source(from, self.at);
                self.named(mark, &name)
            }
            Command::Overline => {
                let from = self.at;
                if self.peek() == Some(&Token::Open(Bracket::Brace)) {
                    self.skip_braces()?
                } else {
                    self.at += 1
                }
                let name = self.source(from, self.at);
                self.named("bar", &name)
            }
            Command::Boxed => self.argument(),
            Command::Statement => {
                let from = self.at - 1;
                self.at = self.lexemes.len();
                let source = self.source(from, self.at);
                self.made(Node::Form(format!("statement {source}"), Vec::new()))
            }
            Command::Choose | Command::Mod | Command::ParenMod | Command::Transpose => {
                Err(Fault::Malformed("an operator without an operand"))
            }
        }
    }

    fn named(&mut self, mark: &str, name: &str) -> Result<Node, Fault> {
        if name.is_empty() {
            return Err(Fault::Malformed("a mark over nothing"));
        }
        let name = if mark.is_empty() { name.to_owned() } else { format!("{mark} {name}") };
        self.made(Node::Symbol(name))
    }

    fn fraction(&mut self) -> Result<Node, Fault> {
        let numerator_at = self.at;
        let numerator = self.argument()?;
        let denominator_from = self.at;
        let denominator = self.argument()?;
        // d/dx is an operator, not a number.
        let numerator_source = self.source(numerator_at, denominator_from);
        let denominator_source = self.source(denominator_from, self.at);
        let derivative = matches!(numerator_source.as_str(), "d" | "\\partial")
            && denominator_source.starts_with(numerator_source.as_str())
            && denominator_source.len() > numerator_source.len();
        if derivative && self.starts_factor(false) {
            let body = self.deeper(|parser| parser.factor())?;
            return self.made(Node::Form(format!("derivative {denominator_source}"), vec![body]));
        }
        self.made(Node::Quotient(Box::new(numerator), Box::new(denominator)))
    }

    fn root(&mut self) -> Result<Node, Fault> {
        let mut degree = None;
        if self.peek() == Some(&Token::Open(Bracket::Square)) {
            self.at += 1;
            degree = Some(self.statements()?);
            self.close(&[Bracket::Square])?;
        }
        let radicand = match self.peek() {
            // `\sqrt13` is written for √13; a fraction's digits are not.
            Some(Token::Number(clean)) => {
                let clean = clean.clone();
                self.at += 1;
                self.numeral(&clean)?
            }
            Some(Token::Open(Bracket::Round)) => {
                self.at += 1;
                self.bracketed(Bracket::Round)?
            }
            _ => self.argument()?,
        };
        match degree {
            Some(degree) => self.made(Node::Apply(Function::Root, vec![degree, radicand])),
            None => self.made(Node::Apply(Function::Sqrt, vec![radicand])),
        }
    }

    fn logarithm(&mut self) -> Result<Node, Fault> {
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
    fn log_base(&mut self) -> Result<Node, Fault> {
        let spaced_number = matches!(self.peek(), Some(Token::Number(_)))
            && self
                .lexemes
                .get(self.at + 1)
                .is_some_and(|next| next.spaced || matches!(next.token, Token::Open(_)));
        if spaced_number { self.primary() } else { self.argument() }
    }

    /// `_{…}^{…}` in either order.
    fn bounds(&mut self) -> Result<(Option<Node>, Option<Node>), Fault> {
        let (mut low, mut high) = (None, None);
        for _ in 0..2 {
            let is_low = match self.peek() {
                Some(Token::Subscript) => true,
                Some(Token::Power) => false,
                _ => break,
            };
            self.at += 1;
            let node = if self.peek() == Some(&Token::Open(Bracket::Brace)) {
                self.at += 1;
                // `3^{-}`: a side, not a number; and bounds may be empty.
                if self.peek() == Some(&Token::Close(Bracket::Brace)) {
                    self.at += 1;
                    continue;
                }
                let from = self.at;
                let (bars, in_set) = (self.bars, self.in_set);
                let parsed = self.statements().and_then(|node| self.close(&[Bracket::Brace]).map(|_| node));
                match parsed {
                    Ok(node) => node,
                    Err(fault @ (Fault::TooDeep | Fault::TooLong)) => return Err(fault),
                    Err(_) => {
                        // What failed half-way may have left brackets open.
                        (self.bars, self.in_set) = (bars, in_set);
                        self.at = from - 1;
                        self.skip_braces()?;
                        let source = self.source(from, self.at);
                        self.made(Node::Form(format!("bound {source}"), Vec::new()))?
                    }
                }
            } else {
                self.argument()?
            };
            if is_low { low = Some(node) } else { high = Some(node) }
        }
        Ok((low, high))
    }

    fn series(&mut self, series: Series) -> Result<Node, Fault> {
        let (low, high) = self.bounds()?;
        let body = self.sum_body()?;
        if let (Some(Node::Chain(mut sides, relations)), Some(high)) = (low.clone(), high.clone())
            && relations == [Relation::Equal]
            && sides.len() == 2
        {
            let name = match &sides[0] {
                Node::Symbol(name) => Some(name.clone()),
                Node::Constant(Constant::I) => Some("i".to_owned()),
                _ => None,
            };
            if let Some(variable) = name {
                let low = sides.remove(1);
                // Under a sum, i is a counter and not the imaginary unit.
                let counter = variable == "i";
                let body = if counter {
                    body.rebuilt(&|node| match node {
                        Node::Constant(Constant::I) => Node::Symbol("i".to_owned()),
                        other => other,
                    })
                } else {
                    body
                };
                return self.made(Node::Series {
                    series,
                    variable,
                    low: Box::new(low),
                    high: Box::new(high),
                    body: Box::new(body),
                });
            }
        }
        let parts = low.into_iter().chain(high).chain([body]).collect();
        self.made(Node::Form(format!("{series:?}"), parts))
    }

    /// What a sum sums: one product.
    fn sum_body(&mut self) -> Result<Node, Fault> {
        self.deeper(|parser| parser.series_term())
    }

    fn series_term(&mut self) -> Result<Node, Fault> {
        // A product of factors with slashes, but no plus: the sum's own precedence.
        let mark = self.at;
        let node = self.single_term()?;
        if self.at == mark { Err(Fault::Malformed("a sum of nothing")) } else { Ok(node) }
    }

    fn environment(&mut self, name: &str) -> Result<Node, Fault> {
        let (bars, in_set) =
            (std::mem::replace(&mut self.bars, 0), std::mem::replace(&mut self.in_set, false));
        let rows = self.deeper(|parser| parser.rows());
        (self.bars, self.in_set) = (bars, in_set);
        let mut rows = rows?;
        match self.peek() {
            Some(Token::End(_)) => self.at += 1,
            _ => return Err(Fault::Malformed("an environment that is not closed")),
        }
        match name.trim_end_matches('*') {
            "matrix" | "pmatrix" | "bmatrix" | "Bmatrix" | "smallmatrix" | "array" => {
                self.made(Node::Matrix(rows))
            }
            "vmatrix" => {
                let matrix = self.made(Node::Matrix(rows))?;
                self.made(Node::Apply(Function::Determinant, vec![matrix]))
            }
            "cases" | "dcases" => {
                let flat = rows.into_iter().map(Node::List).collect();
                self.made(Node::Form("cases".to_owned(), flat))
            }
            // Lines of a derivation: the last one is the result. A single column of several lines stays a list.
            "align" | "aligned" | "gather" | "gathered" | "equation" | "split" | "eqnarray" | "multline" => {
                let last = rows.pop().ok_or(Fault::Empty)?;
                let mut last = last;
                if last.len() == 1 { Ok(last.remove(0)) } else { self.made(Node::List(last)) }
            }
            _ => Err(Fault::Malformed("an environment that is not known")),
        }
    }

    fn rows(&mut self) -> Result<Vec<Vec<Node>>, Fault> {
        let mut rows = Vec::new();
        let mut row = Vec::new();
        loop {
            match self.peek() {
                Some(Token::RowBreak) => {
                    self.at += 1;
                    if !row.is_empty() {
                        rows.push(std::mem::take(&mut row));
                    }
                }
                Some(Token::Ampersand | Token::Comma) => self.at += 1,
                Some(Token::End(_)) | None => {
                    if !row.is_empty() {
                        rows.push(row);
                    }
                    return if rows.is_empty() { Err(Fault::Empty) } else { Ok(rows) };
                }
                _ => row.push(self.relation()?),
            }
        }
    }
}

fn tuple(node: Node) -> Node {
    match node {
        Node::List(items) => Node::Tuple(items),
        one => one,
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
