//! From items to scores: a bounded queue, threads that tokenize, and lanes that score.
//!
//! An item reserves its place before anything is done for it; without places the request is refused. It is tokenized and
//! waits in order of arrival; each lane takes the oldest as soon as it is free. Whoever hung up or ran out of time is
//! dropped when his turn comes, before anything is computed.

use super::lane::SafeLane;
use super::{Encoded, Item, Score, Scorer};
use crate::fault::{Fault, ItemFault};
use crate::listener::{Frame, Threads};
use crate::metrics::{Metrics, Unit};
use crate::queue::{Place, Places, Queue};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How many wait, and how many work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeskConfig {
    /// Items that may wait.
    pub queue: usize,
    /// Threads that tokenize.
    pub tokenizing: usize,
    /// Threads that score.
    pub lanes: usize,
}

type Answer = Result<Score, ItemFault>;

/// As gauges are labelled.
const SECTION: &str = "rubric";

/// Where items are handed in.
pub(crate) struct Desk {
    places: Places,
    raw: Arc<Queue<Raw>>,
    pace: Arc<Pace>,
}

struct Raw {
    item: Item,
    wait: Wait,
}

struct Ready {
    encoded: Encoded,
    wait: Wait,
}

/// An item's place in the queue, and who waits for it.
struct Wait {
    since: Instant,
    reply: oneshot::Sender<Answer>,
    /// Held until a lane takes the item.
    _place: Place,
}

/// How fast items are scored, for telling a refused client when to come back.
struct Pace {
    lanes: usize,
    /// Seconds of a lane for an item, smoothed; zero until known.
    seconds: RwLock<f64>,
    waiting_tokens: AtomicU64,
}

impl Pace {
    fn note(&self, took: Duration) {
        let now = took.as_secs_f64().max(1e-6);
        let mut seconds = self.seconds.write().unwrap_or_else(PoisonError::into_inner);
        *seconds = if *seconds == 0.0 { now } else { 0.95 * *seconds + 0.05 * now };
    }

    fn time_for(&self, items: usize) -> Duration {
        let seconds = *self.seconds.read().unwrap_or_else(PoisonError::into_inner);
        let seconds = items as f64 * seconds / self.lanes as f64;
        Duration::from_secs_f64(seconds.clamp(1.0, 30.0).ceil())
    }
}

