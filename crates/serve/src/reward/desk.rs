//! From items to measurements: queues, and the threads that work through them.
//!
//! Executor calls go to as many lanes as the executor takes at a time; one in this process has a single lane, which takes all that
//! wait together. Completions go on to judges, traces to readers, and whatever concerns the store of baselines to its keeper. Who
//! asked and hung up is dropped when his turn comes.

use super::RewardServiceConfig;
use super::executors::{Executors, Named};
use crate::listener::{Frame, Threads};
use crate::queue::Queue;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use tracelift_domain::{Problem, Seed, Trace};
use tracelift_executor::{Call, CallFailure, Completion, Executor, Intake, Ran};
use tracelift_reward::baselines::Store;
use tracelift_reward::measure::Run;
use tracelift_reward::{RubricScore, ScoreFailure, ScoreItem, TraceScorer};
use tracelift_verify::{Judgement, Verifier};

/// Calls of an executor in this process that go into one batch; further ones wait for the next.
const TOGETHER: usize = 512;
/// Traces that one reader takes at a time.
const READ_TOGETHER: usize = 64;

/// Who works at a desk.
pub(super) struct Staff {
    pub executors: Executors,
    pub verifier: Arc<Verifier>,
    pub rubric: Option<Arc<dyn TraceScorer>>,
}

/// What becomes of a completion.
pub(super) enum Then {
    /// It is handed back as it is, to those who want it.
    Return(oneshot::Sender<Made<Result<Completion, CallFailure>>>, Wanting),
    /// It is judged first.
    Judge(oneshot::Sender<Made<Run>>),
}

/// What a call made, and the requests that were sent beside the first.
#[derive(Clone, Debug)]
pub(super) struct Made<T> {
    pub of: T,
    pub hedges: u32,
}

impl Then {
    fn is_unwanted(&self) -> bool {
        match self {
            Then::Return(_, wanting) => !wanting.is_anybody_there(),
            Then::Judge(reply) => reply.is_closed(),
        }
    }
}

/// Those who wait for something that several may wait for. Each is there as long as he holds what was given to him.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanting(Arc<Mutex<Vec<Weak<()>>>>);

impl Wanting {
    fn all(&self) -> MutexGuard<'_, Vec<Weak<()>>> {
        // One is added or taken away whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, one: Weak<()>) {
        self.all().push(one);
    }

    pub fn is_anybody_there(&self) -> bool {
        let mut all = self.all();
        all.retain(|one| one.strong_count() > 0);
        !all.is_empty()
    }
}

/// A call to be made.
pub(super) struct Wanted {
    pub problem: Arc<Problem>,
    pub trace: Option<Arc<Trace>>,
    pub seed: Seed,
    pub then: Then,
}

struct ToJudge {
    problem: Arc<Problem>,
    completion: Completion,
    then: Judged,
}

enum Judged {
    Run(oneshot::Sender<Made<Run>>, u32),
    Alone(oneshot::Sender<(Completion, Judgement)>),
}

struct ToRead {
    problem: Arc<Problem>,
    trace: Arc<Trace>,
    reply: oneshot::Sender<Result<RubricScore, ScoreFailure>>,
}

type Errand = Box<dyn FnOnce(&Store) + Send>;

/// Where work is handed in.
#[derive(Clone)]
pub(super) struct Desk {
    /// One an executor.
    calls: Arc<[Queue<Wanted>]>,
    judges: Arc<Queue<ToJudge>>,
    readers: Arc<Queue<ToRead>>,
    keeper: Arc<Queue<Errand>>,
}

