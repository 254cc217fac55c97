//! Problem sets, read in the formats in which they are published: one reader for training, evaluation, seeds of trace groups
//! and verification.
//!
//! [`DataSet::open`] takes a path, a [`Format`] or none (it is then recognised from the first row), and for files of other
//! layouts a [`ColumnMap`]. A [`Row`] is a problem with its gold, and where the file has them its solution and a trace.
//! Files are JSONL, packed by gzip or not, or Parquet (by the name's ending); they are read as a stream.
//!
//! | format | fields that are read |
//! |---|---|
//! | `gsm8k` | `question`, `answer` (worked solution, then `#### n`) |
//! | `math` | `problem`, `answer` (or the last `\boxed{…}` of `solution`), `solution`, `unique_id` |
//! | `svamp` | `Body`, `Question`, `Answer`, `Equation`, `ID` |
//! | `aime` | `problem` (or `question`), `answer`, `solution`, `id`, in any case |
//! | `mbpp` | `task_id`, `text` (or `prompt`), `code`, `test_list`, `test_setup_code` or `test_imports`; EvalPlus's `prompt`, `canonical_solution`, `entry_point`, `base_input`, `plus_input`, `assertion` |
//! | `humaneval` | `task_id`, `prompt`, `canonical_solution`, `entry_point`, `test`; EvalPlus's `base_input` and `plus_input` in place of `test` |
//! | `stdio` | see [`mod@stdio`] |
//! | `problems` | `{"id", "source", "domain", "statement", "gold": {"answer": …} or {"tests": […]} or {"function": {…}}}` |
//! | `groups` | `problem_id`, `source`, `task_type`, `problem`, `reference_solution`, `positive_pool`, `metadata` |
//! | `columns` | whatever a [`ColumnMap`] names |
//!
//! Models are measured on test sets, so [`DataSet::training`] and `groups build` leave out what is known to belong to one
//! ([`held_out`]).

mod benchmark;
mod columns;
mod evalplus;
mod format;
mod held_out;
mod lines;
mod published;
pub mod solutions;
pub mod statement;
pub mod stdio;

pub use benchmark::{Benchmark, drawn};
pub use columns::{ColumnMap, row_of};
pub use format::Format;
pub use held_out::{HeldOutFamilies, held_out, held_out_statement};
pub use lines::skip_mark;
pub use published::of_group;

use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};
use tracelift_domain::{Gold, Problem, VARIANT_OF};

/// A problem, and what else its file says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The problem with its gold.
    pub problem: Problem,
    /// The solution of the set's authors, where the file has one; of programs, the whole program.
    pub solution: Option<String>,
    /// A reference trace, where the file has one.
    pub trace: Option<String>,
    /// The beginning of the program that a completion goes on from, as it stands in the file (HumanEval).
    pub opening: Option<String>,
    /// What else is known: line, task.
    pub origin: Map<String, Value>,
}

impl Row {
    /// The name of its family among those of all sources.
    fn family(&self) -> String {
        let first = self.origin.get(VARIANT_OF).and_then(Value::as_str).unwrap_or(&self.problem.id);
        format!("{}/{first}", self.problem.question.source)
    }
}

/// Why problems cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A Parquet file is damaged, or none.
    #[error("{}: {message}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the library says.
        message: String,
    },
    /// A line is not what the format promises.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The first row is of no format, or could be of several.
    #[error(
        "{}:{line}: it is not plain how the file is laid out: its rows have {keys}; name its `format`, or `columns`; {}",
        path.display(),
        Format::all_with_fields()
    )]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// The row.
        line: usize,
        /// What it has.
        keys: String,
    },
    /// A format that needs a table of columns, or a table without one.
    #[error("{}: {message}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// What is missing.
        message: &'static str,
    },
    /// Nothing in it.
    #[error("{} holds no problems", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Nothing in it but test sets.
    #[error(
        "{} holds nothing but problems on which models are evaluated ({}), which nothing is trained on; to train on them \
         all the same, for a measurement of just that, set `force_test_sets = true`",
        path.display(),
        counted(left_out)
    )]
    TestSets {
        /// The file.
        path: PathBuf,
        /// How many of which test set.
        left_out: BTreeMap<&'static str, u64>,
    },
}

