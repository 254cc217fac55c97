//! Elementary functions of real balls: series in fixed point after reducing the argument, with bounds of what is cut.

use std::cell::RefCell;
use std::collections::HashMap;

use dashu_base::{BitTest, Sign, UnsignedAbs};
use dashu_int::{IBig, UBig};

use super::Stop;
use super::ball::Ball;
use super::magnitude::Magnitude;

thread_local! {
    static CONSTANTS: RefCell<HashMap<(bool, usize), Ball>> = RefCell::new(HashMap::new());
}

fn cached(is_pi: bool, p: usize, make: impl FnOnce() -> Ball) -> Ball {
    if let Some(ball) = CONSTANTS.with(|table| table.borrow().get(&(is_pi, p)).cloned()) {
        return ball;
    }
    let ball = make();
    CONSTANTS.with(|table| {
        let mut table = table.borrow_mut();
        if table.len() > 64 {
            table.clear();
        }
        table.insert((is_pi, p), ball.clone());
    });
    ball
}

/// The sum of `±x^(2k+1)/(2k+1)` for `x = 1/n`, in units of `2^-w`: atan (alternating) or atanh.
fn inverse_series(n: u32, alternating: bool, w: usize) -> IBig {
    let square = IBig::from(n) * IBig::from(n);
    let mut power = (IBig::from(1) << w) / IBig::from(n);
    let mut sum = IBig::from(0);
    let mut k = 0u32;
    while !power.is_zero() {
        let term = &power / IBig::from(2 * k + 1);
        if alternating && k % 2 == 1 {
            sum -= term;
        } else {
            sum += term;
        }
        power /= &square;
        k += 1;
    }
    sum
}

/// π to `p` bits (Machin's formula).
pub(crate) fn pi(p: usize) -> Ball {
    cached(true, p, || {
        let w = p + 32;
        let sum = IBig::from(16) * inverse_series(5, true, w) - IBig::from(4) * inverse_series(239, true, w);
        Ball::new(sum, -(w as i64), Magnitude::power_of_two(20 - w as i64)).rounded(p)
    })
}

/// ln 2 to `p` bits: 18 atanh(1/26) − 2 atanh(1/4801) + 8 atanh(1/8749).
fn ln2(p: usize) -> Ball {
    cached(false, p, || {
        let w = p + 32;
        let sum = IBig::from(18) * inverse_series(26, false, w)
            - IBig::from(2) * inverse_series(4801, false, w)
            + IBig::from(8) * inverse_series(8749, false, w);
        Ball::new(sum, -(w as i64), Magnitude::power_of_two(20 - w as i64)).rounded(p)
    })
}

/// The midpoint in units of `2^-w`, rounded down; for midpoints that are known to be small.
fn fixed_point(x: &Ball, w: usize) -> IBig {
    let shift = x.exponent() + w as i64;
    if shift >= 0 { x.mantissa() << shift as usize } else { x.mantissa() >> (shift.unsigned_abs() as usize) }
}

/// `x − k·step` for the nearest integer `k`, and `k`. The step is positive.
fn reduced(x: &Ball, step: impl Fn(usize) -> Ball, p: usize) -> Result<(Ball, IBig), Stop> {
    let size = x.midpoint_exponent();
    if size > 64 * 1024 || x.radius().exponent() > 0 {
        return Err(if x.radius().exponent() > 0 { Stop::Imprecise } else { Stop::TooLarge });
    }
    let extra = p + size.max(0) as usize + 16;
    let unit = step(extra);
    let quotient = x.over(&unit, extra)?;
    let shifted = quotient.plus(&Ball::integer(1).shifted(-1), extra);
    let k = fixed_point(&shifted, 0);
    let multiple = unit.times(&Ball::new(k.clone(), 0, Magnitude::ZERO), extra)?;
    Ok((x.minus(&multiple, extra), k))
}

