//! Worked solutions of word problems: understood, and broken by rule in the seven ways of the math domain.
//!
//! A [`Derivation`] knows which equations a solution shows and where each number comes from. A rule changes one thing
//! in it; the [revision](revise) recalculates everything that follows exactly, with rationals, and refuses what no
//! person would write (half a child, a negative price) or where it cannot be told which of two equal numbers is meant.
//! By the same means a problem is told again with other numbers, which makes its [variants].

mod derivation;
mod equation;
mod quantity;
mod rational;
mod revision;
mod rules;
mod token;
mod variant;

pub use derivation::{Derivation, Unusable, false_equations};
pub use rational::Rational;
pub use revision::{Change, Refusal, Revision, revise};
pub use rules::{Intent, last_resort, proposals};
pub use variant::{Variant, variants};
