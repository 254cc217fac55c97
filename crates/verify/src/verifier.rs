//! The verifier: configured once, then asked.

use crate::{
    answers,
    config::{AnswerMode, ConfigError, VerifierConfig},
    judgement::Judgement,
    programs::Runner,
};
use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tracelift_domain::{Gold, Problem};

/// V: (problem, completion) → judgement.
#[derive(Debug)]
pub struct Verifier {
    answers: AnswerMode,
    jobs: NonZeroUsize,
    runner: Runner,
}

/// A verifier that cannot run programs.
#[derive(Debug, thiserror::Error)]
#[error("cannot run Python programs here: {0}")]
pub struct ProbeError(String);

impl Verifier {
    /// A verifier with these settings. The Python interpreter is looked up when the first program is judged.
    ///
    /// # Errors
    /// A setting that is out of range.
    pub fn new(config: VerifierConfig) -> Result<Verifier, ConfigError> {
        config.programs.validate()?;
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Ok(Verifier {
            answers: config.answers,
            jobs: config.jobs.unwrap_or_else(cores),
            runner: Runner::new(config.programs),
        })
    }

    /// Runs one tiny program, so that a missing interpreter or impossible limits show before hours of work do.
    ///
    /// # Errors
    /// What keeps programs from running.
    pub fn probe(&self) -> Result<(), ProbeError> {
        self.runner.probe().map_err(|error| ProbeError(error.to_string()))
    }

    /// Judges one completion.
    #[must_use]
    pub fn judge(&self, problem: &Problem, completion: &str) -> Judgement {
        match &problem.gold {
            Gold::Answer(gold) => answers::judge(self.answers, gold, completion),
            Gold::Tests(tests) => self.runner.judge(tests, completion),
        }
    }

    /// Judges many, in the order given; programs run side by side.
    #[must_use]
    pub fn judge_all(&self, items: &[(&Problem, &str)]) -> Vec<Judgement> {
        let programs = items.iter().filter(|(problem, _)| matches!(problem.gold, Gold::Tests(_))).count();
        let jobs = self.jobs.get().min(programs);
        if jobs <= 1 {
            return items.iter().map(|(problem, completion)| self.judge(problem, completion)).collect();
        }
        let next = AtomicUsize::new(0);
        let places: Vec<OnceLock<Judgement>> = items.iter().map(|_| OnceLock::new()).collect();
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some((problem, completion)) = items.get(index) else { break };
                places[index].get_or_init(|| self.judge(problem, completion));
            }
        };
        thread::scope(|scope| {
            for _ in 1..jobs {
                // A thread that cannot be had costs time, not judgements: this one works through the list as well.
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        let lost = || Judgement::unscorable("it was never judged", None);
        places.into_iter().map(|place| place.into_inner().unwrap_or_else(lost)).collect()
    }

    /// Temporary directories of programs that could not be removed, for the log.
    #[must_use]
    pub fn leftovers(&self) -> Vec<PathBuf> {
        self.runner.leftovers()
    }
}
