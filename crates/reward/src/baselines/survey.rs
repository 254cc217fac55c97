//! What a store holds, for people and other programs.

use super::{
    Store, StoreError,
    database::{Fault, Row},
};
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

/// Reads a row, which may not be what it should be, and does something with it, which may fail.
type Reader<'r, E> = &'r mut dyn FnMut(&mut Row) -> Result<Result<(), E>, Fault>;

impl Store {
    /// What there is, by executor and seed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn summary(&self) -> Result<Vec<Summary>, StoreError> {
        let mut all = Vec::new();
        self.rows(
            "SELECT executor, seed, count(DISTINCT question), count(*), CAST(sum(judged) AS BIGINT), avg(mean),
                CAST(sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)) AS BIGINT)
             FROM (
                SELECT r.*, CASE WHEN EXISTS (SELECT 1 FROM verdicts v WHERE v.question = r.question
                        AND v.executor = r.executor AND v.seed = r.seed AND v.run = r.run) THEN 1 ELSE 0 END AS judged,
                    (SELECT avg(score) FROM verdicts v WHERE v.question = r.question AND v.executor = r.executor
                        AND v.seed = r.seed AND v.run = r.run) AS mean
                FROM runs r
             ) AS measured GROUP BY executor, seed ORDER BY executor, seed",
            &mut |row| {
                all.push(Summary {
                    executor: row.take()?,
                    seed: seed(row)?,
                    questions: row.take()?,
                    runs: row.take()?,
                    judged: row.take()?,
                    mean: row.take()?,
                    tokens: row.take()?,
                });
                Ok(Ok::<(), StoreError>(()))
            },
        )?;
        Ok(all)
    }

    /// Hands out every run with each of its verdicts; one that has none comes once.
    ///
    /// # Errors
    /// When the store cannot be read, or as `each` says.
    pub fn export<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Exported) -> Result<(), E>,
    ) -> Result<(), E> {
        self.rows(
            "SELECT r.question, q.source, q.statement, r.executor, r.seed, r.run, r.completion, r.truncated,
                v.gold, v.verifier, v.verdict, v.score
             FROM runs r LEFT JOIN questions q ON q.question = r.question
                LEFT JOIN verdicts v ON v.question = r.question AND v.executor = r.executor AND v.seed = r.seed AND v.run = r.run
             ORDER BY r.question, r.executor, r.seed, r.run, v.gold, v.verifier",
            &mut |row| {
                Ok(each(Exported {
                    question: row.take()?,
                    source: row.take()?,
                    statement: row.take()?,
                    executor: row.take()?,
                    seed: seed(row)?,
                    run: row.take()?,
                    completion: row.take()?,
                    truncated: row.take()?,
                    gold: row.take()?,
                    verifier: row.take()?,
                    verdict: row.take()?,
                    score: row.take()?,
                }))
            },
        )
    }

    /// Hands every row out, until one cannot be read or is not wanted.
    fn rows<E: From<StoreError>>(&self, sql: &'static str, each: Reader<'_, E>) -> Result<(), E> {
        let mut ended = Ok(Ok(()));
        let asked = self.lock().each(sql, &[], &mut |mut row| {
            ended = each(&mut row);
            matches!(ended, Ok(Ok(())))
        });
        asked.and(Ok(())).map_err(self.fault())?;
        ended.map_err(self.fault())?
    }
}

/// A seed is text: databases have no whole numbers above 2^63.
fn seed(row: &mut Row) -> Result<u64, Fault> {
    let text: String = row.take()?;
    text.parse().map_err(|_| Fault::Column(format!("{text:?} where a seed should be")))
}