/// e^x.
pub(crate) fn exp(x: &Ball, p: usize) -> Result<Ball, Stop> {
    if x.is_exact_zero() {
        return Ok(Ball::integer(1));
    }
    if x.midpoint_exponent() > 38 {
        return Err(Stop::TooLarge);
    }
    let (r, k) = reduced(x, ln2, p)?;
    let k = i64::try_from(&k).map_err(|_| Stop::TooLarge)?;
    // |r| ≤ 0.35; halved `halvings` times, summed as a Taylor series, squared back.
    let halvings = 8 + p / 64;
    let w = p + 2 * halvings + 24;
    let argument: IBig = fixed_point(&r, w) >> halvings;
    let one = IBig::from(1) << w;
    let mut sum = one.clone();
    let mut term = one;
    let mut n = 1u32;
    loop {
        term = (&term * &argument) >> w;
        term /= IBig::from(n);
        if term.is_zero() || n > 4096 {
            break;
        }
        sum += &term;
        n += 1;
    }
    for _ in 0..halvings {
        sum = (&sum * &sum) >> w;
    }
    // Every squaring doubles the error; n terms with two units each enter it.
    let cut = Magnitude::power_of_two(halvings as i64 * 2 + 14 - w as i64);
    // |e^(r+δ) − e^r| ≤ 4|δ| for |δ| ≤ 1, and e^r ≤ 2.
    let spread = r.radius().shifted(3);
    let result = Ball::new(sum, -(w as i64), cut.plus(spread));
    Ok(result.shifted(k).rounded(p))
}

/// ln x for positive x.
pub(crate) fn ln(x: &Ball, p: usize) -> Result<Ball, Stop> {
    match x.sign()? {
        None | Some(Sign::Negative) => return Err(Stop::Undefined),
        Some(Sign::Positive) => {}
    }
    let e = x.midpoint_exponent();
    // m in [1/2, 1).
    let m = x.shifted(-e);
    let wp = p + 32;
    let midpoint = Ball::new(m.mantissa().clone(), m.exponent(), Magnitude::ZERO).rounded(wp);
    let mut y = Ball::integer((m.approximate().ln() * 2f64.powi(52)) as i64).shifted(-52);
    // y ← y + 2 (m − e^y)/(m + e^y): the error is cubed, from 2^-50.
    let mut good = 48usize;
    while good < wp + 8 {
        let power = exp(&y, wp)?;
        let step = midpoint.minus(&power, wp).over(&midpoint.plus(&power, wp), wp)?.shifted(1);
        y = y.plus(&step, wp);
        y = Ball::new(y.mantissa().clone(), y.exponent(), Magnitude::ZERO);
        good *= 3;
    }
    // What the iteration left: e^y = m (1 + ε) means |y − ln m| ≤ 2|ε|.
    let ratio = exp(&y, wp)?.over(&midpoint, wp)?.minus(&Ball::integer(1), wp);
    let y = y.widened(ratio.bound().shifted(1));
    // The rounding of the midpoint and the radius of x, relative to m ≥ 1/2.
    let y = y.widened(m.radius().plus(midpoint.radius()).shifted(2));
    let scale = ln2(wp + 64).times(&Ball::integer(e), wp)?;
    Ok(y.plus(&scale, wp).rounded(p))
}

