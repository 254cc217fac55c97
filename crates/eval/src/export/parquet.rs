//! Parquet: `samples.parquet`, the fields of samples as columns of the same names. What is unknown is null.

use super::Results;
use crate::EvalError;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are written together.
const BATCH: usize = 4096;

/// What a column holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Count,
    Number,
    Flag,
    /// A list of texts, each of which may be null.
    Texts,
    /// An object, as JSON.
    Json,
}

use Kind::{Count, Flag, Json, Number, Text, Texts};

/// The columns, in the order of the document on samples.
const COLUMNS: [(&str, Kind); 33] = [
    ("row", Text),
    ("problem_id", Text),
    ("benchmark", Text),
    ("source", Text),
    ("domain", Text),
    ("question", Text),
    ("gold", Text),
    ("level", Count),
    ("seed", Count),
    ("planner_prompt_sha256", Text),
    ("executor_prompt_sha256", Text),
    ("completion", Text),
    ("trace", Text),
    ("trace_tokens", Count),
    ("truncated", Flag),
    ("defect", Text),
    ("executor_completions", Texts),
    ("artifacts", Texts),
    ("verdicts", Texts),
    ("executor_calls", Count),
    ("executor_prompt_tokens", Count),
    ("executor_tokens", Count),
    ("executor_truncated", Count),
    ("seconds", Number),
    ("unknown_because", Texts),
    ("correct", Flag),
    ("baseline_success", Number),
    ("with_success", Number),
    ("verified", Flag),
    ("leaked", Flag),
    ("rubric", Json),
    ("execution", Json),
    ("executor", Text),
];

pub(super) fn write(results: &Results, out: &Path) -> Result<Vec<PathBuf>, EvalError> {
    tracelift_files::make_folder(out)?;
    let path = out.join("samples.parquet");
    let draft = tracelift_files::Draft::begin(&path)?;
    let failed = |error: ParquetError| EvalError::Parquet { path: path.clone(), reason: error.to_string() };
    let rows: Result<Vec<Value>, serde_json::Error> =
        results.samples.iter().map(serde_json::to_value).collect();
    let rows = rows.map_err(|source| EvalError::Encode { what: "a sample", source })?;
    let filled = (|| {
        let schema = Arc::new(parse_message_type(&schema())?);
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
        let mut writer = SerializedFileWriter::new(draft, schema, Arc::new(properties.build()))?;
        for batch in rows.chunks(BATCH) {
            let mut group = writer.next_row_group()?;
            for (name, kind) in COLUMNS {
                let cells: Vec<&Value> = batch.iter().map(|row| &row[name]).collect();
                column(&mut group, kind, &cells)?;
            }
            group.close()?;
        }
        writer.into_inner()
    })();
    filled.map_err(failed)?.finish()?;
    Ok(vec![path])
}

fn schema() -> String {
    let field = |(name, kind): (&str, Kind)| match kind {
        Text | Json => format!("optional binary {name} (UTF8);"),
        Count => format!("optional int64 {name};"),
        Number => format!("optional double {name};"),
        Flag => format!("optional boolean {name};"),
        Texts => format!(
            "required group {name} (LIST) {{ repeated group list {{ optional binary element (UTF8); }} }}"
        ),
    };
    format!("message samples {{ {} }}", COLUMNS.map(field).join(" "))
}

fn column<W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    kind: Kind,
    cells: &[&Value],
) -> Result<(), ParquetError> {
    let text = |value: &Value| value.as_str().map(ByteArray::from);
    match kind {
        Text => flat::<ByteArrayType, _>(group, cells.iter().map(|cell| text(cell)).collect()),
        Json => {
            let json = |cell: &&Value| (!cell.is_null()).then(|| ByteArray::from(cell.to_string().as_str()));
            flat::<ByteArrayType, _>(group, cells.iter().map(json).collect())
        }
        Count => flat::<Int64Type, _>(group, cells.iter().map(|cell| cell.as_i64()).collect()),
        Number => flat::<DoubleType, _>(group, cells.iter().map(|cell| cell.as_f64()).collect()),
        Flag => flat::<BoolType, _>(group, cells.iter().map(|cell| cell.as_bool()).collect()),
        Texts => {
            let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
            for cell in cells {
                let elements = cell.as_array().map(Vec::as_slice).unwrap_or_default();
                if elements.is_empty() {
                    definitions.push(0);
                    repetitions.push(0);
                }
                for (at, element) in elements.iter().enumerate() {
                    let value = text(element);
                    definitions.push(if value.is_some() { 2 } else { 1 });
                    repetitions.push(i16::from(at > 0));
                    values.extend(value);
                }
            }
            put::<ByteArrayType>(group, &values, &definitions, Some(&repetitions))
        }
    }
}

fn flat<T: DataType, W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: Vec<Option<T::T>>,
) -> Result<(), ParquetError> {
    let definitions: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    put::<T>(group, &values, &definitions, None)
}

fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl std::io::Write + Send>,
    values: &[T::T],
    definitions: &[i16],
    repetitions: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("the schema has fewer columns".into()));
    };
    column.typed::<T>().write_batch(values, Some(definitions), repetitions)?;
    column.close()
}
