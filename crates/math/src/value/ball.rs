//! Real balls: a dyadic midpoint and a bound of its error, so that "different" is proved and "equal" is to many digits.

use dashu_base::{BitTest, Sign, SquareRoot, UnsignedAbs};
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use super::Stop;
use super::magnitude::Magnitude;

/// Exponents beyond this are refused: the number could not be written down by any sensible answer.
const EXPONENT_LIMIT: i64 = 1 << 40;

/// All reals within `radius` of `mantissa · 2^exponent`.
#[derive(Clone, Debug)]
pub(crate) struct Ball {
    mantissa: IBig,
    exponent: i64,
    radius: Magnitude,
}

impl Ball {
    pub(crate) fn integer(n: i64) -> Ball {
        Ball { mantissa: IBig::from(n), exponent: 0, radius: Magnitude::ZERO }
    }

    /// `mantissa · 2^exponent`, known to `radius`.
    pub(crate) fn new(mantissa: IBig, exponent: i64, radius: Magnitude) -> Ball {
        Ball { mantissa, exponent, radius }
    }

    /// The rational to `p` bits.
    pub(crate) fn rational(r: &RBig, p: usize) -> Ball {
        let numerator = Ball::new(r.numerator().clone(), 0, Magnitude::ZERO);
        if r.is_int() {
            return numerator.rounded(p);
        }
        let denominator = Ball::new(IBig::from(r.denominator().clone()), 0, Magnitude::ZERO);
        // The denominator of a rational is positive, and exact: the quotient exists.
        numerator
            .over(&denominator, p)
            .unwrap_or_else(|_| Ball::integer(0).widened(Magnitude::power_of_two(EXPONENT_LIMIT)))
    }

    pub(crate) fn mantissa(&self) -> &IBig {
        &self.mantissa
    }

    pub(crate) fn exponent(&self) -> i64 {
        self.exponent
    }

    pub(crate) fn radius(&self) -> Magnitude {
        self.radius
    }

    pub(crate) fn is_exact_zero(&self) -> bool {
        self.mantissa.is_zero() && self.radius.is_zero()
    }

    /// An exponent `e` with `|x| < 2^e` for the midpoint; `i64::MIN` for zero.
    pub(crate) fn midpoint_exponent(&self) -> i64 {
        if self.mantissa.is_zero() {
            i64::MIN
        } else {
            self.exponent.saturating_add(self.mantissa.bit_len() as i64)
        }
    }

    /// A bound of the absolute value of every member.
    pub(crate) fn bound(&self) -> Magnitude {
        let midpoint = match self.midpoint_exponent() {
            i64::MIN => Magnitude::ZERO,
            e => Magnitude::power_of_two(e),
        };
        midpoint.plus(self.radius)
    }

    /// Whether zero is a member, as far as the bounds tell.
    pub(crate) fn may_be_zero(&self) -> bool {
        if self.mantissa.is_zero() {
            return true;
        }
        // |midpoint| ≥ 2^(e−1), and the radius is below 2^(its exponent): what passes is at least 2^(e−2) from zero.
        self.radius.exponent() > self.midpoint_exponent() - 2
    }

    /// The sign of every member, or that it cannot be told at this precision.
    pub(crate) fn sign(&self) -> Result<Option<Sign>, Stop> {
        if self.is_exact_zero() {
            return Ok(None);
        }
        if self.may_be_zero() {
            return Err(Stop::Imprecise);
        }
        Ok(Some(self.mantissa.sign()))
    }

    pub(crate) fn widened(mut self, by: Magnitude) -> Ball {
        self.radius = self.radius.plus(by);
        self
    }

    pub(crate) fn rounded(mut self, p: usize) -> Ball {
        let bits = self.mantissa.bit_len();
        if bits > p {
            let drop = bits - p;
            self.mantissa >>= drop;
            self.exponent = self.exponent.saturating_add(drop as i64);
            self.radius = self.radius.plus(Magnitude::power_of_two(self.exponent));
        }
        self
    }

    pub(crate) fn negated(&self) -> Ball {
        Ball { mantissa: -&self.mantissa, exponent: self.exponent, radius: self.radius }
    }

