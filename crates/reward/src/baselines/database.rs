//! What a store speaks to: SQLite or PostgreSQL, in one SQL.
//!
//! Parameters are written `$1`, `$2`, …, first named in that order: PostgreSQL counts them, SQLite takes them for names and numbers
//! those as they come. All columns are text, whole numbers of 64 bits or floating point of 64 bits, in both. A unit of work locks
//! other writers out from its beginning to its end, in both: what is read in it is so until it ends.

use std::path::PathBuf;

use super::{StoreError, place::Place, postgres::Postgres, sqlite::Sqlite};

/// The version of the tables. Another one is refused, not guessed at.
pub(super) const VERSION: i64 = 1;
/// "TLbl": says to `file` and to ourselves what a database is, and names the lock of all writers in PostgreSQL.
pub(super) const APPLICATION: i64 = 0x544c_626c;

/// The tables, for SQLite with `WITHOUT ROWID` at the end of each.
pub(super) fn tables(end: &str) -> String {
    let run = "question TEXT NOT NULL, executor TEXT NOT NULL, seed TEXT NOT NULL, run BIGINT NOT NULL";
    let key = "question, executor, seed, run";
    [
        "questions (question TEXT PRIMARY KEY, source TEXT NOT NULL, domain TEXT NOT NULL, statement TEXT NOT NULL)".to_owned(),
        format!(
            "runs ({run}, completion TEXT NOT NULL, prompt_tokens BIGINT, completion_tokens BIGINT, truncated BIGINT NOT NULL,
                measured_at TEXT NOT NULL, PRIMARY KEY ({key}))"
        ),
        format!(
            "verdicts ({run}, gold TEXT NOT NULL, verifier TEXT NOT NULL, verdict TEXT NOT NULL, score DOUBLE PRECISION,
                judgement TEXT NOT NULL, PRIMARY KEY ({key}, gold, verifier))"
        ),
        format!("claims ({run}, owner BIGINT NOT NULL, PRIMARY KEY ({key}))"),
        "problems (id TEXT PRIMARY KEY, problem TEXT NOT NULL)".to_owned(),
        "answers (key TEXT PRIMARY KEY, request TEXT NOT NULL, status BIGINT NOT NULL, body TEXT NOT NULL, at BIGINT NOT NULL)"
            .to_owned(),
    ]
    .map(|table| format!("CREATE TABLE {table}{end};\n"))
    .concat()
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.clone())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Integer(number)
    }
}

