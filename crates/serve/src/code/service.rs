//! `POST /run_code`: a bounded queue in front of a few threads, each with one program at a time.

use super::sandbox_fusion::{self, Body, Ceilings, response, word};
use super::{CodeRunner, RunFault, RunOutcome, RunRequest};
use crate::body::{self, BodyLimits, Bytes};
use crate::fault::{Fault, answer};
use crate::listener::{Frame, ListenConfig, Section, ServeError, Service, Threads};
use crate::metrics::{Metrics, Unit};
use crate::openapi::Operation;
use crate::queue::{Place, Places, Queue};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What a caller such as verl adds to the time limits of a program before it gives up, less a margin: an answer after
/// that would reach nobody, while a 504 before it is tried again.
const MARGIN: Duration = Duration::from_secs(8);

/// How the code service queues and runs.
#[derive(Clone, Copy, Debug)]
pub struct CodeServiceConfig {
    /// Programs at a time.
    pub jobs: usize,
    /// Programs that may wait; further ones are refused with 429.
    pub queue: usize,
    /// The longest time limit that a caller may ask for.
    pub run_timeout: Duration,
    /// The largest memory limit that a caller may ask for, in bytes.
    pub memory_bytes: u64,
}

impl Default for CodeServiceConfig {
    fn default() -> CodeServiceConfig {
        CodeServiceConfig {
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            queue: 1024,
            run_timeout: Duration::from_secs(120),
            memory_bytes: 8 << 30,
        }
    }
}

type Answer = Result<RunOutcome, RunFault>;

struct Job {
    request: RunRequest,
    since: Instant,
    reply: oneshot::Sender<Answer>,
    /// Held until the program starts.
    place: Place,
}

struct Counter {
    queue: Arc<Queue<Job>>,
    places: Places,
    config: CodeServiceConfig,
    limits: BodyLimits,
}

/// The code service on a runner.
///
/// # Errors
/// When its threads cannot be had.
pub fn code_service(
    runner: Arc<dyn CodeRunner>,
    config: CodeServiceConfig,
    listen: &ListenConfig,
) -> Result<Service, ServeError> {
    let frame = Frame::of_one(listen);
    Ok(Service::of_one(&frame, code_section(runner, config, &frame)?))
}

/// The code service as a section of a server.
///
/// # Errors
/// When its threads cannot be had.
pub fn code_section(
    runner: Arc<dyn CodeRunner>,
    config: CodeServiceConfig,
    frame: &Frame,
) -> Result<Section, ServeError> {
    let (metrics, limits) = (Arc::clone(&frame.metrics), frame.limits.clone());
    let counter = Arc::new(Counter {
        queue: Arc::new(Queue::new()),
        places: Places::new(config.queue),
        config,
        limits,
    });
    let health = json!({ "kind": "code runner", "runner": runner.describe(), "jobs": config.jobs.max(1) });
    let mut handles = Vec::new();
    for i in 0..config.jobs.max(1) {
        let (runner, queue, metrics) =
            (Arc::clone(&runner), Arc::clone(&counter.queue), Arc::clone(&metrics));
        let thread = std::thread::Builder::new().name(format!("run {i}"));
        handles.push(thread.spawn(move || {
            while let Some(job) = queue.pop() {
                work(&*runner, job, &metrics);
            }
        })?);
    }
    let places = counter.places.clone();
    let waiting = move || places.taken() as f64;
    frame.gauge("programs", "tracelift_queue_items", "Programs that wait.", waiting);
    let queue = Arc::clone(&counter.queue);
    let threads = Threads { close: Box::new(move || queue.close()), handles };
    let handler = move |request: Request| {
        let counter = Arc::clone(&counter);
        async move { counter.attend(request).await.unwrap_or_else(IntoResponse::into_response) }
    };
    let routes = vec![("/run_code", post(handler))];
    let operations = vec![Operation::post::<sandbox_fusion::Body, sandbox_fusion::RunCodeResponse<'_>>(
        "/run_code",
        "runCode",
        "Run a program, in SandboxFusion's dialect.",
        json!({
            "compile_timeout": 10, "run_timeout": 10, "code": "print(input())", "stdin": "hello", "memory_limit_MB": 1024,
            "language": "python", "files": {}, "fetch_files": [],
        }),
    )];
    Ok(Section { name: "programs", routes, operations, openapi: None, health, threads, checks: Vec::new() })
}

fn work(runner: &dyn CodeRunner, job: Job, metrics: &Metrics) {
    let Job { request, since, reply, place } = job;
    drop(place);
    if reply.is_closed() {
        let help = "Items dropped unread, because their client hung up or ran out of time.";
        metrics.count("tracelift_items_dropped_total", help, &[], 1);
        return;
    }
    let started = Instant::now();
    let waited = started.duration_since(since).as_secs_f64();
    let help = "From a program's arrival to its start.";
    metrics.observe("tracelift_queue_wait_seconds", help, Unit::Seconds, &[], waited);
    let result = catch_unwind(AssertUnwindSafe(|| runner.run(&request)))
        .unwrap_or_else(|_| Err(RunFault::Infrastructure("the runner panicked".into())));
    if let Err(RunFault::Infrastructure(cause)) = &result {
        tracing::error!(cause, "a program could not be run");
    }
    let (help, took) = ("Time a program took, with its set-up.", started.elapsed().as_secs_f64());
    metrics.observe("tracelift_run_seconds", help, Unit::Seconds, &[], took);
    metrics.count("tracelift_runs_total", "Programs by how they ended.", &[("ending", word(&result))], 1);
    // Whoever asked may have hung up in the meantime.
    let _ = reply.send(result);
}

impl Counter {
    async fn attend(&self, request: Request) -> Result<Response, Fault> {
        let arrived = Instant::now();
        let Bytes { bytes, room: _room } = self.limits.read(request).await?;
        let ceilings =
            Ceilings { run_timeout: self.config.run_timeout, memory_bytes: self.config.memory_bytes };
        let size = bytes.len();
        let read = move || body::from_json::<Body>(&bytes)?.into_request(ceilings);
        let request = body::apart(size, read).await?;
        let limit = self.limits.time.min(request.compile_timeout + request.run_timeout + MARGIN);
        let place = self.places.reserve(1).and_then(|mut places| places.pop());
        let place = place.ok_or_else(|| Fault::QueueFull { retry_after: self.time_for_queue() })?;
        let (reply, receiver) = oneshot::channel();
        self.queue.push([Job { request, since: Instant::now(), reply, place }]);
        let result = tokio::time::timeout_at((arrived + limit).into(), receiver).await;
        let result = result.map_err(|_| Fault::TimedOut { limit })?.map_err(|_| Fault::ShuttingDown)?;
        Ok(answer(StatusCode::OK, &response(&result)))
    }

    /// A guess: half a second a program.
    fn time_for_queue(&self) -> Duration {
        let seconds = self.places.total() as f64 / self.config.jobs.max(1) as f64 / 2.0;
        Duration::from_secs_f64(seconds.clamp(1.0, 30.0).ceil())
    }
}
