//! Evaluation: the frozen-executor protocol.
//!
//! Only the planner changes between rows, so a difference between rows is the planner's. What a row did on each
//! problem is a [`SampleRecord`]; records are summed up per row ([`RowSummary`]), compared problem by problem
//! ([`paired_difference`]) and put side by side ([`Table`]), which refuses rows of different executors.
//!
//! Trainings of several arms and seeds, and evaluations made at different times, are put beside each other by a [`Comparison`].
//!
//! What scorers of traces are worth stands in tables of its own: [`ScorerTable`], [`SolutionTable`].

mod comparison;
mod difference;
mod error;
mod grid;
mod protocol;
mod row;
mod rubric;
mod sample;
mod scorers;
mod table;

pub use comparison::{
    Comparison, CostAndQuality, CurveOverSeeds, Format, Request, Section, arm_name, folder_name, settings,
};
pub use difference::{DRAWS, Difference, paired_difference};
pub use error::EvalError;
pub use grid::Grid;
pub use protocol::{Protocol, ProtocolError};
pub use row::{LevelSummary, Metric, RowSummary, summarise};
pub use rubric::RubricRecord;
pub use sample::{SampleRecord, write_samples};
pub use scorers::{ScorerTable, SolutionTable};
pub use table::{Executors, Table};
pub use tracelift_statistics::{Estimate, Measurement};
