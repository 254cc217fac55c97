//! A journal's lines as a Parquet table. What is unknown is null, and what rollouts of a training have too goes by the same name.

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use tracelift_files::{Draft, WriteError};
use tracelift_table::{list_of_texts, write, write_lists};

/// What a cell is made of. Where the line has nothing there, it is null.
enum Cell {
    Text(&'static str),
    Number(&'static str),
    Count(&'static str),
    Flag(&'static str),
    /// What is no text itself, as JSON.
    Json(&'static str),
    /// Of a list, or of a field of each of its objects.
    Texts(&'static str, &'static str),
}

use Cell::{Count, Flag, Json, Number, Text, Texts};

/// The columns: how they are called, and where in a line they stand.
const COLUMNS: [(&str, Cell); 45] = [
    ("at", Number("/at")),
    ("index", Count("/index")),
    ("problem_id", Text("/problem_id")),
    ("source", Text("/problem/source")),
    ("domain", Text("/problem/domain")),
    ("question", Text("/problem/statement")),
    ("gold", Json("/problem/gold")),
    ("completion", Text("/completion")),
    ("trace", Text("/trace")),
    ("truncated", Flag("/truncated")),
    ("defect", Text("/defect")),
    ("leaked", Flag("/leaked")),
    ("executor", Text("/executor")),
    ("executors", Json("/executors")),
    ("executor_completions", Texts("/executor_completions", "")),
    ("artifacts", Texts("/runs", "artifact")),
    ("verdicts", Texts("/runs", "verdict")),
    ("baseline_completions", Texts("/baseline_completions", "")),
    ("baseline_artifacts", Texts("/baseline", "artifact")),
    ("baseline_verdicts", Texts("/baseline", "verdict")),
    ("e", Number("/e")),
    ("w", Number("/w")),
    ("b", Number("/b")),
    ("u", Number("/u")),
    ("s", Number("/s")),
    ("rubric_problem_understanding", Number("/dimensions/problem_understanding")),
    ("rubric_solution_strategy", Number("/dimensions/solution_strategy")),
    ("rubric_step_coherence", Number("/dimensions/step_coherence")),
    ("rubric_calculation_correctness", Number("/dimensions/calculation_correctness")),
    ("rubric_answer_support", Number("/dimensions/answer_support")),
    ("rubric_task_understanding", Number("/dimensions/task_understanding")),
    ("rubric_plan_quality", Number("/dimensions/plan_quality")),
    ("rubric_action_support", Number("/dimensions/action_support")),
    ("rubric_non_leakage", Number("/dimensions/non_leakage")),
    ("reward", Number("/reward")),
    ("reward_format", Number("/format")),
    ("unknown_cause", Text("/unknown/cause")),
    ("unknown_where", Text("/unknown/where")),
    ("unknown_message", Text("/unknown/message")),
    ("rule", Text("/settings/rule")),
    ("lambda", Number("/settings/lambda")),
    ("runs", Count("/settings/runs")),
    ("seed", Count("/settings/seed")),
    ("settings", Json("/settings")),
    ("fingerprints", Json("/fingerprints")),
];

/// Rows of a row group, and bytes of the lines that they come from: what is held at a time.
const ROWS: usize = 1024;
const BYTES: usize = 16 << 20;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Copied {
    pub rows: usize,
    /// Lines that a crash cut off.
    pub unreadable: usize,
}

/// Why no table is made.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: io::Error },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("cannot encode the table: {0}")]
    Encode(#[from] ParquetError),
}

/// Makes a table of a journal, whole or not at all.
pub(super) fn copy(journal: &Path, part: &Path) -> Result<Copied, CopyError> {
    let read = |source| CopyError::Read { path: journal.display().to_string(), source };
    let mut lines = BufReader::new(File::open(journal).map_err(read)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("tracelift".to_owned())
        .build();
    let draft = Draft::begin(part)?;
    let mut writer = SerializedFileWriter::new(draft, Arc::new(schema()?), Arc::new(properties))?;
    let (mut copied, mut rows, mut bytes) = (Copied::default(), Vec::new(), 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = lines.read_until(b'\n', &mut line).map_err(read)?;
        match serde_json::from_slice::<Value>(&line) {
            Ok(row) if row.is_object() => {
                rows.push(row);
                bytes += length;
            }
            _ if line.trim_ascii().is_empty() => {}
            _ => copied.unreadable += 1,
        }
        if rows.len() == ROWS || bytes >= BYTES || (length == 0 && !rows.is_empty()) {
            copied.rows += rows.len();
            let mut group = writer.next_row_group()?;
            for (_, cell) in &COLUMNS {
                write_column(&mut group, cell, &rows)?;
            }
            group.close()?;
            rows.clear();
            bytes = 0;
        }
        if length == 0 {
            break;
        }
    }
    writer.into_inner()?.finish()?;
    Ok(copied)
}

fn schema() -> Result<Type, ParquetError> {
    let fields = COLUMNS.iter().map(|(name, cell)| field(name, cell)).collect::<Result<_, _>>()?;
    Type::group_type_builder("rewards").with_fields(fields).build()
}

fn field(name: &str, cell: &Cell) -> Result<TypePtr, ParquetError> {
    let value = |name: &str, physical, converted| {
        let value = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        value.with_converted_type(converted).build().map(Arc::new)
    };
    match cell {
        Text(_) | Json(_) => value(name, Physical::BYTE_ARRAY, ConvertedType::UTF8),
        Number(_) => value(name, Physical::DOUBLE, ConvertedType::NONE),
        Count(_) => value(name, Physical::INT64, ConvertedType::NONE),
        Flag(_) => value(name, Physical::BOOLEAN, ConvertedType::NONE),
        Texts(..) => list_of_texts(name),
    }
}

type Group<'g> = SerializedRowGroupWriter<'g, Draft>;

fn write_column(group: &mut Group<'_>, cell: &Cell, rows: &[Value]) -> Result<(), ParquetError> {
    let at = |pointer: &str| rows.iter().map(|row| row.pointer(pointer)).collect::<Vec<_>>();
    let text = |value: &Value| value.as_str().map(ByteArray::from);
    match cell {
        Text(pointer) => write::<ByteArrayType>(group, at(pointer).into_iter().map(|value| text(value?))),
        Number(pointer) => write::<DoubleType>(group, at(pointer).into_iter().map(|value| value?.as_f64())),
        // A seed may be any number of 64 bits; Parquet's are signed.
        Count(pointer) => write::<Int64Type>(
            group,
            at(pointer).into_iter().map(|value| value?.as_u64().map(u64::cast_signed)),
        ),
        Flag(pointer) => write::<BoolType>(group, at(pointer).into_iter().map(|value| value?.as_bool())),
        Json(pointer) => {
            let json =
                |value: &Value| (!value.is_null()).then(|| ByteArray::from(value.to_string().into_bytes()));
            write::<ByteArrayType>(group, at(pointer).into_iter().map(|value| json(value?)))
        }
        Texts(pointer, field) => {
            let element = |value: &Value| match *field {
                "" => text(value),
                field => text(value.get(field)?),
            };
            write_lists(
                group,
                at(pointer)
                    .into_iter()
                    .map(|list| list.and_then(Value::as_array).into_iter().flatten().map(element).collect()),
            )
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    use serde_json::json;

    fn column(part: &Path, name: &str) -> Vec<Field> {
        let reader = SerializedFileReader::new(File::open(part).unwrap()).unwrap();
        let cell = |row: parquet::record::Row| {
            row.get_column_iter().find(|(found, _)| *found == name).unwrap().1.clone()
        };
        reader.get_row_iter(None).unwrap().map(|row| cell(row.unwrap())).collect()
    }

    /// The texts of a column.
    pub fn texts(part: &Path, name: &str) -> Vec<Option<String>> {
        let text = |field| match field {
            Field::Null => None,
            Field::Str(text) => Some(text),
            other => panic!("{other:?} is no text"),
        };
        column(part, name).into_iter().map(text).collect()
    }

    #[test]
    fn what_is_unknown_is_null_and_lists_keep_their_gaps() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, part) = (folder.path().join("a.rows"), folder.path().join("a.parquet"));
        let known = json!({"reward": 0.5, "leaked": true, "index": 3, "problem": {"gold": {"answer": "2"}},
            "runs": [{"artifact": "2"}, {"artifact": null}], "executor_completions": ["#### 2", null],
            "settings": {"seed": u64::MAX}});
        let unknown = json!({"reward": null, "runs": [], "unknown": {"cause": "timeout"}});
        std::fs::write(&journal, format!("{known}\n\n{unknown}\n{{\"cut\n")).unwrap();
        assert_eq!(copy(&journal, &part).unwrap(), Copied { rows: 2, unreadable: 1 });
        assert_eq!(column(&part, "reward"), [Field::Double(0.5), Field::Null]);
        assert_eq!(column(&part, "leaked"), [Field::Bool(true), Field::Null]);
        assert_eq!(column(&part, "seed"), [Field::Long(-1), Field::Null]);
        assert_eq!(texts(&part, "gold"), [Some("{\"answer\":\"2\"}".to_owned()), None]);
        assert_eq!(texts(&part, "unknown_cause"), [None, Some("timeout".to_owned())]);
        let Field::ListInternal(artifacts) = &column(&part, "artifacts")[0] else { panic!("a list") };
        assert_eq!(artifacts.elements(), [Field::Str("2".into()), Field::Null]);
    }

    #[test]
    fn many_rows_are_held_few_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, part) = (folder.path().join("a.rows"), folder.path().join("a.parquet"));
        let lines: String = (0..2 * ROWS + 1).map(|i| format!("{{\"problem_id\":\"{i}\"}}\n")).collect();
        std::fs::write(&journal, lines).unwrap();
        assert_eq!(copy(&journal, &part).unwrap().rows, 2 * ROWS + 1);
        let reader = SerializedFileReader::new(File::open(&part).unwrap()).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 3);
        assert_eq!(texts(&part, "problem_id").len(), 2 * ROWS + 1);
        // An empty journal is an empty table, which can be read.
        std::fs::write(&journal, "").unwrap();
        copy(&journal, &part).unwrap();
        assert!(texts(&part, "problem_id").is_empty());
    }
}
