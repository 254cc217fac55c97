//! What a store holds, for people and other programs.

use super::{Store, StoreError};
use serde::Serialize;

/// How much there is of one executor, seed and verifier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The executor's fingerprint.
    pub executor: String,
    /// The seed of the runs.
    pub seed: u64,
    /// Questions.
    pub questions: u64,
    /// Runs of them.
    pub runs: u64,
    /// Of those, judged.
    pub judged: u64,
    /// Mean score of all verdicts that have one.
    pub mean: Option<f64>,
    /// Tokens that were read and written, as far as they are known.
    pub tokens: u64,
}

/// A run as it is exported, with one of its verdicts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exported {
    /// The question's identity.
    pub question: String,
    /// Where it comes from.
    pub source: Option<String>,
    /// What is to be solved.
    pub statement: Option<String>,
    /// The executor's fingerprint.
    pub executor: String,
    /// The seed of the runs.
    pub seed: u64,
    /// The index.
    pub run: u64,
    /// What the executor wrote.
    pub completion: String,
    /// Whether the token budget ended it.
    pub truncated: bool,
    /// A hash of the gold that it was judged by; `None` where it was not.
    pub gold: Option<String>,
    /// The verifier's fingerprint.
    pub verifier: Option<String>,
    /// The verdict's name.
    pub verdict: Option<String>,
    /// Its score, where it is known.
    pub score: Option<f64>,
}

impl Store {
    /// What there is, by executor and seed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn summary(&self) -> Result<Vec<Summary>, StoreError> {
        let (connection, sqlite) = (self.lock(), self.sqlite());
        let mut select = connection
            .prepare(
                "SELECT executor, seed, count(DISTINCT question), count(*), sum(judged), avg(mean),
                    sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0))
                 FROM (
                    SELECT *, EXISTS (SELECT 1 FROM verdicts v WHERE v.question = r.question AND v.executor = r.executor
                            AND v.seed = r.seed AND v.run = r.run) AS judged,
                        (SELECT avg(score) FROM verdicts v WHERE v.question = r.question AND v.executor = r.executor
                            AND v.seed = r.seed AND v.run = r.run) AS mean
                    FROM runs r
                 ) GROUP BY executor, seed ORDER BY executor, seed",
            )
            .map_err(&sqlite)?;
        let rows = select.query_map([], |row| {
            let seed: String = row.get(1)?;
            Ok((
                seed,
                Summary {
                    executor: row.get(0)?,
                    seed: 0,
                    questions: unsigned(row.get(2)?),
                    runs: unsigned(row.get(3)?),
                    judged: unsigned(row.get(4)?),
                    mean: row.get(5)?,
                    tokens: unsigned(row.get(6)?),
                },
            ))
        });
        rows.map_err(&sqlite)?
            .map(|row| {
                let (seed, summary) = row.map_err(&sqlite)?;
                Ok(Summary { seed: seed.parse().map_err(|error| self.damaged(error))?, ..summary })
            })
            .collect()
    }

    /// Hands out every run with each of its verdicts; one that has none comes once.
    ///
    /// # Errors
    /// When the file cannot be read, or as `each` says.
    pub fn export<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Exported) -> Result<(), E>,
    ) -> Result<(), E> {
        let (connection, sqlite) = (self.lock(), self.sqlite());
        let mut select = connection
            .prepare(
                "SELECT r.question, q.source, q.statement, r.executor, r.seed, r.run, r.completion, r.truncated,
                    v.gold, v.verifier, v.verdict, v.score
                 FROM runs r LEFT JOIN questions q USING (question)
                    LEFT JOIN verdicts v USING (question, executor, seed, run)
                 ORDER BY r.question, r.executor, r.seed, r.run, v.gold, v.verifier",
            )
            .map_err(&sqlite)?;
        let mut rows = select.query([]).map_err(&sqlite)?;
        while let Some(row) = rows.next().map_err(&sqlite)? {
            let read = || -> rusqlite::Result<(String, Exported)> {
                Ok((
                    row.get(4)?,
                    Exported {
                        question: row.get(0)?,
                        source: row.get(1)?,
                        statement: row.get(2)?,
                        executor: row.get(3)?,
                        seed: 0,
                        run: unsigned(row.get(5)?),
                        completion: row.get(6)?,
                        truncated: row.get(7)?,
                        gold: row.get(8)?,
                        verifier: row.get(9)?,
                        verdict: row.get(10)?,
                        score: row.get(11)?,
                    },
                ))
            };
            let (seed, run) = read().map_err(&sqlite)?;
            each(Exported { seed: seed.parse().map_err(|error| self.damaged(error))?, ..run })?;
        }
        Ok(())
    }
}

/// Counts and indices, which are not negative.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
