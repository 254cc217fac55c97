//! Rollouts on disk: every trace that was sampled, with the components of its reward, one Parquet file per step.
//!
//! What is unknown is null, never zero. The columns are flat and plain, so that any Parquet reader makes a table of
//! them: counts are `INT64`, numbers `DOUBLE`, texts UTF-8, flags `BOOLEAN`.

use parquet::{
    basic::{Compression, ConvertedType, Repetition, Type as Physical, ZstdLevel},
    column::reader::ColumnReaderImpl,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// One sampled trace and everything that was found out about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RolloutRecord {
    /// The training step.
    pub step: u64,
    /// The problem.
    pub problem_id: String,
    /// Which of the step's rollout groups.
    pub group_index: u64,
    /// Which of the group's samples.
    pub sample_index: u64,
    /// The planner's completion as it was sampled, tags and all.
    pub trace: String,
    /// How many tokens were sampled.
    pub trace_tokens: u64,
    /// Why the completion holds no usable trace, if so.
    pub defect: Option<String>,
    /// Outcome `e` of the primary artifact.
    pub e: Option<f64>,
    /// Success with the trace, `w`.
    pub w: Option<f64>,
    /// Success without any trace, `b`.
    pub b: Option<f64>,
    /// Uplift, `u = w − b`.
    pub u: Option<f64>,
    /// Rubric score, `s`.
    pub s: Option<f64>,
    /// What the reward rule made of it.
    pub reward: Option<f64>,
    /// The advantage within the rollout group.
    pub advantage: Option<f64>,
    /// Why something is unknown, for a person.
    pub failure: Option<String>,
    /// The verifier's verdict on the primary artifact.
    pub verdict: Option<String>,
    /// The executor's primary completion.
    pub artifact: Option<String>,
    /// Whether the trace states the answer or contains a program.
    pub leaked: Option<bool>,
    /// Whether an exact checker confirms every step of the trace.
    pub verified: Option<bool>,
    /// Whether the token budget cut the completion off.
    pub truncated: bool,
}

/// Why rollouts could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutsError {
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] tracelift_files::WriteError),
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The Parquet library refused.
    #[error("cannot {action} {} as parquet: {source}", path.display())]
    Parquet {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: ParquetError,
    },
    /// The file is Parquet, but not of rollouts.
    #[error("{} is not a rollout file: {reason}", path.display())]
    NotRollouts {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

type R = RolloutRecord;

/// How a column stands in a record. Writing and reading follow from this alone.
enum Access {
    Count(fn(&mut R) -> &mut u64),
    Text(fn(&mut R) -> &mut String),
    Flag(fn(&mut R) -> &mut bool),
    MaybeNumber(fn(&mut R) -> &mut Option<f64>),
    MaybeText(fn(&mut R) -> &mut Option<String>),
    MaybeFlag(fn(&mut R) -> &mut Option<bool>),
}

const COLUMNS: [(&str, Access); 20] = [
    ("step", Access::Count(|r| &mut r.step)),
    ("problem_id", Access::Text(|r| &mut r.problem_id)),
    ("group_index", Access::Count(|r| &mut r.group_index)),
    ("sample_index", Access::Count(|r| &mut r.sample_index)),
    ("trace", Access::Text(|r| &mut r.trace)),
    ("trace_tokens", Access::Count(|r| &mut r.trace_tokens)),
    ("defect", Access::MaybeText(|r| &mut r.defect)),
    ("e", Access::MaybeNumber(|r| &mut r.e)),
    ("w", Access::MaybeNumber(|r| &mut r.w)),
    ("b", Access::MaybeNumber(|r| &mut r.b)),
    ("u", Access::MaybeNumber(|r| &mut r.u)),
    ("s", Access::MaybeNumber(|r| &mut r.s)),
    ("reward", Access::MaybeNumber(|r| &mut r.reward)),
    ("advantage", Access::MaybeNumber(|r| &mut r.advantage)),
    ("failure", Access::MaybeText(|r| &mut r.failure)),
    ("verdict", Access::MaybeText(|r| &mut r.verdict)),
    ("artifact", Access::MaybeText(|r| &mut r.artifact)),
    ("leaked", Access::MaybeFlag(|r| &mut r.leaked)),
    ("verified", Access::MaybeFlag(|r| &mut r.verified)),
    ("truncated", Access::Flag(|r| &mut r.truncated)),
];

impl Access {
    fn physical(&self) -> Physical {
        match self {
            Access::Count(_) => Physical::INT64,
            Access::Text(_) | Access::MaybeText(_) => Physical::BYTE_ARRAY,
            Access::Flag(_) | Access::MaybeFlag(_) => Physical::BOOLEAN,
            Access::MaybeNumber(_) => Physical::DOUBLE,
        }
    }

    fn repetition(&self) -> Repetition {
        match self {
            Access::Count(_) | Access::Text(_) | Access::Flag(_) => Repetition::REQUIRED,
            Access::MaybeNumber(_) | Access::MaybeText(_) | Access::MaybeFlag(_) => Repetition::OPTIONAL,
        }
    }

    fn converted(&self) -> ConvertedType {
        match self {
            Access::Text(_) | Access::MaybeText(_) => ConvertedType::UTF8,
            _ => ConvertedType::NONE,
        }
    }
}

fn schema() -> Result<Type, ParquetError> {
    let columns = COLUMNS.iter().map(|(name, access)| {
        Type::primitive_type_builder(name, access.physical())
            .with_repetition(access.repetition())
            .with_converted_type(access.converted())
            .build()
            .map(Arc::new)
    });
    Type::group_type_builder("rollouts").with_fields(columns.collect::<Result<_, _>>()?).build()
}

/// Writes the rollouts of a step as one file, whole or not at all.
///
/// # Errors
/// When the disk refuses.
pub fn write_rollouts(path: &Path, records: &[RolloutRecord]) -> Result<(), RolloutsError> {
    let bytes = encode(records).map_err(|source| RolloutsError::Parquet {
        action: "encode",
        path: path.to_owned(),
        source,
    })?;
    Ok(tracelift_files::write(path, bytes)?)
}

fn encode(records: &[RolloutRecord]) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("tracelift".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema()?), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    // The accessors give mutable places, so that one table serves writing and reading.
    let mut records = records.to_vec();
    for (_, access) in &COLUMNS {
        match *access {
            Access::Count(place) => {
                write_column::<Int64Type>(&mut group, records.iter_mut().map(|r| Some(*place(r) as i64)))?;
            }
            Access::Text(place) => {
                let texts = records.iter_mut().map(|r| Some(place(r).as_str().into()));
                write_column::<ByteArrayType>(&mut group, texts)?;
            }
            Access::Flag(place) => {
                write_column::<BoolType>(&mut group, records.iter_mut().map(|r| Some(*place(r))))?;
            }
            Access::MaybeNumber(place) => {
                // A number that is not finite is not a measurement.
                let numbers = records.iter_mut().map(|r| place(r).filter(|v| v.is_finite()));
                write_column::<DoubleType>(&mut group, numbers)?;
            }
            Access::MaybeText(place) => {
                let texts = records.iter_mut().map(|r| place(r).as_deref().map(ByteArray::from));
                write_column::<ByteArrayType>(&mut group, texts)?;
            }
            Access::MaybeFlag(place) => {
                write_column::<BoolType>(&mut group, records.iter_mut().map(|r| *place(r)))?;
            }
        }
    }
    group.close()?;
    writer.into_inner()
}

