//! What is kept, and who measures what is not.
//!
//! Tables are plain, so that anybody can read them: `questions`, `runs`, `verdicts`; `claims` says who measures what just now,
//! `problems` and `answers` are a server's own.

use super::{
    JudgedBy, RunKey,
    database::{Database, Fault, VERSION, values},
    place::Place,
    sqlite::Sqlite,
};
use std::{
    fmt, io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tracelift_domain::{Question, Seed};
use tracelift_executor::Completion;
use tracelift_verify::Judgement;

/// Completions without a trace, and what was said of them.
pub struct Store {
    database: Mutex<Database>,
    name: String,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Store({})", self.name)
    }
}

/// Why there is no answer from a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened, read or written.
    #[error("the store of baselines {store}: {source}")]
    Database {
        /// The file or address.
        store: String,
        /// What the database says.
        source: Fault,
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
    #[error(
        "{store} is no store of baselines that this version reads (its version is {found}, not {VERSION}); name another one"
    )]
    Version {
        /// The file or address.
        store: String,
        /// What it says of itself.
        found: String,
    },
    /// Something in it is not as this program writes it.
    #[error("the store of baselines {store} holds what cannot be read: {detail}")]
    Damaged {
        /// The file or address.
        store: String,
        /// What.
        detail: String,
    },
}

impl StoreError {
    pub(super) fn of(store: impl fmt::Display, source: Fault) -> StoreError {
        StoreError::Database { store: store.to_string(), source }
    }
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
    /// Opens one, or makes it.
    ///
    /// # Errors
    /// When it is none, another version's, or cannot be reached or shared.
    pub fn open(place: &Place) -> Result<Store, StoreError> {
        Ok(Store { database: Mutex::new(Database::open(place)?), name: place.to_string() })
    }

    /// One that ends with the process and that nobody shares.
    ///
    /// # Errors
    /// When SQLite does not get the memory.
    pub fn in_memory() -> Result<Store, StoreError> {
        Ok(Store { database: Mutex::new(Database::Sqlite(Sqlite::alone()?)), name: "(in memory)".to_owned() })
    }

    /// Where it is, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Work that ended in a panic was rolled back, so the connection is in order.
    pub(super) fn lock(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fault(&self) -> impl Fn(Fault) -> StoreError + '_ {
        |source| StoreError::of(&self.name, source)
    }

    pub(super) fn damaged(&self, detail: impl ToString) -> StoreError {
        StoreError::Damaged { store: self.name.clone(), detail: detail.to_string() }
    }

