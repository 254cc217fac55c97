//! The parser: limits, the token cursor, and the ladder of operators from relations down to factors.

use super::token::{Command, Lexeme, Token};
use super::{DEPTH_LIMIT, NODE_LIMIT};
use super::{brackets, lexer};
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
    if let Some(number) = whole_number(text) {
        return Ok(number);
    }
    let mut lexemes = lexer::tokens(text)?;
    brackets::turn_reversed(&mut lexemes);
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

/// A whole number in digits and nothing else, which most of what is read is.
pub(crate) fn whole_number(text: &str) -> Option<Node> {
    let digits = text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if digits { text.parse().ok().map(Node::integer) } else { None }
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
    pub(super) fn new(text: &'a str, lexemes: Vec<Lexeme>) -> Parser<'a> {
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
    pub(super) fn skip_trailing(&mut self) {
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

    pub(super) fn relation_token(&self) -> Option<Relation> {
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
        let node = match self.peek() {
            Some(Token::Relation(_) | Token::Ampersand | Token::Bar) => self.chain(first)?,
            _ => first,
        };
        if matches!(self.peek(), Some(Token::Command(Command::ParenMod))) {
            self.at += 1;
            let modulus = self.deeper(|parser| parser.argument())?;
            return self.made(Node::Form("modulo".to_owned(), vec![node, modulus]));
        }
        Ok(node)
    }

    /// The relations behind a first side; without any, that side.
    fn chain(&mut self, first: Node) -> Result<Node, Fault> {
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
        if relations.is_empty() { Ok(items.remove(0)) } else { self.made(Node::Chain(items, relations)) }
    }

    /// Whether the bar at the cursor can be "divides": something follows that is not the end.
    pub(super) fn divides(&self) -> bool {
        !matches!(self.peek_after(1), None | Some(Token::Comma | Token::Close(_)))
    }

    pub(super) fn ratio(&mut self) -> Result<Node, Fault> {
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

    pub(super) fn set_expression(&mut self) -> Result<Node, Fault> {
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
        let is_sign = |token: Option<&Token>| {
            matches!(token, Some(Token::Plus | Token::Minus | Token::PlusMinus | Token::MinusPlus))
        };
        if is_sign(self.peek()) {
            let node = self.terms(Vec::new())?;
            return self.sum_with_words(node);
        }
        let first = self.term()?;
        let node = if is_sign(self.peek()) { self.terms(vec![first])? } else { first };
        self.sum_with_words(node)
    }

    /// Terms with signs between them, behind those that were read.
    fn terms(&mut self, mut terms: Vec<Node>) -> Result<Node, Fault> {
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
        if terms.len() == 1 { Ok(terms.remove(0)) } else { self.made(Node::Sum(terms)) }
    }

    /// `n \choose k` and `a \over b` take whole sums.
    fn sum_with_words(&mut self, node: Node) -> Result<Node, Fault> {
        if self.peek() == Some(&Token::Command(Command::Choose)) {
            self.at += 1;
            let right = self.deeper(|parser| parser.sum())?;
            return self.made(Node::Apply(crate::expression::Function::Binomial, vec![node, right]));
        }
        if self.eat(&Token::Command(Command::Over)) {
            let below = self.deeper(|parser| parser.sum())?;
            return self.made(Node::Quotient(Box::new(node), Box::new(below)));
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
            Some(Token::Command(command)) => !matches!(
                command,
                Command::Choose | Command::Over | Command::Mod | Command::ParenMod | Command::Transpose
            ),
            Some(Token::Bar) => self.bars == 0 && !self.in_set && self.closes_later(),
            Some(Token::DoubleBar) => self.bars == 0 && !self.in_set,
            _ => false,
        }
    }

    /// Whether another bar follows in this bracket: then the one at the cursor opens.
    pub(super) fn closes_later(&self) -> bool {
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
