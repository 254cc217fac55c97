//! The value of an expression at a point: exact where every step is, to the asked precision elsewhere.

use dashu_base::Sign;
use dashu_int::IBig;
use dashu_ratio::RBig;

use super::Stop;
use super::ball::Ball;
use super::complex::Complex;
use super::elementary::{bits, pi};
use super::functions::apply;
use super::integers::{self, Work};
use super::transcendental;
use crate::expression::{Constant, Node, Series};

/// A number.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Exact(RBig),
    Near(Complex),
    /// Plus or minus infinity.
    Infinite(Sign),
}

impl Value {
    pub(crate) fn complex(&self, p: usize) -> Result<Complex, Stop> {
        match self {
            Value::Exact(r) => Ok(Complex::rational(r, p)),
            Value::Near(z) => Ok(z.clone()),
            Value::Infinite(_) => Err(Stop::Undefined),
        }
    }
}

/// How many terms a written-out sum or product may have.
const SERIES_LIMIT: i64 = 2_000;

/// Where letters get their numbers from.
pub(crate) struct Point<'a> {
    /// The value of a free letter or of an expression that is only a name; `None` where there are no points.
    pub(crate) letters: Option<&'a dyn Fn(&str) -> RBig>,
    /// Whether a function without a number is a name, too.
    names: bool,
    /// Values of the running letters of sums, innermost last.
    bound: Vec<(String, RBig)>,
}

