//! What a server keeps in the same file: problems that were registered with it, and answers that it gave under a client's key.

use super::{Store, StoreError};
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracelift_domain::{Fingerprint, Problem};

/// How long an answer is kept for those who ask again.
pub const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3600);

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// A hash of the request.
    pub request: Fingerprint,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Store {
    /// Keeps problems under their names; one whose name is known takes its place.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn register(&self, problems: &[Problem]) -> Result<(), StoreError> {
        let (mut connection, sqlite) = (self.lock(), self.sqlite());
        let all = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&sqlite)?;
        for problem in problems {
            let text = serde_json::to_string(problem).map_err(|error| self.damaged(error))?;
            all.prepare_cached("INSERT OR REPLACE INTO problems VALUES (?, ?)")
                .and_then(|mut insert| insert.execute(params![problem.id, text]))
                .map_err(&sqlite)?;
        }
        all.commit().map_err(sqlite)
    }

    /// A problem that was registered.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn problem(&self, id: &str) -> Result<Option<Problem>, StoreError> {
        let (connection, sqlite) = (self.lock(), self.sqlite());
        let text: Option<String> = connection
            .prepare_cached("SELECT problem FROM problems WHERE id = ?")
            .and_then(|mut select| select.query_row([id], |row| row.get(0)).optional())
            .map_err(sqlite)?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| self.damaged(error))
    }

    /// The answer that was given under a key, while it is kept.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn answered(&self, key: &str) -> Result<Option<Answered>, StoreError> {
        let (connection, sqlite) = (self.lock(), self.sqlite());
        let oldest = now().saturating_sub(ANSWERS_KEPT.as_secs().cast_signed());
        let row: Option<(String, u16, String)> = connection
            .prepare_cached("SELECT request, status, body FROM answers WHERE key = ? AND at >= ?")
            .and_then(|mut select| {
                let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                select.query_row(params![key, oldest], read).optional()
            })
            .map_err(sqlite)?;
        row.map(|(request, status, body)| {
            let request =
                Fingerprint::parse(&request).ok_or_else(|| self.damaged("an answer to no request"))?;
            Ok(Answered { request, status, body })
        })
        .transpose()
    }

    /// Keeps an answer under a key, and forgets those that nobody will ask for again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn answer(&self, key: &str, answered: &Answered) -> Result<(), StoreError> {
        let (mut connection, sqlite) = (self.lock(), self.sqlite());
        let all = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&sqlite)?;
        let Answered { request, status, body } = answered;
        let at = now();
        all.prepare_cached("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)")
            .and_then(|mut insert| insert.execute(params![key, request.as_str(), status, body, at]))
            .map_err(&sqlite)?;
        all.prepare_cached("DELETE FROM answers WHERE at < ?")
            .and_then(|mut delete| delete.execute([at.saturating_sub(ANSWERS_KEPT.as_secs().cast_signed())]))
            .map_err(&sqlite)?;
        all.commit().map_err(sqlite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{Gold, Question, TaskDomain};

    #[test]
    fn what_a_server_was_told_outlives_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.sqlite");
        let question = Question::new("test", TaskDomain::Math, "1 + 1?");
        let problem = |gold: &str| Problem {
            id: "p".into(),
            question: question.clone(),
            gold: Gold::Answer(gold.into()),
        };
        let answered = Answered { request: Fingerprint::of_text("r"), status: 200, body: "{}".into() };
        let store = Store::open(&path).unwrap();
        store.register(&[problem("1"), problem("2")]).unwrap();
        store.answer("k", &answered).unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.problem("p").unwrap(), Some(problem("2")));
        assert_eq!(store.problem("q").unwrap(), None);
        assert_eq!(store.answered("k").unwrap(), Some(answered));
        assert_eq!(store.answered("other").unwrap(), None);
        // What is older than a day is forgotten.
        store.lock().execute("UPDATE answers SET at = 1", []).unwrap();
        assert_eq!(store.answered("k").unwrap(), None);
    }
}
