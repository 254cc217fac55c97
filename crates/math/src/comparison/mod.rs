//! Whether two trees are the same answer: shapes first, numbers at the leaves.

mod assignments;
mod collections;
mod identity;
mod matrices;
mod points;
mod quantities;
mod relations;
mod spans;
mod text;
pub(crate) use text::{choice, says};
mod variants;

use crate::expression::Node;
use crate::options::Options;
use crate::rule::Rule;
use crate::value::integers::Work;
use crate::verdict::Reason;

/// What one comparison may spend, in units of about a nanosecond.
const WORK: u64 = 10_000_000;

/// A decided comparison: whether equal, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) equal: bool,
    pub(crate) rule: Rule,
}

pub(crate) type Judgement = Result<Finding, Reason>;

pub(crate) fn found(equal: bool, rule: Rule) -> Judgement {
    Ok(Finding { equal, rule })
}

/// A number that is asked for in base 8 is answered in base 8: the base is part of the answer. Base 10 goes without
/// saying.
fn bases_differ(gold: &Node, pred: &Node) -> bool {
    let base = |node: &Node| match node {
        Node::Based { base, .. } => *base,
        _ => 10,
    };
    gold.is_scalar() && pred.is_scalar() && base(gold) != base(pred)
}

/// "For all x …", "there is …": more than the expression that they are about.
fn is_statement(node: &Node) -> bool {
    matches!(node, Node::Form(name, _) if name.starts_with("statement"))
}

/// Compares with one set of options and one budget.
pub(crate) struct Judge<'o> {
    pub(crate) options: &'o Options,
    pub(crate) work: Work,
    depth: usize,
}

impl<'o> Judge<'o> {
    pub(crate) fn new(options: &'o Options) -> Judge<'o> {
        Judge { options, work: Work::new(WORK), depth: 0 }
    }

    /// Whether `pred` answers what `gold` answers.
    pub(crate) fn compare(&mut self, gold: &Node, pred: &Node) -> Judgement {
        let (mut gold, mut pred) = (variants::prepared(gold), variants::prepared(pred));
        // `LWH` beside `L · W · H` is a product after all.
        if variants::has_run(&gold) != variants::has_run(&pred)
            && collections::run_and_list(&gold, &pred).is_none()
        {
            (gold, pred) = (variants::runs_written_out(gold), variants::runs_written_out(pred));
        }
        self.judge(&gold, &pred)
    }

    /// Both sides prepared.
    pub(crate) fn judge(&mut self, gold: &Node, pred: &Node) -> Judgement {
        if self.depth > 2 * crate::syntax::DEPTH_LIMIT {
            return Err(Reason::TooLong);
        }
        self.work.spend(50).map_err(|_| Reason::TooLarge)?;
        self.depth += 1;
        let judgement = self.by_shape(gold, pred);
        self.depth -= 1;
        judgement
    }

    fn by_shape(&mut self, gold: &Node, pred: &Node) -> Judgement {
        if let (Node::Number { value: a, decimals: None }, Node::Number { value: b, decimals: None }) =
            (gold, pred)
        {
            return found(a == b, Rule::ExactNumbers);
        }
        if gold == pred {
            return found(true, Rule::SameForm);
        }
        if let Some(judgement) = self.labelled(gold, pred) {
            return judgement;
        }
        if let Some(judgement) = self.text(gold, pred) {
            return judgement;
        }
        if bases_differ(gold, pred) {
            return found(false, Rule::AnotherBase);
        }
        if is_statement(gold) || is_statement(pred) {
            // Alike was found above; a statement in other words is not taken for the same.
            return found(false, Rule::Statement);
        }
        if let Some(judgement) = self.moduli(gold, pred) {
            return judgement;
        }
        if let Some(judgement) = self.relations(gold, pred) {
            return judgement;
        }
        if let Some(judgement) = self.matrices(gold, pred) {
            return judgement;
        }
        if let Some(judgement) = self.collections(gold, pred) {
            return judgement;
        }
        if let Some(judgement) = self.quantities(gold, pred) {
            return judgement;
        }
        self.identity(gold, pred)
    }

    /// `x (mod m)`: the moduli must agree where both are given.
    fn moduli(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        let split = |node: &Node| match node {
            Node::Form(name, parts) if name == "modulo" && parts.len() == 2 => {
                Some((parts[0].clone(), parts[1].clone()))
            }
            _ => None,
        };
        Some(match (split(gold), split(pred)) {
            (Some((a, m)), Some((b, n))) => self.both(&[(a, b), (m, n)], Rule::Residue),
            (Some((a, _)), None) => self.judge(&a, pred),
            (None, Some((b, _))) => self.judge(gold, &b),
            (None, None) => return None,
        })
    }

    /// All pairs equal.
    pub(crate) fn both(&mut self, pairs: &[(Node, Node)], rule: Rule) -> Judgement {
        let mut unknown = None;
        for (a, b) in pairs {
            match self.judge(a, b) {
                Ok(Finding { equal: true, .. }) => {}
                Ok(Finding { equal: false, .. }) => return found(false, rule),
                Err(reason) => unknown = Some(reason),
            }
        }
        match unknown {
            Some(reason) => Err(reason),
            None => found(true, rule),
        }
    }
}
