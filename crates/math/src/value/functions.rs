//! The value of a function of values: whole-number functions exactly, rounding, roots; the rest is transcendental.

use dashu_base::Sign;
use dashu_ratio::RBig;

use super::Stop;
use super::ball::Ball;
use super::complex::Complex;
use super::elementary::atan;
use super::evaluation::{Value, add, divide, multiply, near_call, negate, power, sign_of};
use super::integers::{self, Work};
use super::transcendental;
use crate::expression::Function;

/// The value of `function` at `values`.
pub(super) fn apply(function: Function, values: &[Value], p: usize, work: &mut Work) -> Result<Value, Stop> {
    let exact = |value: &Value| match value {
        Value::Exact(r) => Ok(r.clone()),
        _ => Err(Stop::NoNumber),
    };
    match (function, values) {
        (Function::Factorial, [x]) => integers::factorial(&exact(x)?, work).map(Value::Exact),
        (Function::DoubleFactorial, [x]) => integers::double_factorial(&exact(x)?, work).map(Value::Exact),
        (Function::Gamma, [x]) => transcendental::gamma(&exact(x)?, p, work),
        (Function::Binomial, [n, k]) => integers::binomial(&exact(n)?, &exact(k)?, work).map(Value::Exact),
        (Function::Gcd | Function::Lcm, [first, rest @ ..]) => {
            let mut total = integers::absolute(&exact(first)?);
            for value in rest {
                let value = exact(value)?;
                total = if function == Function::Gcd {
                    integers::gcd(&total, &value, work)?
                } else {
                    integers::lcm(&total, &value, work)?
                };
            }
            Ok(Value::Exact(total))
        }
        (Function::Max | Function::Min, [first, rest @ ..]) => {
            let wanted = if function == Function::Max { Sign::Positive } else { Sign::Negative };
            let mut best = first.clone();
            for value in rest {
                let difference = add(value, &negate(best.clone()), p, work)?;
                if sign_of(&difference)? == Some(wanted) {
                    best = value.clone();
                }
            }
            Ok(best)
        }
        (Function::Mod, [Value::Exact(a), Value::Exact(b)]) => integers::modulo(a, b, work).map(Value::Exact),
        (Function::Mod, [a, b]) => {
            let quotient = divide(a, b, p, work)?;
            let whole = apply(Function::Floor, &[quotient], p, work)?;
            let multiple = multiply(b, &whole, p, work)?;
            add(a, &negate(multiple), p, work)
        }
        (Function::Floor, [x]) => match x {
            Value::Exact(r) => Ok(Value::Exact(RBig::from(r.floor()))),
            Value::Near(z) if z.is_real() => Ok(Value::Exact(RBig::from(z.re.floor()?))),
            _ => Err(Stop::Undefined),
        },
        (Function::Ceil, [x]) => {
            let below = apply(Function::Floor, &[negate(x.clone())], p, work)?;
            Ok(negate(below))
        }
        (Function::Abs, [x]) => match x {
            Value::Exact(r) => Ok(Value::Exact(integers::absolute(r))),
            Value::Near(z) => Ok(Value::Near(Complex::real(z.absolute(p)?))),
            Value::Infinite(_) => Ok(Value::Infinite(Sign::Positive)),
        },
        (Function::Re | Function::Im | Function::Conjugate, [x]) => {
            let z = x.complex(p)?;
            Ok(match (function, x) {
                (Function::Im, Value::Exact(_)) => Value::Exact(RBig::from(0)),
                (_, Value::Exact(r)) => Value::Exact(r.clone()),
                (Function::Re, _) => Value::Near(Complex::real(z.re)),
                (Function::Im, _) => Value::Near(Complex::real(z.im)),
                _ => Value::Near(Complex { im: z.im.negated(), re: z.re }),
            })
        }
        (Function::Sqrt, [x]) => root(&RBig::from(2), x, p, work),
        (Function::Cbrt, [x]) => root(&RBig::from(3), x, p, work),
        (Function::Cis, [x]) => {
            let turned =
                multiply(x, &Value::Near(Complex { re: Ball::integer(0), im: Ball::integer(1) }), p, work)?;
            transcendental::exp(&turned, p, work)
        }
        (Function::Root, [n, x]) => match n {
            Value::Exact(n) => root(n, x, p, work),
            _ => {
                let inverse = divide(&Value::Exact(RBig::from(1)), n, p, work)?;
                power(x, &inverse, p, work)
            }
        },
        (Function::Atan, [Value::Near(z)]) if z.is_real() => {
            near_call(work, p, || Ok(Complex::real(atan(&z.re, p)?)))
        }
        (Function::Transpose, [x]) => Ok(x.clone()),
        (Function::Determinant, _) => Err(Stop::NoNumber),
        _ => transcendental::apply(function, values, p, work),
    }
}

/// The `n`-th root; of a negative number and for odd `n` the real one.
fn root(n: &RBig, x: &Value, p: usize, work: &mut Work) -> Result<Value, Stop> {
    if n.is_zero() {
        return Err(Stop::Undefined);
    }
    let inverse = Value::Exact(RBig::from(1) / n);
    let odd = n.is_int() && dashu_base::BitTest::bit(n.numerator(), 0);
    let negative = match x {
        Value::Exact(r) => r.sign() == Sign::Negative,
        Value::Near(z) => z.is_real() && matches!(z.re.sign(), Ok(Some(Sign::Negative))),
        Value::Infinite(_) => false,
    };
    if odd && negative {
        return Ok(negate(power(&negate(x.clone()), &inverse, p, work)?));
    }
    if *n == RBig::from(2)
        && let Value::Near(z) = x
    {
        return near_call(work, p, || z.sqrt(p));
    }
    power(x, &inverse, p, work)
}
