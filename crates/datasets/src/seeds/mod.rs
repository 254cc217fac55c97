//! Seeds of trace groups: problems *with the solutions* that their data sets publish, read as a stream from JSONL (also
//! packed by gzip) or Parquet.
//!
//! | format | fields that are read |
//! |---|---|
//! | `gsm8k` | `question`, `answer` (worked solution, then `#### n`) |
//! | `math` | `problem`, `solution`, `answer` (or the last `\boxed{…}`), `unique_id` |
//! | `svamp` | `Body`, `Question`, `Answer`, `Equation`, `ID` |
//! | `mbpp` | `task_id`, `text` (or `prompt`), `code`, `test_list`, `test_setup_code` |
//! | `humaneval` | `task_id`, `prompt`, `canonical_solution`, `entry_point`, `test` |
//! | `stdio` | `problem` (or `description`, `question`), `solution` (or `solutions[0]`, `code`); tests from the statement's examples |
//! | `columns` | whatever a [`ColumnMap`] names, from JSONL or Parquet |

mod columns;
mod held_out;
mod lines;
pub mod statement;

pub use columns::{ColumnMap, row_of};
pub use held_out::held_out;

use crate::{DatasetError, stem};
use lines::Lines;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;
use tracelift_domain::{FunctionTests, Gold, Problem, Question, TaskDomain};

/// How a file of seeds is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeedFormat {
    /// GSM8K.
    Gsm8k,
    /// MATH and its kin.
    Math,
    /// SVAMP.
    Svamp,
    /// MBPP.
    Mbpp,
    /// HumanEval and its kin.
    HumanEval,
    /// Problems for programs that read and print, with examples in the statement.
    Stdio,
    /// Named columns.
    Columns,
}

/// A problem with its published solution.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedRow {
    /// The problem with its gold.
    pub problem: Problem,
    /// The solution.
    pub solution: String,
    /// A reference trace, where the file has one.
    pub trace: Option<String>,
    /// What else is known: line, task.
    pub origin: Map<String, Value>,
}

/// Reads seeds one by one; memory holds one line (or one row group of a Parquet file).
///
/// # Errors
/// When the file cannot be opened, or the format needs columns and has none. What is wrong with a row comes as an item,
/// and reading goes on after it.
pub fn read(
    path: &Path,
    format: SeedFormat,
    columns: Option<&ColumnMap>,
) -> Result<Box<dyn Iterator<Item = Result<SeedRow, DatasetError>> + Send>, DatasetError> {
    let wrong = |line: usize, message: String| DatasetError::Line { path: path.to_owned(), line, message };
    let stem = stem(path).to_owned();
    if format == SeedFormat::Columns {
        let map = columns.ok_or_else(|| {
            wrong(
                0,
                "format `columns` needs a table `columns` that names them; give at least `problem`".into(),
            )
        })?;
        let (map, path) = (map.clone(), path.to_owned());
        let rows = rows(&path)?.map(move |row| {
            let (line, value) = row?;
            row_of(&value, &map, &stem, line).map_err(|message| DatasetError::Line {
                path: path.clone(),
                line,
                message,
            })
        });
        return Ok(Box::new(rows));
    }
    let path = path.to_owned();
    let rows = json_lines(&path)?.map(move |row| {
        let (line, value) = row?;
        let row = published(format, &value, &stem, line);
        row.map_err(|message| DatasetError::Line { path: path.clone(), line, message })
    });
    Ok(Box::new(rows))
}

/// Rows with their numbers, as a file gives them.
type Rows = Box<dyn Iterator<Item = Result<(usize, Value), DatasetError>> + Send>;

/// The rows of a JSONL or Parquet file as objects, numbered from 1.
pub(crate) fn rows(path: &Path) -> Result<Rows, DatasetError> {
    if columns::is_parquet(path) {
        return columns::parquet(path);
    }
    Ok(Box::new(json_lines(path)?))
}

fn json_lines(
    path: &Path,
) -> Result<impl Iterator<Item = Result<(usize, Value), DatasetError>> + Send + use<>, DatasetError> {
    let place = path.to_owned();
    Ok(Lines::open(path)?.map(move |line| {
        let (line, text) = line?;
        let value = serde_json::from_str(&text).map_err(|error| DatasetError::Line {
            path: place.clone(),
            line,
            message: format!("not JSON: {error}"),
        })?;
        Ok((line, value))
    }))
}

