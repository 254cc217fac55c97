//! Exact rational numbers, small enough for sums of money and large enough for populations.

use std::{cmp::Ordering, fmt};

/// A fraction in lowest terms with a positive denominator. Every operation is checked: what does not fit is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rational {
    over: i128,
    under: i128,
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a).unwrap_or(1)
}

/// Numbers beyond this are refused, so that a product of two always fits.
const LIMIT: i128 = 1 << 62;

impl Rational {
    /// Nothing.
    pub const ZERO: Rational = Rational { over: 0, under: 1 };

    /// `over / under`, if that is a number and not a huge one.
    #[must_use]
    pub fn new(over: i128, under: i128) -> Option<Rational> {
        if under == 0 {
            return None;
        }
        let shared = gcd(over, under).max(1) * under.signum();
        let (over, under) = (over / shared, under / shared);
        (over.abs() < LIMIT && under < LIMIT).then_some(Rational { over, under })
    }

    /// A whole number.
    #[must_use]
    pub fn whole(value: i64) -> Rational {
        Rational { over: i128::from(value), under: 1 }
    }

    /// Reads `1,234.50`: digits, grouping commas, at most one point.
    #[must_use]
    pub fn parse(text: &str) -> Option<Rational> {
        let text = text.replace(',', "");
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{whole}{part}");
        if digits.is_empty() || digits.len() > 17 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Rational::new(digits.parse().ok()?, 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?)
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Rational) -> Option<Rational> {
        Rational::new(
            self.over.checked_mul(other.under)?.checked_add(other.over.checked_mul(self.under)?)?,
            self.under.checked_mul(other.under)?,
        )
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Rational) -> Option<Rational> {
        self.plus(Rational { over: -other.over, under: other.under })
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Rational) -> Option<Rational> {
        Rational::new(self.over.checked_mul(other.over)?, self.under.checked_mul(other.under)?)
    }

    /// The quotient; none by zero.
    #[must_use]
    pub fn over(self, other: Rational) -> Option<Rational> {
        Rational::new(self.over.checked_mul(other.under)?, self.under.checked_mul(other.over)?)
    }

    /// Whether it is a whole number.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.under == 1
    }

    /// Whether it is above zero.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.over > 0
    }

    /// How many zeros a whole number ends in; 0 of zero and of fractions.
    #[must_use]
    pub fn trailing_zeros(self) -> u32 {
        let (mut rest, mut zeros) = (self.over, 0);
        while self.under == 1 && rest != 0 && rest % 10 == 0 {
            (rest, zeros) = (rest / 10, zeros + 1);
        }
        zeros
    }

    /// How many decimals it takes to write it exactly, if it takes at most six.
    #[must_use]
    pub fn decimals(self) -> Option<u32> {
        (0..=6).find(|&places| 10_i128.pow(places) % self.under == 0)
    }

    /// Its digits before the point.
    #[must_use]
    pub fn magnitude(self) -> u32 {
        (self.over / self.under).unsigned_abs().checked_ilog10().map_or(1, |log| log + 1)
    }

    /// With at least so many decimals, and commas between thousands if wanted; `None` where that is not exact.
    #[must_use]
    pub fn display(self, decimals: u32, commas: bool) -> Option<String> {
        let places = self.decimals()?.max(decimals);
        let scaled = self.over.checked_mul(10_i128.checked_pow(places)?)? / self.under;
        let sign = if scaled < 0 { "-" } else { "" };
        let digits = scaled.unsigned_abs().to_string();
        let digits = format!("{digits:0>width$}", width = places as usize + 1);
        let (whole, part) = digits.split_at(digits.len() - places as usize);
        let whole = if commas { grouped(whole) } else { whole.to_owned() };
        Some(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Rational) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Rational) -> Ordering {
        // Both factors are below 2^62, so neither product overflows.
        (self.over * other.under).cmp(&(other.over * self.under))
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.display(0, false) {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}/{}", self.over, self.under),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Rational {
        Rational::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_read_and_written() {
        for (text, decimals, commas, written) in [
            ("1,234.50", 2, true, "1,234.50"),
            ("1234.50", 0, false, "1234.5"),
            (".05", 0, false, "0.05"),
            ("12", 2, false, "12.00"),
            ("1000000", 0, true, "1,000,000"),
        ] {
            assert_eq!(number(text).display(decimals, commas).as_deref(), Some(written), "{text}");
        }
        for bad in ["", ".", "1.2.3", "a", "123456789012345678"] {
            assert_eq!(Rational::parse(bad), None, "{bad}");
        }
        assert_eq!(Rational::new(1, 3).unwrap().display(0, false), None);
        assert_eq!(Rational::new(1, 0), None);
    }

    #[test]
    fn shape_is_known() {
        assert_eq!(number("1200").trailing_zeros(), 2);
        assert_eq!(number("1.25").decimals(), Some(2));
        assert_eq!((number("99").magnitude(), number("0.5").magnitude()), (2, 1));
    }

    proptest! {
        #[test]
        fn arithmetic_is_exact(a in -9999_i64..9999, b in 1_i64..999, c in -9999_i64..9999, d in 1_i64..999) {
            let (x, y) = (Rational::new(a.into(), b.into()).unwrap(), Rational::new(c.into(), d.into()).unwrap());
            prop_assert_eq!(x.plus(y).unwrap().minus(y), Some(x));
            if c != 0 {
                prop_assert_eq!(x.times(y).unwrap().over(y), Some(x));
            }
            prop_assert_eq!(x.cmp(&y), (a * d).cmp(&(c * b)));
        }
    }
}
