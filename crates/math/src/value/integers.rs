//! Exact arithmetic that stays inside a budget of bits.

use dashu_base::{BitTest, Gcd, Sign, UnsignedAbs};
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use super::Stop;

/// No exact number may need more bits than this (about 20,000 digits).
pub(crate) const BIT_LIMIT: usize = 1 << 16;

/// What one comparison may spend on arithmetic, in units of about a nanosecond.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    left: u64,
}

impl Work {
    pub(crate) fn new(units: u64) -> Work {
        Work { left: units }
    }

    pub(crate) fn spend(&mut self, units: u64) -> Result<(), Stop> {
        self.left = self.left.checked_sub(units).ok_or(Stop::TooLarge)?;
        Ok(())
    }

    /// Pays for one operation on numbers of so many bits.
    pub(crate) fn spend_bits(&mut self, bits: usize) -> Result<(), Stop> {
        let words = (bits / 64 + 1) as u64;
        self.spend(120 + words * words / 4)
    }
}

/// The bits of numerator and denominator together.
pub(crate) fn size(r: &RBig) -> usize {
    r.numerator().bit_len() + r.denominator().bit_len()
}

fn pay(a: &RBig, b: &RBig, work: &mut Work) -> Result<(), Stop> {
    let bits = size(a) + size(b);
    if bits > BIT_LIMIT {
        return Err(Stop::TooLarge);
    }
    work.spend_bits(bits)
}

pub(crate) fn add(a: &RBig, b: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    pay(a, b, work)?;
    Ok(a + b)
}

pub(crate) fn multiply(a: &RBig, b: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    pay(a, b, work)?;
    Ok(a * b)
}

pub(crate) fn divide(a: &RBig, b: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    pay(a, b, work)?;
    if b.is_zero() { Err(Stop::Undefined) } else { Ok(a / b) }
}

/// `base^exponent` for an integer exponent, if it fits the budget.
pub(crate) fn power(base: &RBig, exponent: &IBig, work: &mut Work) -> Result<RBig, Stop> {
    if base.is_zero() {
        return match exponent.sign() {
            Sign::Negative => Err(Stop::Undefined),
            Sign::Positive if exponent.is_zero() => Ok(RBig::from(1)),
            Sign::Positive => Ok(RBig::from(0)),
        };
    }
    if base.numerator().clone().unsigned_abs().is_one() && base.denominator().is_one() {
        let odd = exponent.bit(0);
        let negative = base.sign() == Sign::Negative && odd;
        return Ok(RBig::from(if negative { -1 } else { 1 }));
    }
    let n = i64::try_from(exponent).map_err(|_| Stop::TooLarge)?;
    let bits = (size(base) as u64).saturating_mul(n.unsigned_abs());
    if bits > BIT_LIMIT as u64 {
        return Err(Stop::TooLarge);
    }
    work.spend_bits(bits as usize)?;
    let steps = n.unsigned_abs() as usize;
    let numerator = base.numerator().pow(steps);
    let denominator = base.denominator().pow(steps);
    if n >= 0 {
        Ok(RBig::from_parts(numerator, denominator))
    } else {
        Ok(RBig::from_parts_signed(IBig::from(denominator), numerator))
    }
}

/// The exact `n`-th root of a non-negative rational, if it is rational.
pub(crate) fn exact_root(r: &RBig, n: usize, work: &mut Work) -> Result<Option<RBig>, Stop> {
    // High roots of long numbers take Newton's method very long; their balls are as good.
    if n == 0 || n > 16 || size(r) > 4096 {
        return Ok(None);
    }
    work.spend(2000)?;
    work.spend_bits(4 * size(r))?;
    let root_of = |value: &UBig| -> Option<UBig> {
        let root = value.nth_root(n);
        (root.pow(n) == *value).then_some(root)
    };
    let numerator = r.numerator().clone().unsigned_abs();
    let Some(denominator) = root_of(r.denominator()) else { return Ok(None) };
    Ok(root_of(&numerator).map(|numerator| RBig::from_parts(IBig::from(numerator), denominator)))
}

fn small_natural(r: &RBig) -> Result<u64, Stop> {
    if !r.is_int() || r.sign() == Sign::Negative {
        return Err(Stop::NoNumber);
    }
    u64::try_from(r.numerator()).map_err(|_| Stop::TooLarge)
}

/// `low · (low + step) · … · high`, by halves.
fn run_product(low: u64, high: u64, step: u64) -> UBig {
    if low > high {
        return UBig::from(1u8);
    }
    if high - low < 16 * step {
        let mut product = UBig::from(1u8);
        let mut factor = low;
        while factor <= high {
            product *= UBig::from(factor);
            factor += step;
        }
        return product;
    }
    let middle = low + (high - low) / (2 * step) * step;
    run_product(low, middle, step) * run_product(middle + step, high, step)
}

