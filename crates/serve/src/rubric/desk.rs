//! From items to scores: a bounded queue, tokenizing threads, and one thread that forms batches by a token budget.
//!
//! An item reserves its place before anything is done for it; without places the request is refused. It is tokenized,
//! waits in order of arrival, and goes with the next batch that has room for its tokens. The oldest item always goes, so
//! nothing waits for ever behind items that fit better. Whoever hung up or ran out of time is dropped before a batch
//! is formed.

use super::{Encoded, Input, Score, Scorer};
use crate::fault::{Fault, ItemFault};
use crate::listener::Threads;
use crate::metrics::{Metrics, Unit};
use crate::queue::{Place, Places, Queue};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Items of one batch at most.
const BATCH_ITEMS: usize = 512;

/// How batches are formed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeskConfig {
    /// Items that may wait.
    pub queue: usize,
    /// Tokens of a batch; an item that has more goes alone.
    pub batch_tokens: usize,
    /// How long a batch waits for items that are on their way.
    pub linger: Duration,
    /// Threads that tokenize.
    pub tokenizing: usize,
}

type Answer = Result<Score, ItemFault>;

/// Where items are handed in.
pub(crate) struct Desk {
    places: Places,
    raw: Arc<Queue<Raw>>,
    ready: Arc<Queue<Ready>>,
    arriving: Arc<AtomicUsize>,
    pace: Arc<Pace>,
}

struct Raw {
    input: Input,
    wait: Wait,
    /// Dropped once this item is tokenized.
    arrival: Arc<Arrival>,
}

struct Ready {
    encoded: Encoded,
    wait: Wait,
}

/// An item's place in the queue, and who waits for it.
struct Wait {
    since: Instant,
    reply: oneshot::Sender<Answer>,
    /// Held until the item is taken into a batch.
    _place: Place,
}

/// A request whose items are on their way: being received, parsed or tokenized.
pub(crate) struct Arrival {
    arriving: Arc<AtomicUsize>,
    ready: Arc<Queue<Ready>>,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if self.arriving.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.ready.nudge();
        }
    }
}

/// How fast items are scored, for telling a refused client when to come back.
#[derive(Default)]
struct Pace {
    /// Items a second, smoothed; zero until known.
    rate: RwLock<f64>,
    waiting_tokens: AtomicU64,
}

impl Pace {
    fn note(&self, items: usize, took: Duration) {
        let now = items as f64 / took.as_secs_f64().max(1e-6);
        let mut rate = self.rate.write().unwrap_or_else(PoisonError::into_inner);
        *rate = if *rate == 0.0 { now } else { 0.8 * *rate + 0.2 * now };
    }

    fn time_for(&self, items: usize) -> Duration {
        let rate = *self.rate.read().unwrap_or_else(PoisonError::into_inner);
        let seconds = if rate > 0.0 { items as f64 / rate } else { 1.0 };
        Duration::from_secs_f64(seconds.clamp(1.0, 30.0).ceil())
    }
}

impl Desk {
    /// A desk and its threads.
    pub fn open(
        scorer: Arc<dyn Scorer>,
        config: DeskConfig,
        metrics: &Arc<Metrics>,
    ) -> io::Result<(Desk, Threads)> {
        let desk = Desk {
            places: Places::new(config.queue),
            raw: Arc::new(Queue::new()),
            ready: Arc::new(Queue::new()),
            arriving: Arc::new(AtomicUsize::new(0)),
            pace: Arc::new(Pace::default()),
        };
        let tokenizing = config.tokenizing.max(1);
        let mut handles = Vec::new();
        let at_work = Arc::new(AtomicUsize::new(tokenizing));
        for i in 0..tokenizing {
            let (scorer, raw, ready) = (Arc::clone(&scorer), Arc::clone(&desk.raw), Arc::clone(&desk.ready));
            let (metrics, pace, at_work) =
                (Arc::clone(metrics), Arc::clone(&desk.pace), Arc::clone(&at_work));
            let thread = std::thread::Builder::new().name(format!("tokenize {i}"));
            handles.push(thread.spawn(move || {
                while let Some(next) = raw.pop() {
                    tokenize(&*scorer, next, &ready, &pace, &metrics);
                }
                // The last one closes the door behind it: nothing will become ready any more.
                if at_work.fetch_sub(1, Ordering::AcqRel) == 1 {
                    ready.close();
                }
            })?);
        }
        let batcher = Batcher {
            scorer,
            config,
            ready: Arc::clone(&desk.ready),
            arriving: Arc::clone(&desk.arriving),
            pace: Arc::clone(&desk.pace),
            metrics: Arc::clone(metrics),
        };
        handles.push(std::thread::Builder::new().name("batch".into()).spawn(move || batcher.work())?);
        let (places, pace) = (desk.places.clone(), Arc::clone(&desk.pace));
        metrics.gauge("tracelift_queue_items", "Items that wait.", move || places.taken() as f64);
        metrics.gauge("tracelift_queue_tokens", "Tokens of the items that wait.", move || {
            pace.waiting_tokens.load(Ordering::Relaxed) as f64
        });
        let raw = Arc::clone(&desk.raw);
        Ok((desk, Threads { close: Box::new(move || raw.close()), handles }))
    }

