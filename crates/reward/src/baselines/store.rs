//! The file.
//!
//! SQLite in WAL mode: readers see the last whole transaction and wait for nobody, writers wait for each other. What was committed
//! outlives the process, however it ends; what the system had not yet brought to disk when the machine lost its power may be gone,
//! and is then measured again. Tables are plain, so that anybody can read them: `questions`, `runs`, `verdicts`; `claims` says who
//! measures what just now, `problems` and `answers` are a server's own.

use super::{JudgedBy, RunKey, owner::Owner};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tracelift_domain::{Fingerprint, Question, Seed};
use tracelift_executor::Completion;
use tracelift_verify::Judgement;

/// The version of the tables. Another one is refused, not guessed at.
const VERSION: i64 = 1;
/// "TLbl": says to `file` and to ourselves what a database is.
const APPLICATION: i64 = 0x544c_626c;
/// How long a writer waits for another one, who needs well below a millisecond.
const PATIENCE: Duration = Duration::from_secs(20);

const TABLES: &str = "
    CREATE TABLE questions (
        question TEXT PRIMARY KEY, source TEXT NOT NULL, domain TEXT NOT NULL, statement TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        question TEXT NOT NULL, executor TEXT NOT NULL, seed TEXT NOT NULL, run INTEGER NOT NULL,
        completion TEXT NOT NULL, prompt_tokens INTEGER, completion_tokens INTEGER, truncated INTEGER NOT NULL,
        measured_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
        PRIMARY KEY (question, executor, seed, run)
    ) WITHOUT ROWID;
    CREATE TABLE verdicts (
        question TEXT NOT NULL, executor TEXT NOT NULL, seed TEXT NOT NULL, run INTEGER NOT NULL,
        gold TEXT NOT NULL, verifier TEXT NOT NULL, verdict TEXT NOT NULL, score REAL, judgement TEXT NOT NULL,
        PRIMARY KEY (question, executor, seed, run, gold, verifier)
    ) WITHOUT ROWID;
    CREATE TABLE claims (
        question TEXT NOT NULL, executor TEXT NOT NULL, seed TEXT NOT NULL, run INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        PRIMARY KEY (question, executor, seed, run)
    ) WITHOUT ROWID;
    CREATE TABLE problems (id TEXT PRIMARY KEY, problem TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE answers (
        key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL
    ) WITHOUT ROWID;
";

/// Completions without a trace, and what was said of them.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    owner: Owner,
    path: PathBuf,
}

/// Why there is no answer from a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened, read or written.
    #[error("the store of baselines {}: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The lock beside it cannot be had.
    #[error("cannot lock a file beside the store of baselines {}: {source}; put it on a local file system", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another program's, or another version's.
    #[error("{} is no store of baselines that this version reads (its version is {found}, not {VERSION}); name another file", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        found: i64,
    },
    /// Something in it is not as this program writes it.
    #[error("the store of baselines {} holds what cannot be read: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What.
        detail: String,
    },
}

/// A completion that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What the executor wrote.
    pub completion: Completion,
    /// What the verifier said of it by the gold that was asked for, where it has.
    pub judgement: Option<Judgement>,
}

/// What a store has of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It was measured.
    Kept(Kept),
    /// It was not, and whoever asked has it to measure now: he is to [`Store::record`] it or to [`Store::release`] it.
    Ours,
    /// Another process measures it just now.
    Theirs,
}

