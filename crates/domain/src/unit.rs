//! Numbers that mean something: probabilities and uplifts.

use serde::{Deserialize, Serialize};

/// A share or a score in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

/// A number that lies outside the range its type promises.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{value} lies outside [{low}, {high}]")]
pub struct OutOfRange {
    value: f64,
    low: f64,
    high: f64,
}

impl Probability {
    /// Certainly not.
    pub const ZERO: Probability = Probability(0.0);
    /// As likely as not.
    pub const HALF: Probability = Probability(0.5);
    /// Certainly.
    pub const ONE: Probability = Probability(1.0);

    /// Accepts a number in `[0, 1]`; NaN is refused.
    ///
    /// # Errors
    /// When the number lies outside.
    pub fn new(value: f64) -> Result<Probability, OutOfRange> {
        if (0.0..=1.0).contains(&value) {
            Ok(Probability(value))
        } else {
            Err(OutOfRange { value, low: 0.0, high: 1.0 })
        }
    }

    /// The share `part / whole`, or `None` of nothing.
    #[must_use]
    pub fn share(part: usize, whole: usize) -> Option<Probability> {
        (whole > 0 && part <= whole).then(|| Probability(part as f64 / whole as f64))
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = OutOfRange;
    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        Probability::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(p: Probability) -> f64 {
        p.0
    }
}

/// How much better the executor does with a trace than without: `u = w − b`, in `[−1, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uplift(f64);

impl Uplift {
    /// `u = w − b`.
    #[must_use]
    pub fn between(with_trace: Probability, without: Probability) -> Uplift {
        Uplift(with_trace.0 - without.0)
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probability_refuses_what_is_outside() {
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Probability::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Probability::share(1, 4).map(Probability::get), Some(0.25));
        assert_eq!(Probability::share(0, 0), None);
    }

    #[test]
    fn probability_is_checked_when_read() {
        assert!(serde_json::from_str::<Probability>("1.5").is_err());
        assert_eq!(serde_json::from_str::<Probability>("0.5").unwrap().get(), 0.5);
    }

    #[test]
    fn uplift_is_with_minus_without() {
        let u = Uplift::between(Probability::new(0.25).unwrap(), Probability::ONE);
        assert_eq!(u.get(), -0.75);
    }
}