/// Writes the next column; its definition levels (1 where there is a value) are ignored where it is required.
fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    cells: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let cells: Vec<Option<T::T>> = cells.collect();
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("the schema has fewer columns than a record".into()))?;
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()
}

/// Reads a rollout file back.
///
/// # Errors
/// When the file cannot be read, is not Parquet, or lacks a column.
pub fn read_rollouts(path: &Path) -> Result<Vec<RolloutRecord>, RolloutsError> {
    let file = File::open(path).map_err(|source| RolloutsError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let parquet = |source| RolloutsError::Parquet { action: "read", path: path.to_owned(), source };
    let reader = SerializedFileReader::new(file).map_err(parquet)?;
    let mut positions = Vec::new();
    for (name, access) in &COLUMNS {
        positions.push(
            column_position(&reader, name, access)
                .map_err(|reason| RolloutsError::NotRollouts { path: path.to_owned(), reason })?,
        );
    }
    let mut records = Vec::new();
    for group in 0..reader.num_row_groups() {
        records.extend(decode_row_group(&reader, group, &positions).map_err(parquet)?);
    }
    Ok(records)
}

/// Where the file has a column, which must be of the type that a record wants.
fn column_position(
    reader: &SerializedFileReader<File>,
    name: &str,
    access: &Access,
) -> Result<usize, String> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let at = schema
        .columns()
        .iter()
        .position(|column| column.path().string() == name)
        .ok_or_else(|| format!("it has no column `{name}`"))?;
    let column = schema.column(at);
    let fits = column.physical_type() == access.physical()
        && column.self_type().get_basic_info().repetition() == access.repetition();
    if fits {
        Ok(at)
    } else {
        Err(format!("its column `{name}` is not {} {}", access.repetition(), access.physical()))
    }
}

