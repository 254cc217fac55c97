//! The parser: limits, the token cursor, and the ladder of operators from relations down to factors.

use super::lexer;
use super::token::{Bracket, Command, Lexeme, Token};
use super::{DEPTH_LIMIT, NODE_LIMIT};
use crate::expression::{Node, Relation, SetOperation};

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing to read.
    Empty,
    /// Not an expression: says what was wrong.
    Malformed(&'static str),
    TooDeep,
    TooLong,
}

/// The tree of `text`.
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    let lexemes = lexer::tokens(text)?;
    if lexemes.is_empty() {
        return Err(Fault::Empty);
    }
    let mut parser = Parser::new(text, lexemes);
    let node = parser.statements()?;
    parser.skip_trailing();
    if parser.at < parser.lexemes.len() {
        return Err(Fault::Malformed("something follows the expression"));
    }
    Ok(node)
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) lexemes: Vec<Lexeme>,
    pub(super) at: usize,
    pub(super) depth: usize,
    nodes: usize,
    /// How many `|` are open in the innermost bracket.
    pub(super) bars: usize,
    /// Inside `\{ … \}`, where `:` and `|` begin a condition.
    pub(super) in_set: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, lexemes: Vec<Lexeme>) -> Parser<'a> {
        Parser { text, lexemes, at: 0, depth: 0, nodes: 0, bars: 0, in_set: false }
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.lexemes.get(self.at).map(|lexeme| &lexeme.token)
    }

    pub(super) fn peek_after(&self, offset: usize) -> Option<&Token> {
        self.lexemes.get(self.at + offset).map(|lexeme| &lexeme.token)
    }

    /// Whether white space stands before the token at the cursor.
    pub(super) fn spaced(&self) -> bool {
        self.lexemes.get(self.at).is_some_and(|lexeme| lexeme.spaced)
    }

    pub(super) fn eat(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.at += 1;
        }
        found
    }

    pub(super) fn expect(&mut self, token: &Token, what: &'static str) -> Result<(), Fault> {
        if self.eat(token) { Ok(()) } else { Err(Fault::Malformed(what)) }
    }

    /// Counts one more part.
    pub(super) fn made(&mut self, node: Node) -> Result<Node, Fault> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT { Err(Fault::TooLong) } else { Ok(node) }
    }

    pub(super) fn deeper<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= DEPTH_LIMIT {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    /// The source between two tokens, without spaces and braces: a name for a subscript.
    pub(super) fn source(&self, from: usize, to: usize) -> String {
        let start = self.lexemes.get(from).map_or(self.text.len(), |lexeme| lexeme.start);
        let end = self.lexemes.get(to.saturating_sub(1)).map_or(start, |lexeme| lexeme.end);
        self.text
            .get(start..end.max(start))
            .unwrap_or_default()
            .replace("\\text", "")
            .replace("\\mathrm", "")
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '{' | '}'))
            .collect()
    }

    /// Punctuation and money signs at the end say nothing.
    fn skip_trailing(&mut self) {
        while matches!(
            self.peek(),
            Some(
                Token::Comma
                    | Token::Semicolon
                    | Token::Currency(_)
                    | Token::RowBreak
                    | Token::Ampersand
                    | Token::Colon
            )
        ) {
            self.at += 1;
        }
    }

    fn relation_token(&self) -> Option<Relation> {
        match self.peek() {
            Some(Token::Relation(relation)) => Some(*relation),
            _ => None,
        }
    }

    /// `a`, `a = b`, `a < b ≤ c`, with an optional `(mod m)` behind.
    pub(super) fn relation(&mut self) -> Result<Node, Fault> {
        while matches!(self.peek(), Some(Token::Ampersand)) {
            self.at += 1;
        }
        // "= 5" and "≈ 5": the left side was said before.
        if let Some(Relation::Equal | Relation::Approximately | Relation::Other("⇒" | "→")) =
            self.relation_token()
        {
            self.at += 1;
        }
        let first = self.ratio()?;
        let mut items = vec![first];
        let mut relations = Vec::new();
        loop {
            while matches!(self.peek(), Some(Token::Ampersand)) {
                self.at += 1;
            }
            let divides =
                matches!(self.peek(), Some(Token::Bar)) && self.bars == 0 && !self.in_set && self.divides();
            let relation = match self.relation_token() {
                Some(relation) => relation,
                None if divides => Relation::Other("|"),
                None => break,
            };
            self.at += 1;
            while matches!(self.peek(), Some(Token::Ampersand)) {
                self.at += 1;
            }
            // `a = \{…\}`, `k ∈ 1, 2, 3` are put together by the statements.
            relations.push(relation);
            items.push(self.ratio()?);
        }
        let mut node =
            if relations.is_empty() { items.remove(0) } else { self.made(Node::Chain(items, relations))? };
        if matches!(self.peek(), Some(Token::Command(Command::ParenMod))) {
            self.at += 1;
            let modulus = self.deeper(|parser| parser.argument())?;
            node = self.made(Node::Form("modulo".to_owned(), vec![node, modulus]))?;
        }
        Ok(node)
    }

    /// Whether the bar at the cursor can be "divides": something follows that is not the end.
    fn divides(&self) -> bool {
        !matches!(self.peek_after(1), None | Some(Token::Comma | Token::Close(_)))
    }

    fn ratio(&mut self) -> Result<Node, Fault> {
        let first = self.set_expression()?;
        if self.in_set || self.peek() != Some(&Token::Colon) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.peek() == Some(&Token::Colon) {
            let mark = self.at;
            self.at += 1;
            if !self.starts_factor(false) && !matches!(self.peek(), Some(Token::Minus)) {
                self.at = mark;
                break;
            }
            parts.push(self.set_expression()?);
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        self.made(Node::Ratio(parts))
    }

    fn set_expression(&mut self) -> Result<Node, Fault> {
        let mut left = self.sum()?;
        let mut nested = 0;
        while let Some(Token::SetOperation(operation)) = self.peek() {
            let operation = *operation;
            self.at += 1;
            let right = self.sum()?;
            left = match left {
                Node::Sets(same, mut items) if same == operation && operation != SetOperation::Difference => {
                    items.push(right);
                    Node::Sets(operation, items)
                }
                left => {
                    nested += 1;
                    if nested > DEPTH_LIMIT {
                        return Err(Fault::TooDeep);
                    }
                    self.made(Node::Sets(operation, vec![left, right]))?
                }
            };
        }
        Ok(left)
    }

    pub(super) fn sum(&mut self) -> Result<Node, Fault> {
        let mut terms = Vec::new();
        let mut negative = false;
        let mut sign_seen = false;
        loop {
            match self.peek() {
                Some(Token::Plus) => {
                    self.at += 1;
                    sign_seen = true;
                    continue;
                }
                Some(Token::Minus) => {
                    self.at += 1;
                    negative = !negative;
                    sign_seen = true;
                    continue;
                }
                Some(Token::PlusMinus | Token::MinusPlus) => {
                    let flipped = self.peek() == Some(&Token::MinusPlus);
                    self.at += 1;
                    let term = self.term()?;
                    let node =
                        self.made(Node::PlusMinus { term: Box::new(term), flipped: flipped != negative })?;
                    terms.push(node);
                }
                _ => {
                    if terms.is_empty() || sign_seen {
                        let term = self.term()?;
                        let term = match term {
                            // The sign belongs to the dividend: −1 mod 2 is 1.
                            Node::Apply(crate::expression::Function::Mod, mut sides) if negative => {
                                let dividend = sides.remove(0);
                                sides.insert(0, Node::Negative(Box::new(dividend)));
                                Node::Apply(crate::expression::Function::Mod, sides)
                            }
                            term if negative => self.made(Node::Negative(Box::new(term)))?,
                            term => term,
                        };
                        terms.push(term);
                    } else {
                        break;
                    }
                }
            }
            negative = false;
            sign_seen = false;
            if !matches!(self.peek(), Some(Token::Plus | Token::Minus | Token::PlusMinus | Token::MinusPlus))
            {
                break;
            }
        }
        if sign_seen || terms.is_empty() {
            return Err(Fault::Malformed("a sign without a term"));
        }
        let node = if terms.len() == 1 { terms.remove(0) } else { self.made(Node::Sum(terms))? };
        if self.peek() == Some(&Token::Command(Command::Choose)) {
            self.at += 1;
            let right = self.deeper(|parser| parser.sum())?;
            return self.made(Node::Apply(crate::expression::Function::Binomial, vec![node, right]));
        }
        Ok(node)
    }

    /// Whether a factor can start at the cursor without an operator before it.
    pub(super) fn starts_factor(&self, after_number: bool) -> bool {
        match self.peek() {
            Some(Token::Number(_)) => !after_number,
            Some(
                Token::Letter(_)
                | Token::Function(_)
                | Token::Constant(_)
                | Token::NamedSet(_)
                | Token::Begin(_)
                | Token::Open(_)
                | Token::Ellipsis,
            ) => true,
            Some(Token::Command(command)) => {
                !matches!(command, Command::Choose | Command::Mod | Command::ParenMod | Command::Transpose)
            }
            Some(Token::Bar) => self.bars == 0 && !self.in_set && self.closes_later(),
            Some(Token::DoubleBar) => self.bars == 0 && !self.in_set,
            _ => false,
        }
    }

    /// Whether another bar follows in this bracket: then the one at the cursor opens.
    fn closes_later(&self) -> bool {
        let mut depth = 0usize;
        for lexeme in self.lexemes.iter().skip(self.at + 1).take(200) {
            match lexeme.token {
                Token::Open(_) => depth += 1,
                Token::Close(_) if depth == 0 => return false,
                Token::Close(_) => depth -= 1,
                Token::Bar if depth == 0 => return true,
                _ => {}
            }
        }
        false
    }

    /// Factors with `·`, `/`, `mod` or nothing between them. What stands side by side binds tighter than a slash:
    /// `1/2x` is `1/(2x)`, unless a space says otherwise.
    fn term(&mut self) -> Result<Node, Fault> {
        let node = self.single_term()?;
        self.with_unit(node)
    }

    /// A term without words behind it.
    pub(super) fn single_term(&mut self) -> Result<Node, Fault> {
        let mut factors = vec![self.group()?];
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
                    let node = self.made(Node::Apply(crate::expression::Function::Mod, vec![left, right]))?;
                    factors = vec![node];
                }
                // A slash keeps implicit factors to its right together; a dot or a bracket ends that.
                _ if self.starts_factor(true) => factors.push(self.group()?),
                _ => break,
            }
        }
        self.product(factors)
    }

    fn product(&mut self, mut factors: Vec<Node>) -> Result<Node, Fault> {
        if factors.len() == 1 { Ok(factors.remove(0)) } else { self.made(Node::Product(factors)) }
    }

    /// Factors side by side.
    fn group(&mut self) -> Result<Node, Fault> {
        let mut factors = vec![self.signed_factor()?];
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
    fn divisor_before(&self, factors: usize) -> bool {
        factors == 1
            && matches!(self.lexemes.get(self.at - 1).map(|l| &l.token), Some(Token::Number(_)))
            && matches!(self.lexemes.get(self.at - 2).map(|l| &l.token), Some(Token::Divide))
    }

    fn signed_factor(&mut self) -> Result<Node, Fault> {
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
    fn mixed_number(&mut self, whole: Option<&Node>) -> Result<Option<Node>, Fault> {
        let Some(Node::Number { value: whole, decimals: None }) = whole else { return Ok(None) };
        if !whole.is_int()
            || !matches!(self.lexemes.get(self.at.wrapping_sub(1)).map(|l| &l.token), Some(Token::Number(_)))
        {
            return Ok(None);
        }
        let whole = whole.clone();
        let mark = self.at;
        let fraction = match (self.peek(), self.peek_after(1), self.peek_after(2)) {
            (Some(Token::Command(Command::Fraction)), ..) => match self.factor()? {
                Node::Quotient(a, b) => match (*a, *b) {
                    (
                        Node::Number { value: a, decimals: None },
                        Node::Number { value: b, decimals: None },
                    ) if a.is_int() && b.is_int() && a < b => Some(a / b),
                    _ => None,
                },
                _ => None,
            },
            (Some(Token::Number(a)), Some(Token::Divide), Some(Token::Number(b))) if self.spaced() => {
                let parts = (super::numerals::value(a), super::numerals::value(b));
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
            Some(fraction) => Ok(Some(self.made(Node::exact(whole + fraction))?)),
            None => {
                self.at = mark;
                Ok(None)
            }
        }
    }

    /// Words behind a term: a unit, or percent.
    fn with_unit(&mut self, node: Node) -> Result<Node, Fault> {
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
        if words.is_empty() {
            return Ok(node);
        }
        let lower = words.to_ascii_lowercase();
        if matches!(lower.trim(), "degrees" | "degree" | "deg") {
            return self.made(Node::Degrees(Box::new(node)));
        }
        self.made(Node::Unit(Box::new(node), words))
    }

    fn unit_power(&mut self, words: &mut String) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::form;

    fn read(text: &str) -> String {
        parse(text).map_or_else(|fault| format!("{fault:?}"), |node| form(&node))
    }

    #[test]
    fn operators_bind_as_they_are_written() {
        assert_eq!(read("1/2x"), "1/(2·x)");
        assert_eq!(read("1/2 x"), "(1/2)·x");
        assert_eq!(read("-x^2"), "-(x^2)");
        assert_eq!(read("2^3^2"), "2^(3^2)");
        assert_eq!(read("a-b-c"), "-b + -c + a");
        assert_eq!(read("-1 \\mod 2"), "mod(-1, 2)");
        assert_eq!(read("|x||y|"), "abs(x)·abs(y)");
        assert_eq!(read("\\sin a\\cos b"), "cos(b)·sin(a)");
        assert_eq!(read("\\sin^{-1}x"), "asin(x)");
        assert_eq!(read("f^{-1}(x)"), "f'-1(x)");
    }

    #[test]
    fn lists_group_by_semicolons_and_words() {
        assert_eq!(read("1,2;3,4"), "(1, 2), (3, 4)");
        assert_eq!(read("p=5,q=2;p=7,q=2"), "(p = 5, q = 2), (p = 7, q = 2)");
        assert_eq!(read("k=1,2,3"), "k = 1, 2, 3");
        assert_eq!(read("1, 2, and 3"), "1, 2, 3");
        assert_eq!(read("(1,1;2,2)"), "(1, 1, 2, 2)");
        assert_eq!(read("[1,2)"), "[1, 2)");
    }

    #[test]
    fn broken_formulas_are_refused() {
        for text in [
            "3-",
            "(1",
            "1)",
            "\\frac{1}",
            "\\begin{pmatrix}1",
            "x=",
            "|x",
            "f|psi()t~pf|",
            "\\sqrt",
            "^2",
            "5=",
        ] {
            assert!(matches!(parse(text), Err(Fault::Malformed(_))), "{text}: {}", read(text));
        }
        assert_eq!(parse(""), Err(Fault::Empty));
        assert_eq!(parse(&"(".repeat(5000)), Err(Fault::TooDeep));
        assert_eq!(parse(&"1".repeat(20_000)), Err(Fault::TooLong));
    }
}