impl Desk {
    /// A desk and its threads. The store goes to its keeper.
    pub fn open(
        staff: &Staff,
        store: Store,
        config: &RewardServiceConfig,
        frame: &Frame,
    ) -> io::Result<(Desk, Threads)> {
        let desk = Desk {
            calls: staff.executors.all().iter().map(|_| Queue::new()).collect(),
            judges: Arc::new(Queue::new()),
            readers: Arc::new(Queue::new()),
            keeper: Arc::new(Queue::new()),
        };
        let mut handles: Vec<JoinHandle<()>> = Vec::new();
        let names = staff.executors.names();
        for (place, named) in staff.executors.all().iter().enumerate() {
            desk.man_lanes(place, named, names.shown(place), &mut handles, frame)?;
        }
        for judge in 0..config.judges.get() {
            let (verifier, queue) = (Arc::clone(&staff.verifier), Arc::clone(&desk.judges));
            let thread = std::thread::Builder::new().name(format!("judge {judge}"));
            handles.push(thread.spawn(move || {
                while let Some(next) = queue.pop() {
                    judge_one(&verifier, next);
                }
            })?);
        }
        if let Some(rubric) = &staff.rubric {
            for reader in 0..config.readers.get() {
                let (rubric, queue) = (Arc::clone(rubric), Arc::clone(&desk.readers));
                let thread = std::thread::Builder::new().name(format!("reader {reader}"));
                handles.push(thread.spawn(move || {
                    while let Some(next) = queue.pop_many(READ_TOGETHER) {
                        read(&*rubric, next);
                    }
                })?);
            }
        }
        let queue = Arc::clone(&desk.keeper);
        let thread = std::thread::Builder::new().name("keeper".into());
        handles.push(thread.spawn(move || {
            while let Some(errand) = queue.pop() {
                // An errand that panics is answered by nobody, and its transaction is rolled back.
                let _ = catch_unwind(AssertUnwindSafe(|| errand(&store)));
            }
        })?);
        let closing = desk.clone();
        let close = move || {
            closing.calls.iter().for_each(Queue::close);
            closing.judges.close();
            closing.readers.close();
            closing.keeper.close();
        };
        Ok((desk, Threads { close: Box::new(close), handles }))
    }

    /// Threads for as many calls as an executor takes at a time.
    fn man_lanes(
        &self,
        place: usize,
        named: &Named,
        shown: Option<&str>,
        handles: &mut Vec<JoinHandle<()>>,
        frame: &Frame,
    ) -> io::Result<()> {
        let (lanes, together) = match named.executor.intake() {
            Intake::Together => (1, TOGETHER),
            Intake::Apart(count) => (count.get(), 1),
        };
        let under_way = Arc::new(AtomicUsize::new(0));
        for lane in 0..lanes {
            let (executor, desk) = (Arc::clone(&named.executor), self.clone());
            let under_way = Arc::clone(&under_way);
            let thread = std::thread::Builder::new().name(format!("call {lane}"));
            handles.push(thread.spawn(move || {
                while let Some(wanted) = desk.calls[place].pop_many(together) {
                    let wanted: Vec<Wanted> =
                        wanted.into_iter().filter(|wanted| !wanted.then.is_unwanted()).collect();
                    under_way.fetch_add(wanted.len(), Ordering::Relaxed);
                    let count = wanted.len();
                    make(&*executor, wanted, &desk);
                    under_way.fetch_sub(count, Ordering::Relaxed);
                }
            })?);
        }
        let labels = shown.map(|name| ("executor", name));
        let help = "Executor calls under way.";
        frame.gauge_of("reward", "tracelift_executor_calls_under_way", help, labels, move || {
            under_way.load(Ordering::Relaxed) as f64
        });
        let waiting = Arc::clone(&self.calls);
        let help = "Executor calls that wait for a lane.";
        frame.gauge_of("reward", "tracelift_executor_calls_waiting", help, labels, move || {
            waiting[place].len() as f64
        });
        Ok(())
    }

    /// Hands calls of one executor in, all at once.
    pub fn call(&self, executor: usize, calls: impl IntoIterator<Item = Wanted>) {
        self.calls[executor].push(calls);
    }

    /// What the executor wrote to a call without a trace; nothing where nobody wanted it any more when its turn came.
    pub async fn completion(
        &self,
        executor: usize,
        problem: &Arc<Problem>,
        seed: Seed,
        wanting: Wanting,
    ) -> Option<Made<Result<Completion, CallFailure>>> {
        let (reply, receiver) = oneshot::channel();
        let then = Then::Return(reply, wanting);
        self.call(executor, [Wanted { problem: Arc::clone(problem), trace: None, seed, then }]);
        receiver.await.ok()
    }

    /// What the verifier says of a completion.
    pub async fn judgement(&self, problem: &Arc<Problem>, completion: Completion) -> Run {
        let (reply, receiver) = oneshot::channel();
        self.judges.push([ToJudge { problem: Arc::clone(problem), completion, then: Judged::Alone(reply) }]);
        match receiver.await {
            Ok((completion, judgement)) => Run::Judged { completion, judgement },
            Err(_) => Run::Failed(lost()),
        }
    }

