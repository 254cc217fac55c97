//! Lists of answers: commas, semicolons, "and", "or", and how they group.

use super::parser::{Fault, Parser};
use super::token::Token;
use crate::expression::{Node, Relation};

impl Parser<'_> {
    /// Everything up to the end or the bracket that closes it. One answer is itself, several are a list.
    pub(super) fn statements(&mut self) -> Result<Node, Fault> {
        self.deeper(|parser| {
            while parser.at_separator() {
                parser.at += 1;
            }
            let first = parser.relation()?;
            // Most answers are one.
            if !parser.at_separator() {
                return Ok(first);
            }
            let groups = parser.groups(first)?;
            parser.joined(groups)
        })
    }

    fn at_separator(&self) -> bool {
        matches!(self.peek(), Some(Token::Comma | Token::Semicolon | Token::Connector | Token::RowBreak))
    }

    /// Answers separated by commas, in groups separated by semicolons and words. The flag says whether a semicolon
    /// was among the separators.
    fn groups(&mut self, first: Node) -> Result<(Vec<Vec<Node>>, bool), Fault> {
        let mut groups = Vec::new();
        let mut group = vec![first];
        let mut semicolons = false;
        while self.at_separator() {
            let mut ends_group = false;
            let mut comma = false;
            while self.at_separator() {
                match self.peek() {
                    Some(Token::Semicolon) => {
                        semicolons = true;
                        ends_group = true;
                    }
                    Some(Token::Comma) => comma = true,
                    _ => ends_group = true,
                }
                self.at += 1;
            }
            // ", and" is a comma.
            if comma && !semicolons {
                ends_group = false;
            }
            if matches!(
                self.peek(),
                None | Some(Token::Close(_) | Token::Bar | Token::End(_) | Token::DoubleBar)
            ) {
                // A separator at the end says nothing.
                break;
            }
            if ends_group {
                groups.push(std::mem::take(&mut group));
            }
            group.push(self.relation()?);
        }
        groups.push(group);
        Ok((groups, semicolons))
    }

    fn joined(&mut self, (mut groups, semicolons): (Vec<Vec<Node>>, bool)) -> Result<Node, Fault> {
        for group in &mut groups {
            let taken = std::mem::take(group);
            *group = share_subject(taken);
        }
        let width = groups[0].len();
        let even = groups.len() > 1 && width > 1 && groups.iter().all(|group| group.len() == width);
        let all_relations = groups.iter().flatten().all(|node| matches!(node, Node::Chain(..)));
        if even && (semicolons || all_relations) {
            let mut tuples = Vec::new();
            for group in groups {
                tuples.push(self.made(Node::Tuple(group))?);
            }
            return self.made(Node::List(tuples));
        }
        let mut items: Vec<Node> = groups.into_iter().flatten().collect();
        if items.len() == 1 {
            return Ok(items.remove(0));
        }
        let items = share_subject(items);
        if let [only] = items.as_slice() {
            return Ok(only.clone());
        }
        self.made(Node::List(items))
    }
}

/// `k = 1, 2, 3` says `k` three times: the values after a lone assignment belong to it.
fn share_subject(items: Vec<Node>) -> Vec<Node> {
    let [Node::Chain(sides, relations), rest @ ..] = items.as_slice() else { return items };
    let assignment = matches!(relations.as_slice(), [Relation::Equal | Relation::Member])
        && matches!(sides[0], Node::Symbol(_) | Node::Call(..) | Node::Tuple(_) | Node::Text(_))
        && !matches!(sides[1], Node::Set(_) | Node::List(_));
    let values = rest.iter().all(|node| !matches!(node, Node::Chain(..)));
    if rest.is_empty() || !assignment || !values {
        return items;
    }
    let mut values = vec![sides[1].clone()];
    values.extend(rest.iter().cloned());
    vec![Node::Chain(vec![sides[0].clone(), Node::List(values)], vec![Relation::Equal])]
}
