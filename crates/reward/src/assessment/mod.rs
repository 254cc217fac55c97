//! How well a scorer knows the rubric: on groups, whose traces have labels, and on solutions, which are right or wrong.
//!
//! [`score_groups`] and [`score_solutions`] ask a [`crate::TraceScorer`]; everything after that is pure. What a scorer did
//! not answer is left out of every number and counted by cause.

mod accuracy;
mod ranking;
mod scored;
mod solutions;
mod steps;

pub use accuracy::{Agreement, Assessment, Constant, Histogram, KindAgreement, histogram};
pub use ranking::{Contest, Ranking};
pub use scored::{ScoredGroup, ScoredTrace, Unscored, score_groups};
pub use solutions::{BestOf, ScoredSolution, Solution, SolutionAssessment, score_solutions};
pub use steps::{FirstErrors, ScoredBeginnings, StepwiseSolution, score_beginnings};