/// `500 of MBPP 11-510 (test), 30 of AIME`.
fn counted(left_out: &BTreeMap<&'static str, u64>) -> String {
    let told: Vec<String> = left_out.iter().map(|(name, count)| format!("{count} of {name}")).collect();
    told.join(", ")
}

/// What becomes of problems of known test sets where problems to train on are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestSets {
    /// They are left out.
    LeftOut,
    /// They are trained on: for measuring what that does, and for nothing else.
    Forced,
}

/// Problems to train on.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// The problems.
    pub problems: Vec<Problem>,
    /// How many were left out, by test set.
    pub left_out: BTreeMap<&'static str, u64>,
}

impl Training {
    /// What was left out, for people; `None` where nothing was.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let told = counted(&self.left_out);
        (!told.is_empty()).then(|| format!("left out what models are evaluated on: {told}"))
    }
}

/// A file of problems, of a known layout.
#[derive(Clone, Debug)]
pub struct DataSet {
    path: PathBuf,
    format: Format,
    columns: Option<ColumnMap>,
    name: Option<String>,
}

/// Rows with their numbers, as a file gives them.
pub type Values = Box<dyn Iterator<Item = Result<(usize, Value), DatasetError>> + Send>;

/// Rows one by one. What is wrong with a row comes as an item, and reading goes on after it.
pub type Rows = Box<dyn Iterator<Item = Result<Row, DatasetError>> + Send>;

impl DataSet {
    /// A file. Without a format, one is recognised from its first row; with `columns` it needs none.
    ///
    /// # Errors
    /// When the file cannot be opened, its layout is not plain, or format and columns do not go together.
    pub fn open(
        path: &Path,
        format: Option<Format>,
        columns: Option<&ColumnMap>,
    ) -> Result<DataSet, DatasetError> {
        let wrong = |message| DatasetError::Columns { path: path.to_owned(), message };
        let format = match (format, columns) {
            (Some(Format::Columns) | None, Some(_)) => Format::Columns,
            (Some(Format::Columns), None) => {
                return Err(wrong(
                    "format `columns` needs a table `columns` that names them; give at least `problem`",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "a table `columns` goes with format `columns` alone; leave one of them out",
                ));
            }
            (Some(format), None) => format,
            (None, None) => recognised(path)?,
        };
        Ok(DataSet { path: path.to_owned(), format, columns: columns.cloned(), name: None })
    }

    /// The same set under a name of its own: where a format takes source and identifiers of its problems from the file's name,
    /// which says little (`test`), it takes them from this.
    #[must_use]
    pub fn called(self, name: &str) -> DataSet {
        DataSet { name: Some(name.to_owned()), ..self }
    }

    /// What source and identifiers of its problems begin with, where the format has nothing better.
    fn stem(&self) -> String {
        let named = matches!(self.format, Format::Stdio | Format::Columns);
        self.name.clone().filter(|_| named).unwrap_or_else(|| stem(&self.path).to_owned())
    }

    /// How it is laid out.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Reads rows one by one; memory holds one line (or one row group of a Parquet file).
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn rows(&self) -> Result<Rows, DatasetError> {
        let (path, format, columns) = (self.path.clone(), self.format, self.columns.clone());
        let stem = self.stem();
        Ok(Box::new(values(&self.path)?.map(move |value| {
            let (line, value) = value?;
            let row = match &columns {
                Some(map) => row_of(&value, map, &stem, line),
                None => published::row(format, &value, &stem, line).map_err(|what| {
                    format!("{what}; format {format} reads {}; {}", format.fields(), Format::all())
                }),
            };
            row.map_err(|message| DatasetError::Line { path: path.clone(), line, message })
        })))
    }

    /// Its problems, the first `limit` of them.
    ///
    /// # Errors
    /// Names the file and the line that is wrong.
    pub fn problems(&self, limit: Option<usize>) -> Result<Vec<Problem>, DatasetError> {
        let most = limit.unwrap_or(usize::MAX);
        let problems: Vec<Problem> =
            self.tested()?.take(most).map(|row| Ok(row?.problem)).collect::<Result<_, DatasetError>>()?;
        match problems.is_empty() {
            true => Err(DatasetError::Empty { path: self.path.clone() }),
            false => Ok(problems),
        }
    }

