//! Overlap between seeds and benchmarks, by word n-grams of the statements.
//!
//! A seed overlaps with a benchmark problem if they share a 13-gram of words, or if half or more of the seed's 8-grams
//! occur in that benchmark. Words are compared in lower case, without punctuation; n-grams by a 64-bit hash.

use crate::config::BenchmarkConfig;
use crate::gate::words;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};
use tracelift_datasets::{DataSet, DatasetError};

const SHORT: usize = 8;
const LONG: usize = 13;

/// The n-grams of test sets.
#[derive(Clone, Debug, Default)]
pub struct Benchmarks {
    names: Vec<String>,
    problems: Vec<(usize, String)>,
    short: HashMap<u64, u32>,
    long: HashMap<u64, u32>,
}

/// A seed that is like a benchmark problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// The benchmark.
    pub benchmark: String,
    /// Its problem.
    pub problem_id: String,
    /// Which share of the seed's 8-grams is in the benchmark.
    pub share: f64,
}

fn grams(words: &[String], n: usize) -> impl Iterator<Item = u64> + '_ {
    words.windows(n).map(|gram| {
        // The hasher's keys are fixed, so that a report does not depend on the process.
        let mut hasher = DefaultHasher::new();
        gram.hash(&mut hasher);
        hasher.finish()
    })
}

impl Benchmarks {
    /// Reads the statements of test sets.
    ///
    /// # Errors
    /// When one cannot be read to its end.
    pub fn load(configs: &[BenchmarkConfig]) -> Result<Benchmarks, DatasetError> {
        let mut benchmarks = Benchmarks::default();
        for config in configs {
            for row in DataSet::open(&config.path, config.format, config.columns.as_ref())?.rows()? {
                let problem = row?.problem;
                benchmarks.add(&config.name, &problem.id, &problem.question.statement);
            }
        }
        Ok(benchmarks)
    }

    /// Adds a problem of a benchmark.
    pub fn add(&mut self, benchmark: &str, problem_id: &str, statement: &str) {
        let name = self.names.iter().position(|name| name == benchmark).unwrap_or_else(|| {
            self.names.push(benchmark.to_owned());
            self.names.len() - 1
        });
        let Ok(problem) = u32::try_from(self.problems.len()) else { return };
        self.problems.push((name, problem_id.to_owned()));
        let words = words(statement);
        for gram in grams(&words, SHORT) {
            self.short.entry(gram).or_insert(problem);
        }
        for gram in grams(&words, LONG) {
            self.long.entry(gram).or_insert(problem);
        }
    }

    /// The benchmark problem that a statement overlaps with, if there is one.
    #[must_use]
    pub fn overlap(&self, statement: &str) -> Option<Overlap> {
        if self.problems.is_empty() {
            return None;
        }
        let words = words(statement);
        let hits: Vec<u32> = grams(&words, SHORT).filter_map(|gram| self.short.get(&gram).copied()).collect();
        let all = words.len().saturating_sub(SHORT - 1);
        let share = if all == 0 { 0.0 } else { hits.len() as f64 / all as f64 };
        let long = grams(&words, LONG).find_map(|gram| self.long.get(&gram).copied());
        let problem = long.or(hits.first().copied().filter(|_| share >= 0.5))?;
        let (name, problem_id) = &self.problems[problem as usize];
        Some(Overlap { benchmark: self.names[*name].clone(), problem_id: problem_id.clone(), share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str =
        "Natalia sold clips to 48 of her friends in April, and then she sold half as many in May.";

    #[test]
    fn copies_are_found_and_strangers_are_not() {
        let mut benchmarks = Benchmarks::default();
        benchmarks.add("test set", "t/1", STATEMENT);
        let copy = STATEMENT.to_uppercase().replace(',', "");
        let overlap = benchmarks.overlap(&copy).unwrap();
        assert_eq!(
            (overlap.benchmark.as_str(), overlap.problem_id.as_str(), overlap.share),
            ("test set", "t/1", 1.0)
        );
        let longer = format!(
            "{} {STATEMENT}",
            "An introduction of many other words stands before it here. ".repeat(9)
        );
        assert!(benchmarks.overlap(&longer).is_some_and(|overlap| overlap.share < 0.5), "a shared 13-gram");
        assert_eq!(
            benchmarks
                .overlap("Weng earns 12 dollars an hour for babysitting, and yesterday she did 50 minutes."),
            None
        );
        assert_eq!(benchmarks.overlap("Natalia sold clips."), None);
    }
}
