//! Equations, inequalities, chains, and what they say about values and sets.

use dashu_base::Sign;

use super::assignments::{Assignment, assignment, is_name, renamed, same_name, value_of_sum};
use super::identity::constant_factor;
use super::{Finding, Judge, Judgement, found};
use crate::expression::{Node, Relation};
use crate::rule::Rule;
use crate::verdict::Reason;

impl Judge<'_> {
    pub(super) fn relations(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        match self.is_false(pred) {
            Ok(true) => return Some(found(false, Rule::FalseStatement)),
            Ok(false) => {}
            Err(reason) => return Some(Err(reason)),
        }
        match (gold, pred) {
            (Node::Chain(..), Node::Chain(..)) => Some(self.two_chains(gold, pred)),
            // 1 < x < 2 beside "x > 1 and x < 2".
            (Node::Chain(..), Node::List(_)) | (Node::List(_), Node::Chain(..))
                if self.solutions(gold).is_some() && self.solutions(pred).is_some() =>
            {
                self.solution_sets(gold, pred)
            }
            (Node::Chain(..), _) => self.gold_chain(gold, pred),
            (_, Node::Chain(..)) => self.predicted_chain(gold, pred),
            _ => None,
        }
    }

    /// Whether a chain says of two numbers what is not so: `3 = 4`, `x = 4 = 3`, `3 ≈ 4`, `2 < 1`.
    fn is_false(&mut self, node: &Node) -> Result<bool, Reason> {
        let Node::Chain(sides, relations) = node else { return Ok(false) };
        let number = |node: &Node| node.is_scalar() && !node.has_symbols();
        // What stands for two values equals none of them: `±3 = 3`. `√9 = ±3` is how people name both.
        let signed = |node: &Node| node.any(&|part| matches!(part, Node::PlusMinus { .. }));
        let one_of_two = |at: usize| {
            signed(&sides[at])
                && relations[at] == Relation::Equal
                && number(&sides[at + 1])
                && !signed(&sides[at + 1])
        };
        if (0..relations.len()).any(one_of_two) {
            return Ok(true);
        }
        let mut last: Option<(usize, &Node)> = None;
        for (at, side) in sides.iter().enumerate() {
            if let Some((before, other)) = last
                && before + 1 == at
                && relations[before] == Relation::Equal
                && super::quantities::differ(self, other, side)?
            {
                return Ok(true);
            }
            if super::quantities::is_amount(side) {
                last = Some((at, side));
                continue;
            }
            if last.is_some_and(|(_, other)| super::quantities::is_amount(other)) {
                last = None;
            }
            if !number(side) {
                last = None;
                continue;
            }
            if let Some((before, other)) = last
                && before + 1 == at
            {
                let holds = match relations[before] {
                    Relation::Equal => self.judge(other, side)?.equal || self.rounds(other, side, 0)?,
                    Relation::Approximately => {
                        self.judge(other, side)?.equal || self.rounds(other, side, 50)?
                    }
                    Relation::NotEqual => !self.judge(other, side)?.equal,
                    relation if relation.is_order() => match super::identity::order(self, other, side)? {
                        Some(order) => holds(relation, order),
                        None => true,
                    },
                    _ => true,
                };
                if !holds {
                    return Ok(true);
                }
            }
            last = Some((at, side));
        }
        // x = 4 = 3 was seen above; x = 4, = 3 through a letter is seen here.
        Ok(false)
    }

    /// Whether one side is the other with fewer printed decimals, or within `1/share` of it where share is not 0.
    fn rounds(&mut self, a: &Node, b: &Node, share: u32) -> Result<bool, Reason> {
        for (exact, rounded) in [(a, b), (b, a)] {
            let Some(half) = half_unit(rounded) else { continue };
            if self.within(exact, rounded, &half)? {
                return Ok(true);
            }
        }
        if share == 0 {
            return Ok(false);
        }
        let Some(size) = plain_value(b).or_else(|| plain_value(a)) else { return Ok(true) };
        let slack = crate::value::integers::absolute(&size) / dashu_ratio::RBig::from(share);
        self.within(a, b, &slack)
    }

    /// Whether two numbers differ by at most `slack`.
    fn within(&mut self, a: &Node, b: &Node, slack: &dashu_ratio::RBig) -> Result<bool, Reason> {
        let above = Node::Sum(vec![b.clone(), Node::exact(slack.clone())]);
        let below = Node::Sum(vec![b.clone(), Node::exact(-slack.clone())]);
        let above = super::identity::order(self, a, &above)?;
        let below = super::identity::order(self, a, &below)?;
        Ok(!matches!(above, None | Some(std::cmp::Ordering::Greater))
            && !matches!(below, None | Some(std::cmp::Ordering::Less)))
    }

    fn two_chains(&mut self, gold: &Node, pred: &Node) -> Judgement {
        // Sets first: x ∈ [a, b] and a ≤ x ≤ b are about the same x.
        if let (Some((x, a)), Some((y, b))) = (membership(gold), membership(pred)) {
            if self.options.strict && !same_name(&x, &y) {
                return found(false, Rule::MemberOfASet);
            }
            return self.judge(&a, &b);
        }
        // An inequality in gold may be answered by a membership; the other way round only if the caller allows it.
        if let (None, Some((x, set))) = (membership(gold), membership(pred))
            && let Some(judgement) = self.inequality_and_membership(gold, &x, &set)
        {
            return judgement;
        }
        if let (Some((x, set)), None) = (membership(gold), membership(pred))
            && self.options.allow_set_relation_comp
            && let Some(judgement) = self.inequality_and_membership(pred, &x, &set)
        {
            return judgement;
        }
        if let Some(judgement) = self.solution_sets(gold, pred) {
            return judgement;
        }
        let equations = self.equations(gold, pred);
        if let Ok(Finding { equal: true, .. }) = equations {
            return equations;
        }
        match (assignment(gold), assignment(pred)) {
            (Some(a), Some(b)) => self.two_assignments(&a, &b).unwrap_or(equations),
            _ => equations,
        }
    }

    fn inequality_and_membership(
        &mut self,
        inequality: &Node,
        letter: &Node,
        set: &Node,
    ) -> Option<Judgement> {
        let (name, _) = self.solutions(inequality)?;
        if self.options.strict && name != crate::canonical::form(letter) {
            return Some(found(false, Rule::InequalitiesOfDifferentLetters));
        }
        self.relation_and_set(inequality, set)
    }

    /// Two assignments; `None` where their names say that they are about different things.
    fn two_assignments(&mut self, gold: &Assignment, pred: &Assignment) -> Option<Judgement> {
        let unnamed = |a: &Assignment| matches!(&a.name, Node::Text(name) if name.is_empty());
        let same = same_name(&gold.name, &pred.name) || unnamed(gold) || unnamed(pred);
        if self.options.strict && !same {
            return None;
        }
        let value = renamed(&gold.name, &pred.name, &pred.value);
        Some(self.judge(&gold.value, &value))
    }

    /// Equations and inequalities of two sides: the same up to a factor. Longer chains: side by side.
    fn equations(&mut self, gold: &Node, pred: &Node) -> Judgement {
        let (Node::Chain(a, ra), Node::Chain(b, rb)) = (gold, pred) else {
            return found(false, Rule::Relation);
        };
        if a.len() != b.len() {
            return found(false, Rule::Relation);
        }
        let mirrored: Vec<Relation> = rb.iter().rev().map(|relation| relation.mirrored()).collect();
        let mut unknown = None;
        for (relations, reversed) in [(rb.clone(), false), (mirrored, true)] {
            if *ra != relations || reversed && !rb.iter().all(|relation| relation.is_reversible()) {
                continue;
            }
            let others: Vec<Node> = if reversed { b.iter().rev().cloned().collect() } else { b.clone() };
            let pairs: Vec<(Node, Node)> = a.iter().cloned().zip(others).collect();
            match self.both(&pairs, Rule::RelationSideBySide) {
                Ok(Finding { equal: true, rule }) => return found(true, rule),
                Ok(_) => {}
                Err(reason) => unknown = Some(reason),
            }
        }
        if a.len() == 2 && a.iter().chain(b).all(Node::is_scalar) {
            return self.up_to_a_factor((&a[0], &a[1], ra[0]), (&b[0], &b[1], rb[0]));
        }
        match unknown {
            Some(reason) => Err(reason),
            None => found(false, Rule::Relation),
        }
    }

    fn up_to_a_factor(
        &mut self,
        gold: (&Node, &Node, Relation),
        pred: (&Node, &Node, Relation),
    ) -> Judgement {
        let comparable = |relation: Relation| {
            matches!(relation, Relation::Equal | Relation::NotEqual) || relation.is_order()
        };
        if !comparable(gold.2) || !comparable(pred.2) || gold.2.is_order() != pred.2.is_order() {
            return found(false, Rule::Relation);
        }
        let difference = |(left, right, _): (&Node, &Node, Relation)| {
            Node::Sum(vec![left.clone(), Node::Negative(Box::new(right.clone()))])
        };
        let (a, b) = (difference(gold), difference(pred));
        if !a.has_symbols() || !b.has_symbols() {
            return found(false, Rule::Relation);
        }
        let same_kind = gold.2 == pred.2;
        let opposite = gold.2 == pred.2.mirrored();
        if !same_kind && !opposite {
            return found(false, Rule::Relation);
        }
        match constant_factor(self, &a, &b)? {
            Some(sign) if !gold.2.is_order() => {
                let _ = sign;
                found(same_kind, Rule::SameEquationUpToAFactor)
            }
            Some(Sign::Positive) => found(same_kind, Rule::SameInequalityUpToAFactor),
            Some(Sign::Negative) => found(opposite, Rule::SameInequalityUpToAFactor),
            None => found(false, Rule::Relation),
        }
    }

    /// Gold says `x = …`, `x ∈ …` or an inequality, the prediction only a value or a set.
    fn gold_chain(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        if let Some((_, set)) = membership(gold) {
            return Some(self.judge(&set, pred));
        }
        if let Some(assignment) = assignment(gold) {
            // a = b = 101 says more than 101, unless what stands between is a computation.
            let between = match gold {
                Node::Chain(sides, _) if assignment.steps > 0 => {
                    sides[1..sides.len() - 1].iter().any(Node::has_symbols)
                }
                _ => false,
            };
            if between {
                return Some(found(false, Rule::ChainInGold));
            }
            return Some(self.judge(&assignment.value, pred));
        }
        if let Some(judgement) = self.relation_and_set(gold, pred) {
            return Some(judgement);
        }
        Some(found(false, Rule::RelationInGoldOnly))
    }

    /// The prediction says `x = …`, `x ∈ …` or an inequality, gold only a value or a set.
    fn predicted_chain(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        if let Some((_, set)) = membership(pred) {
            return Some(self.judge(gold, &set));
        }
        if let Some(assignment) = assignment(pred) {
            let exact = self.judge(gold, &assignment.value);
            if let (Ok(Finding { equal: false, .. }), Some(rounded)) = (exact, &assignment.rounded) {
                return Some(self.rounded_value(gold, &assignment.value, rounded));
            }
            return Some(exact);
        }
        if self.options.allow_set_relation_comp
            && let Some(judgement) = self.relation_and_set(pred, gold)
        {
            return Some(judgement);
        }
        if gold.is_scalar()
            && !gold.has_symbols()
            && let Some(value) = value_of_sum(pred)
        {
            return Some(self.judge(gold, value));
        }
        Some(found(false, Rule::RelationInThePredictionOnly))
    }

    /// `4/3 ≈ 1.33` for a gold of 1.33: the rounding must be right, and gold a decimal.
    fn rounded_value(&mut self, gold: &Node, exact: &Node, rounded: &Node) -> Judgement {
        if half_unit(rounded).is_none() || !gold.has_decimals() {
            return found(false, Rule::ValueBeforeApproximation);
        }
        let right = self.rounds(exact, rounded, 0)?;
        if right { self.judge(gold, rounded) } else { found(false, Rule::ValueBeforeApproximation) }
    }
}

