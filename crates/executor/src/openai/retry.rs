//! How long to wait before the next attempt.

use rand::Rng;
use std::time::Duration;
use tracelift_domain::Seed;

/// The longest pause of the exponential back-off.
pub const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// The longest `Retry-After` that is honoured; a server that asks for more is asked again after this.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The pause before the `round`-th round of attempts (from 1): `base · 2^(round − 1)`, at most
/// [`LONGEST_BACK_OFF`], times a factor from ½ to 1 that follows from the seed.
#[must_use]
pub fn back_off(base: Duration, seed: Seed, round: usize) -> Duration {
    let doublings = i32::try_from(round.saturating_sub(1)).unwrap_or(i32::MAX);
    let seconds = (base.as_secs_f64() * 2_f64.powi(doublings.min(64))).min(LONGEST_BACK_OFF.as_secs_f64());
    let jitter: f64 = seed.child("retry", round as u64).rng().random_range(0.5..1.0);
    Duration::from_secs_f64(seconds * jitter)
}

/// Reads a `Retry-After` header: whole or fractional seconds. The form with a date is not read; the back-off
/// serves then.
pub(super) fn retry_after(header: &str) -> Option<Duration> {
    let seconds: f64 = header.trim().parse().ok()?;
    (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST_RETRY_AFTER.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_jitter_up_to_a_cap() {
        let base = Duration::from_millis(100);
        for (round, most) in [(1, 0.1), (2, 0.2), (5, 1.6), (40, 30.0), (usize::MAX, 30.0)] {
            let pause = back_off(base, Seed(7), round).as_secs_f64();
            assert!((most / 2.0..=most).contains(&pause), "{round}: {pause}");
            assert_eq!(back_off(base, Seed(7), round).as_secs_f64(), pause);
        }
        assert_ne!(back_off(base, Seed(7), 1), back_off(base, Seed(8), 1));
    }

    #[test]
    fn retry_after_is_capped_and_nonsense_is_not_read() {
        assert_eq!(retry_after(" 2 "), Some(Duration::from_secs(2)));
        assert_eq!(retry_after("0.25"), Some(Duration::from_millis(250)));
        assert_eq!(retry_after("86400"), Some(LONGEST_RETRY_AFTER));
        assert_eq!(retry_after("inf"), Some(LONGEST_RETRY_AFTER));
        for bad in ["", "-1", "NaN", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(retry_after(bad), None, "{bad:?}");
        }
    }
}
