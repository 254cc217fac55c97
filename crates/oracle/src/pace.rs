//! Rate limits: so many requests and tokens in any stretch of a minute.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The stretch over which providers count.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A sliding window over the requests of the last minute. Unlike a bucket that refills, it never lets twice the limit
/// through around the turn of a minute. Time is an argument, so that tests need not wait.
#[derive(Debug)]
pub(crate) struct Pace {
    requests: usize,
    tokens: u64,
    span: Duration,
    recent: VecDeque<(Instant, u64)>,
    sum: u64,
    /// The number of the first entry of `recent`, counted from the beginning.
    first: u64,
}

impl Pace {
    pub(crate) fn new(requests: Option<usize>, tokens: Option<u64>, span: Duration) -> Pace {
        Pace {
            requests: requests.unwrap_or(usize::MAX),
            tokens: tokens.unwrap_or(u64::MAX),
            span,
            recent: VecDeque::new(),
            sum: 0,
            first: 0,
        }
    }

    /// Lets a request of about so many tokens through and gives it a number, or says how long it must wait. A request
    /// that is larger than the limit by itself goes through once nothing else is in the window.
    pub(crate) fn admit(&mut self, now: Instant, tokens: u64) -> Result<u64, Duration> {
        if self.requests == usize::MAX && self.tokens == u64::MAX {
            return Ok(0);
        }
        while let Some(&(moment, amount)) = self.recent.front()
            && now.saturating_duration_since(moment) >= self.span
        {
            self.recent.pop_front();
            self.sum -= amount;
            self.first += 1;
        }
        let too_many = self.recent.len() >= self.requests;
        let too_much = !self.recent.is_empty() && self.sum.saturating_add(tokens) > self.tokens;
        if (too_many || too_much)
            && let Some(&(oldest, _)) = self.recent.front()
        {
            return Err(self.span.saturating_sub(now.saturating_duration_since(oldest)));
        }
        self.recent.push_back((now, tokens));
        self.sum = self.sum.saturating_add(tokens);
        Ok(self.first + self.recent.len() as u64 - 1)
    }

    /// Says how many tokens a request took in truth.
    pub(crate) fn settle(&mut self, number: u64, tokens: u64) {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some((_, amount)) = place.and_then(|place| self.recent.get_mut(place)) {
            self.sum = self.sum - *amount + tokens;
            *amount = tokens;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPAN: Duration = Duration::from_secs(60);

    #[test]
    fn requests_wait_until_the_oldest_leaves_the_window() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(Some(2), None, SPAN);
        assert!(pace.admit(at(0), 1).is_ok() && pace.admit(at(10), 1).is_ok());
        assert_eq!(pace.admit(at(20), 1), Err(Duration::from_secs(40)));
        assert!(pace.admit(at(60), 1).is_ok());
        assert_eq!(pace.admit(at(60), 1), Err(Duration::from_secs(10)));
    }

    #[test]
    fn tokens_are_settled_and_a_giant_passes_alone() {
        let now = Instant::now();
        let mut pace = Pace::new(None, Some(100), SPAN);
        let first = pace.admit(now, 80).unwrap();
        assert!(pace.admit(now, 30).is_err());
        pace.settle(first, 20);
        assert!(pace.admit(now, 30).is_ok());
        assert!(pace.admit(now, 1000).is_err());
        let later = now + SPAN;
        assert!(pace.admit(later, 1000).is_ok());
        pace.settle(first, 5);
        assert!(pace.admit(later, 1).is_err(), "what has left the window is settled no more");
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_limits(
            gaps in prop::collection::vec((0..20_u64, 1..50_u64), 1..120),
            requests in 1..10_usize,
            tokens in 50..200_u64,
        ) {
            let mut pace = Pace::new(Some(requests), Some(tokens), SPAN);
            let mut now = Instant::now();
            let mut through: Vec<(Instant, u64)> = Vec::new();
            for (gap, amount) in gaps {
                now += Duration::from_secs(gap);
                while let Err(wait) = pace.admit(now, amount) {
                    prop_assert!(wait > Duration::ZERO && wait <= SPAN);
                    now += wait;
                }
                through.push((now, amount));
                let inside = through.iter().filter(|(moment, _)| now.duration_since(*moment) < SPAN);
                let (count, sum) = inside.fold((0, 0), |(count, sum), (_, amount)| (count + 1, sum + amount));
                prop_assert!(count <= requests && sum <= tokens);
            }
        }
    }
}
