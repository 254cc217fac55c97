//! The executors of an evaluation: one, or several, each opened when it is needed.

use crate::config::evaluation::of_executor;
use crate::config::{EvalConfig, Origin, RunConfig};
use crate::setup;
use anyhow::{Error, Result};
use tracelift_eval::provenance::ExecutorMade;
use tracelift_executor::{Executor, ExecutorConfig, InProcessError, OpenError, Usage};

/// An executor that takes part.
pub struct Seat {
    config: ExecutorConfig,
    /// Its place among `eval.executors`, where those are said.
    at: Option<usize>,
    /// What results say of it.
    pub made: ExecutorMade,
    /// What it was asked for.
    pub usage: Usage,
}

/// The executors, each opened once to know what it is.
///
/// # Errors
/// What keeps one from being had, and the setting that names it.
pub fn seats(
    config: &RunConfig,
    eval: &EvalConfig,
    origin: &Origin,
    mut look: impl FnMut(&dyn Executor) -> Result<()>,
) -> Result<Vec<Seat>> {
    let named: Vec<(Option<usize>, String, ExecutorConfig)> = match eval.executors.is_empty() {
        true => vec![(None, "executor".to_owned(), config.executor.clone())],
        false => eval
            .executors
            .iter()
            .enumerate()
            .map(|(at, named)| (Some(at), named.name.trim().to_owned(), named.executor()))
            .collect(),
    };
    let mut seats: Vec<Seat> = Vec::new();
    for (at, name, config) in named {
        let executor = open(&config, at, origin)?;
        let made = ExecutorMade {
            described: executor.describe(),
            fingerprint: executor.fingerprint().clone(),
            calls: 0,
            failures: std::collections::BTreeMap::new(),
            retries: 0,
            name,
        };
        match at {
            Some(_) => println!("executor {}: {}", made.name, made.described),
            None => println!("executor: {}", made.described),
        }
        if let Some(other) = seats.iter().find(|seat| seat.made.fingerprint == made.fingerprint) {
            let fault =
                format!("holds the same executor twice, as `{}` and `{}`", other.made.name, made.name);
            return Err(origin.refuse(&tracelift_domain::SettingError::new("eval.executors", fault)));
        }
        look(executor.as_ref())?;
        seats.push(Seat { config, at, made, usage: Usage::default() });
    }
    Ok(seats)
}

impl Seat {
    /// The executor.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open(&self, origin: &Origin) -> Result<Box<dyn Executor>> {
        open(&self.config, self.at, origin)
    }

    /// Whether it can be asked now, found out without a call.
    ///
    /// # Errors
    /// Why it cannot, and where it is named.
    pub fn reach(&self, origin: &Origin) -> Result<()> {
        let executor = self.open(origin)?;
        executor.reach().map_err(|failure| {
            Error::new(failure).context(format!("{}: the executor cannot be asked", origin.of(&key(self.at))))
        })
    }

    /// Whether it is a server, which may be out of reach.
    pub fn is_remote(&self) -> bool {
        self.config.openai.is_some()
    }

    /// Notes what was asked of it.
    pub fn note(&mut self, executor: &dyn Executor) {
        self.usage = executor.usage();
        (self.made.calls, self.made.retries) = (self.usage.calls, self.usage.retries);
        self.made.failures.clone_from(&self.usage.failures);
    }
}

fn key(at: Option<usize>) -> String {
    at.map_or_else(|| "executor".to_owned(), |at| format!("eval.executors[{at}]"))
}

fn open(config: &ExecutorConfig, at: Option<usize>, origin: &Origin) -> Result<Box<dyn Executor>> {
    config.open().map_err(|error| match (error, at) {
        (error, None) => setup::of_executor(origin, error),
        (OpenError::Setting(error) | OpenError::InProcess(InProcessError::Setting(error)), Some(at)) => {
            origin.refuse(&of_executor(at, &error).under("eval"))
        }
        (error, Some(_)) => Error::new(error).context(origin.blame(&format!("{}.in_process.model", key(at)))),
    })
}
