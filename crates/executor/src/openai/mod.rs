//! An executor behind an OpenAI-compatible endpoint (vLLM, SGLang, llama.cpp, hosted ones), or several replicas of it.
//!
//! Calls go out on a bounded number of threads. A call starts at the base URL that has the least to do (equals take turns; one that
//! keeps failing is left out until it is back); a transient failure
//! (see [`CallFailure::is_transient`]) moves it on to another one, and once all have been tried it waits: an
//! exponential back-off whose jitter comes from the call's seed, and as long as that server asked for by `Retry-After`.
//! Where that is asked for, a request without a reply is sent a second time ([`hedge`]). Waiting is bounded: `retries` + 1 attempts of at most `timeout_s` each, with pauses of at most
//! [`LONGEST_BACK_OFF`] and [`LONGEST_RETRY_AFTER`].

mod chat;
pub(crate) mod config;
pub(crate) mod endpoint;
mod gate;
mod hedge;
mod replicas;
mod reply;
mod request;
mod retry;
mod served;

pub use chat::{Chat, ChatReply, Unanswered};
pub use config::{Api, Omissible, OpenAiConfig};
pub use retry::{LONGEST_BACK_OFF, LONGEST_RETRY_AFTER, back_off};

use crate::{
    book::BookError,
    call::{Call, CallFailure, Completion, Executor, Intake, Ran},
    spending::{Bill, Cost},
    usage::{Meter, Usage},
};
use config::Settings;
use endpoint::{Client, Failed};
use gate::Gate;
use replicas::{Asked, Replicas};
use std::{
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};
use tracelift_domain::prompt::Prompt;
use tracelift_domain::{Fingerprint, Question, SettingError, Trace};

/// A frozen model behind HTTP.
#[derive(Debug)]
pub struct OpenAi {
    fingerprint: Fingerprint,
    line: Arc<Line>,
    turn: AtomicUsize,
    meter: Meter,
}

/// What every request goes through.
#[derive(Debug)]
struct Line {
    settings: Settings,
    client: Client,
    gate: Gate,
    replicas: Arc<Replicas>,
}

impl OpenAi {
    /// An executor with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting that makes no sense, or an API key that is named and not there.
    pub fn new(config: OpenAiConfig) -> Result<OpenAi, SettingError> {
        let settings = Settings::of(config)?;
        Ok(OpenAi {
            fingerprint: request::fingerprint(&settings),
            line: Arc::new(Line {
                client: Client::new(settings.timeout, settings.authorization.clone()),
                gate: Gate::new(settings.concurrency, settings.budget, settings.price),
                replicas: Replicas::new(settings.endpoints.len(), settings.replica_concurrency),
                settings,
            }),
            turn: AtomicUsize::new(0),
            meter: Meter::default(),
        })
    }

    /// Makes one call, again and again while that makes sense, starting at the `first` endpoint.
    fn call(&self, call: &Call<'_>, first: usize) -> Ran {
        let prompt = match self.prompt(call.question, call.trace) {
            Ok(prompt) => prompt,
            Err(failure) => {
                let result = Err(failure);
                self.meter.record(&result, 0);
                return Ran { result, hedges: 0 };
            }
        };
        let settings = &self.line.settings;
        let request = Request {
            at_most: request::at_most(settings, &prompt),
            body: request::payload(settings, call, prompt).to_string().into(),
        };
        let mut not_before: Vec<Option<Instant>> = vec![None; settings.endpoints.len()];
        let (mut retries, mut hedges) = (0, 0);
        // Of this round; once all were tried, the next one begins after a pause.
        let (mut tried, mut round) = (Vec::new(), 0);
        let result = loop {
            let Some(asked) = self.line.replicas.choose(first, &tried) else {
                round += 1;
                thread::sleep(retry::back_off(settings.backoff, call.seed, round));
                tried.clear();
                continue;
            };
            tried.push(asked.place);
            if let Some(moment) = not_before[asked.place] {
                thread::sleep(moment.saturating_duration_since(Instant::now()));
            }
            let replies = match settings.hedge_after {
                None => vec![self.line.attempt(asked, &request)],
                Some(after) => hedge::attempt(&self.line, asked, &request, after, first),
            };
            hedges += u32::try_from(replies.len().saturating_sub(1)).unwrap_or(u32::MAX);
            let mut failed = None;
            let mut completed = None;
            for Reply { place, result } in replies {
                match result {
                    Some(Ok(completion)) => completed = Some(completion),
                    Some(Err(Failed { failure, retry_after })) => {
                        not_before[place] = retry_after.map(|pause| Instant::now() + pause);
                        failed = Some(failure);
                    }
                    // Still under way; what it brings is paid, and nobody waits for it.
                    None => {}
                }
            }
            match (completed, failed) {
                (Some(completion), _) => {
                    // A server sends what comes after the reply's beginning.
                    let text = settings.prompt.prefill(call.question).to_owned() + &completion.text;
                    break Ok(Completion { text, ..completion });
                }
                (None, Some(failure)) if retries == settings.retries || !failure.is_transient() => {
                    break Err(failure);
                }
                (None, Some(_)) => retries += 1,
                (None, None) => break Err(lost()),
            }
        };
        self.meter.record(&result, retries);
        self.meter.hedged(hedges);
        Ran { result, hedges }
    }
}