/// (sin x, cos x).
pub(crate) fn sin_cos(x: &Ball, p: usize) -> Result<(Ball, Ball), Stop> {
    if x.is_exact_zero() {
        return Ok((Ball::integer(0), Ball::integer(1)));
    }
    let (r, k) = reduced(x, |bits| pi(bits).shifted(-1), p)?;
    // |r| ≤ 0.8; the sine and cosine of r/2^h by series, then doubled back through cos − 1.
    let halvings = 6 + p / 96;
    let w = p + 2 * halvings + 24;
    let argument: IBig = fixed_point(&r, w) >> halvings;
    let square: IBig = (&argument * &argument) >> w;
    let one = IBig::from(1) << w;
    let mut sine = argument.clone();
    let mut versine = IBig::from(0); // cos − 1
    let mut odd = argument;
    let mut even = one;
    let mut n = 1u32;
    loop {
        even = -((&even * &square) >> w) / IBig::from((2 * n - 1) * (2 * n));
        odd = -((&odd * &square) >> w) / IBig::from((2 * n) * (2 * n + 1));
        if (even.is_zero() || even == IBig::from(-1)) && (odd.is_zero() || odd == IBig::from(-1)) || n > 2048
        {
            break;
        }
        versine += &even;
        sine += &odd;
        n += 1;
    }
    for _ in 0..halvings {
        // sin 2a = 2 sin a + 2 sin a (cos a − 1); cos 2a − 1 = −2 sin² a.
        let doubled: IBig = (&sine * &versine) >> w;
        let next_versine: IBig = -((&sine * &sine) >> w) * IBig::from(2);
        sine = (&sine + doubled) * IBig::from(2);
        versine = next_versine;
    }
    let cosine = versine + (IBig::from(1) << w);
    let error = Magnitude::power_of_two(halvings as i64 * 2 + 14 - w as i64).plus(r.radius().shifted(1));
    let sine = Ball::new(sine, -(w as i64), error).rounded(p);
    let cosine = Ball::new(cosine, -(w as i64), error).rounded(p);
    let quadrant: UBig = {
        let four = IBig::from(4);
        let rest: IBig = ((k % &four) + &four) % four;
        rest.unsigned_abs()
    };
    Ok(match u8::try_from(&quadrant).unwrap_or(0) {
        0 => (sine, cosine),
        1 => (cosine, sine.negated()),
        2 => (sine.negated(), cosine.negated()),
        _ => (cosine.negated(), sine),
    })
}

/// atan x, in (−π/2, π/2).
pub(crate) fn atan(x: &Ball, p: usize) -> Result<Ball, Stop> {
    if x.is_exact_zero() {
        return Ok(Ball::integer(0));
    }
    let wp = p + 32;
    let one = Ball::integer(1);
    // Beyond 1: π/2 − atan(1/x).
    if x.midpoint_exponent() > 1 && !x.may_be_zero() {
        let inner = atan(&one.over(x, wp)?, wp)?;
        let half_pi = pi(wp).shifted(-1);
        let signed = if x.sign()? == Some(Sign::Negative) { half_pi.negated() } else { half_pi };
        return Ok(signed.minus(&inner, wp).rounded(p));
    }
    // atan x = 2 atan(x / (1 + √(1 + x²))), a few times, then the series.
    let halvings = 6;
    let mut t = x.clone();
    for _ in 0..halvings {
        let root = one.plus(&t.times(&t, wp)?, wp).sqrt(wp)?;
        t = t.over(&one.plus(&root, wp), wp)?;
    }
    let w = wp + 8;
    let argument = fixed_point(&t, w);
    let square: IBig = (&argument * &argument) >> w;
    let mut power = argument.clone();
    let mut sum = argument;
    let mut n = 1u32;
    loop {
        power = -((&power * &square) >> w);
        let term: IBig = &power / IBig::from(2 * n + 1);
        if term.is_zero() || n > 4096 {
            break;
        }
        sum += term;
        n += 1;
    }
    let error = Magnitude::power_of_two(14 - w as i64).plus(t.radius());
    Ok(Ball::new(sum, -(w as i64), error).shifted(halvings).rounded(p))
}

/// The angle of the point (x, y), in (−π, π].
pub(crate) fn atan2(y: &Ball, x: &Ball, p: usize) -> Result<Ball, Stop> {
    let wp = p + 16;
    if y.is_exact_zero() {
        return match x.sign()? {
            None => Err(Stop::Undefined),
            Some(Sign::Positive) => Ok(Ball::integer(0)),
            Some(Sign::Negative) => Ok(pi(p)),
        };
    }
    if x.is_exact_zero()
        || (x.may_be_zero() && !y.may_be_zero())
        || x.midpoint_exponent() < y.midpoint_exponent()
    {
        let half_pi = pi(wp).shifted(-1);
        let half_pi = if y.sign()? == Some(Sign::Negative) { half_pi.negated() } else { half_pi };
        return Ok(half_pi.minus(&atan(&x.over(y, wp)?, wp)?, wp).rounded(p));
    }
    let angle = atan(&y.over(x, wp)?, wp)?;
    if x.sign()? == Some(Sign::Positive) {
        return Ok(angle.rounded(p));
    }
    let pi = pi(wp);
    // The branch cut: y's sign decides, and must be known.
    match y.sign()? {
        Some(Sign::Negative) => Ok(angle.minus(&pi, wp).rounded(p)),
        _ => Ok(angle.plus(&pi, wp).rounded(p)),
    }
}

