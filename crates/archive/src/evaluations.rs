//! Samples of an evaluation.

use crate::{
    ArchiveError,
    process::{self, Process},
};
use std::{fs, path::Path};
use tracelift_domain::Seed;
use tracelift_eval::{
    Difference, EvalError, Executors, Metric, SampleRecord, Table, paired_difference, summarise,
};

/// All samples of an evaluation's folder.
pub struct Samples {
    place: String,
    records: Vec<SampleRecord>,
    seeds: Vec<Seed>,
}

impl Samples {
    pub(crate) fn read(place: &str, path: &Path) -> Result<Samples, ArchiveError> {
        let text = fs::read_to_string(path).map_err(ArchiveError::read(path))?;
        let read = |(at, line): (usize, &str)| {
            serde_json::from_str(line)
                .map_err(|error| ArchiveError::damaged(path, format!("line {}: {error}", at + 1)))
        };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let records = lines.map(read).collect::<Result<_, _>>()?;
        let seeds = path.parent().map(process::seeds).unwrap_or_default();
        Ok(Samples { place: place.to_owned(), records, seeds })
    }

    /// The folder.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// All of them, in the order of the file.
    #[must_use]
    pub fn records(&self) -> &[SampleRecord] {
        &self.records
    }

    /// The rows in the order in which they come.
    #[must_use]
    pub fn rows(&self) -> Vec<&str> {
        let mut rows: Vec<&str> = Vec::new();
        for record in &self.records {
            if !rows.contains(&record.row.as_str()) {
                rows.push(&record.row);
            }
        }
        rows
    }

    /// The table of its rows. Rows of several executors are put beside each other as what they are.
    ///
    /// # Errors
    /// When a sample is there twice.
    pub fn table(&self) -> Result<Table, EvalError> {
        let rows = summarise(&self.records)?;
        let same = rows.windows(2).all(|two| two[0].executor == two[1].executor);
        Table::new(rows, if same { Executors::Same } else { Executors::Transfer })
    }

    /// How much a row is ahead of another.
    ///
    /// # Errors
    /// When they cannot be compared.
    pub fn difference(&self, metric: Metric, row: &str, against: &str) -> Result<Difference, EvalError> {
        paired_difference(&self.records, metric, row, against, Seed(0))
    }

    /// What an exact checker says of a trace, line by line, where the problem is a world's.
    #[must_use]
    pub fn process(&self, record: &SampleRecord) -> Option<Process> {
        process::marks(&self.seeds, &record.problem_id, &record.question, record.trace.as_ref()?)
    }
}