/// What is sent, and the most that it may take.
#[derive(Clone)]
struct Request {
    body: Arc<str>,
    at_most: Cost,
}

/// What came of a request to one endpoint; nothing where another one was quicker.
struct Reply {
    place: usize,
    result: Option<Result<Completion, Failed>>,
}

impl Line {
    /// Sends a request to one endpoint.
    fn attempt(&self, asked: Asked, request: &Request) -> Reply {
        let place = asked.place;
        let mut pass = match self.gate.enter(request.at_most) {
            Ok(pass) => pass,
            Err(stopped) => {
                let failure = CallFailure::Unpaid { detail: stopped.to_string() };
                return Reply { place, result: Some(Err(failure.into())) };
            }
        };
        let result = self.client.complete(&self.settings, &self.settings.endpoints[place], &request.body);
        pass.spent = cost(&result, request.at_most);
        drop(pass);
        asked.note(result.as_ref().err().map(|failed| &failed.failure));
        Reply { place, result: Some(result) }
    }
}

/// What is said of a request that came to no end.
fn lost() -> CallFailure {
    CallFailure::Broken { endpoint: "nobody".into(), detail: "it was never sent".into() }
}

impl Executor for OpenAi {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn describe(&self) -> String {
        self.line.settings.describe()
    }

    fn prompt(&self, question: &Question, trace: Option<&Trace>) -> Result<Prompt, CallFailure> {
        Ok(match self.line.settings.api {
            Api::Completions => self.line.settings.prompt.prompt(question, trace)?,
            // Whatever the layout, the server has its own.
            Api::Chat => self.line.settings.prompt.conversation(question, trace)?,
        })
    }

    fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Completion, CallFailure>> {
        self.run_counted(calls).into_iter().map(|ran| ran.result).collect()
    }

    fn run_counted(&self, calls: &[Call<'_>]) -> Vec<Ran> {
        let settings = &self.line.settings;
        let first = self.turn.fetch_add(calls.len(), Ordering::Relaxed) % settings.endpoints.len();
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
            for _ in 1..settings.concurrency.min(calls.len()) {
                // A thread that cannot be had costs time, not calls: this one works through the list as well.
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        let lost = || Ran { result: Err(lost()), hedges: 0 };
        places.into_iter().map(|place| place.into_inner().unwrap_or_else(lost)).collect()
    }

    fn intake(&self) -> Intake {
        Intake::Apart(NonZeroUsize::new(self.line.settings.concurrency).unwrap_or(NonZeroUsize::MIN))
    }

    fn reach(&self) -> Result<(), CallFailure> {
        let mut last = None;
        for endpoint in &self.line.settings.endpoints {
            match self.line.client.get(endpoint, "v1/models") {
                Ok(_) => return Ok(()),
                Err(Failed { failure, .. }) => match failure {
                    // It is there, and has another opinion of the route: not every server lists its models.
                    CallFailure::Status { code: 404 | 405, .. } | CallFailure::Malformed { .. } => {
                        return Ok(());
                    }
                    failure => last = Some(failure),
                },
            }
        }
        last.map_or(Ok(()), Err)
    }

    fn usage(&self) -> Usage {
        self.meter.usage()
    }

    fn bill(&self) -> Option<Bill> {
        self.line.gate.bill()
    }

    fn keep_book(&self, path: &Path) -> Result<(), BookError> {
        self.line.gate.keep_book(path)
    }
}

/// What a request has cost, and whether that is an estimate, because no reply said what it was; nothing where it was not
/// billed.
fn cost(reply: &Result<Completion, Failed>, at_most: Cost) -> Option<(Cost, bool)> {
    match reply {
        Ok(Completion { prompt_tokens, completion_tokens, .. }) => {
            let cost = Cost {
                input: prompt_tokens.map_or(at_most.input, u64::from),
                output: completion_tokens.map_or(at_most.output, u64::from),
            };
            Some((cost, prompt_tokens.is_none() || completion_tokens.is_none()))
        }
        Err(Failed { failure, .. }) => failure.may_be_billed().then_some((at_most, true)),
    }
}
