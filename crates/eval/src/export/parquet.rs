//! Parquet: `samples.parquet`, the fields of samples as columns of the same names. What is unknown is null.

use super::Results;
use crate::EvalError;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracelift_table::{write as write_cells, write_lists};

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
        Text => write_cells::<ByteArrayType>(group, cells.iter().map(|cell| text(cell))),
        Json => {
            let json = |cell: &&Value| (!cell.is_null()).then(|| ByteArray::from(cell.to_string().as_str()));
            write_cells::<ByteArrayType>(group, cells.iter().map(json))
        }
        Count => write_cells::<Int64Type>(group, cells.iter().map(|cell| cell.as_i64())),
        Number => write_cells::<DoubleType>(group, cells.iter().map(|cell| cell.as_f64())),
        Flag => write_cells::<BoolType>(group, cells.iter().map(|cell| cell.as_bool())),
        Texts => {
            let elements = |cell: &&Value| cell.as_array().into_iter().flatten().map(text).collect();
            write_lists(group, cells.iter().map(elements))
        }
    }
}
