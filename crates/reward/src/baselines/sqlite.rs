//! A store in a file.
//!
//! SQLite in WAL mode: readers see the last whole unit of work and wait for nobody, writers wait for each other. What was committed
//! outlives the process, however it ends; what the system had not yet brought to disk when the machine lost its power may be gone,
//! and is then measured again.

use super::{
    StoreError,
    database::{APPLICATION, Fault, Row, VERSION, Value, tables},
    owner::Owner,
};
use rusqlite::{Connection, Statement, TransactionBehavior, params_from_iter, types};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a writer waits for another one, who needs well below a millisecond.
const PATIENCE: Duration = Duration::from_secs(20);

/// An opened file.
pub(super) struct Sqlite {
    connection: Connection,
    owner: Owner,
    path: PathBuf,
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<types::ToSqlOutput<'_>> {
        let borrowed = match self {
            Value::Null => types::ValueRef::Null,
            Value::Integer(number) => types::ValueRef::Integer(*number),
            Value::Real(number) => types::ValueRef::Real(*number),
            Value::Text(text) => types::ValueRef::Text(text.as_bytes()),
        };
        Ok(types::ToSqlOutput::Borrowed(borrowed))
    }
}

impl Sqlite {
    /// Opens a file, or makes it.
    pub fn open(path: &Path) -> Result<Sqlite, StoreError> {
        let fault = |source: rusqlite::Error| StoreError::of(path.display(), source.into());
        let connection = Connection::open(path).map_err(fault)?;
        Sqlite::set_up(connection, path, |id| Owner::beside(path, id))
    }

    /// One in memory.
    pub fn alone() -> Result<Sqlite, StoreError> {
        let path = Path::new("(in memory)");
        let fault = |source: rusqlite::Error| StoreError::of(path.display(), source.into());
        let connection = Connection::open_in_memory().map_err(fault)?;
        Sqlite::set_up(connection, path, |id| Ok(Owner::alone(id)))
    }

    fn set_up(
        mut connection: Connection,
        path: &Path,
        owner: impl FnOnce(i64) -> io::Result<Owner>,
    ) -> Result<Sqlite, StoreError> {
        let fault = |source: rusqlite::Error| StoreError::of(path.display(), source.into());
        connection.busy_timeout(PATIENCE).map_err(fault)?;
        // A store in memory has another mode, and says so.
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(fault)?;
        connection.pragma_update(None, "synchronous", "normal").map_err(fault)?;
        let setup = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        let number = |name| setup.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(fault);
        let (version, application) = (number("user_version")?, number("application_id")?);
        let there: i64 =
            setup.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fault)?;
        match (there, version, application) {
            (0, ..) => {
                setup.execute_batch(&tables(" WITHOUT ROWID")).map_err(fault)?;
                setup.pragma_update(None, "user_version", VERSION).map_err(fault)?;
                setup.pragma_update(None, "application_id", APPLICATION).map_err(fault)?;
            }
            (_, VERSION, APPLICATION) => {}
            (_, found, _) => {
                return Err(StoreError::Version {
                    store: path.display().to_string(),
                    found: found.to_string(),
                });
            }
        }
        let id: i64 = setup.query_row("SELECT random()", [], |row| row.get(0)).map_err(fault)?;
        let owner = owner(id).map_err(|source| StoreError::Lock { path: path.to_owned(), source })?;
        setup.commit().map_err(fault)?;
        Ok(Sqlite { connection, owner, path: path.to_owned() })
    }

    pub fn owner(&self) -> i64 {
        self.owner.id
    }

    pub fn is_there(&self, owner: i64) -> bool {
        Owner::is_there(&self.path, owner)
    }

    /// Statements without parameters or rows.
    pub fn batch(&mut self, sql: &str) -> Result<(), Fault> {
        Ok(self.connection.execute_batch(sql)?)
    }

    pub fn execute(&mut self, sql: &str, values: &[Value]) -> Result<(), Fault> {
        self.connection.prepare_cached(sql)?.execute(params_from_iter(values))?;
        Ok(())
    }

    pub fn each(
        &mut self,
        sql: &str,
        values: &[Value],
        each: &mut dyn FnMut(Row) -> bool,
    ) -> Result<(), Fault> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns = Statement::column_count(&statement);
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let values = (0..columns)
                .map(|column| match row.get_ref(column)? {
                    types::ValueRef::Null => Ok(Value::Null),
                    types::ValueRef::Integer(number) => Ok(Value::Integer(number)),
                    types::ValueRef::Real(number) => Ok(Value::Real(number)),
                    text => Ok(Value::Text(text.as_str().map_err(rusqlite::Error::from)?.to_owned())),
                })
                .collect::<Result<_, Fault>>()?;
            if !each(Row::new(values)) {
                break;
            }
        }
        Ok(())
    }
}