    /// Says that a request is on its way.
    pub fn expect(&self) -> Arrival {
        self.arriving.fetch_add(1, Ordering::AcqRel);
        Arrival { arriving: Arc::clone(&self.arriving), ready: Arc::clone(&self.ready) }
    }

    /// Hands items in; each is answered by its receiver. All are taken, or none.
    ///
    /// # Errors
    /// When there is no room, now or ever.
    pub fn submit(
        &self,
        inputs: Vec<Input>,
        arrival: Arrival,
    ) -> Result<Vec<oneshot::Receiver<Answer>>, Fault> {
        let (items, limit) = (inputs.len(), self.places.total());
        if items > limit {
            return Err(Fault::TooManyItems { items, limit });
        }
        let places = self.places.reserve(items);
        let places = places.ok_or_else(|| Fault::QueueFull { retry_after: self.pace.time_for(limit) })?;
        let (arrival, since) = (Arc::new(arrival), Instant::now());
        let (entries, receivers): (Vec<_>, Vec<_>) = inputs
            .into_iter()
            .zip(places)
            .map(|(input, place)| {
                let (reply, receiver) = oneshot::channel();
                let wait = Wait { since, reply, _place: place };
                (Raw { input, wait, arrival: Arc::clone(&arrival) }, receiver)
            })
            .unzip();
        drop(arrival);
        self.raw.push(entries);
        Ok(receivers)
    }
}

fn tokenize(scorer: &dyn Scorer, next: Raw, ready: &Queue<Ready>, pace: &Pace, metrics: &Metrics) {
    let Raw { input, wait, arrival } = next;
    if wait.reply.is_closed() {
        forget(metrics, 1);
        return;
    }
    let encoded = catch_unwind(AssertUnwindSafe(|| scorer.encode(&input)))
        .unwrap_or_else(|_| Err(ItemFault::Internal("tokenizing panicked".into())));
    match encoded {
        Ok(encoded) => {
            pace.waiting_tokens.fetch_add(encoded.tokens.len() as u64, Ordering::Relaxed);
            ready.push([Ready { encoded, wait }]);
        }
        // Whoever asked may have hung up in the meantime.
        Err(fault) => drop(wait.reply.send(Err(fault))),
    }
    drop(arrival);
}

fn forget(metrics: &Metrics, items: usize) {
    let help = "Items dropped unread, because their client hung up or ran out of time.";
    metrics.count("tracelift_items_dropped_total", help, &[], items as u64);
}

/// The thread that owns the batches.
struct Batcher {
    scorer: Arc<dyn Scorer>,
    config: DeskConfig,
    ready: Arc<Queue<Ready>>,
    arriving: Arc<AtomicUsize>,
    pace: Arc<Pace>,
    metrics: Arc<Metrics>,
}

impl Batcher {
    fn work(&self) {
        while let Some(batch) =
            self.ready.gather(|waiting| self.linger(waiting), |waiting| self.take(waiting))
        {
            self.score(batch);
        }
    }

