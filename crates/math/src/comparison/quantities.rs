//! Numbers with something behind them: percent, degrees, units, money; and ratios.

use dashu_ratio::RBig;

use super::{Judge, Judgement, found};
use crate::expression::Node;
use crate::syntax::units;

impl Judge<'_> {
    pub(super) fn quantities(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        if let Some(judgement) = self.ratios(gold, pred) {
            return Some(judgement);
        }
        if matches!(gold, Node::Percent(_)) || matches!(pred, Node::Percent(_)) {
            return Some(self.percent(gold, pred));
        }
        if matches!(gold, Node::Unit(..) | Node::Degrees(_))
            || matches!(pred, Node::Unit(..) | Node::Degrees(_))
        {
            return Some(self.units(gold, pred));
        }
        None
    }

    /// 28 % is 28 where the other side has no sign, and 0.28 as well.
    fn percent(&mut self, gold: &Node, pred: &Node) -> Judgement {
        match (gold, pred) {
            (Node::Percent(a), Node::Percent(b)) => self.judge(a, b),
            (Node::Percent(a), other) => self.either(a, gold, other, true),
            (other, Node::Percent(b)) => self.either(b, pred, other, false),
            _ => found(false, "percent"),
        }
    }

    fn either(&mut self, bare: &Node, percent: &Node, other: &Node, percent_is_gold: bool) -> Judgement {
        let as_written = if percent_is_gold { self.judge(bare, other) } else { self.judge(other, bare) };
        if let Ok(finding) = as_written
            && finding.equal
        {
            return found(true, "percent sign left out");
        }
        let Node::Percent(inner) = percent else { return as_written };
        // The hundredth of a percentage is exact, decimals or not.
        let hundredth = Node::Quotient(inner.clone(), Box::new(Node::integer(100)));
        let as_fraction =
            if percent_is_gold { self.judge(&hundredth, other) } else { self.judge(other, &hundredth) };
        match as_fraction {
            Ok(finding) if finding.equal => found(true, "percent as a fraction"),
            Ok(_) => as_written.and(found(false, "percent")),
            Err(reason) => Err(reason),
        }
    }

    /// Units may be left out; two that measure the same are converted; two that do not are different.
    fn units(&mut self, gold: &Node, pred: &Node) -> Judgement {
        let (a, a_unit) = split(gold);
        let (b, b_unit) = split(pred);
        let (Some(a_unit), Some(b_unit)) = (a_unit, b_unit) else { return self.judge(a, b) };
        let known = (units::unit(a_unit), units::unit(b_unit));
        match known {
            (Some(x), Some(y)) if x.dimension != y.dimension || x.power != y.power => found(false, "unit"),
            (Some(x), Some(y)) if x.scale != y.scale => {
                let scaled = |node: &Node, scale: RBig| Node::Product(vec![node.clone(), Node::exact(scale)]);
                self.judge(&scaled(a, x.scale), &scaled(b, y.scale))
            }
            _ => self.judge(a, b),
        }
    }

    /// `a : b`. Two ratios are equal when proportional; a ratio of two is also its quotient.
    fn ratios(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        match (gold, pred) {
            (Node::Ratio(a), Node::Ratio(b)) => {
                if a.len() != b.len() {
                    return Some(found(false, "ratio"));
                }
                // With a zero in it (12:00 is a time, too) every part must agree.
                let zero = |items: &[Node]| items.iter().any(is_zero);
                if zero(a) || zero(b) {
                    let pairs: Vec<(Node, Node)> = a.iter().cloned().zip(b.iter().cloned()).collect();
                    return Some(self.both(&pairs, "ratio"));
                }
                let product = |x: &Node, y: &Node| Node::Product(vec![x.clone(), y.clone()]);
                let pairs: Vec<(Node, Node)> =
                    (1..a.len()).map(|i| (product(&a[i], &b[0]), product(&a[0], &b[i]))).collect();
                Some(self.both(&pairs, "ratio"))
            }
            (Node::Ratio(items), other) | (other, Node::Ratio(items)) => {
                if items.len() != 2 || !other.is_scalar() || items.iter().any(is_zero) {
                    return Some(found(false, "ratio"));
                }
                let quotient = Node::Quotient(Box::new(items[0].clone()), Box::new(items[1].clone()));
                Some(if matches!(gold, Node::Ratio(_)) {
                    self.judge(&quotient, other)
                } else {
                    self.judge(other, &quotient)
                })
            }
            _ => None,
        }
    }
}

fn is_zero(node: &Node) -> bool {
    matches!(node, Node::Number { value, .. } if value.is_zero())
}

fn split(node: &Node) -> (&Node, Option<&str>) {
    match node {
        Node::Unit(inner, unit) => (inner, Some(unit)),
        Node::Degrees(inner) => (inner, None),
        other => (other, None),
    }
}
