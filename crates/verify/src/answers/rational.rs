//! Exact rationals that fit into 128 bits.

/// `numerator / denominator` in lowest terms, denominator > 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rational {
    numerator: i128,
    denominator: i128,
}

impl Rational {
    /// Reads `[+-]digits`, `[+-]digits.digits` or `[+-]digits/digits`. `None` for any other form, for a zero
    /// denominator, and for what does not fit.
    pub(super) fn parse(text: &str) -> Option<Rational> {
        let (negative, body) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (numerator, denominator) = if let Some((over, under)) = body.split_once('/') {
            (digits(over)?, digits(under)?)
        } else if let Some((whole, part)) = body.split_once('.') {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let part = part.trim_end_matches('0');
            let scale = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
            let fraction = if part.is_empty() { 0 } else { digits(part)? };
            (digits(whole)?.checked_mul(scale)?.checked_add(fraction)?, scale)
        } else {
            (digits(body)?, 1)
        };
        if denominator == 0 {
            return None;
        }
        let divisor = gcd(numerator, denominator);
        let numerator = numerator / divisor;
        Some(Rational {
            numerator: if negative { -numerator } else { numerator },
            denominator: denominator / divisor,
        })
    }

    /// Whether `|self − other| ≤ 1 / parts`; `None` where that does not fit into 128 bits.
    pub(super) fn within(self, other: Rational, parts: i128) -> Option<bool> {
        if self == other {
            return Some(true);
        }
        // |a/b − c/d| = |a·d' − c·b'| / lcm(b, d), with b' = b/g, d' = d/g, g = gcd(b, d).
        let divisor = gcd(self.denominator, other.denominator);
        let (left, right) = (other.denominator / divisor, self.denominator / divisor);
        let common = self.denominator.checked_mul(left)?;
        let difference = self
            .numerator
            .checked_mul(left)?
            .checked_sub(other.numerator.checked_mul(right)?)?
            .checked_abs()?;
        match difference.checked_mul(parts) {
            Some(scaled) => Some(scaled <= common),
            // difference · parts exceeds every i128, and so `common`.
            None => Some(false),
        }
    }
}

fn digits(text: &str) -> Option<i128> {
    // `parse` alone would also take a sign.
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Rational {
        Rational::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn forms() {
        assert_eq!(read("2/4"), read("0.5"));
        assert_eq!(read("-6/3"), read("-2.000"));
        assert_eq!(read("+007"), read("7"));
        assert_eq!(read("-0"), read("0"));
        let long_zeros = format!("1.{}", "0".repeat(500));
        assert_eq!(read(&long_zeros), read("1"));
        for bad in
            ["", "-", "1/0", "1/-2", "1.5/2", "1.", ".5", "1e3", "1/", "/2", "++1", "1_0", "１", "1.2.3"]
        {
            assert_eq!(Rational::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Rational::parse(&"9".repeat(40)), None);
    }

    #[test]
    fn tolerance_is_closed() {
        assert_eq!(read("1").within(read("1.000001"), 1_000_000), Some(true));
        assert_eq!(read("1").within(read("1.0000010001"), 1_000_000), Some(false));
        assert_eq!(read("-1").within(read("1"), 1_000_000), Some(false));
        assert_eq!(read("1/3").within(read("0.333333"), 1_000_000), Some(true));
        let huge = i128::MAX.to_string();
        assert_eq!(read(&huge).within(read("1"), 1_000_000), Some(false));
        assert_eq!(read(&huge).within(read("1/3"), 1_000_000), None);
    }

    proptest! {
        #[test]
        fn agrees_with_integers(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000) {
            let close = read(&a.to_string()).within(read(&b.to_string()), 1_000_000);
            prop_assert_eq!(close, Some(a == b));
        }

        #[test]
        fn total(text in "[-+0-9./]{0,60}", other in "[-+]?[0-9]{1,45}(\\.[0-9]{1,45})?") {
            if let (Some(a), Some(b)) = (Rational::parse(&text), Rational::parse(&other)) {
                prop_assert_eq!(a.within(b, 1_000_000), b.within(a, 1_000_000));
            }
        }
    }
}
