//! Numbers: exact rationals where that is possible, balls of high precision elsewhere.

pub(crate) mod ball;
pub(crate) mod complex;
pub(crate) mod elementary;
pub(crate) mod evaluation;
mod functions;
pub(crate) mod integers;
pub(crate) mod magnitude;
pub(crate) mod transcendental;

/// Why a value was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// No value exists there (division by zero, logarithm of zero).
    Undefined,
    /// The precision in use does not decide; more may.
    Imprecise,
    /// The number, or the work for it, is beyond the budget.
    TooLarge,
    /// The expression has no number here (a limit, an integral, text).
    NoNumber,
}