impl<'a> Point<'a> {
    pub(crate) fn none() -> Point<'static> {
        Point { letters: None, names: false, bound: Vec::new() }
    }

    pub(crate) fn new(letters: &'a dyn Fn(&str) -> RBig) -> Point<'a> {
        Point { letters: Some(letters), names: false, bound: Vec::new() }
    }

    /// A point at which also functions that have no number here stand for one, by their form.
    pub(crate) fn naming(letters: &'a dyn Fn(&str) -> RBig) -> Point<'a> {
        Point { names: true, ..Point::new(letters) }
    }

    fn letter(&self, name: &str) -> Result<Value, Stop> {
        if let Some((_, value)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return Ok(Value::Exact(value.clone()));
        }
        match self.letters {
            Some(letters) => Ok(Value::Exact(letters(name))),
            None => Err(Stop::NoNumber),
        }
    }

    /// The number that stands for an expression that is only compared by its form.
    fn named_form(&self, node: &Node) -> Result<Value, Stop> {
        match self.letters {
            // A form that mentions a running letter has one value per step; a name cannot say which.
            Some(_) if self.bound.iter().any(|(name, _)| mentions(node, name)) => Err(Stop::NoNumber),
            Some(letters) => Ok(Value::Exact(letters(&crate::canonical::form(node)))),
            None => Err(Stop::NoNumber),
        }
    }
}

/// Whether a letter occurs in the node, also inside the name of another (`F_k`).
fn mentions(node: &Node, name: &str) -> bool {
    node.any(&|part| match part {
        Node::Symbol(symbol) | Node::Call(symbol, _) => {
            symbol == name || symbol.split_once('_').is_some_and(|(_, rest)| rest.contains(name))
        }
        _ => false,
    })
}

/// The value of `node`, to `p` bits where it is not exact.
pub(crate) fn evaluate(node: &Node, point: &mut Point<'_>, p: usize, work: &mut Work) -> Result<Value, Stop> {
    work.spend(60)?;
    match node {
        Node::Number { value, .. } | Node::Based { value, .. } => Ok(Value::Exact(value.clone())),
        Node::Constant(Constant::Pi) => Ok(Value::Near(Complex::real(pi(p)))),
        Node::Constant(Constant::E) => near_call(work, p, || Complex::real(Ball::integer(1)).exp(p)),
        Node::Constant(Constant::I) => {
            Ok(Value::Near(Complex { re: Ball::integer(0), im: Ball::integer(1) }))
        }
        Node::Constant(Constant::Infinity) => Ok(Value::Infinite(Sign::Positive)),
        Node::Symbol(name) => {
            if name.contains('_') && point.bound.iter().any(|(bound, _)| mentions(node, bound)) {
                return Err(Stop::NoNumber);
            }
            point.letter(name)
        }
        Node::Call(..) | Node::Form(..) => point.named_form(node),
        Node::Text(_) => point.named_form(node),
        Node::Sum(items) => {
            let mut total = Value::Exact(RBig::from(0));
            for item in items {
                let value = evaluate(item, point, p, work)?;
                total = add(&total, &value, p, work)?;
            }
            Ok(total)
        }
        Node::Product(items) => {
            let mut total = Value::Exact(RBig::from(1));
            for item in items {
                let value = evaluate(item, point, p, work)?;
                total = multiply(&total, &value, p, work)?;
            }
            Ok(total)
        }
        Node::Negative(x) => {
            let value = evaluate(x, point, p, work)?;
            Ok(negate(value))
        }
        Node::Quotient(a, b) => {
            let a = evaluate(a, point, p, work)?;
            let b = evaluate(b, point, p, work)?;
            divide(&a, &b, p, work)
        }
        Node::Power(a, b) => {
            // e^x keeps its own series: a logarithm of e would only lose bits.
            if matches!(**a, Node::Constant(Constant::E)) {
                let exponent = evaluate(b, point, p, work)?;
                return transcendental::exp(&exponent, p, work);
            }
            let base = evaluate(a, point, p, work)?;
            let exponent = evaluate(b, point, p, work)?;
            power(&base, &exponent, p, work)
        }
        Node::Percent(x) => {
            let value = evaluate(x, point, p, work)?;
            divide(&value, &Value::Exact(RBig::from(100)), p, work)
        }
        Node::Unit(x, _) => evaluate(x, point, p, work),
        Node::Degrees(x) => {
            let value = evaluate(x, point, p, work)?;
            let turn = divide(&value, &Value::Exact(RBig::from(180)), p, work)?;
            multiply(&turn, &Value::Near(Complex::real(pi(p))), p, work)
        }
        Node::Ratio(items) => {
            let [a, b] = items.as_slice() else { return Err(Stop::NoNumber) };
            let a = evaluate(a, point, p, work)?;
            let b = evaluate(b, point, p, work)?;
            divide(&a, &b, p, work)
        }
        Node::Apply(function, arguments) => {
            let mut values = Vec::with_capacity(arguments.len());
            for argument in arguments {
                values.push(evaluate(argument, point, p, work)?);
            }
            match apply(*function, &values, p, work) {
                Err(Stop::NoNumber) if point.names => point.named_form(node),
                other => other,
            }
        }
        Node::Series { series, variable, low, high, body } => {
            match series_value(*series, variable, [low, high, body], point, p, work) {
                Err(Stop::NoNumber) => point.named_form(node),
                other => other,
            }
        }
        // A bracketed single expression is that expression.
        Node::Tuple(items) | Node::List(items) | Node::Set(items) => match items.as_slice() {
            [only] => evaluate(only, point, p, work),
            _ => Err(Stop::NoNumber),
        },
        Node::Matrix(rows) => match rows.as_slice() {
            [row] if row.len() == 1 => evaluate(&row[0], point, p, work),
            _ => Err(Stop::NoNumber),
        },
        Node::PlusMinus { .. }
        | Node::Interval { .. }
        | Node::Sets(..)
        | Node::NamedSet(_)
        | Node::Builder(..)
        | Node::Chain(..)
        | Node::Clock { .. }
        | Node::Ellipsis => Err(Stop::NoNumber),
    }
}

/// Runs an operation on balls after paying for it.
pub(crate) fn near_call(
    work: &mut Work,
    p: usize,
    call: impl FnOnce() -> Result<Complex, Stop>,
) -> Result<Value, Stop> {
    let words = (p / 64 + 1) as u64;
    work.spend(4000 * words)?;
    call().map(Value::Near)
}

pub(crate) fn add(a: &Value, b: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    match (a, b) {
        (Value::Exact(a), Value::Exact(b)) => match integers::add(a, b, work) {
            Ok(sum) => Ok(Value::Exact(sum)),
            Err(Stop::TooLarge) => {
                work.spend(500)?;
                Ok(Value::Near(Complex::rational(a, p).plus(&Complex::rational(b, p), p)))
            }
            Err(stop) => Err(stop),
        },
        (Value::Infinite(a), Value::Infinite(b)) => {
            if a == b {
                Ok(Value::Infinite(*a))
            } else {
                Err(Stop::Undefined)
            }
        }
        (Value::Infinite(sign), _) | (_, Value::Infinite(sign)) => Ok(Value::Infinite(*sign)),
        _ => {
            work.spend(300)?;
            Ok(Value::Near(a.complex(p)?.plus(&b.complex(p)?, p)))
        }
    }
}

pub(crate) fn negate(value: Value) -> Value {
    match value {
        Value::Exact(r) => Value::Exact(-r),
        Value::Near(z) => Value::Near(z.negated()),
        Value::Infinite(sign) => Value::Infinite(-sign),
    }
}

pub(super) fn sign_of(value: &Value) -> Result<Option<Sign>, Stop> {
    match value {
        Value::Exact(r) if r.is_zero() => Ok(None),
        Value::Exact(r) => Ok(Some(r.sign())),
        Value::Near(z) if z.is_real() => z.re.sign(),
        Value::Near(_) => Err(Stop::Undefined),
        Value::Infinite(sign) => Ok(Some(*sign)),
    }
}

pub(crate) fn multiply(a: &Value, b: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    match (a, b) {
        (Value::Exact(a), Value::Exact(b)) => match integers::multiply(a, b, work) {
            Ok(product) => Ok(Value::Exact(product)),
            Err(Stop::TooLarge) => {
                work.spend(500)?;
                Ok(Value::Near(Complex::rational(a, p).times(&Complex::rational(b, p), p)?))
            }
            Err(stop) => Err(stop),
        },
        (Value::Infinite(_), other) | (other, Value::Infinite(_)) => {
            let sign = match (a, b) {
                (Value::Infinite(sign), Value::Infinite(second)) => {
                    return Ok(Value::Infinite(*sign * *second));
                }
                (Value::Infinite(sign), _) | (_, Value::Infinite(sign)) => *sign,
                _ => return Err(Stop::Undefined),
            };
            match sign_of(other)? {
                Some(second) => Ok(Value::Infinite(sign * second)),
                None => Err(Stop::Undefined),
            }
        }
        _ => {
            work.spend(500)?;
            Ok(Value::Near(a.complex(p)?.times(&b.complex(p)?, p)?))
        }
    }
}

pub(crate) fn divide(a: &Value, b: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    match (a, b) {
        (Value::Exact(a), Value::Exact(b)) => match integers::divide(a, b, work) {
            Ok(quotient) => Ok(Value::Exact(quotient)),
            Err(Stop::TooLarge) => {
                work.spend(500)?;
                Ok(Value::Near(Complex::rational(a, p).over(&Complex::rational(b, p), p)?))
            }
            Err(stop) => Err(stop),
        },
        (Value::Infinite(_), Value::Infinite(_)) => Err(Stop::Undefined),
        (_, Value::Infinite(_)) => Ok(Value::Exact(RBig::from(0))),
        (Value::Infinite(sign), other) => match sign_of(other)? {
            Some(second) => Ok(Value::Infinite(*sign * second)),
            None => Err(Stop::Undefined),
        },
        _ => {
            work.spend(700)?;
            Ok(Value::Near(a.complex(p)?.over(&b.complex(p)?, p)?))
        }
    }
}

/// `base^exponent`; exact where both are and the result is rational.
pub(crate) fn power(base: &Value, exponent: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    if let (Value::Exact(b), Value::Exact(e)) = (base, exponent) {
        if e.is_int() {
            match integers::power(b, e.numerator(), work) {
                Err(Stop::TooLarge) => {}
                other => return other.map(Value::Exact),
            }
            return near_integer_power(&Complex::rational(b, p), e.numerator(), p, work);
        }
        if b.is_zero() {
            return if e.sign() == Sign::Positive {
                Ok(Value::Exact(RBig::from(0)))
            } else {
                Err(Stop::Undefined)
            };
        }
        if b.sign() == Sign::Positive
            && let Ok(degree) = usize::try_from(e.denominator())
            && let Some(root) = integers::exact_root(b, degree, work)?
        {
            match integers::power(&root, e.numerator(), work) {
                Err(Stop::TooLarge) => {}
                other => return other.map(Value::Exact),
            }
        }
        if *e.denominator() == dashu_int::UBig::from(2u8) {
            let root = near_call(work, p, || Complex::rational(b, p).sqrt(p))?;
            return power(&root, &Value::Exact(RBig::from(e.numerator().clone())), p, work);
        }
    }
    match (base, exponent) {
        (Value::Near(z), Value::Exact(e)) if e.is_int() => near_integer_power(z, e.numerator(), p, work),
        (Value::Infinite(_), _) | (_, Value::Infinite(_)) => Err(Stop::NoNumber),
        _ => {
            let z = base.complex(p)?;
            let w = exponent.complex(p)?;
            if z.is_real() && z.re.is_exact_zero() {
                return match sign_of(exponent)? {
                    Some(Sign::Positive) => Ok(Value::Exact(RBig::from(0))),
                    _ => Err(Stop::Undefined),
                };
            }
            work.spend(8000 * (p as u64 / 64 + 1))?;
            near_call(work, p, || z.power(&w, p))
        }
    }
}

fn near_integer_power(z: &Complex, exponent: &IBig, p: usize, work: &mut Work) -> Result<Value, Stop> {
    if bits(exponent) > 40 {
        return Err(Stop::TooLarge);
    }
    let n = i64::try_from(exponent).map_err(|_| Stop::TooLarge)?;
    work.spend(64 * 700)?;
    // Forty squarings may double the error forty times.
    let wp = p + 64;
    let result = z.integer_power(n.unsigned_abs(), wp)?;
    if n >= 0 {
        Ok(Value::Near(result))
    } else {
        Ok(Value::Near(Complex::real(Ball::integer(1)).over(&result, wp)?))
    }
}

fn series_value(
    series: Series,
    variable: &str,
    [low, high, body]: [&Node; 3],
    point: &mut Point<'_>,
    p: usize,
    work: &mut Work,
) -> Result<Value, Stop> {
    let whole = |value: Value| match value {
        Value::Exact(r) if r.is_int() => i64::try_from(r.numerator()).map_err(|_| Stop::TooLarge),
        _ => Err(Stop::NoNumber),
    };
    let low = whole(evaluate(low, point, p, work)?)?;
    let high = whole(evaluate(high, point, p, work)?)?;
    if high.saturating_sub(low) > SERIES_LIMIT {
        return Err(Stop::TooLarge);
    }
    let mut total = Value::Exact(RBig::from(if series == Series::Sum { 0 } else { 1 }));
    for step in low..=high {
        work.spend(150)?;
        point.bound.push((variable.to_owned(), RBig::from(step)));
        let term = evaluate(body, point, p, work);
        point.bound.pop();
        total = match series {
            Series::Sum => add(&total, &term?, p, work)?,
            Series::Product => multiply(&total, &term?, p, work)?,
        };
    }
    Ok(total)
}