    /// Its problems to train on, the first `limit` of them.
    ///
    /// # Errors
    /// As [`DataSet::problems`], and where nothing is left but what belongs to a test set.
    pub fn training(&self, limit: Option<usize>, test_sets: TestSets) -> Result<Training, DatasetError> {
        let most = limit.unwrap_or(usize::MAX);
        let mut training = Training { problems: Vec::new(), left_out: BTreeMap::new() };
        let families = match (self.format, test_sets) {
            (Format::Groups, TestSets::LeftOut) => self.held_out_families()?,
            _ => HeldOutFamilies::default(),
        };
        for row in self.tested()? {
            if training.problems.len() >= most {
                break;
            }
            let row = row?;
            let held = held_out(&self.path, self.format, &row).or_else(|| families.of(&row.family()));
            match held.filter(|_| test_sets == TestSets::LeftOut) {
                Some(name) => *training.left_out.entry(name).or_default() += 1,
                None => training.problems.push(row.problem),
            }
        }
        match (training.problems.is_empty(), training.left_out.is_empty()) {
            (true, true) => Err(DatasetError::Empty { path: self.path.clone() }),
            (true, false) => {
                Err(DatasetError::TestSets { path: self.path.clone(), left_out: training.left_out })
            }
            (false, _) => Ok(training),
        }
    }

    /// What of its families belongs to test sets: known when all of the file was read, since variants may come first.
    fn held_out_families(&self) -> Result<HeldOutFamilies, DatasetError> {
        let mut families = HeldOutFamilies::default();
        for row in self.rows()? {
            let row = row?;
            families.see(&row.family(), &row.problem.id, &row.problem.question.statement);
        }
        Ok(families)
    }

    /// Its rows; one whose program nothing would test is wrong.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn tested(&self) -> Result<Rows, DatasetError> {
        let path = self.path.clone();
        Ok(Box::new(self.rows()?.map(move |row| {
            let row = row?;
            let untested = match &row.problem.gold {
                Gold::Answer(_) => false,
                Gold::Tests(tests) => tests.is_empty(),
                Gold::Function(tests) => tests.asserts.is_empty() && tests.check.is_none(),
            };
            if untested {
                let line = row.origin.get("line").and_then(Value::as_u64).unwrap_or(0);
                let message =
                    format!("problem `{}` has no tests, so no program can be judged by it", row.problem.id);
                let line = usize::try_from(line).unwrap_or(usize::MAX);
                return Err(DatasetError::Line { path: path.clone(), line, message });
            }
            Ok(row)
        })))
    }

    /// How many rows it has, readable or not, for whoever wants to tell how far the work is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn count(&self) -> Result<u64, DatasetError> {
        count(&self.path)
    }
}

/// How many rows a file has, readable or not.
///
/// # Errors
/// When it cannot be read.
pub fn count(path: &Path) -> Result<u64, DatasetError> {
    if columns::is_parquet(path) {
        return columns::count(path);
    }
    let mut rows = 0;
    for line in lines::Lines::open(path)? {
        match line {
            Ok(_) | Err(DatasetError::Line { .. }) => rows += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// The format that the first row shows.
fn recognised(path: &Path) -> Result<Format, DatasetError> {
    let Some(first) = values(path)?.next() else {
        return Err(DatasetError::Empty { path: path.to_owned() });
    };
    let (line, row) = first?;
    Format::of_row(&row, path).ok_or_else(|| {
        let keys = row.as_object().map(|row| row.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>());
        let keys = keys.map_or_else(|| "no keys".to_owned(), |keys| keys.join(", "));
        DatasetError::Unrecognised { path: path.to_owned(), line, keys }
    })
}

/// The rows of a JSONL file, packed or not, or of a Parquet file, as they are, numbered from 1.
///
/// # Errors
/// When the file cannot be opened. What is wrong with a row comes as an item.
pub fn values(path: &Path) -> Result<Values, DatasetError> {
    if columns::is_parquet(path) {
        return columns::parquet(path);
    }
    let place = path.to_owned();
    Ok(Box::new(lines::Lines::open(path)?.map(move |line| {
        let (line, text) = line?;
        let value = serde_json::from_str(&text).map_err(|error| DatasetError::Line {
            path: place.clone(),
            line,
            message: format!("not JSON: {error}"),
        })?;
        Ok((line, value))
    })))
}

/// What a file is called without its endings: `train` of `train.jsonl.gz`.
pub(crate) fn stem(path: &Path) -> &str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("problems");
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
