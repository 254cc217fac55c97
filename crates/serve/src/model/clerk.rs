//! Between the requests and the engine: a thread that owns a model's session.

use super::ServedModel;
use crate::metrics::{Metrics, Unit};
use crate::queue::{Place, Queue};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;
use tracelift_engine::sampling::{Desk, GenerateError, Order, Scored, Session, Ticket, Told};
use tracelift_engine::{Finish, Sampled};

/// What is asked of one prompt.
pub(super) struct Job {
    pub order: Order<'static>,
    /// Which of its request's prompts it is.
    pub prompt: usize,
    /// Whether tokens are told as they are drawn.
    pub tells: bool,
    /// Whoever asked has hung up where nobody listens. Listeners are bounded by budgets of tokens.
    pub news: UnboundedSender<(usize, News)>,
    /// Held to the end: the bound is on what waits and runs together.
    pub place: Place,
    pub since: Instant,
}

/// What becomes of a prompt.
pub(super) enum News {
    /// It cannot be gone on from.
    Refused(GenerateError),
    /// Scores of its next tokens, from the second on.
    Prompt(Vec<Option<Scored>>),
    /// A token was drawn.
    Token { sample: usize, token: u32, scored: Scored },
    /// A sample came to its end.
    Ended { sample: usize, sampled: Sampled, reused: usize },
}

/// A job whose order is with the session.
struct Open {
    prompt: usize,
    tells: bool,
    news: UnboundedSender<(usize, News)>,
    /// Samples that have not ended.
    left: usize,
    /// Until the first token.
    since: Option<Instant>,
    _place: Place,
}

struct Clerk<'q> {
    model: &'q ServedModel,
    queue: &'q Queue<Job>,
    metrics: &'q Metrics,
    open: HashMap<Ticket, Open>,
}

/// Serves a model until its queue is closed and empty; tells first how long its sequences can be. There is one session at a time:
/// memory that was given back would be cleared, and so taken in whole, for the next.
pub(super) fn work(model: &ServedModel, queue: &Queue<Job>, metrics: &Metrics, longest: &Sender<usize>) {
    let open = || {
        let config = &model.config;
        model.sampler.session(config.sequences.get(), config.cache_bytes, config.threads.get())
    };
    let mut session = open();
    // Whoever asks waits for it.
    let _ = longest.send(session.longest());
    // The threads of a session at work spin; where there is nothing to do there are none.
    while let Some(job) = queue.pop() {
        let mut clerk = Clerk { model, queue, metrics, open: HashMap::new() };
        clerk.submit(&mut session, job);
        if catch_unwind(AssertUnwindSafe(|| session.work(&mut clerk))).is_err() {
            let model = &model.name;
            tracing::error!(
                model,
                "sampling panicked; the requests in progress are lost, and a new session is begun"
            );
            session = open();
        }
    }
}

impl Clerk<'_> {
    fn submit<'a>(&mut self, session: &mut Session<'a>, job: Job) {
        let Job { order, prompt, tells, news, place, since } = job;
        let name = self.model.name.as_str();
        if news.is_closed() {
            self.count("cancelled", order.seeds.len());
            return;
        }
        let (left, tokens) = (order.seeds.len(), order.prompt.len());
        match session.submit(order) {
            Err(error) => {
                self.count("refused", left);
                // Whoever asked may have hung up in the meantime; so below.
                let _ = news.send((prompt, News::Refused(error)));
            }
            Ok(ticket) => {
                let help = "Tokens of prompts that were taken.";
                self.metrics.count("tracelift_prompt_tokens_total", help, &[("model", name)], tokens as u64);
                let open = Open { prompt, tells, news, left, since: Some(since), _place: place };
                self.open.insert(ticket, open);
            }
        }
    }

    fn count(&self, outcome: &str, samples: usize) {
        let help = "Completions by how they ended.";
        let labels = [("model", self.model.name.as_str()), ("outcome", outcome)];
        self.metrics.count("tracelift_completions_total", help, &labels, samples as u64);
    }

    /// Counts the time to the first token, once.
    fn note_first(&mut self, ticket: Ticket) {
        let Some(since) = self.open.get_mut(&ticket).and_then(|open| open.since.take()) else { return };
        let help = "From a prompt's arrival to its first token.";
        let labels = [("model", self.model.name.as_str())];
        let seconds = since.elapsed().as_secs_f64();
        self.metrics.observe("tracelift_first_token_seconds", help, Unit::Seconds, &labels, seconds);
    }
}

impl<'a> Desk<'a> for Clerk<'_> {
    fn between(&mut self, session: &mut Session<'a>) {
        for job in self.queue.take() {
            self.submit(session, job);
        }
        let gone: Vec<Ticket> =
            self.open.iter().filter(|(_, open)| open.news.is_closed()).map(|(ticket, _)| *ticket).collect();
        for ticket in gone {
            session.cancel(ticket);
            if let Some(open) = self.open.remove(&ticket) {
                self.count("cancelled", open.left);
            }
        }
    }

    fn tell(&mut self, told: Told<'_>) {
        match told {
            Told::Prompt { ticket, scores, .. } => {
                if let Some(open) = self.open.get(&ticket) {
                    let _ = open.news.send((open.prompt, News::Prompt(scores)));
                }
            }
            Told::Token { ticket, sample, token, scored } => {
                self.note_first(ticket);
                if let Some(open) = self.open.get(&ticket).filter(|open| open.tells) {
                    let news = News::Token { sample, token, scored: scored.clone() };
                    let _ = open.news.send((open.prompt, news));
                }
            }
            Told::Ended { ticket, sample, sampled, reused } => {
                let outcome = match sampled.finish {
                    Finish::Stop => "stop",
                    Finish::Length => "length",
                    Finish::NonFinite => "not_finite",
                };
                self.count(outcome, 1);
                let labels = [("model", self.model.name.as_str())];
                let (help, drawn) = ("Tokens that were drawn.", sampled.tokens.len() as u64);
                self.metrics.count("tracelift_completion_tokens_total", help, &labels, drawn);
                let Some(open) = self.open.get_mut(&ticket) else { return };
                open.left = open.left.saturating_sub(1);
                let _ = open.news.send((open.prompt, News::Ended { sample, sampled, reused }));
                if open.left == 0 {
                    self.open.remove(&ticket);
                }
            }
        }
    }
}