    pub(crate) fn shifted(&self, n: i64) -> Ball {
        Ball {
            mantissa: self.mantissa.clone(),
            exponent: self.exponent.saturating_add(n),
            radius: self.radius.shifted(n),
        }
    }

    pub(crate) fn plus(&self, other: &Ball, p: usize) -> Ball {
        let radius = self.radius.plus(other.radius);
        let (a, b) = (self.midpoint_exponent(), other.midpoint_exponent());
        if a == i64::MIN {
            return Ball { radius, ..other.clone() };
        }
        if b == i64::MIN {
            return Ball { radius, ..self.clone() };
        }
        // A summand below the last bit of the other goes into the radius instead of a huge mantissa.
        let far = p as i64 + 64;
        if a.saturating_sub(b) > far + self.mantissa.bit_len() as i64 {
            return Ball { radius: radius.plus(Magnitude::power_of_two(b)), ..self.clone() }.rounded(p);
        }
        if b.saturating_sub(a) > far + other.mantissa.bit_len() as i64 {
            return Ball { radius: radius.plus(Magnitude::power_of_two(a)), ..other.clone() }.rounded(p);
        }
        let exponent = self.exponent.min(other.exponent);
        let left = &self.mantissa << (self.exponent - exponent) as usize;
        let right = &other.mantissa << (other.exponent - exponent) as usize;
        Ball { mantissa: left + right, exponent, radius }.rounded(p)
    }

    pub(crate) fn minus(&self, other: &Ball, p: usize) -> Ball {
        self.plus(&other.negated(), p)
    }

    pub(crate) fn times(&self, other: &Ball, p: usize) -> Result<Ball, Stop> {
        let radius = if self.radius.is_zero() && other.radius.is_zero() {
            Magnitude::ZERO
        } else {
            self.bound().times(other.radius).plus(other.bound().times(self.radius))
        };
        Ball {
            mantissa: &self.mantissa * &other.mantissa,
            exponent: self.exponent.saturating_add(other.exponent),
            radius,
        }
        .rounded(p)
        .within_limits()
    }

    pub(crate) fn over(&self, other: &Ball, p: usize) -> Result<Ball, Stop> {
        if other.is_exact_zero() {
            return Err(Stop::Undefined);
        }
        if other.may_be_zero() {
            return Err(Stop::Imprecise);
        }
        let shift = (p + 2 + other.mantissa.bit_len()).saturating_sub(self.mantissa.bit_len());
        let quotient = (&self.mantissa << shift) / &other.mantissa;
        let exponent = self.exponent.saturating_sub(other.exponent).saturating_sub(shift as i64);
        // |a/b − a'/b'| ≤ (|Δa| + |q||Δb|) / (|b| − |Δb|); |b| − |Δb| ≥ 2^(e−2) because zero is not a member.
        let truncation = Magnitude::power_of_two(exponent);
        let mut result = Ball { mantissa: quotient, exponent, radius: truncation };
        if !(self.radius.is_zero() && other.radius.is_zero()) {
            let inverse = Magnitude::power_of_two(-(other.lower_exponent()));
            let spread = self.radius.plus(result.bound().times(other.radius)).times(inverse);
            result.radius = result.radius.plus(spread);
        }
        result.rounded(p).within_limits()
    }

    /// An `e` with `|x| ≥ 2^e` for every member; only for balls without zero.
    fn lower_exponent(&self) -> i64 {
        self.midpoint_exponent() - 2
    }

    pub(crate) fn sqrt(&self, p: usize) -> Result<Ball, Stop> {
        match self.sign()? {
            None => return Ok(Ball::integer(0)),
            Some(Sign::Negative) => return Err(Stop::Undefined),
            Some(Sign::Positive) => {}
        }
        let magnitude: UBig = self.mantissa.clone().unsigned_abs();
        let mut shift = (2 * p + 4).saturating_sub(magnitude.bit_len()) as i64;
        if (self.exponent - shift) % 2 != 0 {
            shift += 1;
        }
        let root: UBig = (magnitude << shift as usize).sqrt();
        let exponent = (self.exponent - shift) / 2;
        // |√x − √x'| ≤ |Δ| / √(lower bound).
        let spread = self.radius.times(Magnitude::power_of_two(-(self.lower_exponent().div_euclid(2))));
        let result = Ball {
            mantissa: IBig::from(root),
            exponent,
            radius: Magnitude::power_of_two(exponent).plus(spread),
        };
        Ok(result.rounded(p))
    }