fn decode_row_group(
    reader: &SerializedFileReader<File>,
    group: usize,
    positions: &[usize],
) -> Result<Vec<RolloutRecord>, ParquetError> {
    let group = reader.get_row_group(group)?;
    let rows = usize::try_from(group.metadata().num_rows())?;
    let mut records = vec![RolloutRecord::default(); rows];
    for ((_, access), at) in COLUMNS.iter().zip(positions) {
        let column = group.get_column_reader(*at)?;
        match *access {
            Access::Count(place) => {
                for (r, cell) in records.iter_mut().zip(required::<Int64Type>(column, rows)?) {
                    *place(r) = u64::try_from(cell)?;
                }
            }
            Access::Text(place) => {
                for (r, cell) in records.iter_mut().zip(required::<ByteArrayType>(column, rows)?) {
                    *place(r) = cell.as_utf8()?.to_owned();
                }
            }
            Access::Flag(place) => {
                for (r, cell) in records.iter_mut().zip(required::<BoolType>(column, rows)?) {
                    *place(r) = cell;
                }
            }
            Access::MaybeNumber(place) => {
                for (r, cell) in records.iter_mut().zip(nullable::<DoubleType>(column, rows)?) {
                    *place(r) = cell;
                }
            }
            Access::MaybeText(place) => {
                for (r, cell) in records.iter_mut().zip(nullable::<ByteArrayType>(column, rows)?) {
                    *place(r) = cell.map(|text| text.as_utf8().map(str::to_owned)).transpose()?;
                }
            }
            Access::MaybeFlag(place) => {
                for (r, cell) in records.iter_mut().zip(nullable::<BoolType>(column, rows)?) {
                    *place(r) = cell;
                }
            }
        }
    }
    Ok(records)
}

type AnyColumn = parquet::column::reader::ColumnReader;

fn required<T: DataType>(column: AnyColumn, rows: usize) -> Result<Vec<T::T>, ParquetError> {
    let mut reader: ColumnReaderImpl<T> = parquet::column::reader::get_typed_column_reader(column);
    let mut values = Vec::with_capacity(rows);
    while values.len() < rows {
        let (read, _, _) = reader.read_records(rows - values.len(), None, None, &mut values)?;
        if read == 0 {
            return Err(ParquetError::EOF(format!("a column ends after {} of {rows} rows", values.len())));
        }
    }
    Ok(values)
}

fn nullable<T: DataType>(column: AnyColumn, rows: usize) -> Result<Vec<Option<T::T>>, ParquetError> {
    let mut reader: ColumnReaderImpl<T> = parquet::column::reader::get_typed_column_reader(column);
    let (mut values, mut levels) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    while levels.len() < rows {
        let missing = rows - levels.len();
        let (read, _, _) = reader.read_records(missing, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            return Err(ParquetError::EOF(format!("a column ends after {} of {rows} rows", levels.len())));
        }
    }
    let mut values = values.into_iter();
    Ok(levels.iter().map(|level| if *level == 1 { values.next() } else { None }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<RolloutRecord> {
        let known = RolloutRecord {
            step: 3,
            problem_id: "steps/17".into(),
            group_index: 1,
            sample_index: 2,
            trace: "<reasoning> a = 1 ∘ 2 </reasoning>".into(),
            trace_tokens: 9,
            defect: None,
            e: Some(1.0),
            w: Some(2.0 / 3.0),
            b: Some(0.0),
            u: Some(2.0 / 3.0),
            s: Some(0.875),
            reward: Some(0.1 + 0.2),
            advantage: Some(-1.25),
            failure: None,
            verdict: Some("passed".into()),
            artifact: Some("#### 3".into()),
            leaked: Some(false),
            verified: Some(true),
            truncated: false,
        };
        let unknown = RolloutRecord {
            step: 3,
            sample_index: 3,
            defect: Some(String::new()),
            failure: Some("executor: timed out after 3 tries".into()),
            truncated: true,
            ..RolloutRecord::default()
        };
        vec![known.clone(), unknown, known]
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("step_000003.parquet");
        for count in 0..=3 {
            let records = &records()[..count];
            write_rollouts(&path, records).unwrap();
            assert_eq!(read_rollouts(&path).unwrap(), records);
        }
        let many: Vec<RolloutRecord> = (0..5_000).map(|i| records()[i % 3].clone()).collect();
        write_rollouts(&path, &many).unwrap();
        assert_eq!(read_rollouts(&path).unwrap(), many);
    }

    #[test]
    fn not_a_number_becomes_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.parquet");
        let record = RolloutRecord { s: Some(f64::NAN), reward: Some(f64::INFINITY), ..Default::default() };
        write_rollouts(&path, &[record]).unwrap();
        let read = &read_rollouts(&path).unwrap()[0];
        assert_eq!((read.s, read.reward), (None, None));
    }

    #[test]
    fn other_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.parquet");
        std::fs::write(&path, b"not parquet at all").unwrap();
        assert!(matches!(read_rollouts(&path), Err(RolloutsError::Parquet { .. })));

        let other = parquet::schema::parser::parse_message_type(
            "message other { required int64 step; optional double problem_id; }",
        )
        .unwrap();
        let file = File::create(&path).unwrap();
        SerializedFileWriter::new(file, Arc::new(other), Default::default()).unwrap().close().unwrap();
        let message = read_rollouts(&path).unwrap_err().to_string();
        assert!(message.ends_with("its column `problem_id` is not REQUIRED BYTE_ARRAY"), "{message}");
    }

    #[test]
    fn a_torn_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.parquet");
        write_rollouts(&path, &records()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 4, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(read_rollouts(&path).is_err(), "{length} bytes");
        }
    }
}
