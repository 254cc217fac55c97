//! Tuples in order, sets and lists in any order, intervals and unions.

use super::assignments::assigned_values;
use super::{Finding, Judge, Judgement, found};
use crate::expression::{Constant, NamedSet, Node, Relation, SetOperation};
use crate::rule::Rule;
use crate::verdict::Reason;

/// Elements beyond this are only compared where their order is the same on both sides.
const MATCH_LIMIT: usize = 150;

fn is_collection(node: &Node) -> bool {
    matches!(
        node,
        Node::Tuple(_)
            | Node::List(_)
            | Node::Set(_)
            | Node::Interval { .. }
            | Node::Sets(..)
            | Node::NamedSet(_)
            | Node::Builder(..)
    )
}

/// Capitals in a row beside the same letters one by one, which are an order, too: `DACB` and `D, A, C, B`.
pub(super) fn run_and_list<'n>(gold: &'n Node, pred: &'n Node) -> Option<(&'n str, Vec<char>)> {
    let (run, items) = match (gold, pred) {
        (Node::Symbol(run), Node::List(items) | Node::Tuple(items))
        | (Node::List(items) | Node::Tuple(items), Node::Symbol(run)) => (run, items),
        _ => return None,
    };
    let letters: Option<Vec<char>> = items
        .iter()
        .map(|item| match item {
            Node::Symbol(name) | Node::Text(name) if name.len() == 1 => name.chars().next(),
            _ => None,
        })
        .collect();
    (super::variants::is_run(run)).then_some((run.as_str(), letters?))
}

/// Whether a node is a set in itself.
fn is_set(node: &Node) -> bool {
    matches!(node, Node::Set(_) | Node::NamedSet(_) | Node::Sets(..) | Node::Interval { .. })
}

/// The letters of named sets, where the other side is a set: `R` beside ℝ, `R ∖ {0}`.
fn letters_as_sets(node: &Node) -> Option<Node> {
    let named = |letter: &str| {
        Some(Node::NamedSet(match letter {
            "R" => NamedSet::Reals,
            "Z" => NamedSet::Integers,
            "N" => NamedSet::Naturals,
            "Q" => NamedSet::Rationals,
            "C" => NamedSet::Complexes,
            _ => return None,
        }))
    };
    match node {
        Node::Symbol(letter) | Node::Text(letter) => named(letter),
        Node::Sets(operation, items) => {
            let items: Vec<Node> =
                items.iter().map(|item| letters_as_sets(item).unwrap_or_else(|| item.clone())).collect();
            Some(Node::Sets(*operation, items))
        }
        // R - {0}.
        Node::Sum(items) => match items.as_slice() {
            [Node::Symbol(letter), Node::Negative(other)] if is_set(other) => {
                Some(Node::Sets(SetOperation::Difference, vec![named(letter)?, (**other).clone()]))
            }
            _ => None,
        },
        _ => None,
    }
}