    /// Drops the items that nobody waits for; then says how long to wait for more.
    fn linger(&self, waiting: &mut VecDeque<Ready>) -> Option<Instant> {
        let (before, mut tokens, mut gone) = (waiting.len(), 0, 0);
        waiting.retain(|next| {
            let (stays, size) = (!next.wait.reply.is_closed(), next.encoded.tokens.len());
            *(if stays { &mut tokens } else { &mut gone }) += size;
            stays
        });
        if waiting.len() < before {
            forget(&self.metrics, before - waiting.len());
            self.pace.waiting_tokens.fetch_sub(gone as u64, Ordering::Relaxed);
        }
        let full = tokens >= self.config.batch_tokens;
        let alone = self.arriving.load(Ordering::Acquire) == 0;
        let oldest = waiting.front()?.wait.since;
        (!full && !alone).then(|| oldest + self.config.linger)
    }

    /// The oldest item, and in order of arrival whatever still fits.
    fn take(&self, waiting: &mut VecDeque<Ready>) -> Vec<Ready> {
        let mut left = self.config.batch_tokens;
        let (mut batch, mut later) = (Vec::new(), VecDeque::new());
        for next in waiting.drain(..) {
            let size = next.encoded.tokens.len();
            if batch.is_empty() || (size <= left && batch.len() < BATCH_ITEMS) {
                left = left.saturating_sub(size);
                batch.push(next);
            } else {
                later.push_back(next);
            }
        }
        *waiting = later;
        batch
    }

    fn score(&self, batch: Vec<Ready>) {
        let started = Instant::now();
        let (encoded, waits): (Vec<Encoded>, Vec<Wait>) =
            batch.into_iter().map(|next| (next.encoded, next.wait)).unzip();
        let tokens: usize = encoded.iter().map(|next| next.tokens.len()).sum();
        self.pace.waiting_tokens.fetch_sub(tokens as u64, Ordering::Relaxed);
        let replies = Replies::of(waits.into_iter().map(|Wait { since, reply, _place }| {
            let waited = started.duration_since(since).as_secs_f64();
            let help = "From an item's arrival to its batch.";
            self.metrics.observe("tracelift_queue_wait_seconds", help, Unit::Seconds, &[], waited);
            reply
        }));
        if !self.attempt(&encoded, &|i, answer| replies.send(i, answer)) {
            tracing::error!(
                items = encoded.len(),
                "a batch failed; scoring the rest of its items one by one"
            );
        }
        // What has no answer yet was in a batch that failed, and may be innocent.
        for (i, input) in encoded.iter().enumerate() {
            if replies.are_waiting(i) {
                self.attempt(std::slice::from_ref(input), &|_, answer| replies.send(i, answer));
                replies.send(i, Err(ItemFault::Internal("the model failed on this input".into())));
            }
        }
        let took = started.elapsed();
        self.pace.note(encoded.len(), took);
        let metrics = &self.metrics;
        let items = encoded.len() as f64;
        metrics.observe("tracelift_batch_items", "Items of a batch.", Unit::Items, &[], items);
        metrics.observe("tracelift_batch_tokens", "Tokens of a batch.", Unit::Tokens, &[], tokens as f64);
        let help = "Time a batch took.";
        metrics.observe("tracelift_batch_seconds", help, Unit::Seconds, &[], took.as_secs_f64());
    }

    /// Whether the scorer came to its end.
    fn attempt(&self, batch: &[Encoded], done: &(dyn Fn(usize, Answer) + Sync)) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.scorer.score(batch, done))).is_ok()
    }
}

/// Who waits for the items of a batch.
struct Replies(Vec<Mutex<Option<oneshot::Sender<Answer>>>>);

impl Replies {
    fn of(senders: impl Iterator<Item = oneshot::Sender<Answer>>) -> Replies {
        Replies(senders.map(|sender| Mutex::new(Some(sender))).collect())
    }

    /// Answers, once.
    fn send(&self, i: usize, answer: Answer) {
        let sender =
            self.0.get(i).and_then(|sender| sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(sender) = sender {
            // Whoever asked may have hung up in the meantime.
            let _ = sender.send(answer);
        }
    }

    fn are_waiting(&self, i: usize) -> bool {
        self.0.get(i).is_some_and(|sender| sender.lock().unwrap_or_else(PoisonError::into_inner).is_some())
    }
}
