//! What was paid for, and where it must end.

use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, SubAssign};
use tracelift_domain::SettingError;

/// What a million tokens cost, in any one currency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// A million tokens read.
    pub input: f64,
    /// A million tokens written.
    pub output: f64,
}

impl Price {
    /// What so many tokens cost.
    #[must_use]
    pub fn of(&self, input_tokens: u64, output_tokens: u64) -> f64 {
        (self.input * input_tokens as f64 + self.output * output_tokens as f64) / 1e6
    }
}

/// Where to stop. What was spent earlier, by the ledger or book that is kept, counts: a run that is resumed does not spend twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Calls that were or may have been billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Tokens read and written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Money, in the currency of `price`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<f64>,
}

/// What one call took, or is thought to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
}

impl Cost {
    /// The most that a call may take which sends these texts. Tokens of text are at least a byte long and on average some
    /// four; three is on the safe side for what people and models write, and the servers' own counts take the place of this
    /// as soon as they are known.
    #[must_use]
    pub fn at_most<'t>(texts: impl IntoIterator<Item = &'t str>, max_tokens: u32) -> Cost {
        let sum = |(bytes, count), text: &str| (bytes + text.len() as u64, count + 1);
        let (bytes, count): (u64, u64) = texts.into_iter().fold((0, 0), sum);
        Cost { input: bytes.div_ceil(3) + 8 * count, output: u64::from(max_tokens) }
    }

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
    /// So far, over the life of the ledger or book.
    pub spent: String,
    /// At most.
    pub next: String,
}

/// Why no more calls are made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Stopped {
    /// Enough was spent.
    #[error(transparent)]
    Budget(#[from] Exhausted),
    /// What is spent cannot be counted.
    #[error("{0}")]
    Book(String),
}

/// What an executor has spent.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// Over the life of its book.
    pub spent: Spending,
    /// What that costs, where prices are known.
    pub price: Option<Price>,
    /// Why it makes no more calls, if so.
    pub stopped: Option<Stopped>,
}

impl Budget {
    /// Whether there is none.
    #[must_use]
    pub fn is_boundless(&self) -> bool {
        *self == Budget::default()
    }

    /// Checks what the types do not say, of a budget and the prices that go with it.
    ///
    /// # Errors
    /// Names the first setting that makes no sense, counted from the section that has both.
    pub fn check(&self, price: Option<&Price>) -> Result<(), SettingError> {
        let prices = price.map_or([None; 2], |price| [Some(price.input), Some(price.output)]);
        for (key, value) in ["price.input", "price.output"].into_iter().zip(prices) {
            if let Some(value) = value.filter(|value| !(0.0..=1e9).contains(value)) {
                return Err(SettingError::value(key, value, "a number from 0 to a thousand million"));
            }
        }
        match self.money {
            Some(money) if !(0.0..=1e12).contains(&money) => {
                Err(SettingError::value("budget.money", money, "a number that is not negative"))
            }
            Some(_) if price.is_none() => Err(SettingError::new(
                "budget.money",
                "needs `price = { input = …, output = … }`, the cost of a million tokens",
            )),
            _ => Ok(()),
        }
    }

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
    fn a_price_is_for_a_million_tokens() {
        let price = Price { input: 0.5, output: 2.0 };
        assert!((price.of(1_000_000, 500_000) - 1.5).abs() < 1e-12);
    }

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