fn holds(relation: Relation, order: std::cmp::Ordering) -> bool {
    match relation {
        Relation::Less => order.is_lt(),
        Relation::LessEqual => order.is_le(),
        Relation::Greater => order.is_gt(),
        Relation::GreaterEqual => order.is_ge(),
        _ => true,
    }
}

/// Half a unit of the last printed decimal.
fn half_unit(node: &Node) -> Option<dashu_ratio::RBig> {
    match node {
        Node::Number { decimals: Some(digits), .. } => Some(
            dashu_ratio::RBig::from(1)
                / dashu_ratio::RBig::from(dashu_int::IBig::from(10).pow((*digits).min(64) as usize) * 2),
        ),
        Node::Negative(inner) => half_unit(inner),
        _ => None,
    }
}

fn plain_value(node: &Node) -> Option<dashu_ratio::RBig> {
    match node {
        Node::Number { value, .. } => Some(value.clone()),
        Node::Negative(inner) => plain_value(inner).map(|value| -value),
        _ => None,
    }
}

/// `x ∈ S` as its name and its set.
fn membership(node: &Node) -> Option<(Node, Node)> {
    match node {
        Node::Chain(sides, relations) if relations == &[Relation::Member] => {
            // `n ∈ 1, 2, 3` and `n ∈ {1, 2, 3}`.
            Some((sides[0].clone(), sides[1].clone()))
        }
        // "k = 1, 2, 3" lists what k may be.
        Node::Chain(sides, relations)
            if relations == &[Relation::Equal]
                && is_name(&sides[0])
                && matches!(sides[1], Node::List(_) | Node::Set(_)) =>
        {
            Some((sides[0].clone(), sides[1].clone()))
        }
        _ => None,
    }
}
