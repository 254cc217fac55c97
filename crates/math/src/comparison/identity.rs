//! Two expressions as functions of their letters: exact numbers, balls of rising precision, and points.

use dashu_base::Sign;
use dashu_int::IBig;
use dashu_ratio::RBig;

use super::points::{Place, PointKind, coordinate, is_stepped, needs_integers, steps};
use super::{Judge, Judgement, found};
use crate::canonical;
use crate::expression::{Constant, Function, Node};
use crate::rule::Rule;
use crate::value::Stop;
use crate::value::ball::Ball;
use crate::value::complex::Complex;
use crate::value::evaluation::{Point, Value, evaluate};
use crate::value::integers;
use crate::verdict::Reason;

/// Working precisions in bits: 57, 115, 231 and 462 digits.
const PRECISIONS: [usize; 4] = [192, 384, 768, 1536];
/// Two values that agree to so many bits of the larger one are the same, 36 digits, where they are made of small numbers.
const AGREEMENT: i64 = 120;
/// Twice the bits of the numbers that they are made of must agree as well, and so many more: √(10^80 + 1) is not 10^40.
const MARGIN: i64 = 64;
/// At the highest precision two values within `2^-1200` of each other are the same even where they cancel to nothing.
const FULL_CANCELLATION: i64 = 1200;
/// How many points must agree.
const POINTS: usize = 4;
/// How many points are tried.
const TRIES: usize = 12;

/// How two numbers compare at one precision.
enum Relationship {
    Same,
    Apart,
    /// Within the error of each other, and the error is not small.
    Blurred,
}

