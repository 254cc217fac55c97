//! Baselines: each run measured once, whoever asks, and however many ask at the same time.
//!
//! Requests of this process that want the same run share the one that is under way; other processes are told by the store. A call
//! that was begun is brought to an end though those who asked have gone: it is paid, and somebody will ask again. One that had not
//! begun is not made.

use super::desk::{Desk, Wanting, lost};
use crate::queue::Place;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tracelift_domain::{Fingerprint, Problem, Seed};
use tracelift_executor::{CallFailure, Completion};
use tracelift_reward::baselines::{Found, JudgedBy, Kept, RunKey, StoreError, question_id};
use tracelift_reward::measure::Run;

/// How often another process is looked after that measures what is wanted here.
const LOOK: Duration = Duration::from_millis(100);

/// A run without a trace, and whether it was measured for whoever asked first.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub run: Arc<Run>,
    pub origin: Origin,
    /// Requests that were sent beside its own.
    pub hedges: u32,
}

/// Where a run comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The executor was asked.
    Asked,
    /// It was kept, or another asked for it at the same time.
    Kept,
}

type Awaited<T> = watch::Receiver<Option<T>>;
type Flights<K, W, T> = Arc<Mutex<HashMap<K, Flight<W, T>>>>;

/// What is under way, and who waits for it.
struct Flight<W, T> {
    landing: Awaited<T>,
    wanting: W,
}

/// A run that was begun or joined. Whoever holds it waits for it.
pub(super) struct Begun {
    origin: Origin,
    landing: Awaited<Settled>,
    waits: Arc<()>,
}

/// What became of a call.
#[derive(Clone, Debug)]
enum Called {
    Ended(Result<Completion, CallFailure>),
    /// It was not made: nobody waited for it.
    Unmade,
}

/// The desk's baselines.
#[derive(Clone)]
pub(super) struct Baselines {
    desk: Desk,
    /// Of each executor.
    executors: Arc<[Fingerprint]>,
    verifier: Fingerprint,
    seed: Seed,
    /// Runs that are being settled, each by one gold.
    settling: Flights<(RunKey, JudgedBy), Weak<()>, Settled>,
    /// Calls under way: two golds of one question share them.
    calling: Flights<RunKey, Wanting, Called>,
}

fn flights<K, W, T>(all: &Flights<K, W, T>) -> MutexGuard<'_, HashMap<K, Flight<W, T>>> {
    // Entries go in and out whole.
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether one is to be waited for: one whose sender is gone without a word was lost.
fn is_in_the_air<T>(landing: &Awaited<T>) -> bool {
    landing.borrow().is_some() || landing.has_changed().is_ok()
}

/// Takes a flight out, unless another one has taken its place.
fn leave<K: std::hash::Hash + Eq, W, T>(all: &Flights<K, W, T>, key: &K, sender: &watch::Sender<Option<T>>) {
    let mut all = flights(all);
    if all.get(key).is_some_and(|flight| flight.landing.same_channel(&sender.subscribe())) {
        all.remove(key);
    }
}

async fn landed<T: Clone>(mut flight: Awaited<T>) -> Option<T> {
    let landed = flight.wait_for(Option::is_some).await.ok()?;
    (*landed).clone()
}

impl Baselines {
    pub fn new(desk: Desk, executors: Arc<[Fingerprint]>, verifier: Fingerprint, seed: Seed) -> Baselines {
        Baselines {
            desk,
            executors,
            verifier,
            seed,
            settling: Flights::default(),
            calling: Flights::default(),
        }
    }

