//! The routes: a request is read, finds room or is refused, and is answered whole or as it is made.

use super::asked::{Api, Asked};
use super::body::{lost, stream};
use super::clerk::{self, Job};
use super::fields::Fields;
use super::refusal::Refusal;
use super::told::Talk;
use super::{ModelServiceConfig, ServedModel};
use crate::body::{self, BodyLimits, Bytes};
use crate::fault::{Fault, answer};
use crate::listener::{Frame, Section, ServeError, Threads};
use crate::metrics::Metrics;
use crate::queue::{Place, Places, Queue};
use crate::ready::Check;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tracelift_engine::sampling::Order;

/// A model and the way to it.
struct Desk {
    model: Arc<ServedModel>,
    queue: Arc<Queue<Job>>,
    places: Places,
    /// The longest sequence, prompt and new tokens together.
    longest: usize,
    /// Of a request, smoothed; for telling a refused client when to come back.
    milliseconds: AtomicU64,
}

/// What the routes share.
struct Counter {
    desks: Vec<Desk>,
    limits: BodyLimits,
    metrics: Arc<Metrics>,
    created: u64,
}

/// Models as a section of a server.
///
/// # Errors
/// When their threads cannot be had.
pub fn model_section(models: Vec<ServedModel>, frame: &Frame) -> Result<Section, ServeError> {
    let mut handles = Vec::new();
    let mut desks = Vec::new();
    for model in models {
        let model = Arc::new(model);
        let (queue, metrics) = (Arc::new(Queue::new()), Arc::clone(&frame.metrics));
        let (tell, told) = std::sync::mpsc::channel();
        let (worked, entries) = (Arc::clone(&model), Arc::clone(&queue));
        let thread = std::thread::Builder::new().name("sampling".into());
        handles.push(thread.spawn(move || clerk::work(&worked, &entries, &metrics, &tell))?);
        // A thread that ends before it begins has said why.
        let longest = told.recv().map_err(|_| ServeError::Panicked)?;
        let (places, milliseconds) = (Places::new(model.config.queue), AtomicU64::new(0));
        desks.push(Desk { model, queue, places, longest, milliseconds });
    }
    let all: Vec<Places> = desks.iter().map(|desk| desk.places.clone()).collect();
    let help = "Sequences at work or waiting.";
    let taken = move || all.iter().map(Places::taken).sum::<usize>() as f64;
    frame.gauge("models", "tracelift_model_sequences", help, taken);
    let queues: Vec<Arc<Queue<Job>>> = desks.iter().map(|desk| Arc::clone(&desk.queue)).collect();
    let threads = Threads { close: Box::new(move || queues.iter().for_each(|queue| queue.close())), handles };
    let told: Vec<Value> = desks.iter().map(Desk::describe).collect();
    // They are read before the server listens, and stay.
    let loaded = json!(told);
    let checks = vec![Check { name: "models".into(), look: Box::new(move || Ok(loaded.clone())) }];
    let health = json!({ "kind": "models", "models": told });
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let metrics = Arc::clone(&frame.metrics);
    let counter = Arc::new(Counter { desks, limits: frame.limits.clone(), metrics, created });
    let routes = vec![
        ("/v1/chat/completions", route(&counter, Api::Chat)),
        ("/v1/completions", route(&counter, Api::Completions)),
        ("/v1/models", list(&counter)),
        ("/v1/models/{*model}", one(&counter)),
    ];
    let openapi = Some(include_str!("../../openapi/model.json"));
    let operations = Vec::new();
    Ok(Section { name: "models", routes, operations, openapi, health, threads, checks })
}

fn route(counter: &Arc<Counter>, api: Api) -> MethodRouter {
    let counter = Arc::clone(counter);
    post(move |request: Request| {
        let counter = Arc::clone(&counter);
        async move { counter.attend(api, request).await.unwrap_or_else(IntoResponse::into_response) }
    })
}

fn list(counter: &Arc<Counter>) -> MethodRouter {
    let counter = Arc::clone(counter);
    get(move || async move {
        let all: Vec<Value> = counter.desks.iter().map(|desk| counter.card(desk)).collect();
        answer(StatusCode::OK, &json!({ "object": "list", "data": all }))
    })
}

fn one(counter: &Arc<Counter>) -> MethodRouter {
    let counter = Arc::clone(counter);
    get(move |Path(name): Path<String>| async move {
        match counter.desk(&name) {
            Ok(desk) => answer(StatusCode::OK, &counter.card(desk)),
            Err(refusal) => refusal.into_response(),
        }
    })
}

impl Desk {
    fn describe(&self) -> Value {
        let ModelServiceConfig { sequences, cache_bytes, threads, queue, .. } = self.model.config;
        json!({
            "name": self.model.name,
            "fingerprint": self.model.fingerprint,
            "context": self.longest,
            "sequences": sequences,
            "cache_bytes": cache_bytes,
            "threads": threads,
            "queue": queue,
        })
    }

    /// When there may be room: after as long as a request takes.
    fn time_for_one(&self) -> Duration {
        let seconds = self.milliseconds.load(Ordering::Relaxed) as f64 / 1000.0;
        Duration::from_secs_f64(seconds.clamp(1.0, 30.0).ceil())
    }

