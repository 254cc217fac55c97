//! From one item to its appraisal: everything that the rule needs is asked for at once, and awaited.

use super::asked::{Entry, Sample};
use super::baseline::{Baselines, Begun, Origin};
use super::desk::{Desk, Made, Then, Wanted, lost};
use super::executors::Readers;
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
    /// Calls that were made, failed ones and hedges among them.
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
    fn note(&mut self, run: &Run, hedges: u32) {
        self.calls += 1 + u64::from(hedges);
        if let Run::Judged { completion, .. } = run {
            self.prompt_tokens += u64::from(completion.prompt_tokens.unwrap_or(0));
            self.completion_tokens += u64::from(completion.completion_tokens.unwrap_or(0));
        }
    }
}

/// What became of an item.
pub(super) struct Appraised {
    pub appraisal: Appraisal,
    /// The executors of which it was appraised; none where it came to nothing before.
    pub readers: Readers,
    /// Of each, where there were several: their mean is the appraisal.
    pub each: Vec<Appraisal>,
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
            readers: Arc::new([]),
            each: Vec::new(),
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
    /// Appraises one item, of the executors that it names, or else of these. Dropping this drops what of its calls has not begun and
    /// nobody else waits for.
    pub async fn appraise(
        self,
        entry: Entry,
        config: Arc<RewardConfig>,
        readers: Readers,
        place: Arc<QueuePlace>,
    ) -> Appraised {
        let Sample { whose, trace, finish, written, readers: own } = match entry {
            Entry::Sample(sample) => sample,
            Entry::Unknown(unknown) => return Appraised::unknown(unknown),
        };
        let readers = own.unwrap_or(readers);
        let problem = match self.problems.find(&whose).await {
            Ok(problem) => problem,
            Err(message) => {
                return Appraised::unknown(Unknown { cause: "unknown_problem", place: Place::Item, message });
            }
        };
        let needs = config.needs();
        let trace = trace.map(Arc::new);
        let asked: Vec<Asked> = readers
            .iter()
            .map(|&reader| Asked {
                with: match &trace {
                    Ok(trace) => self.runs(reader, &problem, trace, needs.with_runs),
                    Err(_) => Vec::new(),
                },
                without: match needs.baseline {
                    true => self.baselines.begin(reader, &problem, config.runs, &place),
                    false => Vec::new(),
                },
            })
            .collect();
        let read = match &trace {
            Ok(trace) if needs.rubric => Some(self.desk.read(&problem, trace)),
            _ => None,
        };
        let mut usage = Usage::default();
        let mut heard = Vec::with_capacity(asked.len());
        for asked in asked {
            heard.push(asked.heard(&mut usage).await);
        }
        let rubric = match read {
            None => None,
            Some(read) => Some(read.await.unwrap_or_else(|_| {
                Err(ScoreFailure::Unscored("the reading came to no end; the server's log says why".into()))
            })),
        };
        let mut each: Vec<Appraisal> = heard
            .into_iter()
            .map(|(runs, baseline)| {
                let trace = trace.as_deref().map_err(|defect| *defect);
                let rubric = rubric.clone();
                Appraisal::of(Measurements { problem: &problem, trace, runs, baseline, rubric }, &config)
            })
            .collect();
        let (appraisal, each) = match each.len() {
            1 => (each.remove(0), Vec::new()),
            _ => (Appraisal::mean(&each), each),
        };
        let truncated = finish.truncated();
        let (trace, problem) = (trace.ok(), Some(problem));
        Appraised { appraisal, readers, each, usage, truncated, written, trace, problem }
    }

    /// Asks an executor for the runs with a trace, all at once.
    fn runs(
        &self,
        reader: usize,
        problem: &Arc<Problem>,
        trace: &Arc<Trace>,
        count: usize,
    ) -> Vec<oneshot::Receiver<Made<Run>>> {
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
        self.desk.call(reader, wanted);
        receivers
    }
}

/// What one executor was asked for an item.
struct Asked {
    with: Vec<oneshot::Receiver<Made<Run>>>,
    without: Vec<Begun>,
}

impl Asked {
    /// The runs with the trace and those without.
    async fn heard(self, usage: &mut Usage) -> (Vec<Run>, Vec<Run>) {
        let mut with = Vec::with_capacity(self.with.len());
        for run in self.with {
            let lost = |_| Made { of: Run::Failed(lost()), hedges: 0 };
            let Made { of: run, hedges } = run.await.unwrap_or_else(lost);
            usage.note(&run, hedges);
            with.push(run);
        }
        let mut without = Vec::with_capacity(self.without.len());
        for begun in self.without {
            let settled = Baselines::settled(begun).await;
            match settled.origin {
                Origin::Asked => usage.note(&settled.run, settled.hedges),
                Origin::Kept => usage.cached += 1,
            }
            without.push((*settled.run).clone());
        }
        (with, without)
    }
}
