//! What an executor has done and what it cost.

use crate::call::{CallFailure, Completion};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Counts since an executor was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Calls that have ended, well or badly.
    pub calls: u64,
    /// Calls that failed for good, by [`CallFailure::cause`].
    pub failures: BTreeMap<String, u64>,
    /// The last call that failed for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<CallFailure>,
    /// Attempts beyond the first of each call.
    pub retries: u64,
    /// Requests that were sent a second time beside the first, which took long.
    #[serde(default, skip_serializing_if = "is_none")]
    pub hedges: u64,
    /// Tokens read, as far as they are known.
    pub prompt_tokens: u64,
    /// Tokens written, as far as they are known.
    pub completion_tokens: u64,
    /// Wall time since the executor was made, in seconds.
    pub seconds: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Usage {
    /// Calls that failed for good.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// What came after an earlier reading of the same executor.
    #[must_use]
    pub fn since(&self, earlier: &Usage) -> Usage {
        let mut failures = self.failures.clone();
        for (cause, count) in &mut failures {
            *count = count.saturating_sub(earlier.failures.get(cause).copied().unwrap_or(0));
        }
        failures.retain(|_, count| *count > 0);
        Usage {
            calls: self.calls.saturating_sub(earlier.calls),
            last_failure: self.last_failure.clone().filter(|_| !failures.is_empty()),
            failures,
            retries: self.retries.saturating_sub(earlier.retries),
            hedges: self.hedges.saturating_sub(earlier.hedges),
            prompt_tokens: self.prompt_tokens.saturating_sub(earlier.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_sub(earlier.completion_tokens),
            seconds: (self.seconds - earlier.seconds).max(0.0),
        }
    }
}

/// Keeps the counts of an executor; shared by its threads.
#[derive(Debug)]
pub struct Meter {
    start: Instant,
    counts: Mutex<Usage>,
}

impl Default for Meter {
    fn default() -> Self {
        Meter { start: Instant::now(), counts: Mutex::default() }
    }
}

impl Meter {
    /// Counts a call that has ended after so many retries.
    pub fn record(&self, result: &Result<Completion, CallFailure>, retries: u32) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.calls += 1;
        counts.retries += u64::from(retries);
        match result {
            Ok(completion) => {
                counts.prompt_tokens += u64::from(completion.prompt_tokens.unwrap_or(0));
                counts.completion_tokens += u64::from(completion.completion_tokens.unwrap_or(0));
            }
            Err(failure) => {
                *counts.failures.entry(failure.cause().to_owned()).or_default() += 1;
                counts.last_failure = Some(failure.clone());
            }
        }
    }

    /// Counts requests that were sent a second time.
    pub fn hedged(&self, hedges: u32) {
        if hedges > 0 {
            self.counts.lock().unwrap_or_else(PoisonError::into_inner).hedges += u64::from(hedges);
        }
    }

    /// The counts so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Usage { seconds: self.start.elapsed().as_secs_f64(), ..counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_readings_is_what_came_between() {
        let meter = Meter::default();
        let completion = |tokens| Completion {
            text: "x".into(),
            prompt_tokens: Some(tokens),
            completion_tokens: None,
            truncated: false,
        };
        let failure = || Err(CallFailure::Empty { endpoint: "e".into() });
        meter.record(&Ok(completion(3)), 0);
        meter.record(&failure(), 1);
        let earlier = meter.usage();
        meter.record(&Ok(completion(4)), 2);
        meter.record(&failure(), 0);
        let between = meter.usage().since(&earlier);
        assert_eq!((between.calls, between.failed(), between.retries, between.prompt_tokens), (2, 1, 2, 4));
        assert_eq!(between.last_failure, Some(CallFailure::Empty { endpoint: "e".into() }));
        let nothing = meter.usage().since(&meter.usage());
        assert_eq!((nothing.failures, nothing.last_failure), (BTreeMap::new(), None));
    }
}