    fn note(&self, took: Duration) {
        let (now, before) = (took.as_millis() as u64, self.milliseconds.load(Ordering::Relaxed));
        self.milliseconds.store(if before == 0 { now } else { (before * 19 + now) / 20 }, Ordering::Relaxed);
    }

    /// Room for all choices of a request, prompt by prompt.
    fn reserve(&self, asked: &Asked) -> Result<Vec<Place>, Refusal> {
        let (prompts, total) = (asked.prompts.len(), self.places.total());
        if prompts.saturating_mul(asked.n) > total {
            let message = format!(
                "{prompts} prompts with {} choices each are asked for; at most {total} choices are taken at once",
                asked.n
            );
            return Err(Refusal::of("n", message));
        }
        let places: Option<Vec<Place>> = (0..prompts).map(|_| self.places.reserve_one(asked.n)).collect();
        places.ok_or_else(|| Fault::QueueFull { retry_after: self.time_for_one() }.into())
    }
}

impl Counter {
    fn desk(&self, name: &str) -> Result<&Desk, Refusal> {
        let names: Vec<&str> = self.desks.iter().map(|desk| desk.model.name.as_str()).collect();
        let found = self.desks.iter().find(|desk| desk.model.name == name);
        found.ok_or_else(|| Refusal::no_model(name, &names))
    }

    fn card(&self, desk: &Desk) -> Value {
        json!({
            "id": desk.model.name,
            "object": "model",
            "created": self.created,
            "owned_by": "tracelift",
            "max_model_len": desk.longest,
        })
    }

    /// What is asked, and of which model.
    fn read(&self, api: Api, bytes: &[u8]) -> Result<(usize, Asked), Refusal> {
        let mut fields = Fields::of(body::from_json(bytes)?)?;
        let name = fields.text("model")?.ok_or_else(|| Refusal::of("model", "`model` is missing"))?;
        let desk = self.desk(&name)?;
        let asked = Asked::read(api, fields, &desk.model, desk.longest)?;
        let index = self.desks.iter().position(|other| std::ptr::eq(other, desk)).unwrap_or_default();
        Ok((index, asked))
    }

    async fn attend(self: &Arc<Self>, api: Api, request: Request) -> Result<Response, Refusal> {
        let arrived = Instant::now();
        let Bytes { bytes, room: _room } = self.limits.read(request).await?;
        let (size, counter) = (bytes.len(), Arc::clone(self));
        let (index, asked) = body::apart(size, move || Ok(counter.read(api, &bytes))).await??;
        let desk = &self.desks[index];
        let timeout = desk.model.config.timeout;
        let deadline = arrived + timeout;
        let places = desk.reserve(&asked).inspect_err(|_| self.tally(desk, asked.n * asked.prompts.len()))?;
        let (sender, mut news) = mpsc::unbounded_channel();
        let beside = asked.telling.logprobs.unwrap_or(0);
        let tells = asked.stream.is_some() || beside > 0;
        let stop: Arc<[String]> = asked.stop.as_slice().into();
        let jobs = asked.prompts.iter().zip(places).enumerate().map(|(prompt, (begun, place))| {
            let order = Order {
                prompt: begun.tokens.clone(),
                seeds: asked.seeds(prompt),
                sampling: asked.sampling.clone(),
                ended: (!stop.is_empty()).then(|| ends_at(&desk.model, &stop)),
                alternatives: beside,
                scored: asked.telling.scores_prompt(),
            };
            Job { order, prompt, tells, news: sender.clone(), place, since: arrived }
        });
        desk.queue.push(jobs.collect::<Vec<Job>>());
        drop(sender);
        let streams = asked.stream.is_some();
        let mut talk = Talk::new(api, Arc::clone(&desk.model), asked);
        if streams {
            return Ok(stream(talk, news, (deadline, timeout), self.limits.drain.clone()));
        }
        while !talk.is_over() {
            let heard = tokio::time::timeout_at(deadline.into(), news.recv()).await;
            let heard = heard.map_err(|_| Fault::TimedOut { limit: timeout })?;
            let (prompt, heard) = heard.ok_or_else(|| lost(&self.limits.drain))?;
            talk.hear(prompt, heard)?;
        }
        desk.note(arrived.elapsed());
        Ok(answer(StatusCode::OK, &talk.answer()?))
    }

    fn tally(&self, desk: &Desk, samples: usize) {
        let labels = [("model", desk.model.name.as_str()), ("outcome", "refused")];
        let help = "Completions by how they ended.";
        self.metrics.count("tracelift_completions_total", help, &labels, samples as u64);
    }
}

/// Whether a sample ends: where its text holds a stop text.
fn ends_at(
    model: &Arc<ServedModel>,
    stop: &Arc<[String]>,
) -> Box<tracelift_engine::sampling::EndedAfter<'static>> {
    let (model, stop) = (Arc::clone(model), Arc::clone(stop));
    Box::new(move |tokens| model.tokenizer.stops(tokens, &stop))
}