impl Store {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    /// When it is none, another version's, or cannot be shared.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let connection =
            Connection::open(path).map_err(|source| StoreError::Sqlite { path: path.to_owned(), source })?;
        Store::of(connection, path, |id| Owner::beside(path, id))
    }

    /// One that ends with the process and that nobody shares.
    ///
    /// # Errors
    /// When SQLite does not get the memory.
    pub fn in_memory() -> Result<Store, StoreError> {
        let path = Path::new("(in memory)");
        let connection = Connection::open_in_memory()
            .map_err(|source| StoreError::Sqlite { path: path.to_owned(), source })?;
        Store::of(connection, path, |id| Ok(Owner::alone(id)))
    }

    fn of(
        mut connection: Connection,
        path: &Path,
        owner: impl FnOnce(i64) -> io::Result<Owner>,
    ) -> Result<Store, StoreError> {
        let sqlite = |source| StoreError::Sqlite { path: path.to_owned(), source };
        connection.busy_timeout(PATIENCE).map_err(sqlite)?;
        // A store in memory has another mode, and says so.
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(sqlite)?;
        connection.pragma_update(None, "synchronous", "normal").map_err(sqlite)?;
        let setup = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
        let number = |name| setup.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(sqlite);
        let (version, application) = (number("user_version")?, number("application_id")?);
        let tables: i64 =
            setup.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sqlite)?;
        match (tables, version, application) {
            (0, ..) => {
                setup.execute_batch(TABLES).map_err(sqlite)?;
                setup.pragma_update(None, "user_version", VERSION).map_err(sqlite)?;
                setup.pragma_update(None, "application_id", APPLICATION).map_err(sqlite)?;
            }
            (_, VERSION, APPLICATION) => {}
            (_, found, _) => return Err(StoreError::Version { path: path.to_owned(), found }),
        }
        let id: i64 = setup.query_row("SELECT random()", [], |row| row.get(0)).map_err(sqlite)?;
        let owner = owner(id).map_err(|source| StoreError::Lock { path: path.to_owned(), source })?;
        setup.commit().map_err(sqlite)?;
        Ok(Store { connection: Mutex::new(connection), owner, path: path.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A transaction that ended in a panic was rolled back, so the connection is in order.
    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sqlite(&self) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
        |source| StoreError::Sqlite { path: self.path.clone(), source }
    }

    pub(super) fn damaged(&self, detail: impl ToString) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), detail: detail.to_string() }
    }

    /// What there is of runs of one question, each with what the verifier said of it by this gold. Runs that nobody has measured or
    /// measures are claimed for this process, all in one transaction. Within a process whoever asks is to see to it that a run is
    /// not measured by two of its threads: a claim of its own is given again.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn ask(&self, question: &Question, keys: &[RunKey], by: &JudgedBy) -> Result<Vec<Found>, StoreError> {
        let (mut connection, sqlite) = (self.lock(), self.sqlite());
        // Most are there once a training has gone through its problems, and reading locks nobody out.
        let kept = keys.iter().map(|key| self.kept(&connection, key, by)).collect::<Result<Vec<_>, _>>()?;
        if kept.iter().all(Option::is_some) {
            return Ok(kept.into_iter().flatten().map(Found::Kept).collect());
        }
        let claim = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&sqlite)?;
        claim
            .prepare_cached("INSERT OR IGNORE INTO questions VALUES (?, ?, ?, ?)")
            .and_then(|mut insert| {
                let id = keys.first().map_or("", |key| key.question.as_str());
                insert.execute(params![id, question.source, question.domain.name(), question.statement])
            })
            .map_err(&sqlite)?;
        let found = keys
            .iter()
            .map(|key| match self.kept(&claim, key, by)? {
                Some(kept) => Ok(Found::Kept(kept)),
                None => self.claim(&claim, key),
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        claim.commit().map_err(&sqlite)?;
        Ok(found)
    }

    fn kept(&self, connection: &Connection, key: &RunKey, by: &JudgedBy) -> Result<Option<Kept>, StoreError> {
        let sqlite = self.sqlite();
        let mut select = connection
            .prepare_cached(
                "SELECT completion, prompt_tokens, completion_tokens, truncated, (
                    SELECT judgement FROM verdicts WHERE question = ?1 AND executor = ?2 AND seed = ?3 AND run = ?4
                        AND gold = ?5 AND verifier = ?6
                 ) FROM runs WHERE question = ?1 AND executor = ?2 AND seed = ?3 AND run = ?4",
            )
            .map_err(&sqlite)?;
        let (question, executor, seed, run) = columns(key);
        let row = select
            .query_row(
                params![question, executor, seed, run, by.gold.as_str(), by.verifier.as_str()],
                |row| {
                    let completion = Completion {
                        text: row.get(0)?,
                        prompt_tokens: row.get(1)?,
                        completion_tokens: row.get(2)?,
                        truncated: row.get(3)?,
                    };
                    Ok((completion, row.get::<_, Option<String>>(4)?))
                },
            )
            .optional()
            .map_err(&sqlite)?;
        let Some((completion, judgement)) = row else { return Ok(None) };
        let judgement = judgement.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Some(Kept { completion, judgement: judgement.map_err(|error| self.damaged(error))? }))
    }

    fn claim(&self, claim: &Transaction<'_>, key: &RunKey) -> Result<Found, StoreError> {
        let sqlite = self.sqlite();
        let (question, executor, seed, run) = columns(key);
        let holder: Option<i64> = claim
            .prepare_cached(
                "SELECT owner FROM claims WHERE question = ? AND executor = ? AND seed = ? AND run = ?",
            )
            .and_then(|mut select| {
                select.query_row(params![question, executor, seed, run], |row| row.get(0)).optional()
            })
            .map_err(&sqlite)?;
        if let Some(holder) = holder.filter(|holder| *holder != self.owner.id)
            && Owner::is_there(&self.path, holder)
        {
            return Ok(Found::Theirs);
        }
        claim
            .prepare_cached("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)")
            .and_then(|mut insert| insert.execute(params![question, executor, seed, run, self.owner.id]))
            .map_err(&sqlite)?;
        Ok(Found::Ours)
    }

    /// Keeps what an executor wrote; the claim to it ends. What is there already stays: the first one counts.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record(&self, key: &RunKey, completion: &Completion) -> Result<(), StoreError> {
        let (mut connection, sqlite) = (self.lock(), self.sqlite());
        let record = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&sqlite)?;
        let (question, executor, seed, run) = columns(key);
        let Completion { text, prompt_tokens, completion_tokens, truncated } = completion;
        record
            .prepare_cached(
                "INSERT OR IGNORE INTO runs (question, executor, seed, run, completion, prompt_tokens, completion_tokens, truncated)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .and_then(|mut insert| {
                insert.execute(params![question, executor, seed, run, text, prompt_tokens, completion_tokens, truncated])
            })
            .map_err(&sqlite)?;
        self.unclaim(&record, key)?;
        record.commit().map_err(&sqlite)
    }

    /// Keeps what a verifier said of a completion that is kept. What it could not judge is not kept: that is asked again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn judge(&self, key: &RunKey, by: &JudgedBy, judgement: &Judgement) -> Result<(), StoreError> {
        if judgement.verdict.success().is_none() {
            return Ok(());
        }
        let (connection, sqlite) = (self.lock(), self.sqlite());
        let (question, executor, seed, run) = columns(key);
        let text = serde_json::to_string(judgement).map_err(|error| self.damaged(error))?;
        let (gold, verifier) = (by.gold.as_str(), by.verifier.as_str());
        let (verdict, score) = (judgement.verdict.name(), judgement.score.map(|score| score.get()));
        connection
            .prepare_cached("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .and_then(|mut insert| {
                insert.execute(params![question, executor, seed, run, gold, verifier, verdict, score, text])
            })
            .map_err(sqlite)?;
        Ok(())
    }

    /// Gives a claim back: the call failed, or will not be made.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn release(&self, key: &RunKey) -> Result<(), StoreError> {
        self.unclaim(&self.lock(), key)
    }

    fn unclaim(&self, connection: &Connection, key: &RunKey) -> Result<(), StoreError> {
        let (question, executor, seed, run) = columns(key);
        connection
            .prepare_cached(
                "DELETE FROM claims WHERE question = ? AND executor = ? AND seed = ? AND run = ? AND owner = ?",
            )
            .and_then(|mut delete| delete.execute(params![question, executor, seed, run, self.owner.id]))
            .map_err(self.sqlite())?;
        Ok(())
    }
}

/// A key's columns. A seed is text: SQLite has no whole numbers above 2^63.
fn columns(key: &RunKey) -> (&str, &str, String, i64) {
    let RunKey { question, executor, seed: Seed(seed), run } = key;
    (text(question), text(executor), seed.to_string(), i64::try_from(*run).unwrap_or(i64::MAX))
}

fn text(fingerprint: &Fingerprint) -> &str {
    fingerprint.as_str()
}

#[cfg(test)]
#[path = "store/tests.rs"]
mod tests;