    /// The largest integer below every member; needs all members between the same two integers.
    pub(crate) fn floor(&self) -> Result<IBig, Stop> {
        if self.midpoint_exponent() > 1 << 14 {
            return Err(Stop::TooLarge);
        }
        let low = self.minus_radius();
        let high = self.plus_radius();
        if low == high { Ok(low) } else { Err(Stop::Imprecise) }
    }

    fn floor_of(mantissa: &IBig, exponent: i64) -> IBig {
        if exponent >= 0 {
            mantissa << exponent as usize
        } else {
            mantissa >> (exponent.unsigned_abs() as usize)
        }
    }

    fn minus_radius(&self) -> IBig {
        self.floor_with(-1)
    }

    fn plus_radius(&self) -> IBig {
        self.floor_with(1)
    }

    fn floor_with(&self, direction: i64) -> IBig {
        if self.radius.is_zero() {
            return Ball::floor_of(&self.mantissa, self.exponent);
        }
        // The radius is a power of two after rounding up; the sum is exact. A radius below 2^−4096 counts as that.
        let radius_exponent = self.radius.exponent().max(-4096);
        let exponent = self.exponent.min(radius_exponent);
        let mantissa = &self.mantissa << (self.exponent - exponent) as usize;
        let radius = IBig::from(direction) << (radius_exponent - exponent) as usize;
        Ball::floor_of(&(mantissa + radius), exponent)
    }

    /// The nearest `f64`; a saturated one beyond its range. For starting values only.
    pub(crate) fn approximate(&self) -> f64 {
        let bits = self.mantissa.bit_len();
        let drop = bits.saturating_sub(64);
        let top: IBig = &self.mantissa >> drop;
        let top: f64 = top.to_f64().value();
        let e = self.exponent.saturating_add(drop as i64).clamp(-2000, 2000) as i32;
        top * 2f64.powi(e / 2) * 2f64.powi(e - e / 2)
    }

    fn within_limits(self) -> Result<Ball, Stop> {
        if self.mantissa.is_zero() || self.midpoint_exponent().abs() < EXPONENT_LIMIT {
            Ok(self)
        } else {
            Err(Stop::TooLarge)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn third(p: usize) -> Ball {
        Ball::integer(1).over(&Ball::integer(3), p).unwrap()
    }

    #[test]
    fn a_quotient_contains_what_it_approximates() {
        let back = third(192).times(&Ball::integer(3), 192).unwrap().minus(&Ball::integer(1), 192);
        assert!(back.may_be_zero());
        assert!(back.radius().exponent() < -180);
    }

    #[test]
    fn square_roots_square_back() {
        for n in [2, 3, 99, 1_000_003] {
            let root = Ball::integer(n).sqrt(256).unwrap();
            let back = root.times(&root, 256).unwrap().minus(&Ball::integer(n), 256);
            assert!(back.may_be_zero(), "{n}");
            assert!(back.radius().exponent() < -200, "{n}");
        }
        assert_eq!(Ball::integer(-2).sqrt(64).unwrap_err(), Stop::Undefined);
    }

    #[test]
    fn the_smallest_difference_is_seen() {
        let a = Ball::integer(1).shifted(-3000);
        let b = Ball::integer(1).shifted(-3001);
        assert!(!a.minus(&b, 192).may_be_zero());
    }

    #[test]
    fn floors_do_not_guess() {
        assert_eq!(third(100).floor().unwrap(), IBig::from(0));
        assert_eq!(third(100).negated().floor().unwrap(), IBig::from(-1));
        let almost_one = third(100).times(&Ball::integer(3), 100).unwrap();
        assert_eq!(almost_one.floor().unwrap_err(), Stop::Imprecise);
    }
}
