//! Functions of one number that leave the rationals: exponential, logarithms, trigonometry, Γ.

use dashu_base::Sign;
use dashu_int::IBig;
use dashu_ratio::RBig;

use super::Stop;
use super::ball::Ball;
use super::complex::Complex;
use super::elementary::{atan2, pi, sin_cos};
use super::evaluation::{Value, add, divide, multiply, near_call, negate, power};
use super::integers::{self, Work};
use crate::expression::Function;

fn one() -> Value {
    Value::Exact(RBig::from(1))
}

fn imaginary_unit() -> Value {
    Value::Near(Complex { re: Ball::integer(0), im: Ball::integer(1) })
}

fn is_zero(value: &Value) -> bool {
    matches!(value, Value::Exact(r) if r.is_zero())
}

fn is_one(value: &Value) -> bool {
    matches!(value, Value::Exact(r) if r.is_one())
}

/// e^x.
pub(crate) fn exp(x: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    match x {
        Value::Exact(r) if r.is_zero() => Ok(one()),
        Value::Infinite(Sign::Negative) => Ok(Value::Exact(RBig::from(0))),
        Value::Infinite(Sign::Positive) => Ok(x.clone()),
        _ => {
            let z = x.complex(p)?;
            near_call(work, p, || z.exp(p))
        }
    }
}

/// The principal logarithm.
fn ln(x: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    if is_one(x) {
        return Ok(Value::Exact(RBig::from(0)));
    }
    if is_zero(x) {
        return Err(Stop::Undefined);
    }
    let z = x.complex(p)?;
    work.spend(6000 * (p as u64 / 64 + 1))?;
    near_call(work, p, || z.ln(p))
}

/// log to a base; exact where it is an integer that small powers show.
fn log(base: &Value, x: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    if is_one(x) && !is_one(base) {
        return Ok(Value::Exact(RBig::from(0)));
    }
    let quotient = divide(&ln(x, p, work)?, &ln(base, p, work)?, p, work)?;
    if let (Value::Exact(b), Value::Exact(v), Value::Near(q)) = (base, x, &quotient) {
        let guess = q.re.approximate().round();
        if guess.abs() < 4096.0 && q.is_real() {
            let n = IBig::from(guess as i64);
            if matches!(integers::power(b, &n, work), Ok(power) if power == *v) {
                return Ok(Value::Exact(RBig::from(n)));
            }
        }
    }
    Ok(quotient)
}

fn sine_cosine(x: &Value, p: usize, work: &mut Work) -> Result<(Value, Value), Stop> {
    if is_zero(x) {
        return Ok((x.clone(), one()));
    }
    let z = x.complex(p)?;
    if z.is_real() {
        work.spend(4000 * (p as u64 / 64 + 1))?;
        let (sin, cos) = sin_cos(&z.re, p)?;
        return Ok((Value::Near(Complex::real(sin)), Value::Near(Complex::real(cos))));
    }
    // cos z = (e^iz + e^−iz)/2, sin z = (e^iz − e^−iz)/2i.
    work.spend(10_000 * (p as u64 / 64 + 1))?;
    let rotated = z.times_i();
    let (a, b) = (rotated.exp(p)?, rotated.negated().exp(p)?);
    let cos = a.plus(&b, p).half();
    let sin = a.minus(&b, p).half().times_i().negated();
    Ok((Value::Near(sin), Value::Near(cos)))
}

/// (sinh x, cosh x).
fn hyperbolic(x: &Value, p: usize, work: &mut Work) -> Result<(Value, Value), Stop> {
    if is_zero(x) {
        return Ok((x.clone(), one()));
    }
    let up = exp(x, p, work)?.complex(p)?;
    let down = exp(&negate(x.clone()), p, work)?.complex(p)?;
    Ok((Value::Near(up.minus(&down, p).half()), Value::Near(up.plus(&down, p).half())))
}

/// √(1 − x²), and for the hyperbolic ones √(x² ± 1).
fn root_of_square_plus(
    x: &Value,
    scale: i64,
    constant: i64,
    p: usize,
    work: &mut Work,
) -> Result<Value, Stop> {
    let square = multiply(x, x, p, work)?;
    let scaled = multiply(&square, &Value::Exact(RBig::from(scale)), p, work)?;
    let inside = add(&scaled, &Value::Exact(RBig::from(constant)), p, work)?;
    power(&inside, &Value::Exact(RBig::from(1) / RBig::from(2)), p, work)
}

fn arc_tangent(x: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    match x {
        Value::Infinite(sign) => {
            let half = Value::Near(Complex::real(pi(p).shifted(-1)));
            Ok(if *sign == Sign::Negative { negate(half) } else { half })
        }
        _ if is_zero(x) => Ok(x.clone()),
        _ => {
            let z = x.complex(p)?;
            if z.is_real() {
                return near_call(work, p, || Ok(Complex::real(super::elementary::atan(&z.re, p)?)));
            }
            // atan z = (i/2)(ln(1 − iz) − ln(1 + iz)).
            work.spend(16_000 * (p as u64 / 64 + 1))?;
            let unit = Complex::real(Ball::integer(1));
            let left = unit.minus(&z.times_i(), p).ln(p)?;
            let right = unit.plus(&z.times_i(), p).ln(p)?;
            Ok(Value::Near(left.minus(&right, p).times_i().half()))
        }
    }
}

fn is_real(value: &Value) -> bool {
    match value {
        Value::Near(z) => z.is_real(),
        _ => true,
    }
}

