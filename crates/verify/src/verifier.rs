//! The verifier: configured once, then asked.

use crate::{
    answers::{AnswerJudge, math_verify::MathVerifyError},
    config::VerifierConfig,
    judgement::Judgement,
    programs::{Comparison, Runner, Tests},
};
use std::{
    num::NonZeroUsize,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tracelift_domain::{Gold, Problem, SettingError};
use tracelift_sandbox::{Observed, SandboxError};

/// V: (problem, completion) → judgement.
#[derive(Debug)]
pub struct Verifier {
    answers: AnswerJudge,
    jobs: NonZeroUsize,
    runner: Runner,
    compare: Comparison,
}

/// What keeps a verifier from judging.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No programs.
    #[error("cannot run Python programs here: {0}")]
    Programs(#[source] Arc<SandboxError>),
    /// No Python library for answers.
    #[error("cannot compare answers: {0}")]
    Answers(#[from] MathVerifyError),
}

impl Verifier {
    /// A verifier with these settings. The sandbox starts when the first program is judged.
    ///
    /// # Errors
    /// A setting that is out of range.
    pub fn new(config: VerifierConfig) -> Result<Verifier, SettingError> {
        config.validate()?;
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let jobs = config.jobs.unwrap_or_else(cores);
        let compare = config.programs.compare.clone();
        let answers = AnswerJudge::new(&config);
        Ok(Verifier { answers, jobs, runner: Runner::new(config.programs, jobs), compare })
    }

    /// Starts what these problems need, so that a missing interpreter or library, or a sandbox that is weaker than
    /// required, shows before hours of work do. Says what was observed of the sandbox, if programs are to be run.
    ///
    /// # Errors
    /// What keeps it from judging.
    pub fn probe<'p>(
        &self,
        problems: impl IntoIterator<Item = &'p Problem>,
    ) -> Result<Option<&Observed>, ProbeError> {
        let (mut answers, mut programs) = (false, false);
        for problem in problems {
            match problem.gold {
                Gold::Answer(_) => answers = true,
                Gold::Tests(_) | Gold::Function(_) => programs = true,
            }
        }
        if answers {
            self.answers.probe()?;
        }
        if programs { self.runner.start().map(Some).map_err(ProbeError::Programs) } else { Ok(None) }
    }

    /// Who runs programs.
    #[must_use]
    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    /// What was observed of the sandbox in which programs ran, if any ran.
    #[must_use]
    pub fn sandbox(&self) -> Option<&Observed> {
        self.runner.observed()
    }

    /// Gold answers that are not equal to themselves or cannot be read: no completion can be right for these problems.
    #[must_use]
    pub fn gold_faults<'p>(&self, problems: impl IntoIterator<Item = &'p Problem>) -> Vec<GoldFault> {
        problems
            .into_iter()
            .filter_map(|problem| {
                let Gold::Answer(gold) = &problem.gold else { return None };
                let fault = self.answers.is_gold_fault(gold);
                fault.then(|| GoldFault { problem: problem.id.clone(), gold: gold.clone() })
            })
            .collect()
    }

    /// Judges one completion.
    #[must_use]
    pub fn judge(&self, problem: &Problem, completion: &str) -> Judgement {
        match &problem.gold {
            Gold::Answer(gold) => self.answers.judge(gold, completion),
            Gold::Tests(tests) => {
                let comparison = self.compare.clone();
                let tests = Tests::Io { tests: tests.clone(), comparison, checker: None };
                self.runner.judge(&tests, completion)
            }
            Gold::Function(tests) => self.runner.judge(&Tests::Function(tests.clone()), completion),
        }
    }

    /// Judges many, in the order given; programs run side by side.
    #[must_use]
    pub fn judge_all(&self, items: &[(&Problem, &str)]) -> Vec<Judgement> {
        let lost = || Judgement::unscorable("it was never judged", None);
        self.judge_while(items, || true).into_iter().map(|judged| judged.unwrap_or_else(lost)).collect()
    }

    /// [`Verifier::judge_all`] as long as it is wanted, which is asked before each: of what comes after that there is nothing.
    #[must_use]
    pub fn judge_while(
        &self,
        items: &[(&Problem, &str)],
        wanted: impl Fn() -> bool + Sync,
    ) -> Vec<Option<Judgement>> {
        let programs = items.iter().filter(|(problem, _)| !matches!(problem.gold, Gold::Answer(_))).count();
        let jobs = self.jobs.get().min(programs);
        let next = AtomicUsize::new(0);
        let places: Vec<OnceLock<Judgement>> = items.iter().map(|_| OnceLock::new()).collect();
        let work = || {
            while wanted() {
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
        places.into_iter().map(OnceLock::into_inner).collect()
    }
}

/// A gold answer that is not equal to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldFault {
    /// The problem.
    pub problem: String,
    /// Its gold answer.
    pub gold: String,
}