impl Judge<'_> {
    /// Whether two scalar expressions are the same function.
    pub(crate) fn identity(&mut self, gold: &Node, pred: &Node) -> Judgement {
        if !gold.has_symbols() && !pred.has_symbols() {
            return self.constants(gold, pred);
        }
        if canonical::form(gold) == canonical::form(pred) {
            return found(true, Rule::SameForm);
        }
        if !gold.has_symbols() || !pred.has_symbols() {
            // A number and an expression with letters: only equal if the letters cancel.
            if is_form(gold) || is_form(pred) {
                return Err(Reason::FormOnly);
            }
        }
        // Four points tell most apart; where they cannot be computed, the steps of whole-valued functions may.
        let stepped = is_stepped(gold) || is_stepped(pred);
        let settled = self.at_points(gold, pred, PointKind::Positive);
        if settled == Ok(Some(false)) || stepped && !self.at_steps(gold, pred)? {
            return apart(gold, pred);
        }
        let settled = settled?;
        // √(x²) is not x: where both are real at negative points as well, they must agree there.
        match self.at_points(gold, pred, PointKind::Mixed)? {
            Some(false) => apart(gold, pred),
            Some(true) => found(true, Rule::IdentityAtPoints),
            None if settled.is_some() => found(true, Rule::IdentityAtPoints),
            None => match self.at_points(gold, pred, PointKind::Natural)? {
                Some(same) => found(same, Rule::ValuesAtIntegers),
                None => Err(Reason::NoPoint),
            },
        }
    }

    fn at_points(&mut self, gold: &Node, pred: &Node, kind: PointKind) -> Result<Option<bool>, Reason> {
        let whole = needs_integers(gold) || needs_integers(pred);
        let kind = if whole { PointKind::Natural } else { kind };
        let mut agreed = 0;
        for index in 0..TRIES {
            match self.at_point(gold, pred, kind, index)? {
                Some(true) => agreed += 1,
                Some(false) => return Ok(Some(false)),
                None => {}
            }
            if agreed == POINTS || (kind == PointKind::Mixed && agreed == 2) {
                return Ok(Some(true));
            }
            // Without a value at four points there will be none at the fifth.
            if agreed == 0 && index >= 4 {
                break;
            }
        }
        Ok((agreed > 0).then_some(true))
    }

    /// Whether two expressions with whole-valued functions agree where these jump, and between the jumps.
    fn at_steps(&mut self, gold: &Node, pred: &Node) -> Result<bool, Reason> {
        for step in steps(gold, pred) {
            for index in 0..2 {
                let place = Place::Step { value: &step, index };
                if self.at_place(gold, pred, PointKind::Natural, &place)? == Some(false) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether both agree at one point; `None` where one of them has no value there.
    fn at_point(
        &mut self,
        gold: &Node,
        pred: &Node,
        kind: PointKind,
        index: usize,
    ) -> Result<Option<bool>, Reason> {
        self.at_place(gold, pred, kind, &Place::Fixed { kind, index })
    }

    fn at_place(
        &mut self,
        gold: &Node,
        pred: &Node,
        kind: PointKind,
        place: &Place<'_>,
    ) -> Result<Option<bool>, Reason> {
        for p in PRECISIONS {
            let letters = |name: &str| place.coordinate(name);
            let a = evaluate(gold, &mut Point::new(&letters), p, &mut self.work);
            let b = evaluate(pred, &mut Point::new(&letters), p, &mut self.work);
            match (a, b) {
                (Ok(a), Ok(b)) => {
                    if kind == PointKind::Mixed && !(is_real(&a) && is_real(&b)) {
                        return Ok(None);
                    }
                    match related(&a, &b, p) {
                        Ok(Relationship::Same) => return Ok(Some(true)),
                        Ok(Relationship::Apart) => return Ok(Some(false)),
                        Ok(Relationship::Blurred) => {}
                        Err(Stop::Undefined) => return Ok(None),
                        Err(_) => {}
                    }
                }
                (Err(Stop::TooLarge), _) | (_, Err(Stop::TooLarge)) => return Err(Reason::TooLarge),
                (Err(Stop::Undefined | Stop::NoNumber), _) | (_, Err(Stop::Undefined | Stop::NoNumber)) => {
                    return Ok(None);
                }
                (Err(Stop::Imprecise), _) | (_, Err(Stop::Imprecise)) => {}
            }
        }
        Ok(None)
    }

    /// Constants with a part that has no number here, such as Γ(1/3): equal if they are for any number in its place.
    fn with_names(&mut self, gold: &Node, pred: &Node) -> Judgement {
        let p = PRECISIONS[1];
        for index in 0..POINTS {
            let letters = |name: &str| coordinate(name, PointKind::Positive, index);
            let a = evaluate(gold, &mut Point::naming(&letters), p, &mut self.work);
            let b = evaluate(pred, &mut Point::naming(&letters), p, &mut self.work);
            let (Ok(a), Ok(b)) = (a, b) else { return Err(Reason::FormOnly) };
            match related(&a, &b, p) {
                Ok(Relationship::Same) => {}
                _ => return Err(Reason::FormOnly),
            }
        }
        found(true, Rule::IdentityOfForms)
    }

    fn constants(&mut self, gold: &Node, pred: &Node) -> Judgement {
        let rounded = gold.has_decimals() || pred.has_decimals();
        let mut last = Reason::Imprecise;
        // Powers of one base are the same where their exponents are, however large.
        if let (Node::Power(a, m), Node::Power(b, n)) = (gold, pred)
            && a == b
            && matches!(&**a, Node::Number { value, .. } if *value > RBig::from(1))
            && self.constants(m, n)?.equal
        {
            return found(true, Rule::SameForm);
        }
        let mut agreement = None;
        for p in PRECISIONS {
            let a = evaluate(gold, &mut Point::none(), p, &mut self.work);
            let b = evaluate(pred, &mut Point::none(), p, &mut self.work);
            let (a, b) = match (a, b) {
                (Ok(a), Ok(b)) => (a, b),
                (Err(Stop::TooLarge), _) | (_, Err(Stop::TooLarge)) => return Err(Reason::TooLarge),
                (Err(Stop::NoNumber), _) | (_, Err(Stop::NoNumber)) => {
                    let same = canonical::form(gold) == canonical::form(pred);
                    if same {
                        return found(true, Rule::SameForm);
                    }
                    // Arithmetic with an interval or a set in it is no number at all.
                    if holds_collection(gold) || holds_collection(pred) {
                        return found(false, Rule::DifferentKinds);
                    }
                    return self.with_names(gold, pred);
                }
                // Both without a value is the same answer only if written alike; one without is not.
                (Err(Stop::Undefined), Err(Stop::Undefined)) => {
                    return found(canonical::form(gold) == canonical::form(pred), Rule::NoValue);
                }
                (Err(Stop::Undefined), Ok(_)) | (Ok(_), Err(Stop::Undefined)) => {
                    return found(false, Rule::NoValue);
                }
                _ => {
                    last = Reason::Imprecise;
                    continue;
                }
            };
            if let (Value::Exact(x), Value::Exact(y)) = (&a, &b) {
                if x == y {
                    return found(true, Rule::ExactNumbers);
                }
                return found(rounded && self.within_rounding(x, y), Rule::Decimals);
            }
            let agreement =
                *agreement.get_or_insert_with(|| AGREEMENT.max(MARGIN + 2 * bits(gold).max(bits(pred))));
            match related_to(&a, &b, p, agreement) {
                Ok(Relationship::Same) => return found(true, Rule::NumbersToManyDigits),
                Ok(Relationship::Apart) => {
                    let near = rounded && self.near_within_rounding(&a, &b, p);
                    return found(near, if rounded { Rule::Decimals } else { Rule::Numbers });
                }
                Ok(Relationship::Blurred) | Err(Stop::Imprecise) => last = Reason::Imprecise,
                Err(_) => return found(false, Rule::NoValue),
            }
        }
        Err(last)
    }

    /// A printed decimal agrees with what it rounds: half a unit of the last decimal in `precision`, and not worth more
    /// than a few units of relative precision either, so that 1e-7 and 2e-7 stay different.
    fn within_rounding(&self, a: &RBig, b: &RBig) -> bool {
        let difference = crate::value::integers::absolute(&(a - b));
        let larger = crate::value::integers::absolute(a).max(crate::value::integers::absolute(b));
        let scale = RBig::from(IBig::from(10).pow(self.options.precision.min(64) as usize));
        let scaled = difference * scale;
        scaled.clone() * RBig::from(2) <= RBig::from(1) && scaled <= larger * RBig::from(5)
    }

    fn near_within_rounding(&self, a: &Value, b: &Value, p: usize) -> bool {
        let (Ok(a), Ok(b)) = (a.complex(p), b.complex(p)) else { return false };
        if !(a.is_real() && b.is_real()) {
            return false;
        }
        let (Some(a), Some(b)) = (dyadic(&a.re), dyadic(&b.re)) else { return false };
        self.within_rounding(&a, &b)
    }
}

/// The midpoint as a rational, unless it is astronomically large or small.
fn dyadic(ball: &Ball) -> Option<RBig> {
    if ball.exponent().abs() > 8192 {
        return None;
    }
    let shift = ball.exponent().unsigned_abs() as usize;
    Some(if ball.exponent() >= 0 {
        RBig::from(ball.mantissa() << shift)
    } else {
        RBig::from_parts_signed(ball.mantissa().clone(), IBig::from(1) << shift)
    })
}

fn is_real(value: &Value) -> bool {
    match value {
        Value::Exact(_) => true,
        Value::Near(z) => z.is_real() || z.im.bound().exponent() < -64,
        Value::Infinite(_) => false,
    }
}

/// What different values at a point say: different answers, unless a form stands for a number that nobody computed.
fn apart(gold: &Node, pred: &Node) -> Judgement {
    if is_form(gold) || is_form(pred) { Err(Reason::FormOnly) } else { found(false, Rule::ValuesAtPoints) }
}

fn holds_collection(node: &Node) -> bool {
    node.any(&|part| {
        matches!(
            part,
            Node::Interval { .. }
                | Node::Sets(..)
                | Node::Set(_)
                | Node::Tuple(_)
                | Node::List(_)
                | Node::Chain(..)
                | Node::NamedSet(_)
                | Node::Matrix(_)
                | Node::Ellipsis
        )
    })
}

fn is_form(node: &Node) -> bool {
    node.any(&|part| match part {
        Node::Form(..) => true,
        Node::Series { high, .. } => high.any(&|end| matches!(end, Node::Constant(Constant::Infinity))),
        _ => false,
    })
}

fn related(a: &Value, b: &Value, p: usize) -> Result<Relationship, Stop> {
    related_to(a, b, p, AGREEMENT)
}

/// How many bits the whole numbers of an expression have, powers and factorials as if they were written out: values that
/// are made of them can be that close without being the same.
fn bits(node: &Node) -> i64 {
    const CAP: i64 = 1 << 40;
    let own = match node {
        Node::Number { value, decimals: None } | Node::Based { value, .. } => integers::size(value) as i64,
        Node::Number { .. } => 0,
        Node::Power(base, exponent) => match &**exponent {
            Node::Number { value, .. } if value.is_int() => {
                let exponent = i64::try_from(value.numerator()).unwrap_or(CAP).saturating_abs();
                bits(base).saturating_mul(exponent.max(1))
            }
            Node::Negative(inner) => match &**inner {
                Node::Number { value, .. } if value.is_int() => {
                    let exponent = i64::try_from(value.numerator()).unwrap_or(CAP);
                    bits(base).saturating_mul(exponent.max(1))
                }
                other => bits(base) + bits(other),
            },
            // A tower of powers: the exponent may be as large as its bits allow.
            other
                if other
                    .any(&|part| matches!(part, Node::Power(..) | Node::Apply(Function::Factorial, _))) =>
            {
                bits(base).saturating_mul(1 << bits(other).clamp(0, 40))
            }
            other => bits(base).saturating_mul(bits(other).max(1)),
        },
        Node::Apply(Function::Factorial | Function::DoubleFactorial, arguments) => match arguments.as_slice()
        {
            [Node::Number { value, .. }] => {
                let n = i64::try_from(value.numerator()).unwrap_or(CAP);
                n.saturating_mul(i64::from(64 - n.unsigned_abs().leading_zeros()))
            }
            _ => 0,
        },
        other => {
            let mut sum = 0i64;
            other.each_child(&mut |child| sum = sum.saturating_add(bits(child)));
            sum
        }
    };
    own.clamp(0, CAP)
}

fn related_to(a: &Value, b: &Value, p: usize, agreement: i64) -> Result<Relationship, Stop> {
    match (a, b) {
        (Value::Exact(a), Value::Exact(b)) => {
            return Ok(if a == b { Relationship::Same } else { Relationship::Apart });
        }
        (Value::Infinite(a), Value::Infinite(b)) => {
            return Ok(if a == b { Relationship::Same } else { Relationship::Apart });
        }
        (Value::Infinite(_), _) | (_, Value::Infinite(_)) => return Ok(Relationship::Apart),
        _ => {}
    }
    let (a, b) = (a.complex(p)?, b.complex(p)?);
    let difference = a.minus(&b, p);
    if !difference.re.may_be_zero() || !difference.im.may_be_zero() {
        return Ok(Relationship::Apart);
    }
    // Both parts may agree; how well, compared with the larger number?
    let size = larger_exponent(&a).max(larger_exponent(&b));
    let error = difference.re.bound().exponent().max(difference.im.bound().exponent());
    if error == i64::MIN || (size != i64::MIN && error <= size.saturating_sub(agreement)) {
        Ok(Relationship::Same)
    } else if p == PRECISIONS[3] && error < -FULL_CANCELLATION && agreement < FULL_CANCELLATION {
        // Within each other's error at the highest precision: both are zero, or nobody meant to tell them apart.
        Ok(Relationship::Same)
    } else {
        Ok(Relationship::Blurred)
    }
}

fn larger_exponent(z: &Complex) -> i64 {
    let part = |ball: &Ball| if ball.may_be_zero() { i64::MIN } else { ball.midpoint_exponent() };
    part(&z.re).max(part(&z.im))
}

/// The order of two real constants; `None` where it cannot be told.
pub(super) fn order(judge: &mut Judge<'_>, a: &Node, b: &Node) -> Result<Option<std::cmp::Ordering>, Reason> {
    use std::cmp::Ordering;
    for p in PRECISIONS {
        let x = evaluate(a, &mut Point::none(), p, &mut judge.work);
        let y = evaluate(b, &mut Point::none(), p, &mut judge.work);
        let (x, y) = match (x, y) {
            (Ok(x), Ok(y)) => (x, y),
            (Err(Stop::TooLarge), _) | (_, Err(Stop::TooLarge)) => return Err(Reason::TooLarge),
            (Err(Stop::Imprecise), _) | (_, Err(Stop::Imprecise)) => continue,
            _ => return Ok(None),
        };
        let direct = match (&x, &y) {
            (Value::Exact(x), Value::Exact(y)) => Some(x.cmp(y)),
            (Value::Infinite(x), Value::Infinite(y)) if x == y => Some(Ordering::Equal),
            (Value::Infinite(sign), _) => {
                Some(if *sign == Sign::Positive { Ordering::Greater } else { Ordering::Less })
            }
            (_, Value::Infinite(sign)) => {
                Some(if *sign == Sign::Positive { Ordering::Less } else { Ordering::Greater })
            }
            _ => None,
        };
        if direct.is_some() {
            return Ok(direct);
        }
        match related(&x, &y, p) {
            Ok(Relationship::Same) => return Ok(Some(Ordering::Equal)),
            Ok(Relationship::Apart) => {
                let (Ok(x), Ok(y)) = (x.complex(p), y.complex(p)) else { return Ok(None) };
                if !(x.is_real() && y.is_real()) {
                    return Ok(None);
                }
                return Ok(match x.re.minus(&y.re, p).sign() {
                    Ok(Some(Sign::Positive)) => Some(Ordering::Greater),
                    Ok(Some(Sign::Negative)) => Some(Ordering::Less),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    Ok(None)
}

/// How the second expression follows from the first by a constant factor: its sign, if there is one.
pub(super) fn constant_factor(judge: &mut Judge<'_>, a: &Node, b: &Node) -> Result<Option<Sign>, Reason> {
    let p = PRECISIONS[1];
    let mut factor: Option<Value> = None;
    let mut sign = None;
    let mut agreed = 0;
    let whole = needs_integers(a) || needs_integers(b);
    for kind in [PointKind::Positive, PointKind::Mixed] {
        let kind = if whole { PointKind::Natural } else { kind };
        for index in 0..TRIES / 2 {
            let letters = |name: &str| coordinate(name, kind, index + 20);
            let x = evaluate(a, &mut Point::new(&letters), p, &mut judge.work);
            let y = evaluate(b, &mut Point::new(&letters), p, &mut judge.work);
            let (x, y) = match (x, y) {
                (Ok(x), Ok(y)) => (x, y),
                (Err(Stop::TooLarge), _) | (_, Err(Stop::TooLarge)) => return Err(Reason::TooLarge),
                _ => continue,
            };
            if kind == PointKind::Mixed && !(is_real(&x) && is_real(&y)) {
                continue;
            }
            let Ok(quotient) = crate::value::evaluation::divide(&y, &x, p, &mut judge.work) else { continue };
            let here = match &quotient {
                Value::Exact(q) if q.is_zero() => return Ok(None),
                Value::Exact(q) => q.sign(),
                Value::Near(z) if z.im.may_be_zero() => match z.re.sign() {
                    Ok(Some(sign)) => sign,
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            };
            match &factor {
                None => {
                    factor = Some(quotient);
                    sign = Some(here);
                }
                Some(first) => match related(first, &quotient, p) {
                    Ok(Relationship::Same) => {}
                    _ => return Ok(None),
                },
            }
            agreed += 1;
        }
    }
    Ok(if agreed >= 3 { sign } else { None })
}
