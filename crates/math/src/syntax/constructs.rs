//! Commands with arguments: fractions, roots, sums, integrals, environments.

use super::numerals;
use super::parser::{Fault, Parser};
use super::token::{Bracket, Command, Token};
use crate::expression::{Constant, Function, Node, Relation, Series};

impl Parser<'_> {
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

    pub(super) fn command(&mut self, command: Command) -> Result<Node, Fault> {
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
            Command::Choose | Command::Over | Command::Mod | Command::ParenMod | Command::Transpose => {
                Err(Fault::Malformed("an operator without an operand"))
            }
        }
    }

    pub(super) fn named(&mut self, mark: &str, name: &str) -> Result<Node, Fault> {
        if name.is_empty() {
            return Err(Fault::Malformed("a mark over nothing"));
        }
        let name = if mark.is_empty() { name.to_owned() } else { format!("{mark} {name}") };
        self.made(Node::Symbol(name))
    }

    pub(super) fn fraction(&mut self) -> Result<Node, Fault> {
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

    pub(super) fn root(&mut self) -> Result<Node, Fault> {
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

    /// `_{…}^{…}` in either order.
    pub(super) fn bounds(&mut self) -> Result<(Option<Node>, Option<Node>), Fault> {
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

    pub(super) fn series(&mut self, series: Series) -> Result<Node, Fault> {
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
    pub(super) fn sum_body(&mut self) -> Result<Node, Fault> {
        self.deeper(|parser| parser.series_term())
    }

    pub(super) fn series_term(&mut self) -> Result<Node, Fault> {
        // A product of factors with slashes, but no plus: the sum's own precedence.
        let mark = self.at;
        let node = self.single_term()?;
        if self.at == mark { Err(Fault::Malformed("a sum of nothing")) } else { Ok(node) }
    }

    pub(super) fn environment(&mut self, name: &str) -> Result<Node, Fault> {
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

    pub(super) fn rows(&mut self) -> Result<Vec<Vec<Node>>, Fault> {
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