impl Judge<'_> {
    pub(super) fn collections(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        if !is_collection(gold) && !is_collection(pred) {
            return None;
        }
        if let Some((run, letters)) = run_and_list(gold, pred) {
            return Some(found(run.chars().eq(letters), Rule::NameOfPoints));
        }
        let unbounded = matches!(gold, Node::Tuple(items) if items.iter().any(|item| matches!(item, Node::Constant(Constant::Infinity))));
        if (is_set(gold) || unbounded)
            && !matches!(gold, Node::Set(_))
            && let Some(pred) = letters_as_sets(pred).filter(|other| other != pred)
        {
            return Some(self.judge(gold, &pred));
        }
        if let Some(judgement) = self.lists_of_assignments(gold, pred) {
            return Some(judgement);
        }
        // A set of one tuple is that tuple.
        match (gold, pred) {
            (Node::Set(items), Node::Tuple(_)) if matches!(items.as_slice(), [Node::Tuple(_)]) => {
                return Some(self.judge(&items[0], pred));
            }
            (Node::Tuple(_), Node::Set(items)) if matches!(items.as_slice(), [Node::Tuple(_)]) => {
                return Some(self.judge(gold, &items[0]));
            }
            _ => {}
        }
        match (gold, pred) {
            (Node::Tuple(a), Node::Tuple(b)) => return Some(self.in_order(a, b, Rule::Tuple)),
            (Node::Set(a) | Node::List(a), Node::Set(b) | Node::List(b)) => {
                if let Some(judgement) = self.solution_sets(gold, pred) {
                    return Some(judgement);
                }
                return Some(self.in_any_order(a, b, Rule::Set));
            }
            (Node::Tuple(a), Node::Set(b) | Node::List(b)) => return Some(self.tuple_and_set(a, b, pred)),
            (Node::Set(a) | Node::List(a), Node::Tuple(b)) => {
                let judgement = if self.options.strict {
                    found(false, Rule::SetAndTuple)
                } else {
                    self.in_any_order(a, b, Rule::SetAndTuple)
                };
                return Some(judgement);
            }
            _ => {}
        }
        // x < 1 or x > 5 beside a union of intervals.
        if let Some(judgement) = self.relations_and_sets(gold, pred) {
            return Some(judgement);
        }
        if let Some(judgement) = self.real_sets(gold, pred) {
            return Some(judgement);
        }
        Some(match (gold, pred) {
            (
                Node::Interval { low: a, high: b, low_closed: p, high_closed: q },
                Node::Interval { low: c, high: d, low_closed: r, high_closed: s },
            ) => {
                if p != r || q != s {
                    found(false, Rule::IntervalEnds)
                } else {
                    self.both(
                        &[((**a).clone(), (**c).clone()), ((**b).clone(), (**d).clone())],
                        Rule::Interval,
                    )
                }
            }
            (Node::Sets(p, a), Node::Sets(q, b)) if p == q => {
                if *p == crate::expression::SetOperation::Difference {
                    self.in_order(a, b, Rule::DifferenceOfSets)
                } else {
                    self.in_any_order(a, b, Rule::Sets)
                }
            }
            (Node::NamedSet(a), Node::NamedSet(b)) => found(a == b, Rule::NamedSet),
            (Node::Builder(x, a), Node::Builder(y, b)) => self.both(
                &[((**x).clone(), (**y).clone()), ((**a).clone(), (**b).clone())],
                Rule::SetByCondition,
            ),
            // A set of one number is that number; the set of the empty set is not empty.
            (Node::Set(items), other) | (other, Node::Set(items))
                if items.len() == 1
                    && is_set(&items[0])
                        != (items.len() == 1 && is_set(other) && matches!(other, Node::Set(_)))
                    && is_set(&items[0]) =>
            {
                found(false, Rule::DifferentKinds)
            }
            (Node::Set(items) | Node::List(items), other) if items.len() == 1 => self.judge(&items[0], other),
            (other, Node::Set(items) | Node::List(items)) if items.len() == 1 => self.judge(other, &items[0]),
            // {5, 5} is 5.
            (Node::Set(items) | Node::List(items), other) if other.is_scalar() => {
                self.in_any_order(items, std::slice::from_ref(other), Rule::Set)
            }
            (other, Node::Set(items) | Node::List(items)) if other.is_scalar() => {
                self.in_any_order(std::slice::from_ref(other), items, Rule::Set)
            }
            _ => found(false, Rule::DifferentKinds),
        })
    }

    /// `p = 5, q = 2` beside `(5, 2)`; `x = 1, x = 2` beside `{1, 2}`.
    fn lists_of_assignments(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        let items = |node: &Node| match node {
            Node::List(items) | Node::Set(items) | Node::Tuple(items) => Some(items.clone()),
            _ => None,
        };
        let assigned = |node: &Node| {
            items(node).filter(|items| items.len() > 1).and_then(|items| assigned_values(&items))
        };
        match (assigned(gold), assigned(pred)) {
            (Some(_), Some(_)) => {
                let (a, b) = (items(gold)?, items(pred)?);
                Some(self.in_any_order(&a, &b, Rule::Assignments))
            }
            (Some((values, same)), None) => self.values_beside(&values, same, pred, true),
            (None, Some((values, same))) => self.values_beside(&values, same, gold, false),
            (None, None) => None,
        }
    }

    fn values_beside(
        &mut self,
        values: &[Node],
        same: bool,
        other: &Node,
        values_are_gold: bool,
    ) -> Option<Judgement> {
        // (p, q) = (5, 2) is about the same letters.
        let other = match other {
            Node::Chain(sides, relations)
                if relations == &[Relation::Equal] && matches!(sides[0], Node::Tuple(_)) =>
            {
                &sides[1]
            }
            other => other,
        };
        let items = match other {
            Node::Tuple(items) | Node::List(items) | Node::Set(items) => items,
            _ => return None,
        };
        // Values of one letter are a set, and a tuple is none.
        if same && self.options.strict && matches!(other, Node::Tuple(_)) {
            return Some(found(false, Rule::ValuesOfOneLetterAndATuple));
        }
        let (a, b) = if values_are_gold { (values, items.as_slice()) } else { (items.as_slice(), values) };
        Some(if same {
            self.in_any_order(a, b, Rule::ValuesOfOneLetter)
        } else {
            self.in_order(a, b, Rule::ValuesOfLetters)
        })
    }

    /// A pair in brackets may be an open interval, and its ends may be all that was kept of it. Nothing else in round
    /// brackets is a set.
    fn tuple_and_set(&mut self, tuple: &[Node], set: &[Node], pred: &Node) -> Judgement {
        if self.options.strict && tuple.len() != 2 {
            return found(false, Rule::TupleAndSet);
        }
        if !self.options.strict {
            return self.in_any_order(tuple, set, Rule::TupleAndSet);
        }
        if matches!(pred, Node::List(_)) || tuple.len() == set.len() {
            return self.in_order(tuple, set, Rule::PairWrittenAsASet);
        }
        found(false, Rule::TupleAndSet)
    }

    fn relations_and_sets(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        let is_list_of_relations = |node: &Node| matches!(node, Node::List(items) if items.iter().all(|item| matches!(item, Node::Chain(..))));
        if is_list_of_relations(gold) && !is_list_of_relations(pred) {
            return self.relation_and_set(gold, pred);
        }
        if is_list_of_relations(pred) && !is_list_of_relations(gold) {
            if !self.options.allow_set_relation_comp {
                return Some(found(false, Rule::RelationsInThePredictionOnly));
            }
            return self.relation_and_set(pred, gold);
        }
        None
    }

    fn in_order(&mut self, a: &[Node], b: &[Node], rule: Rule) -> Judgement {
        if a.len() != b.len() {
            return found(false, rule);
        }
        let mut unknown = None;
        for (x, y) in a.iter().zip(b) {
            match self.judge(x, y) {
                Ok(Finding { equal: true, .. }) => {}
                Ok(Finding { equal: false, .. }) => return found(false, rule),
                Err(reason) => unknown = Some(reason),
            }
        }
        unknown.map_or_else(|| found(true, rule), Err)
    }

    /// Every element of one is in the other and the other way round; repeated elements count once.
    fn in_any_order(&mut self, a: &[Node], b: &[Node], rule: Rule) -> Judgement {
        if a.len() == b.len() && self.in_order(a, b, rule).is_ok_and(|finding| finding.equal) {
            return found(true, rule);
        }
        if let (Some(a), Some(b)) = (sorted_numbers(a), sorted_numbers(b)) {
            return found(a == b, rule);
        }
        if a.len() > MATCH_LIMIT || b.len() > MATCH_LIMIT {
            return if a.len() == b.len() { Err(Reason::TooLong) } else { found(false, rule) };
        }
        // Elements with an ellipsis among them stand for a pattern, where order means something.
        let pattern = |items: &[Node]| items.contains(&Node::Ellipsis);
        if pattern(a) || pattern(b) {
            return found(false, rule);
        }
        let mut unknown = None;
        let mut used = vec![false; b.len()];
        for x in a {
            let mut seen = false;
            for (i, y) in b.iter().enumerate() {
                match self.judge(x, y) {
                    Ok(Finding { equal: true, .. }) => {
                        used[i] = true;
                        seen = true;
                    }
                    Ok(_) => {}
                    Err(Reason::TooLarge) => return Err(Reason::TooLarge),
                    Err(reason) => unknown = Some(reason),
                }
            }
            if !seen {
                return unknown.map_or_else(|| found(false, rule), Err);
            }
        }
        if used.iter().all(|used| *used) {
            found(true, rule)
        } else {
            unknown.map_or_else(|| found(false, rule), Err)
        }
    }
}

/// The elements as numbers in order, each once, if all are exact numbers without printed decimals.
fn sorted_numbers(items: &[Node]) -> Option<Vec<dashu_ratio::RBig>> {
    let mut values = items
        .iter()
        .map(|item| match item {
            Node::Number { value, decimals: None } => Some(value.clone()),
            Node::Negative(inner) => match &**inner {
                Node::Number { value, decimals: None } => Some(-value.clone()),
                _ => None,
            },
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    values.sort_unstable();
    values.dedup();
    Some(values)
}