fn pay_factorial(n: u64, work: &mut Work) -> Result<(), Stop> {
    let bits = n.saturating_mul(u64::from(64 - n.leading_zeros()));
    if bits > BIT_LIMIT as u64 {
        return Err(Stop::TooLarge);
    }
    work.spend(4 * (bits / 64) * (bits / 64))?;
    work.spend(n * 60)
}

/// `n!`.
pub(crate) fn factorial(r: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    let n = small_natural(r)?;
    pay_factorial(n, work)?;
    Ok(RBig::from(IBig::from(run_product(1, n, 1))))
}

/// `n!! = n (n − 2) (n − 4) …`.
pub(crate) fn double_factorial(r: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    let n = small_natural(r)?;
    pay_factorial(n, work)?;
    let low = if n % 2 == 0 { 2 } else { 1 };
    Ok(RBig::from(IBig::from(run_product(low, n, 2))))
}

/// `n (n − 1) … (n − k + 1) / k!` for rational `n` and natural `k`.
pub(crate) fn binomial(n: &RBig, k: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    if !k.is_int() {
        return Err(Stop::NoNumber);
    }
    if k.sign() == Sign::Negative {
        return Ok(RBig::from(0));
    }
    let mut k = k.clone();
    if n.is_int() && n.sign() == Sign::Positive {
        if k > *n {
            return Ok(RBig::from(0));
        }
        let mirrored = n - &k;
        if mirrored < k {
            k = mirrored;
        }
    }
    let steps = small_natural(&k)?;
    if steps.saturating_mul(size(n) as u64) > BIT_LIMIT as u64 {
        return Err(Stop::TooLarge);
    }
    let mut result = RBig::from(1);
    for i in 0..steps {
        let factor = (n - RBig::from(i)) / RBig::from(i + 1);
        result = multiply(&result, &factor, work)?;
    }
    Ok(result)
}

/// The greatest rational of which all are integer multiples.
pub(crate) fn gcd(a: &RBig, b: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    pay(a, b, work)?;
    if a.is_zero() {
        return Ok(absolute(b));
    }
    if b.is_zero() {
        return Ok(absolute(a));
    }
    let denominators = a.denominator() * b.denominator();
    let left = a.numerator().clone().unsigned_abs() * b.denominator();
    let right = b.numerator().clone().unsigned_abs() * a.denominator();
    Ok(RBig::from_parts(IBig::from(left.gcd(right)), denominators))
}

/// The least positive rational that is an integer multiple of both.
pub(crate) fn lcm(a: &RBig, b: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    if a.is_zero() || b.is_zero() {
        return Ok(RBig::from(0));
    }
    let divisor = gcd(a, b, work)?;
    divide(&multiply(&absolute(a), &absolute(b), work)?, &divisor, work)
}

/// The remainder with the sign of the divisor.
pub(crate) fn modulo(a: &RBig, b: &RBig, work: &mut Work) -> Result<RBig, Stop> {
    let quotient = divide(a, b, work)?;
    let whole = RBig::from(quotient.floor());
    Ok(a - multiply(b, &whole, work)?)
}

pub(crate) fn absolute(r: &RBig) -> RBig {
    if r.sign() == Sign::Negative { -r.clone() } else { r.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn r(n: i64, d: i64) -> RBig {
        RBig::from_parts_signed(IBig::from(n), IBig::from(d))
    }

    fn work() -> Work {
        Work::new(1_000_000)
    }

    #[test]
    fn known_values() {
        assert_eq!(factorial(&r(10, 1), &mut work()).unwrap(), r(3_628_800, 1));
        assert_eq!(double_factorial(&r(7, 1), &mut work()).unwrap(), r(105, 1));
        assert_eq!(binomial(&r(16, 1), &r(2, 1), &mut work()).unwrap(), r(120, 1));
        assert_eq!(binomial(&r(1, 2), &r(2, 1), &mut work()).unwrap(), r(-1, 8));
        assert_eq!(gcd(&r(12, 5), &r(18, 5), &mut work()).unwrap(), r(6, 5));
        assert_eq!(lcm(&r(-12, 1), &r(8, 1), &mut work()).unwrap(), r(24, 1));
        assert_eq!(modulo(&r(9, 1), &r(-213, 1), &mut work()).unwrap(), r(-204, 1));
        assert_eq!(power(&r(2, 3), &IBig::from(-2), &mut work()).unwrap(), r(9, 4));
        assert_eq!(exact_root(&r(8, 27), 3, &mut work()).unwrap(), Some(r(2, 3)));
        assert_eq!(exact_root(&r(2, 1), 2, &mut work()).unwrap(), None);
    }

    #[test]
    fn what_is_too_large_is_refused() {
        assert_eq!(power(&r(9, 1), &IBig::from(387_420_489), &mut work()).unwrap_err(), Stop::TooLarge);
        assert_eq!(factorial(&r(1_000_000, 1), &mut work()).unwrap_err(), Stop::TooLarge);
        assert_eq!(
            power(&r(-1, 1), &(IBig::from(10).pow(40) + IBig::from(1)), &mut work()).unwrap(),
            r(-1, 1)
        );
    }
}