    /// Begins to settle the first `k` runs of an executor for a problem's question, or joins those who do. The place in the queue is kept until what
    /// was begun is done.
    pub fn begin(&self, executor: usize, problem: &Arc<Problem>, k: usize, place: &Arc<Place>) -> Vec<Begun> {
        let question = question_id(&problem.question);
        let by = JudgedBy::of(problem, &self.verifier);
        let (mut all, mut fresh) = (Vec::with_capacity(k), Vec::new());
        for run in 0..k as u64 {
            let print = self.executors[executor].clone();
            let key = RunKey { question: question.clone(), executor: print, seed: self.seed, run };
            let mut settling = flights(&self.settling);
            let id = (key.clone(), by.clone());
            // One that nobody waits for any more may be about to be given up.
            let joined =
                settling.get(&id).filter(|flight| is_in_the_air(&flight.landing)).and_then(|flight| {
                    let (waits, landing) = (flight.wanting.upgrade()?, flight.landing.clone());
                    Some(Begun { origin: Origin::Kept, landing, waits })
                });
            all.push(joined.unwrap_or_else(|| {
                let ((sender, landing), waits) = (watch::channel(None), Arc::new(()));
                let wanting = Arc::downgrade(&waits);
                settling.insert(id, Flight { landing: landing.clone(), wanting: wanting.clone() });
                fresh.push((key, sender, wanting));
                Begun { origin: Origin::Asked, landing, waits }
            }));
        }
        if !fresh.is_empty() {
            let (this, problem, place) = (self.clone(), Arc::clone(problem), Arc::clone(place));
            tokio::spawn(async move { this.settle((executor, problem), by, fresh, place).await });
        }
        all
    }

    /// The run that was begun.
    pub async fn settled(begun: Begun) -> Settled {
        let Begun { origin, landing, waits } = begun;
        let settled = landed(landing).await;
        drop(waits);
        let lost = || Settled { run: Arc::new(Run::Failed(lost())), origin, hedges: 0 };
        let settled = settled.unwrap_or_else(lost);
        match origin {
            Origin::Asked => settled,
            // It was paid by whoever came first.
            Origin::Kept => Settled { origin: Origin::Kept, hedges: 0, ..settled },
        }
    }

    async fn settle(
        &self,
        (executor, problem): (usize, Arc<Problem>),
        by: JudgedBy,
        fresh: Vec<(RunKey, watch::Sender<Option<Settled>>, Weak<()>)>,
        place: Arc<Place>,
    ) {
        let keys: Vec<RunKey> = fresh.iter().map(|(key, ..)| key.clone()).collect();
        let mut found = self.found(&problem, keys, &by).await.map(Vec::into_iter);
        for (key, sender, wanting) in fresh {
            let found = match &mut found {
                Ok(found) => found.next().ok_or_else(lost),
                Err(failure) => Err(failure.clone()),
            };
            let (this, problem, by, place) =
                (self.clone(), Arc::clone(&problem), by.clone(), Arc::clone(&place));
            tokio::spawn(async move {
                let settled = this.settle_one((executor, &problem), &key, &by, found, &wanting).await;
                sender.send_replace(Some(settled));
                leave(&this.settling, &(key, by), &sender);
                drop(place);
            });
        }
    }

    /// What the store has.
    async fn found(
        &self,
        problem: &Arc<Problem>,
        keys: Vec<RunKey>,
        by: &JudgedBy,
    ) -> Result<Vec<Found>, CallFailure> {
        let (problem, by) = (Arc::clone(problem), by.clone());
        let found = self.desk.keep(move |store| store.ask(&problem.question, &keys, &by)).await;
        found.ok_or_else(lost)?.map_err(|error| unkept(&error))
    }

