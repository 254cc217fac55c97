//! Flaws made by rule: a problem's reference trace, broken in one place, with exact knowledge of what was broken and where.
//!
//! [`math`] breaks worked solutions of word problems, [`code`] outlines of programs. Both make [`Proposal`]s, as a language
//! model may, which say what is wrong in an [`Erratum`]; rubric labels follow from that [by construction](mod@label).
//! Nothing here reads or writes files, or knows what a group is to hold.

pub mod code;
pub mod label;
pub mod math;
mod proposal;

pub use label::{flawless, label, noisy_rubric};
pub use proposal::{Consequence, Erratum, FlawSource, Proposal, SeedProblem, Span, position};
