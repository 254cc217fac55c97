//! Baselines: each run measured once, whoever asks, and however many ask at the same time.
//!
//! Requests of this process that want the same run share the one that is under way; other processes are told by the store. What
//! was begun is brought to an end though those who asked have gone: somebody will ask again.

use super::desk::{Desk, lost};
use crate::queue::Place;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
type Flights<K, T> = Arc<Mutex<HashMap<K, Awaited<T>>>>;

/// The desk's baselines.
#[derive(Clone)]
pub(super) struct Baselines {
    desk: Desk,
    executor: Fingerprint,
    verifier: Fingerprint,
    seed: Seed,
    /// Runs that are being settled, each by one gold.
    settling: Flights<(RunKey, JudgedBy), Settled>,
    /// Calls under way: two golds of one question share them.
    calling: Flights<RunKey, Result<Completion, CallFailure>>,
}

/// What is wanted, of whoever comes first, and what he is to make of it.
enum Boarded<T> {
    First(watch::Sender<Option<T>>, Awaited<T>),
    Joined(Awaited<T>),
}

fn flights<K, T>(all: &Flights<K, T>) -> MutexGuard<'_, HashMap<K, Awaited<T>>> {
    // Entries go in and out whole.
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

fn board<K: std::hash::Hash + Eq + Clone, T>(all: &Flights<K, T>, key: &K) -> Boarded<T> {
    let mut all = flights(all);
    // One whose sender is gone without a word was lost.
    if let Some(flight) = all.get(key)
        && (flight.borrow().is_some() || flight.has_changed().is_ok())
    {
        return Boarded::Joined(flight.clone());
    }
    let (sender, receiver) = watch::channel(None);
    all.insert(key.clone(), receiver.clone());
    Boarded::First(sender, receiver)
}

async fn landed<T: Clone>(mut flight: Awaited<T>) -> Option<T> {
    let landed = flight.wait_for(Option::is_some).await.ok()?;
    (*landed).clone()
}

impl Baselines {
    pub fn new(desk: Desk, executor: Fingerprint, verifier: Fingerprint, seed: Seed) -> Baselines {
        Baselines {
            desk,
            executor,
            verifier,
            seed,
            settling: Flights::default(),
            calling: Flights::default(),
        }
    }

    /// Begins to settle the first `k` runs of a problem's question, or joins those who do. The place in the queue is kept until what
    /// was begun is done.
    pub fn begin(
        &self,
        problem: &Arc<Problem>,
        k: usize,
        place: &Arc<Place>,
    ) -> Vec<(Origin, Awaited<Settled>)> {
        let question = question_id(&problem.question);
        let by = JudgedBy::of(problem, &self.verifier);
        let (mut all, mut fresh) = (Vec::with_capacity(k), Vec::new());
        for run in 0..k as u64 {
            let key =
                RunKey { question: question.clone(), executor: self.executor.clone(), seed: self.seed, run };
            match board(&self.settling, &(key.clone(), by.clone())) {
                Boarded::Joined(flight) => all.push((Origin::Kept, flight)),
                Boarded::First(sender, flight) => {
                    all.push((Origin::Asked, flight));
                    fresh.push((key, sender));
                }
            }
        }
        if !fresh.is_empty() {
            let (this, problem, place) = (self.clone(), Arc::clone(problem), Arc::clone(place));
            tokio::spawn(async move { this.settle(problem, by, fresh, place).await });
        }
        all
    }

    /// The run that was begun.
    pub async fn settled((first, flight): (Origin, Awaited<Settled>)) -> Settled {
        let settled = landed(flight).await;
        let settled =
            settled.unwrap_or_else(|| Settled { run: Arc::new(Run::Failed(lost())), origin: first });
        match first {
            Origin::Asked => settled,
            // It was paid by whoever came first.
            Origin::Kept => Settled { origin: Origin::Kept, ..settled },
        }
    }

    async fn settle(
        &self,
        problem: Arc<Problem>,
        by: JudgedBy,
        fresh: Vec<(RunKey, watch::Sender<Option<Settled>>)>,
        place: Arc<Place>,
    ) {
        let keys: Vec<RunKey> = fresh.iter().map(|(key, _)| key.clone()).collect();
        let mut found = self.found(&problem, keys, &by).await.map(Vec::into_iter);
        for (key, sender) in fresh {
            let found = match &mut found {
                Ok(found) => found.next().ok_or_else(lost),
                Err(failure) => Err(failure.clone()),
            };
            let (this, problem, by, place) =
                (self.clone(), Arc::clone(&problem), by.clone(), Arc::clone(&place));
            tokio::spawn(async move {
                let settled = this.settle_one(&problem, &key, &by, found).await;
                sender.send_replace(Some(settled));
                flights(&this.settling).remove(&(key, by));
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
        problem: &Arc<Problem>,
        key: &RunKey,
        by: &JudgedBy,
        mut found: Result<Found, CallFailure>,
    ) -> Settled {
        let failed = |failure| Settled { run: Arc::new(Run::Failed(failure)), origin: Origin::Asked };
        loop {
            let (completion, origin) = match found {
                Err(failure) => return failed(failure),
                Ok(Found::Kept(Kept { completion, judgement: Some(judgement) })) => {
                    let run = Arc::new(Run::Judged { completion, judgement });
                    return Settled { run, origin: Origin::Kept };
                }
                Ok(Found::Kept(Kept { completion, judgement: None })) => (completion, Origin::Kept),
                Ok(Found::Ours) => match self.called(problem, key).await {
                    Ok(called) => called,
                    Err(failure) => return failed(failure),
                },
                Ok(Found::Theirs) => {
                    tokio::time::sleep(LOOK).await;
                    let again = self.found(problem, vec![key.clone()], by).await;
                    found = again.and_then(|found| found.into_iter().next().ok_or_else(lost));
                    continue;
                }
            };
            let run = self.desk.judgement(problem, completion).await;
            if let Run::Judged { judgement, .. } = &run {
                let (key, by, judgement) = (key.clone(), by.clone(), judgement.clone());
                self.note(move |store| store.judge(&key, &by, &judgement)).await;
            }
            return Settled { run: Arc::new(run), origin };
        }
    }

    /// What the executor writes, kept before anybody sees it.
    async fn called(
        &self,
        problem: &Arc<Problem>,
        key: &RunKey,
    ) -> Result<(Completion, Origin), CallFailure> {
        let sender = match board(&self.calling, key) {
            Boarded::Joined(flight) => {
                return landed(flight)
                    .await
                    .unwrap_or_else(|| Err(lost()))
                    .map(|found| (found, Origin::Kept));
            }
            Boarded::First(sender, _) => sender,
        };
        let result = self.desk.completion(problem, None, key.seed()).await;
        let kept = key.clone();
        match &result {
            Ok(completion) => {
                let completion = completion.clone();
                self.note(move |store| store.record(&kept, &completion)).await;
            }
            Err(_) => self.note(move |store| store.release(&kept)).await,
        }
        sender.send_replace(Some(result.clone()));
        flights(&self.calling).remove(key);
        result.map(|completion| (completion, Origin::Asked))
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