/// asin and acos: by the angle of (√(1 − x²), x) where that is a real point, by logarithms elsewhere.
fn arc_sine_cosine(x: &Value, p: usize, work: &mut Work) -> Result<(Value, Value), Stop> {
    let root = root_of_square_plus(x, -1, 1, p, work)?;
    let half_pi = Value::Near(Complex::real(pi(p).shifted(-1)));
    if is_real(&root) && is_real(x) {
        let (x, root) = (x.complex(p)?, root.complex(p)?);
        work.spend(10_000 * (p as u64 / 64 + 1))?;
        let sine = atan2(&x.re, &root.re, p)?;
        let cosine = atan2(&root.re, &x.re, p)?;
        return Ok((Value::Near(Complex::real(sine)), Value::Near(Complex::real(cosine))));
    }
    // asin x = −i ln(ix + √(1 − x²)).
    let turned = multiply(&imaginary_unit(), x, p, work)?;
    let logarithm = ln(&add(&turned, &root, p, work)?, p, work)?;
    let sine = negate(multiply(&imaginary_unit(), &logarithm, p, work)?);
    let cosine = add(&half_pi, &negate(sine.clone()), p, work)?;
    Ok((sine, cosine))
}

fn inverse(x: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    divide(&one(), x, p, work)
}

/// The value of a function of one argument (two for the logarithm).
pub(crate) fn apply(function: Function, values: &[Value], p: usize, work: &mut Work) -> Result<Value, Stop> {
    let x = match (function, values) {
        (Function::Log, [base, x]) => return log(base, x, p, work),
        (_, [x]) => x,
        _ => return Err(Stop::NoNumber),
    };
    match function {
        Function::Exp => exp(x, p, work),
        Function::Ln => ln(x, p, work),
        Function::Sin => sine_cosine(x, p, work).map(|(sin, _)| sin),
        Function::Cos => sine_cosine(x, p, work).map(|(_, cos)| cos),
        Function::Tan | Function::Cot => {
            let (sin, cos) = sine_cosine(x, p, work)?;
            if function == Function::Tan { divide(&sin, &cos, p, work) } else { divide(&cos, &sin, p, work) }
        }
        Function::Sec => inverse(&sine_cosine(x, p, work)?.1, p, work),
        Function::Csc => inverse(&sine_cosine(x, p, work)?.0, p, work),
        Function::Sinh => hyperbolic(x, p, work).map(|(sinh, _)| sinh),
        Function::Cosh => hyperbolic(x, p, work).map(|(_, cosh)| cosh),
        Function::Tanh | Function::Coth => {
            let (sinh, cosh) = hyperbolic(x, p, work)?;
            if function == Function::Tanh {
                divide(&sinh, &cosh, p, work)
            } else {
                divide(&cosh, &sinh, p, work)
            }
        }
        Function::Sech => inverse(&hyperbolic(x, p, work)?.1, p, work),
        Function::Csch => inverse(&hyperbolic(x, p, work)?.0, p, work),
        Function::Asin => arc_sine_cosine(x, p, work).map(|(sine, _)| sine),
        Function::Acos => arc_sine_cosine(x, p, work).map(|(_, cosine)| cosine),
        Function::Asec => arc_sine_cosine(&inverse(x, p, work)?, p, work).map(|(_, cosine)| cosine),
        Function::Acsc => arc_sine_cosine(&inverse(x, p, work)?, p, work).map(|(sine, _)| sine),
        Function::Atan => arc_tangent(x, p, work),
        Function::Acot => {
            let half_pi = Value::Near(Complex::real(pi(p).shifted(-1)));
            add(&half_pi, &negate(arc_tangent(x, p, work)?), p, work)
        }
        Function::Asinh => ln(&add(x, &root_of_square_plus(x, 1, 1, p, work)?, p, work)?, p, work),
        Function::Acosh => ln(&add(x, &root_of_square_plus(x, 1, -1, p, work)?, p, work)?, p, work),
        Function::Atanh => {
            let above = add(&one(), x, p, work)?;
            let below = add(&one(), &negate(x.clone()), p, work)?;
            let logarithm = ln(&divide(&above, &below, p, work)?, p, work)?;
            divide(&logarithm, &Value::Exact(RBig::from(2)), p, work)
        }
        _ => Err(Stop::NoNumber),
    }
}

/// Γ at integers and half-integers, where it has a closed form.
pub(crate) fn gamma(x: &RBig, p: usize, work: &mut Work) -> Result<Value, Stop> {
    if x.is_int() {
        if x.sign() == Sign::Negative || x.is_zero() {
            return Err(Stop::Undefined);
        }
        return integers::factorial(&(x - RBig::from(1)), work).map(Value::Exact);
    }
    let doubled = x * RBig::from(2);
    let Some(doubled) = doubled.is_int().then(|| i64::try_from(doubled.numerator()).ok()).flatten() else {
        return Err(Stop::NoNumber);
    };
    if doubled.abs() > 4000 {
        return Err(Stop::TooLarge);
    }
    // Γ(x + 1) = x Γ(x), from Γ(1/2) = √π.
    let mut factor = RBig::from(1);
    let half = RBig::from(1) / RBig::from(2);
    let mut at = half;
    while at < *x {
        factor = integers::multiply(&factor, &at, work)?;
        at += RBig::from(1);
    }
    while at > *x {
        at -= RBig::from(1);
        factor = integers::divide(&factor, &at, work)?;
    }
    let root = near_call(work, p, || Ok(Complex::real(pi(p).sqrt(p)?)))?;
    multiply(&Value::Exact(factor), &root, p, work)
}