/// Counts and indices; those above 2^63 there are not.
impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Value {
        Value::Integer(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Integer(number.into())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Integer(flag.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Real(number)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// The parameters of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::baselines::database::Value::from($value)),*] };
}
pub(super) use values;

/// A row, whose columns are taken from left to right.
pub(super) struct Row(std::vec::IntoIter<Value>);

/// What a column can be read as.
pub(super) trait Column: Sized {
    /// `None` where it is something else.
    fn of(value: Value) -> Option<Self>;
}

impl Column for String {
    fn of(value: Value) -> Option<String> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl Column for i64 {
    fn of(value: Value) -> Option<i64> {
        if let Value::Integer(number) = value { Some(number) } else { None }
    }
}

impl Column for u64 {
    fn of(value: Value) -> Option<u64> {
        i64::of(value).and_then(|number| number.try_into().ok())
    }
}

impl Column for u32 {
    fn of(value: Value) -> Option<u32> {
        i64::of(value).and_then(|number| number.try_into().ok())
    }
}

impl Column for u16 {
    fn of(value: Value) -> Option<u16> {
        i64::of(value).and_then(|number| number.try_into().ok())
    }
}

impl Column for bool {
    fn of(value: Value) -> Option<bool> {
        i64::of(value).map(|number| number != 0)
    }
}

impl Column for f64 {
    fn of(value: Value) -> Option<f64> {
        match value {
            Value::Real(number) => Some(number),
            // SQLite keeps what has no fraction as a whole number where nobody said a column's type.
            #[allow(clippy::cast_precision_loss, reason = "it was written as a float")]
            Value::Integer(number) => Some(number as f64),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn of(value: Value) -> Option<Option<T>> {
        if value == Value::Null { Some(None) } else { T::of(value).map(Some) }
    }
}

impl Row {
    pub fn new(values: Vec<Value>) -> Row {
        Row(values.into_iter())
    }

    /// The next column.
    pub fn take<T: Column>(&mut self) -> Result<T, Fault> {
        let value = self.0.next().ok_or_else(|| Fault::Column("a row with a column too few".to_owned()))?;
        let shown = format!("{value:?}");
        let cut: String = shown.chars().take(60).collect();
        T::of(value)
            .ok_or_else(|| Fault::Column(format!("{cut} where {} should be", std::any::type_name::<T>())))
    }
}

/// Why a database did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// SQLite says so.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL, or the way to it.
    #[error("{}", super::postgres::told(.0))]
    Postgres(#[from] postgres::Error),
    /// The connection is gone, or there cannot be one.
    #[error("{0}")]
    Lost(String),
    /// The authorities that are to be believed cannot be read.
    #[error("PGSSLROOTCERT: {}: {detail}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// What it holds is not as this program writes it.
    #[error("it holds {0}")]
    Column(String),
}

/// Whoever can be asked in SQL.
pub(super) enum Database {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Database {
    pub fn open(place: &Place) -> Result<Database, StoreError> {
        Ok(match place {
            Place::File(path) => Database::Sqlite(Sqlite::open(path)?),
            Place::Postgres(address) => Database::Postgres(Box::new(Postgres::open(address, place)?)),
        })
    }

    /// By what its claims are known.
    pub fn owner(&self) -> i64 {
        match self {
            Database::Sqlite(sqlite) => sqlite.owner(),
            Database::Postgres(postgres) => postgres.owner(),
        }
    }

    /// Whether whoever made a claim is still there.
    pub fn is_there(&mut self, owner: i64) -> Result<bool, Fault> {
        match self {
            Database::Sqlite(sqlite) => Ok(sqlite.is_there(owner)),
            Database::Postgres(postgres) => postgres.is_there(owner),
        }
    }

    /// Changes what is there.
    pub fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<(), Fault> {
        match self {
            Database::Sqlite(sqlite) => sqlite.execute(sql, values),
            Database::Postgres(postgres) => postgres.execute(sql, values),
        }
    }

    /// Hands out rows one after another, as they come: a table need not fit into memory. `each` says whether it wants more.
    pub fn each(
        &mut self,
        sql: &'static str,
        values: &[Value],
        each: &mut dyn FnMut(Row) -> bool,
    ) -> Result<(), Fault> {
        match self {
            Database::Sqlite(sqlite) => sqlite.each(sql, values, each),
            Database::Postgres(postgres) => postgres.each(sql, values, each),
        }
    }

    /// The first row.
    pub fn row(&mut self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, Fault> {
        let mut first = None;
        self.each(sql, values, &mut |row| {
            first = Some(row);
            false
        })?;
        Ok(first)
    }

    /// Work that is done whole or not at all, while nobody else writes.
    pub fn unit<T>(
        &mut self,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError>,
        fault: impl Fn(Fault) -> StoreError,
    ) -> Result<T, StoreError> {
        self.begin().map_err(&fault)?;
        let unit = Unit { database: self, done: false };
        let done = work(&mut *unit.database)?;
        unit.end().map_err(fault)?;
        Ok(done)
    }

    fn begin(&mut self) -> Result<(), Fault> {
        match self {
            Database::Sqlite(sqlite) => sqlite.batch("BEGIN IMMEDIATE"),
            Database::Postgres(postgres) => postgres.begin(),
        }
    }

    fn end(&mut self, sql: &str) -> Result<(), Fault> {
        match self {
            Database::Sqlite(sqlite) => sqlite.batch(sql),
            Database::Postgres(postgres) => postgres.end(sql),
        }
    }
}

/// A unit of work under way. However it is left other than by its end, panics included, nothing of it stays.
struct Unit<'d> {
    database: &'d mut Database,
    done: bool,
}

impl Unit<'_> {
    fn end(mut self) -> Result<(), Fault> {
        self.database.end("COMMIT")?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Unit<'_> {
    fn drop(&mut self) {
        if !self.done {
            // Where this fails the connection is gone, and the work with it.
            let _ = self.database.end("ROLLBACK");
        }
    }
}