impl Desk {
    /// A desk and its threads.
    pub fn open(scorer: &Arc<dyn Scorer>, config: DeskConfig, frame: &Frame) -> io::Result<(Desk, Threads)> {
        let metrics = &frame.metrics;
        let (tokenizing, lanes) = (config.tokenizing.max(1), config.lanes.max(1));
        let desk = Desk {
            places: Places::new(config.queue),
            raw: Arc::new(Queue::new()),
            pace: Arc::new(Pace { lanes, seconds: RwLock::new(0.0), waiting_tokens: AtomicU64::new(0) }),
        };
        let ready = Arc::new(Queue::new());
        let mut handles = Vec::new();
        let at_work = Arc::new(AtomicUsize::new(tokenizing));
        for i in 0..tokenizing {
            let (scorer, raw, ready) = (Arc::clone(scorer), Arc::clone(&desk.raw), Arc::clone(&ready));
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
        let busy = Arc::new(AtomicUsize::new(0));
        for i in 0..lanes {
            let (scorer, ready, busy) = (Arc::clone(scorer), Arc::clone(&ready), Arc::clone(&busy));
            let (metrics, pace) = (Arc::clone(metrics), Arc::clone(&desk.pace));
            let thread = std::thread::Builder::new().name(format!("lane {i}"));
            handles.push(thread.spawn(move || {
                let mut lane = SafeLane::of(&*scorer);
                while let Some(next) = ready.pop() {
                    busy.fetch_add(1, Ordering::Relaxed);
                    score(&mut lane, next, &pace, &metrics);
                    busy.fetch_sub(1, Ordering::Relaxed);
                }
            })?);
        }
        let (places, pace) = (desk.places.clone(), Arc::clone(&desk.pace));
        frame.gauge(SECTION, "tracelift_queue_items", "Items that wait.", move || places.taken() as f64);
        frame.gauge(SECTION, "tracelift_queue_tokens", "Tokens of the items that wait.", move || {
            pace.waiting_tokens.load(Ordering::Relaxed) as f64
        });
        let read = move || busy.load(Ordering::Relaxed) as f64;
        frame.gauge(SECTION, "tracelift_lanes_busy", "Lanes at work.", read);
        let raw = Arc::clone(&desk.raw);
        Ok((desk, Threads { close: Box::new(move || raw.close()), handles }))
    }

    /// Hands items in; each is answered by its receiver. All are taken, or none.
    ///
    /// # Errors
    /// When there is no room, now or ever.
    pub fn submit(&self, items: Vec<Item>) -> Result<Vec<oneshot::Receiver<Answer>>, Fault> {
        let (count, limit) = (items.len(), self.places.total());
        if count > limit {
            return Err(Fault::TooManyItems { items: count, limit });
        }
        let places = self.places.reserve(count);
        let places = places.ok_or_else(|| Fault::QueueFull { retry_after: self.pace.time_for(limit) })?;
        let since = Instant::now();
        let (entries, receivers): (Vec<_>, Vec<_>) = items
            .into_iter()
            .zip(places)
            .map(|(item, place)| {
                let (reply, receiver) = oneshot::channel();
                (Raw { item, wait: Wait { since, reply, _place: place } }, receiver)
            })
            .unzip();
        self.raw.push(entries);
        Ok(receivers)
    }
}

fn tokenize(scorer: &dyn Scorer, next: Raw, ready: &Queue<Ready>, pace: &Pace, metrics: &Metrics) {
    let Raw { item, wait } = next;
    if wait.reply.is_closed() {
        forget(metrics);
        return;
    }
    let encoded = catch_unwind(AssertUnwindSafe(|| scorer.encode(&item)))
        .unwrap_or_else(|_| Err(ItemFault::Internal("tokenizing panicked".into())));
    match encoded {
        Ok(encoded) => {
            pace.waiting_tokens.fetch_add(encoded.tokens.len() as u64, Ordering::Relaxed);
            ready.push([Ready { encoded, wait }]);
        }
        // Whoever asked may have hung up in the meantime.
        Err(fault) => drop(wait.reply.send(Err(fault))),
    }
}

fn score(lane: &mut SafeLane<'_>, next: Ready, pace: &Pace, metrics: &Metrics) {
    let Ready { encoded, wait: Wait { since, reply, _place: place } } = next;
    let (started, tokens) = (Instant::now(), encoded.tokens.len());
    pace.waiting_tokens.fetch_sub(tokens as u64, Ordering::Relaxed);
    drop(place);
    if reply.is_closed() {
        forget(metrics);
        return;
    }
    let (help, waited) = ("From an item's arrival to its lane.", started.duration_since(since).as_secs_f64());
    metrics.observe("tracelift_queue_wait_seconds", help, Unit::Seconds, &[], waited);
    let answer = lane.score(&encoded);
    if matches!(answer, Err(ItemFault::Internal(_))) {
        tracing::error!(tokens, "the model failed on an input");
    }
    let took = started.elapsed();
    pace.note(took);
    // Counted before it is answered, so that whoever has an answer finds it in the metrics.
    metrics.observe("tracelift_input_tokens", "Tokens of an input.", Unit::Tokens, &[], tokens as f64);
    let help = "Time a lane took for an input.";
    metrics.observe("tracelift_score_seconds", help, Unit::Seconds, &[], took.as_secs_f64());
    // Whoever asked may have hung up in the meantime.
    let _ = reply.send(answer);
}

fn forget(metrics: &Metrics) {
    let help = "Items dropped unread, because their client hung up or ran out of time.";
    metrics.count("tracelift_items_dropped_total", help, &[], 1);
}
