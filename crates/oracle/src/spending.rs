//! What was paid for, and where it must end.

use crate::settings::{Budget, Price};
use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, SubAssign};

/// What one call took, or is thought to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
}

impl Cost {
    /// Tokens read and written.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// Calls and their cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// Calls that were or may have been billed.
    pub calls: u64,
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// How many of the calls have an estimated cost, because no reply said what it was: an upper bound.
    pub estimated: u64,
}

impl Spending {
    /// One call.
    #[must_use]
    pub fn of(cost: Cost, estimated: bool) -> Spending {
        Spending { calls: 1, input: cost.input, output: cost.output, estimated: u64::from(estimated) }
    }

    /// Tokens read and written.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// In money.
    #[must_use]
    pub fn money(&self, price: &Price) -> f64 {
        price.of(self.input, self.output)
    }
}

impl AddAssign for Spending {
    fn add_assign(&mut self, other: Spending) {
        self.calls = self.calls.saturating_add(other.calls);
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.estimated = self.estimated.saturating_add(other.estimated);
    }
}

impl SubAssign for Spending {
    fn sub_assign(&mut self, other: Spending) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.input = self.input.saturating_sub(other.input);
        self.output = self.output.saturating_sub(other.output);
        self.estimated = self.estimated.saturating_sub(other.estimated);
    }
}

/// A budget that is used up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the budget of {limit} {what} is used up: {spent} spent, and the next call may take {next}")]
pub struct Exhausted {
    /// `calls`, `tokens`, or `money`.
    pub what: &'static str,
    /// As set.
    pub limit: String,
    /// So far, over the life of the ledger.
    pub spent: String,
    /// At most.
    pub next: String,
}

impl Budget {
    /// Whether a call of this cost may still be made after this spending.
    ///
    /// # Errors
    /// What is used up.
    pub fn allows(&self, spent: &Spending, next: &Cost, price: Option<&Price>) -> Result<(), Exhausted> {
        let exhausted =
            |what, limit: String, spent: String, next: String| Err(Exhausted { what, limit, spent, next });
        if let Some(limit) = self.calls
            && spent.calls >= limit
        {
            return exhausted("calls", limit.to_string(), spent.calls.to_string(), "1".into());
        }
        if let Some(limit) = self.tokens
            && spent.tokens().saturating_add(next.tokens()) > limit
        {
            return exhausted(
                "tokens",
                limit.to_string(),
                spent.tokens().to_string(),
                next.tokens().to_string(),
            );
        }
        if let (Some(limit), Some(price)) = (self.money, price) {
            let (so_far, more) = (spent.money(price), price.of(next.input, next.output));
            if so_far + more > limit {
                return exhausted("money", format!("{limit}"), format!("{so_far:.4}"), format!("{more:.4}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_stops_before_it_is_passed() {
        let spent = Spending { calls: 3, input: 900, output: 50, estimated: 0 };
        let next = Cost { input: 40, output: 10 };
        let price = Price { input: 1000.0, output: 2000.0 };
        let allows = |budget: Budget| budget.allows(&spent, &next, Some(&price)).map_err(|e| e.what);
        assert_eq!(allows(Budget::default()), Ok(()));
        assert_eq!(allows(Budget { calls: Some(4), ..Budget::default() }), Ok(()));
        assert_eq!(allows(Budget { calls: Some(3), ..Budget::default() }), Err("calls"));
        assert_eq!(allows(Budget { tokens: Some(1000), ..Budget::default() }), Ok(()));
        assert_eq!(allows(Budget { tokens: Some(999), ..Budget::default() }), Err("tokens"));
        assert_eq!(allows(Budget { money: Some(1.07), ..Budget::default() }), Ok(()));
        assert_eq!(allows(Budget { money: Some(1.05), ..Budget::default() }), Err("money"));
        let message = Budget { calls: Some(3), ..Budget::default() }.allows(&spent, &next, None).unwrap_err();
        assert_eq!(
            message.to_string(),
            "the budget of 3 calls is used up: 3 spent, and the next call may take 1"
        );
    }
}