/// How many bits an integer takes.
pub(crate) fn bits(n: &IBig) -> usize {
    n.bit_len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dashu_ratio::RBig;

    const P: usize = 192;

    fn rational(n: i64, d: i64) -> Ball {
        Ball::rational(&RBig::from_parts_signed(IBig::from(n), IBig::from(d)), P)
    }

    /// Equal within the radii, and the radii are small.
    fn assert_same(a: &Ball, b: &Ball) {
        let difference = a.minus(b, P);
        assert!(difference.may_be_zero(), "{} and {}", a.approximate(), b.approximate());
        assert!(difference.radius().exponent() < -140, "radius 2^{}", difference.radius().exponent());
    }

    #[test]
    fn constants_have_their_digits() {
        // 50 digits of π and ln 2.
        let digits = |text: &str| {
            let n = IBig::from_str_radix(text, 10).unwrap();
            let scale = IBig::from(10).pow(text.len() - 1);
            Ball::rational(&RBig::from_parts_signed(n, scale), P)
        };
        let close = |a: &Ball, b: &Ball| {
            let gap = a.minus(b, P);
            assert!(gap.bound().exponent() < -160, "2^{}", gap.bound().exponent());
        };
        close(&pi(P), &digits("314159265358979323846264338327950288419716939937510"));
        close(
            &ln2(P).times(&Ball::integer(10), P).unwrap(),
            &digits("693147180559945309417232121458176568075500134360255"),
        );
        close(
            &exp(&Ball::integer(1), P).unwrap(),
            &digits("271828182845904523536028747135266249775724709369996"),
        );
    }

    #[test]
    fn functions_agree_with_double_precision() {
        for (n, d) in [(1, 3), (-7, 5), (22, 7), (100, 1), (-355, 113), (1, 1000), (12345, 7)] {
            let x = rational(n, d);
            let f = n as f64 / d as f64;
            let (sin, cos) = sin_cos(&x, P).unwrap();
            assert!((sin.approximate() - f.sin()).abs() < 1e-12, "sin {f}");
            assert!((cos.approximate() - f.cos()).abs() < 1e-12, "cos {f}");
            assert!((atan(&x, P).unwrap().approximate() - f.atan()).abs() < 1e-14, "atan {f}");
            if f < 700.0 {
                assert!((exp(&x, P).unwrap().approximate() / f.exp() - 1.0).abs() < 1e-12, "exp {f}");
            }
            if n > 0 {
                assert!((ln(&x, P).unwrap().approximate() - f.ln()).abs() < 1e-13, "ln {f}");
            }
        }
    }

    #[test]
    fn functions_invert_each_other() {
        for (n, d) in [(1, 3), (22, 7), (100, 1), (1, 100_000)] {
            let x = rational(n, d);
            assert_same(&ln(&exp(&x, P).unwrap(), P).unwrap(), &x);
            let (sin, cos) = sin_cos(&atan(&x, P).unwrap(), P).unwrap();
            assert_same(&sin.over(&cos, P).unwrap(), &x);
        }
    }

    #[test]
    fn angles_cover_the_circle() {
        for (y, x) in [(1, 2), (2, 1), (2, -1), (-1, -2), (-2, 1), (1, -3), (0, -1), (-1, 0)] {
            let got = atan2(&Ball::integer(y), &Ball::integer(x), P).unwrap().approximate();
            assert!((got - (y as f64).atan2(x as f64)).abs() < 1e-14, "{y} {x}");
        }
    }

    #[test]
    fn huge_arguments_are_refused() {
        assert!(matches!(exp(&Ball::integer(1).shifted(60), P), Err(Stop::TooLarge)));
        assert!(exp(&Ball::integer(-1_000_000), P).is_ok());
    }
}
