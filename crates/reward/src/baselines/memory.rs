//! What a server keeps in the same file: problems that were registered with it, and answers that it gave under a client's key.

use super::{
    Store, StoreError,
    database::{Database, values},
};
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
        let fault = self.fault();
        let keep = |database: &mut Database| {
            for problem in problems {
                let text = serde_json::to_string(problem).map_err(|error| self.damaged(error))?;
                database
                    .execute(
                        "INSERT INTO problems VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET problem = excluded.problem",
                        &values![&problem.id, text],
                    )
                    .map_err(&fault)?;
            }
            Ok(())
        };
        self.lock().unit(keep, &fault)
    }

    /// A problem that was registered.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn problem(&self, id: &str) -> Result<Option<Problem>, StoreError> {
        let row = self
            .lock()
            .row("SELECT problem FROM problems WHERE id = $1", &values![id])
            .map_err(self.fault())?;
        row.map(|mut row| {
            let text: String = row.take().map_err(self.fault())?;
            serde_json::from_str(&text).map_err(|error| self.damaged(error))
        })
        .transpose()
    }

    /// The answer that was given under a key, while it is kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn answered(&self, key: &str) -> Result<Option<Answered>, StoreError> {
        let row = self
            .lock()
            .row(
                "SELECT request, status, body FROM answers WHERE key = $1 AND at >= $2",
                &values![key, oldest()],
            )
            .map_err(self.fault())?;
        row.map(|mut row| {
            let mut read = || Ok((row.take::<String>()?, row.take()?, row.take()?));
            let (request, status, body) = read().map_err(self.fault())?;
            let request =
                Fingerprint::parse(&request).ok_or_else(|| self.damaged("an answer to no request"))?;
            Ok(Answered { request, status, body })
        })
        .transpose()
    }

    /// Keeps an answer under a key, and forgets those that nobody will ask for again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn answer(&self, key: &str, answered: &Answered) -> Result<(), StoreError> {
        let fault = self.fault();
        let Answered { request, status, body } = answered;
        let keep = |database: &mut Database| {
            database
                .execute(
                    "INSERT INTO answers VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO UPDATE
                     SET request = excluded.request, status = excluded.status, body = excluded.body, at = excluded.at",
                    &values![key, request.as_str(), *status, body, now()],
                )
                .map_err(&fault)?;
            database.execute("DELETE FROM answers WHERE at < $1", &values![oldest()]).map_err(&fault)
        };
        self.lock().unit(keep, &fault)
    }
}

/// When an answer that is still kept was given at the earliest.
fn oldest() -> i64 {
    now().saturating_sub(ANSWERS_KEPT.as_secs().cast_signed())
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
        let store = Store::open(&path.as_path().into()).unwrap();
        store.register(&[problem("1"), problem("2")]).unwrap();
        store.answer("k", &answered).unwrap();
        drop(store);
        let store = Store::open(&path.as_path().into()).unwrap();
        assert_eq!(store.problem("p").unwrap(), Some(problem("2")));
        assert_eq!(store.problem("q").unwrap(), None);
        assert_eq!(store.answered("k").unwrap(), Some(answered));
        assert_eq!(store.answered("other").unwrap(), None);
        // What is older than a day is forgotten.
        store.lock().execute("UPDATE answers SET at = 1", &[]).unwrap();
        assert_eq!(store.answered("k").unwrap(), None);
    }
}
