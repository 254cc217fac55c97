//! Numbers with something behind them: percent, degrees, units, money; ratios and times.

use dashu_ratio::RBig;

use super::{Judge, Judgement, found};
use crate::expression::{Constant, Half, Node};
use crate::rule::Rule;
use crate::syntax::units::{self, Unit};

impl Judge<'_> {
    pub(super) fn quantities(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        if let Some(judgement) = self.times(gold, pred).or_else(|| self.ratios(gold, pred)) {
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
            // A unit of its own is no percentage.
            (Node::Percent(_), Node::Unit(_, words)) | (Node::Unit(_, words), Node::Percent(_))
                if units::unit(words).is_some() || words.starts_with("basis point") =>
            {
                found(false, Rule::Unit)
            }
            (Node::Percent(_), Node::Degrees(_)) | (Node::Degrees(_), Node::Percent(_)) => {
                found(false, Rule::Unit)
            }
            (Node::Percent(a), other) => self.either(a, gold, other, true),
            (other, Node::Percent(b)) => self.either(b, pred, other, false),
            _ => found(false, Rule::Percent),
        }
    }

    fn either(&mut self, bare: &Node, percent: &Node, other: &Node, percent_is_gold: bool) -> Judgement {
        let as_written = if percent_is_gold { self.judge(bare, other) } else { self.judge(other, bare) };
        if let Ok(finding) = as_written
            && finding.equal
        {
            return found(true, Rule::PercentSignLeftOut);
        }
        let Node::Percent(inner) = percent else { return as_written };
        // The hundredth of a percentage is exact, decimals or not.
        let hundredth = Node::Quotient(inner.clone(), Box::new(Node::integer(100)));
        let as_fraction =
            if percent_is_gold { self.judge(&hundredth, other) } else { self.judge(other, &hundredth) };
        match as_fraction {
            Ok(finding) if finding.equal => found(true, Rule::PercentAsFraction),
            Ok(_) => as_written.and(found(false, Rule::Percent)),
            Err(reason) => Err(reason),
        }
    }

    /// Units may be left out; two of one dimension are converted; two of different ones are different.
    fn units(&mut self, gold: &Node, pred: &Node) -> Judgement {
        if let (Node::Unit(_, x), Node::Unit(_, y)) = (gold, pred)
            && opposed(x, y)
        {
            return found(false, Rule::Unit);
        }
        let (a, b) = (Amount::of(gold), Amount::of(pred));
        match (&a.measure, &b.measure) {
            (Measure::Number, _) | (_, Measure::Number) | (Measure::Degrees, Measure::Degrees) => {
                self.judge(a.value, b.value)
            }
            (Measure::Known(x), Measure::Known(y)) => {
                if x.is_unnamed() || y.is_unnamed() || is_pound(gold, pred) {
                    return self.judge(a.value, b.value);
                }
                if x.dimension != y.dimension {
                    return found(false, Rule::Unit);
                }
                if x.scale == y.scale && x.zero == y.zero {
                    return self.judge(a.value, b.value);
                }
                self.judge(&in_base_units(a.value, x), &in_base_units(b.value, y))
            }
            // Degrees of an angle: half a turn is π radians, and the scale of a temperature may go without saying.
            (Measure::Degrees, Measure::Known(unit)) => match unit.dimension.as_slice() {
                [("rad", 1)] => self.judge(&in_radians(a.value), b.value),
                [("K", 1)] if unit.zero != RBig::from(0) => self.judge(a.value, b.value),
                _ => found(false, Rule::Unit),
            },
            (Measure::Known(unit), Measure::Degrees) => match unit.dimension.as_slice() {
                [("rad", 1)] => self.judge(a.value, &in_radians(b.value)),
                [("K", 1)] if unit.zero != RBig::from(0) => self.judge(a.value, b.value),
                _ => found(false, Rule::Unit),
            },
            // Counted things of two names are two things, unless one name says more about the same.
            (Measure::Words(x), Measure::Words(y)) => {
                if same_things(x, y) {
                    self.judge(a.value, b.value)
                } else {
                    found(false, Rule::Unit)
                }
            }
            (Measure::Known(unit), Measure::Words(_)) | (Measure::Words(_), Measure::Known(unit))
                if unit.is_unnamed() =>
            {
                self.judge(a.value, b.value)
            }
            _ => found(false, Rule::Unit),
        }
    }

    /// Times of day and lengths of time: `5:30 PM` is `17:30`, and `8:40` is no ratio of 1 to 5.
    fn times(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        match (gold, pred) {
            (Node::Clock { parts: a, half: p, .. }, Node::Clock { parts: b, half: q, .. }) => {
                let same = match (p, q) {
                    (Some(p), Some(q)) => p == q && a == b,
                    (None, None) => a == b,
                    // Without a half of the day: the hand's position, or the hour of 24.
                    (Some(half), None) => a == b || of_day(*a, *half) == *b,
                    (None, Some(half)) => a == b || of_day(*b, *half) == *a,
                };
                Some(found(same, Rule::Time))
            }
            (Node::Clock { parts, shown, half: None }, other @ Node::Ratio(_)) => {
                Some(self.judge(&as_ratio(*parts, *shown), other))
            }
            (other @ Node::Ratio(_), Node::Clock { parts, shown, half: None }) => {
                Some(self.judge(other, &as_ratio(*parts, *shown)))
            }
            (Node::Clock { .. }, _) | (_, Node::Clock { .. }) => Some(found(false, Rule::Time)),
            _ => None,
        }
    }

    /// `a : b`. Two ratios are equal when proportional; a ratio of two is also its quotient.
    fn ratios(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        match (gold, pred) {
            (Node::Ratio(a), Node::Ratio(b)) => {
                if a.len() != b.len() {
                    return Some(found(false, Rule::Ratio));
                }
                // With a zero in it every part must agree.
                let zero = |items: &[Node]| items.iter().any(is_zero);
                if zero(a) || zero(b) {
                    let pairs: Vec<(Node, Node)> = a.iter().cloned().zip(b.iter().cloned()).collect();
                    return Some(self.both(&pairs, Rule::Ratio));
                }
                let product = |x: &Node, y: &Node| Node::Product(vec![x.clone(), y.clone()]);
                let pairs: Vec<(Node, Node)> =
                    (1..a.len()).map(|i| (product(&a[i], &b[0]), product(&a[0], &b[i]))).collect();
                Some(self.both(&pairs, Rule::Ratio))
            }
            (Node::Ratio(items), other) | (other, Node::Ratio(items)) => {
                if items.len() != 2 || !other.is_scalar() || items.iter().any(is_zero) {
                    return Some(found(false, Rule::Ratio));
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

/// Whether a node is a number with a unit of measure, or degrees.
pub(super) fn is_amount(node: &Node) -> bool {
    match Amount::of(node).measure {
        Measure::Degrees => true,
        Measure::Known(unit) => !unit.is_unnamed(),
        Measure::Number | Measure::Words(_) => false,
    }
}

/// Whether two amounts side by side cannot be equal: of two dimensions, or apart by more than a rounding explains.
pub(super) fn differ(judge: &mut Judge<'_>, a: &Node, b: &Node) -> Result<bool, crate::verdict::Reason> {
    if !is_amount(a) || !is_amount(b) || a.has_symbols() || b.has_symbols() {
        return Ok(false);
    }
    let (x, y) = (Amount::of(a), Amount::of(b));
    let (low, high) = match (&x.measure, &y.measure) {
        (Measure::Known(p), Measure::Known(q)) if p.dimension == q.dimension => {
            (in_base_units(x.value, p), in_base_units(y.value, q))
        }
        (Measure::Degrees, Measure::Known(unit)) if unit.dimension == [("rad", 1)] => {
            (in_radians(x.value), y.value.clone())
        }
        (Measure::Known(unit), Measure::Degrees) if unit.dimension == [("rad", 1)] => {
            (x.value.clone(), in_radians(y.value))
        }
        (Measure::Known(unit), Measure::Degrees) | (Measure::Degrees, Measure::Known(unit))
            if unit.dimension == [("K", 1)] =>
        {
            return Ok(false);
        }
        (Measure::Known(_), Measure::Known(_) | Measure::Degrees) | (Measure::Degrees, Measure::Known(_)) => {
            return Ok(true);
        }
        _ => (x.value.clone(), y.value.clone()),
    };
    // "1 mile = 1.6 km" rounds.
    let slack = Node::Quotient(
        Box::new(Node::Apply(crate::expression::Function::Abs, vec![high.clone()])),
        Box::new(Node::integer(20)),
    );
    let above = Node::Sum(vec![high.clone(), slack.clone()]);
    let below = Node::Sum(vec![high, Node::Negative(Box::new(slack))]);
    let above = super::identity::order(judge, &low, &above)?;
    let below = super::identity::order(judge, &low, &below)?;
    Ok(matches!(above, Some(std::cmp::Ordering::Greater)) || matches!(below, Some(std::cmp::Ordering::Less)))
}

/// What stands behind a number.
enum Measure {
    Number,
    Degrees,
    Known(Unit),
    Words(String),
}

struct Amount<'n> {
    value: &'n Node,
    measure: Measure,
}

impl Amount<'_> {
    fn of(node: &Node) -> Amount<'_> {
        match node {
            Node::Degrees(inner) => Amount { value: inner, measure: Measure::Degrees },
            Node::Unit(inner, words) => {
                let measure = match unit_at_the_start(words) {
                    Some(unit) => Measure::Known(unit),
                    None => Measure::Words(words.to_lowercase()),
                };
                Amount { value: inner, measure }
            }
            other => Amount { value: other, measure: Measure::Number },
        }
    }
}

/// The unit that the words begin with: "km away" measures in km, "dollars per ticket" in dollars.
fn unit_at_the_start(words: &str) -> Option<Unit> {
    if let Some(unit) = units::unit(words) {
        return Some(unit);
    }
    let ends: Vec<usize> = words.match_indices(' ').map(|(at, _)| at).collect();
    ends.iter().rev().find_map(|end| units::unit(words[..*end].trim_end_matches(" per")))
}

/// Pounds are money as well as a weight; a pound sign says which. The sign of the yen is that of the yuan.
fn is_pound(gold: &Node, pred: &Node) -> bool {
    let written =
        |node: &Node, names: &[&str]| matches!(node, Node::Unit(_, words) if names.contains(&words.as_str()));
    let yuan = ["yuan", "rmb", "元", "RMB", "CNY"];
    if written(gold, &["¥"]) && written(pred, &yuan) || written(gold, &yuan) && written(pred, &["¥"]) {
        return true;
    }
    let named = |node: &Node, name: &str| matches!(node, Node::Unit(_, words) if words.to_lowercase().starts_with(name));
    named(gold, "£") && named(pred, "pound") || named(gold, "pound") && named(pred, "£")
}

/// Whether the words behind two numbers name different directions: "5 km north" and "5 km south".
fn opposed(a: &str, b: &str) -> bool {
    const DIRECTIONS: &[&[&str]] = &[
        &["north", "south", "east", "west"],
        &["left", "right"],
        &["up", "down"],
        &["upstream", "downstream"],
        &["above", "below"],
        &["profit", "loss"],
        &["early", "late"],
        &["earlier", "later"],
        &["ago", "later"],
        &["before", "after"],
        &["faster", "slower"],
        &["ahead", "behind"],
        &["clockwise", "counterclockwise", "anticlockwise"],
    ];
    let names = |words: &str, name: &str| {
        words.split(|c: char| !c.is_alphabetic()).any(|word| word.eq_ignore_ascii_case(name))
    };
    if !a.contains(' ') && !b.contains(' ') && a == b {
        return false;
    }
    DIRECTIONS.iter().any(|group| {
        let of = |words: &str| group.iter().position(|name| names(words, name));
        matches!((of(a), of(b)), (Some(x), Some(y)) if x != y)
    })
}

/// Whether two names of counted things share a word.
fn same_things(a: &str, b: &str) -> bool {
    let stems = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| {
                !word.is_empty()
                    && !matches!(*word, "of" | "the" | "in" | "a" | "per" | "different" | "total")
            })
            .map(|word| word.trim_end_matches('s').to_owned())
            .collect()
    };
    let (a, b) = (stems(a), stems(b));
    a.is_empty()
        || b.is_empty()
        || a.iter().all(|word| b.contains(word))
        || b.iter().all(|word| a.contains(word))
}

fn in_base_units(value: &Node, unit: &Unit) -> Node {
    let scaled = Node::Product(vec![value.clone(), Node::exact(unit.scale.clone())]);
    if unit.zero == RBig::from(0) { scaled } else { Node::Sum(vec![scaled, Node::exact(unit.zero.clone())]) }
}

fn in_radians(value: &Node) -> Node {
    let turn = Node::Quotient(Box::new(Node::Constant(Constant::Pi)), Box::new(Node::integer(180)));
    Node::Product(vec![value.clone(), turn])
}

/// The hours of 24 for a time with its half of the day.
fn of_day([hours, minutes, seconds]: [u32; 3], half: Half) -> [u32; 3] {
    let hours = hours % 12 + if half == Half::Afternoon { 12 } else { 0 };
    [hours, minutes, seconds]
}

fn as_ratio(parts: [u32; 3], shown: usize) -> Node {
    Node::Ratio(parts[..shown.min(3)].iter().map(|part| Node::integer(i64::from(*part))).collect())
}

fn is_zero(node: &Node) -> bool {
    matches!(node, Node::Number { value, .. } if value.is_zero())
}
