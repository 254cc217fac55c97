//! Sets of reals as sorted spans: intervals, unions, points, inequalities, all in one form.

use std::cmp::Ordering;

use super::identity::order;
use super::{Judge, Judgement, found};
use crate::expression::{Constant, Function, NamedSet, Node, Relation, SetOperation};
use crate::rule::Rule;
use crate::verdict::Reason;

/// No set of more pieces is put in order.
const PIECE_LIMIT: usize = 2_000;

/// From `low` to `high`; a point where both are the same and closed.
#[derive(Clone, Debug)]
pub(super) struct Span {
    low: Node,
    high: Node,
    low_closed: bool,
    high_closed: bool,
}

fn infinity() -> Node {
    Node::Constant(Constant::Infinity)
}

fn minus_infinity() -> Node {
    Node::Negative(Box::new(infinity()))
}

fn whole_line() -> Span {
    Span { low: minus_infinity(), high: infinity(), low_closed: false, high_closed: false }
}

fn point(x: &Node) -> Span {
    Span { low: x.clone(), high: x.clone(), low_closed: true, high_closed: true }
}

impl Judge<'_> {
    /// Two relations about one letter with the same solutions.
    pub(super) fn solution_sets(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        let (x, a) = self.solutions(gold)?;
        let (y, b) = self.solutions(pred)?;
        if self.options.strict && x != y {
            return Some(found(false, Rule::InequalitiesOfDifferentLetters));
        }
        Some(self.same_spans(a, b, Rule::SolutionsOfInequalities))
    }

    /// A relation and a set: the relation's solutions are the set.
    pub(super) fn relation_and_set(&mut self, relation: &Node, set: &Node) -> Option<Judgement> {
        let (_, a) = self.solutions(relation)?;
        let b = self.spans(set)?;
        Some(self.same_spans(a, b, Rule::SolutionsOfAnInequality))
    }

    /// Two sets of reals.
    pub(super) fn real_sets(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        let a = self.spans(gold)?;
        let b = self.spans(pred)?;
        Some(self.same_spans(a, b, Rule::SetsOfReals))
    }

    fn same_spans(&mut self, a: Vec<Span>, b: Vec<Span>, rule: Rule) -> Judgement {
        let (a, b) = match (self.merged(a), self.merged(b)) {
            (Ok(Some(a)), Ok(Some(b))) => (a, b),
            (Err(reason), _) | (_, Err(reason)) => return Err(reason),
            _ => return found(false, rule),
        };
        if a.len() != b.len() {
            return found(false, rule);
        }
        for (x, y) in a.iter().zip(&b) {
            if x.low_closed != y.low_closed || x.high_closed != y.high_closed {
                return found(false, rule);
            }
            let pairs = [(x.low.clone(), y.low.clone()), (x.high.clone(), y.high.clone())];
            let ends = self.both(&pairs, rule)?;
            if !ends.equal {
                return Ok(ends);
            }
        }
        found(true, rule)
    }

    /// The spans of a set with constant ends; `None` for anything else.
    pub(super) fn spans(&mut self, node: &Node) -> Option<Vec<Span>> {
        match node {
            Node::Interval { low, high, low_closed, high_closed } => {
                self.span(low, high, *low_closed, *high_closed)
            }
            // A pair in brackets beside an interval is an open interval.
            Node::Tuple(items) => match items.as_slice() {
                [low, high] => self.span(low, high, false, false),
                _ => None,
            },
            Node::Set(items) => {
                let constant = items.iter().all(|item| item.is_scalar() && !item.has_symbols());
                (constant && items.len() <= PIECE_LIMIT).then(|| items.iter().map(point).collect())
            }
            Node::NamedSet(NamedSet::Empty) => Some(Vec::new()),
            Node::NamedSet(NamedSet::Reals) => Some(vec![whole_line()]),
            Node::Sets(operation, items) => {
                let mut parts = Vec::new();
                for item in items {
                    parts.push(self.spans(item)?);
                }
                self.combined(*operation, parts)
            }
            Node::Builder(element, condition) => {
                let (letter, spans) = self.solutions(condition)?;
                let named = match &**element {
                    Node::Symbol(name) => *name == letter,
                    Node::Chain(sides, _) => matches!(&sides[0], Node::Symbol(name) if *name == letter),
                    _ => false,
                };
                named.then_some(spans)
            }
            Node::Chain(sides, relations) if relations == &[Relation::Member] => self.spans(&sides[1]),
            _ => None,
        }
    }

    fn span(&mut self, low: &Node, high: &Node, low_closed: bool, high_closed: bool) -> Option<Vec<Span>> {
        let ends = [low, high];
        if ends.iter().any(|end| end.has_symbols() || !is_end(end)) {
            return None;
        }
        let infinite = |node: &Node| node.any(&|part| matches!(part, Node::Constant(Constant::Infinity)));
        Some(vec![Span {
            low: low.clone(),
            high: high.clone(),
            // [−∞, 3] and (−∞, 3] are written for the same set.
            low_closed: low_closed && !infinite(low),
            high_closed: high_closed && !infinite(high),
        }])
    }

    fn combined(&mut self, operation: SetOperation, parts: Vec<Vec<Span>>) -> Option<Vec<Span>> {
        let mut parts = parts.into_iter();
        let mut result = parts.next()?;
        for part in parts {
            match operation {
                SetOperation::Union => result.extend(part),
                SetOperation::Intersection => result = self.intersection(&result, &part)?,
                SetOperation::Difference => {
                    let outside = self.complement(part)?;
                    result = self.intersection(&result, &outside)?;
                }
            }
            if result.len() > PIECE_LIMIT {
                return None;
            }
        }
        Some(result)
    }

    fn compare_ends(&mut self, a: &Node, b: &Node) -> Option<Ordering> {
        order(self, a, b).ok().flatten()
    }

    fn intersection(&mut self, a: &[Span], b: &[Span]) -> Option<Vec<Span>> {
        if a.len() * b.len() > PIECE_LIMIT {
            return None;
        }
        let mut result = Vec::new();
        for x in a {
            for y in b {
                let (low, low_closed) = match self.compare_ends(&x.low, &y.low)? {
                    Ordering::Greater => (x.low.clone(), x.low_closed),
                    Ordering::Less => (y.low.clone(), y.low_closed),
                    Ordering::Equal => (x.low.clone(), x.low_closed && y.low_closed),
                };
                let (high, high_closed) = match self.compare_ends(&x.high, &y.high)? {
                    Ordering::Less => (x.high.clone(), x.high_closed),
                    Ordering::Greater => (y.high.clone(), y.high_closed),
                    Ordering::Equal => (x.high.clone(), x.high_closed && y.high_closed),
                };
                let span = Span { low, high, low_closed, high_closed };
                if !self.is_empty(&span)? {
                    result.push(span);
                }
            }
        }
        Some(result)
    }

    fn complement(&mut self, spans: Vec<Span>) -> Option<Vec<Span>> {
        let spans = self.merged(spans).ok().flatten()?;
        let mut result = Vec::new();
        let mut low = minus_infinity();
        let mut low_closed = false;
        for span in spans {
            let gap = Span { low, high: span.low.clone(), low_closed, high_closed: !span.low_closed };
            if !self.is_empty(&gap)? {
                result.push(gap);
            }
            low = span.high;
            low_closed = !span.high_closed;
        }
        let last = Span { low, high: infinity(), low_closed, high_closed: false };
        if !self.is_empty(&last)? {
            result.push(last);
        }
        Some(result)
    }

    fn is_empty(&mut self, span: &Span) -> Option<bool> {
        Some(match self.compare_ends(&span.low, &span.high)? {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => {
                let infinite = span.low.any(&|part| matches!(part, Node::Constant(Constant::Infinity)));
                infinite || !(span.low_closed && span.high_closed)
            }
        })
    }

    /// Sorted, without overlaps; `None` where the ends cannot be ordered.
    fn merged(&mut self, spans: Vec<Span>) -> Result<Option<Vec<Span>>, Reason> {
        if spans.len() > PIECE_LIMIT {
            return Err(Reason::TooLong);
        }
        if let [only] = spans.as_slice() {
            // A single interval need not be ordered, only not empty: (3, 1) stays as it was written.
            return Ok(Some(vec![only.clone()]));
        }
        let mut sorted: Vec<Span> = Vec::new();
        let mut failed = None;
        let mut pending = spans;
        // A merge sort that can stop: the standard one cannot report that two ends have no order.
        pending.sort_by(|x, y| match order(self, &x.low, &y.low) {
            Ok(Some(Ordering::Equal)) => y.low_closed.cmp(&x.low_closed),
            Ok(Some(other)) => other,
            Ok(None) => {
                failed.get_or_insert(None);
                Ordering::Equal
            }
            Err(reason) => {
                failed = Some(Some(reason));
                Ordering::Equal
            }
        });
        match failed {
            Some(Some(reason)) => return Err(reason),
            Some(None) => return Ok(None),
            None => {}
        }
        for span in pending {
            let Some(last) = sorted.last_mut() else {
                sorted.push(span);
                continue;
            };
            let Some(touch) = order(self, &span.low, &last.high)? else { return Ok(None) };
            let joined =
                touch == Ordering::Less || touch == Ordering::Equal && (span.low_closed || last.high_closed);
            if !joined {
                sorted.push(span);
                continue;
            }
            match order(self, &span.high, &last.high)? {
                Some(Ordering::Greater) => {
                    last.high = span.high;
                    last.high_closed = span.high_closed;
                }
                Some(Ordering::Equal) => last.high_closed |= span.high_closed,
                Some(Ordering::Less) => {}
                None => return Ok(None),
            }
        }
        Ok(Some(sorted))
    }

    /// `|x| < 3`, `|x| > 3`: the letter and the reals whose distance from zero is so.
    fn distance(&mut self, absolute: &Node, bound: &Node, relation: Relation) -> Option<(String, Vec<Span>)> {
        let Node::Apply(Function::Abs, arguments) = absolute else { return None };
        let [letter] = arguments.as_slice() else { return None };
        let positive = order(self, bound, &Node::integer(0)).ok().flatten() == Some(Ordering::Greater);
        if !is_letter(letter) || bound.has_symbols() || !is_end(bound) || !relation.is_order() || !positive {
            return None;
        }
        let minus = Node::Negative(Box::new(bound.clone()));
        let above = half_line(bound, relation)?;
        let below = half_line(&minus, relation.mirrored())?;
        let inside = matches!(relation, Relation::Less | Relation::LessEqual);
        let spans = if inside { self.intersection(&below, &above)? } else { [below, above].concat() };
        Some((crate::canonical::form(letter), spans))
    }

    /// The letter (or call) that a relation is about and the reals that satisfy it: `x < 3`, `−2 ≤ x ≤ 7`, `x ≠ 0`,
    /// lists of these.
    pub(super) fn solutions(&mut self, node: &Node) -> Option<(String, Vec<Span>)> {
        match node {
            Node::Chain(sides, relations) => match (sides.as_slice(), relations.as_slice()) {
                ([a, b], [relation]) => {
                    if let Some(found) = self.distance(a, b, *relation) {
                        Some(found)
                    } else if let Some(found) = self.distance(b, a, relation.mirrored()) {
                        Some(found)
                    } else if is_letter(a) && !b.has_symbols() && is_end(b) {
                        Some((crate::canonical::form(a), half_line(b, *relation)?))
                    } else if is_letter(b) && !a.has_symbols() && is_end(a) {
                        Some((crate::canonical::form(b), half_line(a, relation.mirrored())?))
                    } else {
                        None
                    }
                }
                ([low, x, high], [first, second])
                    if is_letter(x) && first.is_order() && second.is_order() =>
                {
                    let below = half_line(low, first.mirrored())?;
                    let above = half_line(high, *second)?;
                    if low.has_symbols() || high.has_symbols() || !is_end(low) || !is_end(high) {
                        return None;
                    }
                    // Both must bound from different sides: 1 < x > 3 is one bound only.
                    Some((crate::canonical::form(x), self.intersection(&below, &above)?))
                }
                _ => None,
            },
            Node::List(items) if items.len() <= PIECE_LIMIT => {
                let mut letter = None;
                let mut all = Vec::new();
                for item in items {
                    let Node::Chain(_, relations) = item else { return None };
                    // "x = 1, x = 2" is a list of values; `≠` in a list means all of them, not one of them.
                    if !relations.iter().all(|relation| relation.is_order()) {
                        return None;
                    }
                    let (name, spans) = self.solutions(item)?;
                    if letter.get_or_insert_with(|| name.clone()) != &name {
                        return None;
                    }
                    all.extend(spans);
                }
                let letter = letter?;
                // "x > 1 and x < 2" means both: either alone would leave nothing out.
                let everything = self.complement(all.clone())?.is_empty();
                if everything && all.len() == 2 {
                    let (first, second) = all.split_at(1);
                    all = self.intersection(first, second)?;
                }
                Some((letter, all))
            }
            _ => None,
        }
    }
}

fn is_letter(node: &Node) -> bool {
    matches!(node, Node::Symbol(_) | Node::Call(..) | Node::Constant(Constant::E | Constant::I))
}

/// Whether the node can be the end of an interval.
fn is_end(node: &Node) -> bool {
    node.is_scalar() || matches!(node, Node::Percent(_) | Node::Degrees(_) | Node::Unit(..))
}

/// The reals that stand in this relation to the bound.
fn half_line(bound: &Node, relation: Relation) -> Option<Vec<Span>> {
    let below = |closed: bool| Span {
        low: minus_infinity(),
        high: bound.clone(),
        low_closed: false,
        high_closed: closed,
    };
    let above =
        |closed: bool| Span { low: bound.clone(), high: infinity(), low_closed: closed, high_closed: false };
    Some(match relation {
        Relation::Less => vec![below(false)],
        Relation::LessEqual => vec![below(true)],
        Relation::Greater => vec![above(false)],
        Relation::GreaterEqual => vec![above(true)],
        Relation::NotEqual => vec![below(false), above(false)],
        _ => return None,
    })
}
