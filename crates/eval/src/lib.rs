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
mod execution;
mod export;
mod grid;
mod kept;
mod metric;
mod plan;
mod protocol;
pub mod provenance;
mod remembering;
pub mod results;
mod row;
mod rubric;
mod sample;
mod scorers;
mod table;
mod votes;

pub use comparison::{
    Comparison, CostAndQuality, CurveOverSeeds, Format, Request, Section, arm_name, folder_name, settings,
};
pub use difference::{DRAWS, Difference, paired_difference};
pub use error::EvalError;
pub use execution::{ExecutionRecord, follow};
pub use export::{Export, export};
pub use grid::Grid;
pub use kept::{Kept, Plans, Shard, is_settled};
pub use metric::Metric;
pub use plan::Plan;
pub use protocol::{Protocol, ProtocolError, write};
pub use provenance::Provenance;
pub use remembering::Remembering;
pub use row::{Average, BenchmarkSummary, LevelSummary, Mean, RowSummary, summarise};
pub use rubric::RubricRecord;
pub use sample::{SampleRecord, sample_lines, write_samples};
pub use scorers::{ScorerTable, SolutionTable};
pub use table::{Executors, Table};
pub use tracelift_statistics::{Estimate, Measurement};
pub use votes::Several;
