//! An executor behind an OpenAI-compatible endpoint (vLLM, SGLang, llama.cpp, hosted ones), or several replicas of it.
//!
//! Calls go out on a bounded number of threads. A call starts at the next base URL in turn; a transient failure
//! (see [`CallFailure::is_transient`]) moves it on to the next one, and once all have been tried it waits: an
//! exponential back-off whose jitter comes from the call's seed, and as long as that server asked for by `Retry-After`.
//! Waiting is bounded: `retries` + 1 attempts of at most `timeout_s` each, with pauses of at most
//! [`LONGEST_BACK_OFF`] and [`LONGEST_RETRY_AFTER`].

mod chat;
mod config;
mod endpoint;
mod reply;
mod request;
mod retry;
mod served;

pub use chat::{Chat, ChatReply, Unanswered};
pub use config::{Api, ConfigError, Omissible, OpenAiConfig};
pub use retry::{LONGEST_BACK_OFF, LONGEST_RETRY_AFTER, back_off};

use crate::{
    call::{Call, CallFailure, Completion, Executor},
    usage::{Meter, Usage},
};
use config::Settings;
use endpoint::{Client, Failed};
use std::{
    sync::{
        Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};
use tracelift_domain::Fingerprint;

/// A frozen model behind HTTP.
#[derive(Debug)]
pub struct OpenAi {
    settings: Settings,
    fingerprint: Fingerprint,
    client: Client,
    permits: Permits,
    turn: AtomicUsize,
    meter: Meter,
}

impl OpenAi {
    /// An executor with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting that makes no sense, or an API key that is named and not there.
    pub fn new(config: OpenAiConfig) -> Result<OpenAi, ConfigError> {
        let settings = Settings::of(config)?;
        Ok(OpenAi {
            fingerprint: request::fingerprint(&settings),
            client: Client::new(&settings),
            permits: Permits::new(settings.concurrency),
            settings,
            turn: AtomicUsize::new(0),
            meter: Meter::default(),
        })
    }

    /// Makes one call, again and again while that makes sense, starting at the `first` endpoint.
    fn call(&self, call: &Call<'_>, first: usize) -> Result<Completion, CallFailure> {
        let body = request::payload(&self.settings, call).to_string();
        let endpoints = &self.settings.endpoints;
        let mut not_before: Vec<Option<Instant>> = vec![None; endpoints.len()];
        let mut retries = 0;
        let result = loop {
            let tried = retries as usize;
            let place = (first + tried) % endpoints.len();
            if tried > 0 && tried.is_multiple_of(endpoints.len()) {
                let round = tried / endpoints.len();
                thread::sleep(retry::back_off(self.settings.backoff, call.seed, round));
            }
            if let Some(moment) = not_before[place] {
                thread::sleep(moment.saturating_duration_since(Instant::now()));
            }
            match self.permits.with(|| self.client.complete(&self.settings, &endpoints[place], &body)) {
                Ok(completion) => break Ok(completion),
                Err(Failed { failure, retry_after }) => {
                    if retries == self.settings.retries || !failure.is_transient() {
                        break Err(failure);
                    }
                    not_before[place] = retry_after.map(|pause| Instant::now() + pause);
                    retries += 1;
                }
            }
        };
        self.meter.record(&result, retries);
        result
    }
}

impl Executor for OpenAi {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn describe(&self) -> String {
        self.settings.describe()
    }

    fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Completion, CallFailure>> {
        let first = self.turn.fetch_add(calls.len(), Ordering::Relaxed) % self.settings.endpoints.len();
        let next = AtomicUsize::new(0);
        let places: Vec<OnceLock<_>> = calls.iter().map(|_| OnceLock::new()).collect();
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(call) = calls.get(index) else { break };
                places[index].get_or_init(|| self.call(call, first + index));
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.settings.concurrency.min(calls.len()) {
                // A thread that cannot be had costs time, not calls: this one works through the list as well.
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        let lost =
            || Err(CallFailure::Broken { endpoint: "nobody".into(), detail: "it was never sent".into() });
        places.into_iter().map(|place| place.into_inner().unwrap_or_else(lost)).collect()
    }

    fn usage(&self) -> Usage {
        self.meter.usage()
    }
}

/// Keeps requests under way at or below a number, also when several threads call [`Executor::run`].
#[derive(Debug)]
struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Permits {
    fn new(count: usize) -> Permits {
        Permits { free: Mutex::new(count), freed: Condvar::new() }
    }

    fn with<T>(&self, work: impl FnOnce() -> T) -> T {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        drop(free);
        let _permit = Permit(self);
        work()
    }
}

/// One of [`Permits`]; goes back when it is dropped, also when its work panics.
struct Permit<'a>(&'a Permits);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
