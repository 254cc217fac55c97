//! From one item to its appraisal: everything that the rule needs is asked for at once, and awaited.

use super::asked::{Entry, Sample};
use super::baseline::{Baselines, Origin};
use super::desk::{Desk, Then, Wanted, lost};
use super::problems::Problems;
use crate::queue::Place as QueuePlace;
use std::ops::AddAssign;
use std::sync::Arc;
use tokio::sync::oneshot;
use tracelift_domain::{Problem, Seed, Trace};
use tracelift_reward::appraisal::Measurements;
use tracelift_reward::baselines::{question_id, run_seed};
use tracelift_reward::measure::Run;
use tracelift_reward::{Appraisal, Place, RewardConfig, ScoreFailure, Unknown};

/// What was asked of the executor for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Calls that were made, failed ones among them.
    pub calls: u64,
    /// Tokens read, as far as they are known.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Runs without a trace that were there already, or that another asked for at the same time.
    pub cached: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.calls += other.calls;
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cached += other.cached;
    }
}

impl Usage {
    fn note(&mut self, run: &Run) {
        self.calls += 1;
        if let Run::Judged { completion, .. } = run {
            self.prompt_tokens += u64::from(completion.prompt_tokens.unwrap_or(0));
            self.completion_tokens += u64::from(completion.completion_tokens.unwrap_or(0));
        }
    }
}

/// What became of an item.
pub(super) struct Appraised {
    pub appraisal: Appraisal,
    pub usage: Usage,
    /// Whose it is, where that is known.
    pub problem: Option<Arc<Problem>>,
    /// Whether its completion was cut, where that is known.
    pub truncated: Option<bool>,
    /// What was written, for the ledger.
    pub written: String,
    pub trace: Option<Arc<Trace>>,
}

impl Appraised {
    pub fn unknown(unknown: Unknown) -> Appraised {
        let Unknown { cause, place, message } = unknown;
        Appraised {
            appraisal: Appraisal::unknown(cause, place, message),
            usage: Usage::default(),
            problem: None,
            truncated: None,
            written: String::new(),
            trace: None,
        }
    }
}

/// Appraises items.
#[derive(Clone)]
pub(super) struct Appraiser {
    pub desk: Desk,
    pub baselines: Baselines,
    pub problems: Arc<Problems>,
    pub seed: Seed,
}

impl Appraiser {
    /// Appraises one item. Dropping this drops what of its calls has not begun, but for the baseline.
    pub async fn appraise(
        self,
        entry: Entry,
        config: Arc<RewardConfig>,
        place: Arc<QueuePlace>,
    ) -> Appraised {
        let Sample { whose, trace, finish, written } = match entry {
            Entry::Sample(sample) => sample,
            Entry::Unknown(unknown) => return Appraised::unknown(unknown),
        };
        let problem = match self.problems.find(&whose).await {
            Ok(problem) => problem,
            Err(message) => {
                return Appraised::unknown(Unknown { cause: "unknown_problem", place: Place::Item, message });
            }
        };
        let needs = config.needs();
        let trace = trace.map(Arc::new);
        let runs =
            trace.as_ref().map(|trace| self.runs(&problem, trace, needs.with_runs)).unwrap_or_default();
        let read = match &trace {
            Ok(trace) if needs.rubric => Some(self.desk.read(&problem, trace)),
            _ => None,
        };
        let begun = match needs.baseline {
            true => self.baselines.begin(&problem, config.runs, &place),
            false => Vec::new(),
        };
        let mut usage = Usage::default();
        let mut with = Vec::with_capacity(runs.len());
        for run in runs {
            let run = run.await.unwrap_or_else(|_| Run::Failed(lost()));
            usage.note(&run);
            with.push(run);
        }
        let mut without = Vec::with_capacity(begun.len());
        for flight in begun {
            let settled = Baselines::settled(flight).await;
            match settled.origin {
                Origin::Asked => usage.note(&settled.run),
                Origin::Kept => usage.cached += 1,
            }
            without.push((*settled.run).clone());
        }
        let rubric = match read {
            None => None,
            Some(read) => Some(read.await.unwrap_or_else(|_| {
                Err(ScoreFailure::Unscored("the reading came to no end; the server's log says why".into()))
            })),
        };
        let measured = Measurements {
            problem: &problem,
            trace: trace.as_deref().map_err(|defect| *defect),
            runs: with,
            baseline: without,
            rubric,
        };
        let appraisal = Appraisal::of(measured, &config);
        let truncated = finish.truncated();
        Appraised { appraisal, usage, truncated, written, trace: trace.ok(), problem: Some(problem) }
    }

    /// Asks for the runs with a trace, all at once.
    fn runs(&self, problem: &Arc<Problem>, trace: &Arc<Trace>, count: usize) -> Vec<oneshot::Receiver<Run>> {
        let question = question_id(&problem.question);
        let (wanted, receivers): (Vec<Wanted>, Vec<_>) = (0..count as u64)
            .map(|run| {
                let (reply, receiver) = oneshot::channel();
                let wanted = Wanted {
                    problem: Arc::clone(problem),
                    trace: Some(Arc::clone(trace)),
                    seed: run_seed(self.seed, "with", &question, run),
                    then: Then::Judge(reply),
                };
                (wanted, receiver)
            })
            .unzip();
        self.desk.call(wanted);
        receivers
    }
}
