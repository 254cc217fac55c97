//! Decimal numbers, exactly.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// `digits / 10^places`, without trailing zeros behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    digits: i64,
    places: u32,
}

/// More places than any number of a procedure has.
const MOST_PLACES: u32 = 12;

impl Decimal {
    /// `digits / 10^places`; `places` is at most 12.
    pub(super) fn new(digits: i64, places: u32) -> Decimal {
        let (mut digits, mut places) = (digits, places.min(MOST_PLACES));
        while places > 0 && digits % 10 == 0 {
            (digits, places) = (digits / 10, places - 1);
        }
        Decimal { digits, places }
    }

    /// How many places there are behind the point.
    pub(super) fn places(self) -> u32 {
        self.places
    }

    pub(super) fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Whether its size is at most this.
    pub(super) fn is_within(self, most: i64) -> bool {
        i128::from(self.digits).abs() <= i128::from(most) * 10_i128.pow(self.places)
    }

    /// Digits of both at the same number of places.
    fn aligned(self, other: Decimal) -> (i128, i128, u32) {
        let places = self.places.max(other.places);
        let at = |n: Decimal| i128::from(n.digits) * 10_i128.pow(places - n.places);
        (at(self), at(other), places)
    }

    /// `None` where it has no room.
    fn of(digits: i128, places: u32) -> Option<Decimal> {
        let (mut digits, mut places) = (digits, places);
        while places > 0 && digits % 10 == 0 {
            (digits, places) = (digits / 10, places - 1);
        }
        (places <= MOST_PLACES)
            .then(|| i64::try_from(digits).ok())
            .flatten()
            .map(|digits| Decimal { digits, places })
    }

    pub(super) fn plus(self, other: Decimal) -> Option<Decimal> {
        let (a, b, places) = self.aligned(other);
        Decimal::of(a + b, places)
    }

    pub(super) fn minus(self, other: Decimal) -> Option<Decimal> {
        let (a, b, places) = self.aligned(other);
        Decimal::of(a - b, places)
    }

    pub(super) fn times(self, other: Decimal) -> Option<Decimal> {
        Decimal::of(i128::from(self.digits) * i128::from(other.digits), self.places + other.places)
    }

    /// `None` where it is no decimal number of at most `most` places.
    pub(super) fn over(self, other: Decimal, most: u32) -> Option<Decimal> {
        let (a, b, _) = self.aligned(other);
        let scaled = a.checked_mul(10_i128.pow(most))?;
        (b != 0 && scaled % b == 0).then(|| Decimal::of(scaled / b, most)).flatten()
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let (a, b, _) = self.aligned(*other);
        a.cmp(&b)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.places == 0 {
            return write!(f, "{}", self.digits);
        }
        let unit = 10_u64.pow(self.places);
        let size = self.digits.unsigned_abs();
        let sign = if self.digits < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:0width$}", size / unit, size % unit, width = self.places as usize)
    }
}

/// A text that is no decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number of at most {MOST_PLACES} places")]
pub struct NotADecimal;

impl FromStr for Decimal {
    type Err = NotADecimal;

    /// Digits with or without a point, a sign, and commas between groups of three.
    fn from_str(text: &str) -> Result<Decimal, NotADecimal> {
        let (negative, text) = match text.strip_prefix(['-', '−']) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let whole: String = whole.chars().filter(|c| *c != ',').collect();
        let part = part.trim_end_matches('0');
        let digits = format!("{whole}{part}");
        let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let places = u32::try_from(part.len()).map_err(|_| NotADecimal)?;
        let size: i64 = if all { digits.parse().map_err(|_| NotADecimal)? } else { return Err(NotADecimal) };
        if places > MOST_PLACES {
            return Err(NotADecimal);
        }
        Ok(Decimal::new(if negative { -size } else { size }, places))
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> String {
        decimal.to_string()
    }
}

impl TryFrom<String> for Decimal {
    type Error = NotADecimal;

    fn try_from(text: String) -> Result<Decimal, NotADecimal> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn arithmetic_is_exact() {
        assert_eq!(number("0.1").plus(number("0.2")), Some(number("0.3")));
        assert_eq!(number("1.5").times(number("-2.4")), Some(number("-3.6")));
        assert_eq!(number("7").over(number("8"), 2), None);
        assert_eq!(number("7").over(number("8"), 3), Some(number("0.875")));
        assert_eq!(number("3.6").over(number("1.2"), 0), Some(number("3")));
        assert_eq!(number("1").over(number("0"), 3), None);
        assert_eq!(number("10").minus(number("10.5")), Some(number("-0.5")));
        assert!(number("-2.5") < number("-2.49") && number("1000.00") == number("1,000"));
        for text in ["", "-", ".", "1.2.3", "1e5", "0x1", "99999999999999999999", "1/2"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_survive_their_text(digits in -1_000_000_000_i64..1_000_000_000, places in 0_u32..6) {
            let decimal = Decimal::new(digits, places);
            prop_assert_eq!(decimal.to_string().parse::<Decimal>(), Ok(decimal));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,24}") {
            let _ = text.parse::<Decimal>();
        }
    }
}
