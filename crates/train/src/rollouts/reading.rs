//! What was measured of rollouts, read back from their files: numbers and flags, without texts.

use super::RolloutsError;
use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row},
    schema::types::Type,
};
use std::{fs::File, path::Path, sync::Arc};

/// What was measured of one completion. `None` is unknown, or does not apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RolloutNumbers {
    /// The training step.
    pub step: u64,
    /// Which of the step's rollout groups.
    pub group_index: u64,
    /// Whether its group was not learned from.
    pub replaced: bool,
    /// Whether it holds no usable trace.
    pub defective: bool,
    /// Outcome, `e`.
    pub e: Option<f64>,
    /// Success with the trace, `w`.
    pub w: Option<f64>,
    /// Success without any, `b`.
    pub b: Option<f64>,
    /// Uplift.
    pub u: Option<f64>,
    /// Rubric score.
    pub s: Option<f64>,
    /// What the rule made of it.
    pub reward: Option<f64>,
    /// The format term.
    pub format: Option<f64>,
    /// The punishment of length.
    pub overlong: Option<f64>,
    /// The advantage.
    pub advantage: Option<f64>,
    /// Whether an exact checker confirms the trace.
    pub verified: Option<bool>,
}

/// Reads the rollouts of a step.
///
/// # Errors
/// When the file cannot be read, or lacks a column.
pub fn read_rollouts(path: &Path) -> Result<Vec<RolloutNumbers>, RolloutsError> {
    let file = File::open(path).map_err(|source| RolloutsError::Open { path: path.to_owned(), source })?;
    let parquet = |source| RolloutsError::Parquet { path: path.to_owned(), source };
    let foreign = |reason: String| RolloutsError::Foreign { path: path.to_owned(), reason };
    let reader = SerializedFileReader::new(file).map_err(parquet)?;
    let wanted = projection(reader.metadata().file_metadata().schema()).map_err(parquet)?;
    let rows = reader.get_row_iter(Some(wanted)).map_err(parquet)?;
    rows.map(|row| numbers(&row.map_err(parquet)?).map_err(foreign)).collect()
}

const NAMES: [&str; 14] = [
    "step",
    "group_index",
    "replaced",
    "defect",
    "e",
    "w",
    "b",
    "u",
    "s",
    "reward",
    "reward_format",
    "reward_overlong",
    "advantage",
    "verified",
];

fn projection(schema: &Type) -> Result<Type, ParquetError> {
    let fields = schema.get_fields().iter().filter(|field| NAMES.contains(&field.name()));
    Type::group_type_builder(schema.name()).with_fields(fields.map(Arc::clone).collect()).build()
}

fn numbers(row: &Row) -> Result<RolloutNumbers, String> {
    let of = |name: &str| {
        let found = row.get_column_iter().find(|(column, _)| *column == name);
        found.map(|(_, field)| field).ok_or_else(|| format!("there is no column `{name}`"))
    };
    let wrong = |name: &str| format!("column `{name}` is of another type");
    let count = |name: &str| match of(name)? {
        Field::Long(count) => u64::try_from(*count).map_err(|_| wrong(name)),
        _ => Err(wrong(name)),
    };
    let number = |name: &str| match of(name)? {
        Field::Null => Ok(None),
        Field::Double(number) => Ok(Some(*number)),
        _ => Err(wrong(name)),
    };
    let flag = |name: &str| match of(name)? {
        Field::Null => Ok(None),
        Field::Bool(flag) => Ok(Some(*flag)),
        _ => Err(wrong(name)),
    };
    // Files of versions without such terms have no column of them.
    let term = |name: &str| if of(name).is_ok() { number(name) } else { Ok(None) };
    Ok(RolloutNumbers {
        step: count("step")?,
        group_index: count("group_index")?,
        replaced: of("replaced").is_ok() && flag("replaced")? == Some(true),
        defective: !matches!(of("defect")?, Field::Null),
        e: number("e")?,
        w: number("w")?,
        b: number("b")?,
        u: number("u")?,
        s: number("s")?,
        reward: number("reward")?,
        format: term("reward_format")?,
        overlong: term("reward_overlong")?,
        advantage: number("advantage")?,
        verified: flag("verified")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollouts::{RolloutRecord, write_rollouts};

    #[test]
    fn what_is_written_is_read_and_unknown_stays_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("step.parquet");
        let known = RolloutRecord {
            step: 4,
            group_index: 2,
            replaced: true,
            e: Some(1.0),
            w: Some(0.5),
            b: Some(0.25),
            u: Some(0.25),
            s: Some(0.75),
            reward: Some(0.6),
            format: Some(0.1),
            overlong: Some(-0.2),
            advantage: Some(-1.0),
            verified: Some(false),
            ..RolloutRecord::default()
        };
        let unknown = RolloutRecord { defect: Some("no tags".into()), ..RolloutRecord::default() };
        write_rollouts(&path, &[known, unknown]).unwrap();
        let read = read_rollouts(&path).unwrap();
        let expected = RolloutNumbers {
            step: 4,
            group_index: 2,
            replaced: true,
            defective: false,
            e: Some(1.0),
            w: Some(0.5),
            b: Some(0.25),
            u: Some(0.25),
            s: Some(0.75),
            reward: Some(0.6),
            format: Some(0.1),
            overlong: Some(-0.2),
            advantage: Some(-1.0),
            verified: Some(false),
        };
        assert_eq!(read, [expected, RolloutNumbers { defective: true, ..RolloutNumbers::default() }]);
    }

    #[test]
    fn another_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("step.parquet");
        assert!(matches!(read_rollouts(&path), Err(RolloutsError::Open { .. })));
        std::fs::write(&path, "PAR1 of nothing").unwrap();
        assert!(matches!(read_rollouts(&path), Err(RolloutsError::Parquet { .. })));
    }
}