    async fn settle_one(
        &self,
        (executor, problem): (usize, &Arc<Problem>),
        key: &RunKey,
        by: &JudgedBy,
        mut found: Result<Found, CallFailure>,
        wanting: &Weak<()>,
    ) -> Settled {
        let mut hedges = 0;
        let failed = |failure, hedges| {
            let run = Arc::new(Run::Failed(failure));
            Settled { run, origin: Origin::Asked, hedges }
        };
        loop {
            let (completion, origin) = match found {
                Err(failure) => return failed(failure, hedges),
                Ok(Found::Kept(Kept { completion, judgement: Some(judgement) })) => {
                    let run = Arc::new(Run::Judged { completion, judgement });
                    return Settled { run, origin: Origin::Kept, hedges };
                }
                Ok(Found::Kept(Kept { completion, judgement: None })) => (completion, Origin::Kept),
                Ok(Found::Ours) => match self.called((executor, problem), key, wanting, &mut hedges).await {
                    (Called::Ended(Ok(completion)), origin) => (completion, origin),
                    (Called::Ended(Err(failure)), _) => return failed(failure, hedges),
                    // Others had given it up when this one came.
                    (Called::Unmade, _) if wanting.strong_count() > 0 => {
                        found = self.found_one(problem, key, by).await;
                        continue;
                    }
                    (Called::Unmade, _) => return failed(lost(), hedges),
                },
                Ok(Found::Theirs) if wanting.strong_count() == 0 => return failed(lost(), hedges),
                Ok(Found::Theirs) => {
                    tokio::time::sleep(LOOK).await;
                    found = self.found_one(problem, key, by).await;
                    continue;
                }
            };
            let run = self.desk.judgement(problem, completion).await;
            if let Run::Judged { judgement, .. } = &run {
                let (key, by, judgement) = (key.clone(), by.clone(), judgement.clone());
                self.note(move |store| store.judge(&key, &by, &judgement)).await;
            }
            return Settled { run: Arc::new(run), origin, hedges };
        }
    }

    async fn found_one(
        &self,
        problem: &Arc<Problem>,
        key: &RunKey,
        by: &JudgedBy,
    ) -> Result<Found, CallFailure> {
        let found = self.found(problem, vec![key.clone()], by).await?;
        found.into_iter().next().ok_or_else(lost)
    }

    /// A call that whoever asks is to make, or one that is under way.
    fn board(
        &self,
        key: &RunKey,
        waits: &Weak<()>,
    ) -> Result<(watch::Sender<Option<Called>>, Wanting), Awaited<Called>> {
        let mut calling = flights(&self.calling);
        if let Some(flight) = calling.get(key).filter(|flight| is_in_the_air(&flight.landing)) {
            flight.wanting.add(waits.clone());
            return Err(flight.landing.clone());
        }
        let ((sender, landing), wanting) = (watch::channel(None), Wanting::default());
        wanting.add(waits.clone());
        calling.insert(key.clone(), Flight { landing, wanting: wanting.clone() });
        Ok((sender, wanting))
    }

    /// What the executor writes, kept before anybody sees it.
    async fn called(
        &self,
        (executor, problem): (usize, &Arc<Problem>),
        key: &RunKey,
        waits: &Weak<()>,
        hedges: &mut u32,
    ) -> (Called, Origin) {
        let (sender, wanting) = match self.board(key, waits) {
            Ok(first) => first,
            Err(landing) => {
                let called = landed(landing).await.unwrap_or_else(|| Called::Ended(Err(lost())));
                return (called, Origin::Kept);
            }
        };
        let made = self.desk.completion(executor, problem, key.seed(), wanting).await;
        let result = made.map(|made| {
            *hedges += made.hedges;
            made.of
        });
        let kept = key.clone();
        let called = match result {
            Some(Ok(completion)) => {
                let noted = completion.clone();
                self.note(move |store| store.record(&kept, &noted)).await;
                Called::Ended(Ok(completion))
            }
            failed => {
                self.note(move |store| store.release(&kept)).await;
                failed.map_or(Called::Unmade, Called::Ended)
            }
        };
        sender.send_replace(Some(called.clone()));
        leave(&self.calling, key, &sender);
        (called, Origin::Asked)
    }

    /// Writes to the store. Where that fails, what was measured counts all the same; it will be measured again.
    async fn note(
        &self,
        errand: impl FnOnce(&tracelift_reward::baselines::Store) -> Result<(), StoreError> + Send + 'static,
    ) {
        if let Some(Err(error)) = self.desk.keep(errand).await {
            tracing::error!(%error, "a baseline is not kept");
        }
    }
}

fn unkept(error: &StoreError) -> CallFailure {
    tracing::error!(%error, "the store of baselines does not answer");
    CallFailure::Unkept { detail: error.to_string() }
}