/// How many rows a file of seeds has, readable or not, for whoever wants to tell how far the work is.
///
/// # Errors
/// When it cannot be read.
pub fn count(path: &Path) -> Result<u64, DatasetError> {
    if columns::is_parquet(path) {
        return columns::count(path);
    }
    let mut rows = 0;
    for line in Lines::open(path)? {
        match line {
            Ok(_) | Err(DatasetError::Line { .. }) => rows += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// The text of a field; numbers are written out.
fn text(row: &Value, key: &str) -> Option<String> {
    match row.get(key)? {
        Value::String(text) => Some(text.replace("\r\n", "\n").trim().to_owned()),
        Value::Number(number) => {
            let text = number.to_string();
            Some(text.strip_suffix(".0").unwrap_or(&text).to_owned())
        }
        _ => None,
    }
}

/// The first of several fields that is there.
fn first(row: &Value, keys: &[&str]) -> Result<String, String> {
    keys.iter().find_map(|key| text(row, key)).filter(|text| !text.is_empty()).ok_or_else(|| {
        let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        format!("has no text in {}", names.join(" or "))
    })
}

/// A row in a published format.
fn published(format: SeedFormat, row: &Value, stem: &str, line: usize) -> Result<SeedRow, String> {
    let mut origin = Map::new();
    origin.insert("line".to_owned(), line.into());
    let made =
        |id: String, source: &str, domain, statement: String, gold, solution: String, origin| SeedRow {
            problem: Problem { id, question: Question::new(source, domain, statement), gold },
            solution,
            trace: None,
            origin,
        };
    Ok(match format {
        SeedFormat::Gsm8k => {
            let (question, answer) = (first(row, &["question"])?, first(row, &["answer"])?);
            let gold =
                answer.rsplit_once("####").ok_or("`answer` has no final answer after `####`")?.1.trim();
            let gold = Gold::Answer(gold.to_owned());
            let id = format!("gsm8k/{stem}/{line:05}");
            made(id, "gsm8k", TaskDomain::Math, question, gold, answer, origin)
        }
        SeedFormat::Math => {
            let (problem, solution) = (first(row, &["problem"])?, first(row, &["solution"])?);
            let answer = text(row, "answer").or_else(|| boxed(&solution));
            let gold = answer.ok_or("has no `answer`, and its `solution` no \\boxed{…}")?;
            let unique = text(row, "unique_id");
            origin.extend(unique.clone().map(|id| ("unique_id".to_owned(), id.into())));
            let id = unique.unwrap_or_else(|| format!("{stem}/{line:05}"));
            made(
                format!("math/{id}"),
                "math",
                TaskDomain::Math,
                problem,
                Gold::Answer(gold),
                solution,
                origin,
            )
        }
        SeedFormat::Svamp => {
            let statement = format!("{} {}", sentence(&first(row, &["Body"])?), first(row, &["Question"])?);
            let (equation, answer) = (first(row, &["Equation"])?, first(row, &["Answer"])?);
            let id = text(row, "ID").unwrap_or_else(|| format!("{line:05}"));
            let plain = equation.replace(".0 ", " ").replace(['(', ')'], "");
            let solution = match plain.split_whitespace().count() {
                3 => format!("{} = {answer}", plain.split_whitespace().collect::<Vec<_>>().join(" ")),
                _ => format!("{} = {answer}", equation.replace(".0 ", " ")),
            };
            let gold = Gold::Answer(answer);
            made(format!("svamp/{stem}/{id}"), "svamp", TaskDomain::Math, statement, gold, solution, origin)
        }
        SeedFormat::Mbpp => {
            let task = first(row, &["task_id"])?;
            origin.insert("task_id".to_owned(), row["task_id"].clone());
            let (statement, code) = (first(row, &["text", "prompt"])?, first(row, &["code"])?);
            let listed = row.get("test_list").and_then(Value::as_array).into_iter().flatten();
            let gold = Gold::Function(FunctionTests {
                setup: text(row, "test_setup_code").unwrap_or_default(),
                asserts: listed.filter_map(|test| test.as_str().map(str::to_owned)).collect(),
                ..FunctionTests::default()
            });
            made(format!("mbpp/{task}"), "mbpp", TaskDomain::Code, statement, gold, code, origin)
        }
        SeedFormat::HumanEval => {
            let task = first(row, &["task_id"])?;
            let prompt = row["prompt"].as_str().ok_or("has no text in `prompt`")?;
            let body = row["canonical_solution"].as_str().ok_or("has no text in `canonical_solution`")?;
            let entry = text(row, "entry_point");
            let gold = Gold::Function(FunctionTests {
                given: entry
                    .as_deref()
                    .map(|entry| FunctionTests::given_by(prompt, entry))
                    .unwrap_or_default(),
                entry: entry.clone(),
                check: text(row, "test"),
                ..FunctionTests::default()
            });
            let code = format!("{prompt}{body}");
            let mut made =
                made(task, "humaneval", TaskDomain::Code, prompt.trim().to_owned(), gold, code, origin);
            made.problem.question.entry = entry;
            made
        }
        SeedFormat::Stdio => {
            let statement = first(row, &["problem", "description", "question"])?;
            let listed = row.get("solutions").and_then(|all| all.get(0)).and_then(Value::as_str);
            let solution = match listed {
                Some(solution) => solution.to_owned(),
                None => first(row, &["solution", "code"])?,
            };
            let tests = statement::examples(&statement);
            let id = first(row, &["id", "problem_id", "name"]).unwrap_or_else(|_| format!("{line:05}"));
            let gold = Gold::Tests(tests);
            made(format!("{stem}/{id}"), stem, TaskDomain::Code, statement, gold, solution, origin)
        }
        SeedFormat::Columns => return Err("format `columns` needs a table `columns`".into()),
    })
}

/// With a full stop, where the data set left it out.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?', ',']) { text.to_owned() } else { format!("{text}.") }
}

/// What stands in the last `\boxed{…}`.
fn boxed(solution: &str) -> Option<String> {
    let start = solution.rfind("\\boxed{")? + "\\boxed{".len();
    let mut depth = 1;
    for (at, c) in solution[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(solution[start..start + at].to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests;
