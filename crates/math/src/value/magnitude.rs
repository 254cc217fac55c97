//! Upper bounds of errors: a few bits of mantissa and an exponent that cannot overflow.

/// A non-negative upper bound `m · 2^e`. Every operation rounds up, so a bound stays a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Magnitude {
    /// In [0.5, 1), or zero.
    m: f64,
    e: i64,
}

/// Slightly more than one: what a rounded `f64` operation must be multiplied by to be an upper bound again.
const UP: f64 = 1.0 + 4.0 * f64::EPSILON;

impl Magnitude {
    pub(crate) const ZERO: Magnitude = Magnitude { m: 0.0, e: 0 };

    /// `2^e`.
    pub(crate) fn power_of_two(e: i64) -> Magnitude {
        Magnitude { m: 0.5, e: e.saturating_add(1) }
    }

    fn normal(m: f64, e: i64) -> Magnitude {
        if m == 0.0 {
            return Magnitude::ZERO;
        }
        // `m` is a positive normal number here: products and sums of mantissas in [0.5, 1).
        let bits = m.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i64 - 1022;
        let mantissa = f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52));
        Magnitude { m: mantissa, e: e.saturating_add(exponent) }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.m == 0.0
    }

    pub(crate) fn plus(self, other: Magnitude) -> Magnitude {
        if self.is_zero() {
            return other;
        }
        if other.is_zero() {
            return self;
        }
        let (large, small) = if self.e >= other.e { (self, other) } else { (other, self) };
        let gap = large.e.saturating_sub(small.e);
        let small_m = if gap > 60 { f64::EPSILON } else { small.m * (0.5f64).powi(gap as i32) };
        Magnitude::normal((large.m + small_m) * UP, large.e)
    }

    pub(crate) fn times(self, other: Magnitude) -> Magnitude {
        Magnitude::normal(self.m * other.m * UP, self.e.saturating_add(other.e))
    }

    /// Times `2^n`.
    pub(crate) fn shifted(self, n: i64) -> Magnitude {
        if self.is_zero() { self } else { Magnitude { m: self.m, e: self.e.saturating_add(n) } }
    }

    /// An exponent `e` with `self < 2^e`; `i64::MIN` for zero.
    pub(crate) fn exponent(self) -> i64 {
        if self.is_zero() { i64::MIN } else { self.e }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_grow_and_never_shrink() {
        let one = Magnitude::power_of_two(0);
        let tiny = Magnitude::power_of_two(-500);
        let sum = one.plus(tiny);
        assert!(sum.m > one.m || sum.e > one.e);
        assert_eq!(one.plus(one).exponent(), 2);
        assert_eq!(one.times(tiny).exponent(), -499);
        assert!(Magnitude::ZERO.plus(Magnitude::ZERO).is_zero());
        assert_eq!(Magnitude::ZERO.exponent(), i64::MIN);
    }
}
