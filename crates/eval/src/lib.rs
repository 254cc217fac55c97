//! Evaluation: the frozen-executor protocol.
//!
//! Only the planner changes between rows, so a difference between rows is the planner's. What a row did on each
//! problem is a [`SampleRecord`]; records are summed up per row ([`RowSummary`]), compared problem by problem
//! ([`paired_difference`]) and put side by side ([`Table`]), which refuses rows of different executors.

mod difference;
mod error;
mod estimate;
mod grid;
mod protocol;
mod row;
mod sample;
mod table;

pub use difference::{DRAWS, Difference, paired_difference};
pub use error::EvalError;
pub use estimate::{Estimate, Measurement};
pub use grid::Grid;
pub use protocol::{Planner, Protocol, ProtocolError};
pub use row::{LevelSummary, Metric, RowSummary, summarise};
pub use sample::{SampleRecord, read_samples, write_samples};
pub use table::{Executors, Table};