    /// What there is of runs of one question, each with what the verifier said of it by this gold. Runs that nobody has measured or
    /// measures are claimed for this process, all in one unit of work. Within a process whoever asks is to see to it that a run is
    /// not measured by two of its threads: a claim of its own is given again.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn ask(&self, question: &Question, keys: &[RunKey], by: &JudgedBy) -> Result<Vec<Found>, StoreError> {
        let (mut database, fault) = (self.lock(), self.fault());
        // Most are there once a training has gone through its problems, and reading locks nobody out.
        let kept = keys.iter().map(|key| self.kept(&mut database, key, by)).collect::<Result<Vec<_>, _>>()?;
        if kept.iter().all(Option::is_some) {
            return Ok(kept.into_iter().flatten().map(Found::Kept).collect());
        }
        let claim = |database: &mut Database| {
            let id = keys.first().map_or("", |key| key.question.as_str());
            let columns = values![id, &question.source, question.domain.name(), &question.statement];
            database
                .execute("INSERT INTO questions VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", &columns)
                .map_err(&fault)?;
            let found = keys.iter().map(|key| match self.kept(database, key, by)? {
                Some(kept) => Ok(Found::Kept(kept)),
                None => self.claim(database, key),
            });
            found.collect()
        };
        database.unit(claim, &fault)
    }

    fn kept(&self, database: &mut Database, key: &RunKey, by: &JudgedBy) -> Result<Option<Kept>, StoreError> {
        let fault = self.fault();
        let (question, executor, seed, run) = columns(key);
        let row = database
            .row(
                "SELECT completion, prompt_tokens, completion_tokens, truncated, (
                    SELECT judgement FROM verdicts WHERE question = $1 AND executor = $2 AND seed = $3 AND run = $4
                        AND gold = $5 AND verifier = $6
                 ) FROM runs WHERE question = $1 AND executor = $2 AND seed = $3 AND run = $4",
                &values![question, executor, seed, run, by.gold.as_str(), by.verifier.as_str()],
            )
            .map_err(&fault)?;
        let Some(mut row) = row else { return Ok(None) };
        let mut read = || {
            let completion = Completion {
                text: row.take()?,
                prompt_tokens: row.take()?,
                completion_tokens: row.take()?,
                truncated: row.take()?,
            };
            Ok((completion, row.take::<Option<String>>()?))
        };
        let (completion, judgement) = read().map_err(&fault)?;
        let judgement = judgement.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Some(Kept { completion, judgement: judgement.map_err(|error| self.damaged(error))? }))
    }

    fn claim(&self, database: &mut Database, key: &RunKey) -> Result<Found, StoreError> {
        let fault = self.fault();
        let (question, executor, seed, run) = columns(key);
        let holder = database
            .row(
                "SELECT owner FROM claims WHERE question = $1 AND executor = $2 AND seed = $3 AND run = $4",
                &values![question, executor, &seed, run],
            )
            .and_then(|row| row.map(|mut row| row.take::<i64>()).transpose())
            .map_err(&fault)?;
        if let Some(holder) = holder.filter(|holder| *holder != database.owner())
            && database.is_there(holder).map_err(&fault)?
        {
            return Ok(Found::Theirs);
        }
        database
            .execute(
                "INSERT INTO claims VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (question, executor, seed, run) DO UPDATE SET owner = excluded.owner",
                &values![question, executor, seed, run, database.owner()],
            )
            .map_err(&fault)?;
        Ok(Found::Ours)
    }

    /// Keeps what an executor wrote; the claim to it ends. What is there already stays: the first one counts.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn record(&self, key: &RunKey, completion: &Completion) -> Result<(), StoreError> {
        let fault = self.fault();
        let (question, executor, seed, run) = columns(key);
        let Completion { text, prompt_tokens, completion_tokens, truncated } = completion;
        let keep = |database: &mut Database| {
            database
                .execute(
                    "INSERT INTO runs VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CAST(CURRENT_TIMESTAMP AS TEXT))
                     ON CONFLICT DO NOTHING",
                    &values![question, executor, seed, run, text, *prompt_tokens, *completion_tokens, *truncated],
                )
                .map_err(&fault)?;
            self.unclaim(database, key)
        };
        self.lock().unit(keep, &fault)
    }

    /// Keeps what a verifier said of a completion that is kept. What it could not judge is not kept: that is asked again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn judge(&self, key: &RunKey, by: &JudgedBy, judgement: &Judgement) -> Result<(), StoreError> {
        if judgement.verdict.success().is_none() {
            return Ok(());
        }
        let (question, executor, seed, run) = columns(key);
        let text = serde_json::to_string(judgement).map_err(|error| self.damaged(error))?;
        let (gold, verifier) = (by.gold.as_str(), by.verifier.as_str());
        let (verdict, score) = (judgement.verdict.name(), judgement.score.map(|score| score.get()));
        self.lock()
            .execute(
                "INSERT INTO verdicts VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (question, executor, seed, run, gold, verifier)
                 DO UPDATE SET verdict = excluded.verdict, score = excluded.score, judgement = excluded.judgement",
                &values![question, executor, seed, run, gold, verifier, verdict, score, text],
            )
            .map_err(self.fault())
    }

    /// Gives a claim back: the call failed, or will not be made.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn release(&self, key: &RunKey) -> Result<(), StoreError> {
        self.unclaim(&mut self.lock(), key)
    }

    fn unclaim(&self, database: &mut Database, key: &RunKey) -> Result<(), StoreError> {
        let (question, executor, seed, run) = columns(key);
        database
            .execute(
                "DELETE FROM claims WHERE question = $1 AND executor = $2 AND seed = $3 AND run = $4 AND owner = $5",
                &values![question, executor, seed, run, database.owner()],
            )
            .map_err(self.fault())
    }
}

/// A key's columns. A seed is text: databases have no whole numbers above 2^63.
fn columns(key: &RunKey) -> (&str, &str, String, u64) {
    let RunKey { question, executor, seed: Seed(seed), run } = key;
    (question.as_str(), executor.as_str(), seed.to_string(), *run)
}
