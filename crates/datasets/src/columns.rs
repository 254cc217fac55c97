//! Files of any layout, by the names of their columns.

use crate::{
    DatasetError, Row, Values,
    published::{made, text},
    statement,
};
use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::Field,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{fs::File, path::Path};
use tracelift_domain::{Gold, Problem, Question, TaskDomain};

/// Which column holds what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMap {
    /// The statement.
    pub problem: String,
    /// The solution.
    pub solution: Option<String>,
    /// The final answer.
    pub answer: Option<String>,
    /// An identifier; by default file and line.
    pub id: Option<String>,
    /// A reference trace.
    pub trace: Option<String>,
    /// What the problems call for. Default: `math`.
    #[serde(default = "math")]
    pub domain: TaskDomain,
    /// What the groups give as their source; by default the file's name.
    pub source: Option<String>,
}

fn math() -> TaskDomain {
    TaskDomain::Math
}

/// A row by its map. `line` is the row's number where there are no lines.
///
/// # Errors
/// Names the column that is missing or holds no text.
pub fn row_of(row: &Value, map: &ColumnMap, stem: &str, line: usize) -> Result<Row, String> {
    let column = |name: &str| -> Result<String, String> {
        match row.get(name) {
            None => {
                let known: Vec<&str> =
                    row.as_object().map(|row| row.keys().map(String::as_str).collect()).unwrap_or_default();
                Err(format!("has no column `{name}`; it has {}", known.join(", ")))
            }
            Some(_) => text(row, name).ok_or_else(|| format!("column `{name}` is no text")),
        }
    };
    let optional = |name: &Option<String>| name.as_ref().map(|name| column(name)).transpose();
    let statement = column(&map.problem)?;
    if statement.is_empty() {
        return Err(format!("column `{}` is empty", map.problem));
    }
    let solution = optional(&map.solution)?;
    let gold = match map.domain {
        TaskDomain::Code => Gold::Tests(statement::examples(&statement)),
        TaskDomain::Math | TaskDomain::Steps => {
            let after_marks = || Some(solution.as_deref()?.rsplit_once("####")?.1.trim().to_owned());
            let answer = optional(&map.answer)?.or_else(after_marks);
            Gold::Answer(answer.ok_or("no column holds the answer; name it as `answer` in `columns`")?)
        }
    };
    let source = map.source.clone().unwrap_or_else(|| stem.to_owned());
    let id = optional(&map.id)?.unwrap_or_else(|| format!("{line:05}"));
    let problem = Problem {
        id: format!("{source}/{id}"),
        question: Question::new(source, map.domain, statement),
        gold,
    };
    let mut row = made(line, problem, solution);
    row.trace = optional(&map.trace)?;
    Ok(row)
}

/// Whether a file is called Parquet.
pub(crate) fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
}

/// Opens a Parquet file.
fn reader(path: &Path) -> Result<SerializedFileReader<File>, DatasetError> {
    let file = File::open(path).map_err(|source| DatasetError::Io { path: path.to_owned(), source })?;
    SerializedFileReader::new(file)
        .map_err(|error| DatasetError::Parquet { path: path.to_owned(), message: error.to_string() })
}

/// How many rows a Parquet file says it has.
pub(crate) fn count(path: &Path) -> Result<u64, DatasetError> {
    Ok(u64::try_from(reader(path)?.metadata().file_metadata().num_rows()).unwrap_or(0))
}

/// The rows of a Parquet file as objects, numbered from 1; memory holds one row group.
pub(crate) fn parquet(path: &Path) -> Result<Values, DatasetError> {
    let reader = reader(path)?;
    let path = path.to_owned();
    let wrong = move |line: usize, message: String| DatasetError::Line { path: path.clone(), line, message };
    let groups = reader.num_row_groups();
    let mut line = 0;
    let rows = (0..groups).flat_map(move |group| {
        let mut out = Vec::new();
        let rows = reader.get_row_group(group).and_then(|group| {
            let rows = group.get_row_iter(None)?;
            rows.collect::<Result<Vec<_>, _>>()
        });
        match rows {
            Err(error) => out.push(Err(wrong(line + 1, format!("row group {group}: {error}")))),
            Ok(rows) => out.extend(rows.iter().map(|row| {
                line += 1;
                let object: Map<String, Value> =
                    row.get_column_iter().map(|(name, field)| (name.clone(), plain(field))).collect();
                Ok((line, Value::Object(object)))
            })),
        }
        out
    });
    Ok(Box::new(rows))
}

/// Texts, numbers, lists and what has named parts; a value of another type is `null` and refused where it is asked for.
fn plain(field: &Field) -> Value {
    match field {
        Field::ListInternal(list) => list.elements().iter().map(plain).collect(),
        Field::Group(row) => {
            row.get_column_iter().map(|(name, field)| (name.clone(), plain(field))).collect()
        }
        Field::Str(text) => Value::from(text.as_str()),
        Field::Bool(value) => Value::from(*value),
        Field::Byte(n) => Value::from(*n),
        Field::Short(n) => Value::from(*n),
        Field::Int(n) => Value::from(*n),
        Field::Long(n) => Value::from(*n),
        Field::UInt(n) => Value::from(*n),
        Field::ULong(n) => Value::from(*n),
        Field::Float(n) => Value::from(*n),
        Field::Double(n) => Value::from(*n),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).map_or(Value::Null, Value::from),
        _ => Value::Null,
    }
}
