//! How far the work is, for people who wait.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use tracelift_executor::spending::{Budget, Price, Spending};

/// A reading of the counts. Counts are since the oracle was made, apart from `spent`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Inquiries that have ended, well or badly.
    pub questions: u64,
    /// Replies that were in the ledger already.
    pub from_ledger: u64,
    /// Requests that were sent.
    pub requests: u64,
    /// Replies that came.
    pub replies: u64,
    /// Inquiries that stayed without an answer, by [`crate::Failure::cause`].
    pub failures: BTreeMap<String, u64>,
    /// Attempts that failed, by the cause that the transport gives.
    pub failed_attempts: BTreeMap<String, u64>,
    /// Answers whose JSON had to be mended.
    pub repaired: u64,
    /// Answers that came only after a mistake had been pointed out.
    pub corrected: u64,
    /// Requests under way.
    pub under_way: u64,
    /// What was spent over the life of the ledger.
    pub spent: Spending,
    /// Calls that were under way when an earlier process ended; they are part of what was spent.
    pub lost: u64,
    /// Lines of the ledger that fail their checksum; their inquiries are asked again.
    pub damaged: u64,
    /// What a million tokens cost, if that is known.
    pub price: Option<Price>,
    /// Where to stop.
    pub budget: Budget,
    /// Since the oracle was made.
    pub seconds: f64,
}

impl Progress {
    /// Inquiries that stayed without an answer.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

/// One line.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { questions, from_ledger, under_way, spent, .. } = self;
        write!(f, "{questions} asked")?;
        if *from_ledger > 0 {
            write!(f, " ({from_ledger} from the ledger)")?;
        }
        if self.failed() > 0 {
            let mut causes: Vec<_> = self.failures.iter().collect();
            causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let causes: Vec<String> =
                causes.iter().take(3).map(|(cause, count)| format!("{count} {cause}")).collect();
            write!(f, ", {} failed ({})", self.failed(), causes.join(", "))?;
        }
        if *under_way > 0 {
            write!(f, ", {under_way} under way")?;
        }
        let of = |limit: Option<u64>| limit.map(|limit| format!(" of {}", short(limit))).unwrap_or_default();
        write!(f, " · {}{} calls", short(spent.calls), of(self.budget.calls))?;
        write!(
            f,
            " · {} in + {} out{} tokens",
            short(spent.input),
            short(spent.output),
            of(self.budget.tokens)
        )?;
        if let Some(price) = &self.price {
            write!(f, " · cost {:.2}", spent.money(price))?;
            if let Some(limit) = self.budget.money {
                write!(f, " of {limit:.2}")?;
            }
        }
        Ok(())
    }
}

/// `950`, `12.3 k`, `4.56 M`.
fn short(count: u64) -> String {
    match count {
        0..=9_999 => count.to_string(),
        10_000..=999_999 => format!("{:.1} k", count as f64 / 1e3),
        _ => format!("{:.2} M", count as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_it_all() {
        let mut progress = Progress { questions: 3, ..Progress::default() };
        assert_eq!(progress.to_string(), "3 asked · 0 calls · 0 in + 0 out tokens");
        progress.from_ledger = 1;
        progress.under_way = 16;
        progress.failures = BTreeMap::from([("refusal".into(), 1), ("timeout".into(), 7)]);
        progress.spent = Spending { calls: 12_345, input: 4_560_000, output: 950, estimated: 0 };
        progress.price = Some(Price { input: 1.0, output: 2.0 });
        progress.budget = Budget { calls: Some(20_000), tokens: None, money: Some(10.0) };
        assert_eq!(
            progress.to_string(),
            "3 asked (1 from the ledger), 8 failed (7 timeout, 1 refusal), 16 under way · 12.3 k of 20.0 k calls · \
             4.56 M in + 950 out tokens · cost 4.56 of 10.00"
        );
    }
}
