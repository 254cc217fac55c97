//! Brackets of every kind, and what they make of what they hold: groups, tuples, intervals, sets, absolute values.

use super::parser::{Fault, Parser};
use super::token::{Bracket, Lexeme, Token};
use crate::expression::{Function, NamedSet, Node, Relation};

impl Parser<'_> {
    /// Brackets: a group, a tuple, an interval, a set.
    pub(super) fn bracketed(&mut self, open: Bracket) -> Result<Node, Fault> {
        let (bars, in_set) =
            (std::mem::replace(&mut self.bars, 0), std::mem::replace(&mut self.in_set, open == Bracket::Set));
        let node = self.inside(open);
        (self.bars, self.in_set) = (bars, in_set);
        node
    }

    pub(super) fn inside(&mut self, open: Bracket) -> Result<Node, Fault> {
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

    pub(super) fn round_or_square(
        &mut self,
        node: Node,
        low_closed: bool,
        high_closed: bool,
    ) -> Result<Node, Fault> {
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
    pub(super) fn had_semicolon(&self) -> bool {
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

    pub(super) fn close(&mut self, allowed: &[Bracket]) -> Result<Bracket, Fault> {
        match self.peek() {
            Some(Token::Close(bracket)) if allowed.contains(bracket) => {
                let bracket = *bracket;
                self.at += 1;
                Ok(bracket)
            }
            _ => Err(Fault::Malformed("a bracket that is not closed")),
        }
    }

    pub(super) fn between_bars(&mut self, closers: &[Token]) -> Result<Node, Fault> {
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
}

/// `]2, 5[` is written for (2, 5): square brackets that do not pair as they stand pair in their order.
pub(super) fn turn_reversed(lexemes: &mut [Lexeme]) {
    let mut open = 0usize;
    let mut balanced = true;
    let mut places = Vec::new();
    for (at, lexeme) in lexemes.iter().enumerate() {
        // A round bracket may close a square one: `[2, 5)`.
        match lexeme.token {
            Token::Open(Bracket::Square | Bracket::Round) => open += 1,
            Token::Close(Bracket::Square | Bracket::Round) if open == 0 => balanced = false,
            Token::Close(Bracket::Square | Bracket::Round) => open -= 1,
            _ => continue,
        }
        if matches!(lexeme.token, Token::Open(Bracket::Square) | Token::Close(Bracket::Square)) {
            places.push(at);
        }
    }
    if (balanced && open == 0) || !places.len().is_multiple_of(2) {
        return;
    }
    for pair in places.chunks(2) {
        let &[low, high] = pair else { return };
        if lexemes[low].token == Token::Close(Bracket::Square) {
            lexemes[low].token = Token::Open(Bracket::Round);
        }
        if lexemes[high].token == Token::Open(Bracket::Square) {
            lexemes[high].token = Token::Close(Bracket::Round);
        }
    }
}

fn tuple(node: Node) -> Node {
    match node {
        Node::List(items) => Node::Tuple(items),
        one => one,
    }
}