    /// Lets a trace be read against the rubric.
    pub fn read(
        &self,
        problem: &Arc<Problem>,
        trace: &Arc<Trace>,
    ) -> oneshot::Receiver<Result<RubricScore, ScoreFailure>> {
        let (reply, receiver) = oneshot::channel();
        self.readers.push([ToRead { problem: Arc::clone(problem), trace: Arc::clone(trace), reply }]);
        receiver
    }

    /// Asks the keeper of the store; `None` where the server ends, or the errand came to no end.
    pub async fn keep<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, receiver) = oneshot::channel();
        self.keeper.push([Box::new(move |store: &Store| {
            // Whoever asked may have hung up in the meantime; what is kept is kept.
            let _ = reply.send(errand(store));
        }) as Errand]);
        receiver.await.ok()
    }
}

/// What is said of a call that came to no end.
pub(super) fn lost() -> CallFailure {
    CallFailure::Engine { detail: "the call came to no end; the server's log says why".into() }
}

fn make(executor: &dyn Executor, wanted: Vec<Wanted>, desk: &Desk) {
    if wanted.is_empty() {
        return;
    }
    let calls: Vec<Call<'_>> = wanted
        .iter()
        .map(|wanted| Call {
            question: &wanted.problem.question,
            trace: wanted.trace.as_deref(),
            seed: wanted.seed,
        })
        .collect();
    let results = catch_unwind(AssertUnwindSafe(|| executor.run_counted(&calls)));
    let mut results = results
        .inspect_err(|_| tracing::error!(calls = wanted.len(), "the executor panicked"))
        .unwrap_or_default()
        .into_iter();
    for wanted in wanted {
        let lost = || Ran { result: Err(lost()), hedges: 0 };
        let Ran { result, hedges } = results.next().unwrap_or_else(lost);
        // Whoever asked may have hung up in the meantime.
        match (wanted.then, result) {
            (Then::Return(reply, _), of) => drop(reply.send(Made { of, hedges })),
            (Then::Judge(reply), Err(failure)) => {
                drop(reply.send(Made { of: Run::Failed(failure), hedges }));
            }
            (Then::Judge(reply), Ok(completion)) => {
                let then = Judged::Run(reply, hedges);
                desk.judges.push([ToJudge { problem: wanted.problem, completion, then }]);
            }
        }
    }
}

fn judge_one(verifier: &Verifier, next: ToJudge) {
    let ToJudge { problem, completion, then } = next;
    let unwanted = match &then {
        Judged::Run(reply, _) => reply.is_closed(),
        Judged::Alone(reply) => reply.is_closed(),
    };
    if unwanted {
        return;
    }
    let judged = catch_unwind(AssertUnwindSafe(|| verifier.judge(&problem, &completion.text)));
    let judgement = judged.unwrap_or_else(|_| {
        tracing::error!("the verifier panicked");
        Judgement {
            verdict: tracelift_domain::Verdict::Unscorable { why: "the verifier failed on it".into() },
            artifact: None,
            score: None,
        }
    });
    // Whoever asked may have hung up in the meantime.
    match then {
        Judged::Run(reply, hedges) => {
            drop(reply.send(Made { of: Run::Judged { completion, judgement }, hedges }));
        }
        Judged::Alone(reply) => drop(reply.send((completion, judgement))),
    }
}

fn read(rubric: &dyn TraceScorer, next: Vec<ToRead>) {
    let next: Vec<ToRead> = next.into_iter().filter(|next| !next.reply.is_closed()).collect();
    let items: Vec<ScoreItem<'_>> =
        next.iter().map(|next| ScoreItem { question: &next.problem.question, trace: &next.trace }).collect();
    let scores = catch_unwind(AssertUnwindSafe(|| rubric.score(&items)));
    let mut scores = scores
        .inspect_err(|_| tracing::error!(traces = next.len(), "the reader of traces panicked"))
        .unwrap_or_default()
        .into_iter();
    for next in next {
        let failed = || Err(ScoreFailure::Unscored("its reader failed".into()));
        // Whoever asked may have hung up in the meantime.
        let _ = next.reply.send(scores.next().unwrap_or_else(failed));
    }
}
