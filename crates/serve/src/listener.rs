//! One listening process: bind, accept, answer, drain.

use crate::access::ApiKey;
use crate::body::{BodyLimits, discard};
use crate::connection::{Drain, attend};
use crate::fault::{Fault, answer};
use crate::metrics::{self, Metrics, resident_bytes};
use crate::observe::observe;
use crate::openapi::{self, Operation};
use crate::ready::{Check, Readiness};
use crate::view::{self, Admission};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde_json::{Map, Value, json};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// What any service of the house listens with.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// Where to listen, as `host:port`; port 0 takes a free one.
    pub address: String,
    /// The key that callers must send, except to `/health`.
    pub api_key: Option<ApiKey>,
    /// The largest body in bytes.
    pub body_bytes: usize,
    /// Bytes of all bodies in progress; a request beyond them is refused with 429.
    pub total_body_bytes: usize,
    /// How long a request may take, and how long its client to read the answer.
    pub timeout: Duration,
    /// How long requests in progress may take once the server is to stop.
    pub grace: Duration,
    /// Connections at a time; further ones wait to be accepted.
    pub connections: usize,
}

impl Default for ListenConfig {
    fn default() -> ListenConfig {
        ListenConfig {
            address: "127.0.0.1:8001".into(),
            api_key: None,
            body_bytes: 8 << 20,
            total_body_bytes: 128 << 20,
            timeout: Duration::from_secs(60),
            grace: Duration::from_secs(30),
            connections: 4096,
        }
    }
}

/// Why a server does not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, not ours, or no address.
    #[error("cannot listen on {address}: {source}; choose another --host or --port (in a file, `listen`)")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// A thread or the runtime cannot be had.
    #[error("cannot start the server's threads: {0}")]
    Threads(#[from] io::Error),
    /// The server's thread panicked.
    #[error("the server's thread panicked; its log says why")]
    Panicked,
}

/// What the sections of one server share: its limits, its counters, and the end of it.
pub struct Frame {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: BodyLimits,
    company: Company,
}

/// Whether a section has a server to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Alone,
    Among,
}

impl Frame {
    /// Of a server with several sections: their gauges are told apart by a label.
    #[must_use]
    pub fn shared(listen: &ListenConfig) -> Frame {
        Frame { metrics: Arc::default(), limits: BodyLimits::of(listen), company: Company::Among }
    }

    pub(crate) fn of_one(listen: &ListenConfig) -> Frame {
        Frame { company: Company::Alone, ..Frame::shared(listen) }
    }

    /// Adds a gauge of a section.
    pub(crate) fn gauge(
        &self,
        section: &'static str,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + 'static,
    ) {
        self.gauge_of(section, name, help, None, read);
    }

    /// Adds a gauge of one of several things that a section has.
    pub(crate) fn gauge_of(
        &self,
        section: &'static str,
        name: &'static str,
        help: &'static str,
        label: Option<(&str, &str)>,
        read: impl Fn() -> f64 + Send + 'static,
    ) {
        let section = match self.company {
            Company::Alone => None,
            Company::Among => Some(("section", section)),
        };
        let labels: Vec<(&str, &str)> = section.into_iter().chain(label).collect();
        self.metrics.gauge(name, help, &labels, read);
    }
}

/// A part of what is served: routes, their description, and threads that end when the server closes.
pub struct Section {
    pub(crate) name: &'static str,
    pub(crate) routes: Vec<(&'static str, MethodRouter)>,
    pub(crate) operations: Vec<Operation>,
    /// A description that is a document, where there is one.
    pub(crate) openapi: Option<&'static str>,
    pub(crate) health: Value,
    pub(crate) threads: Threads,
    /// What it needs from elsewhere.
    pub(crate) checks: Vec<Check>,
}

/// Who comes to a server, and how a key is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Programs, with a header.
    Programs,
    /// Browsers, which anybody's page may send here.
    Browser,
}

/// What is served.
pub struct Service {
    routes: Vec<(&'static str, MethodRouter)>,
    openapi: Arc<str>,
    health: Value,
    pub(crate) metrics: Arc<Metrics>,
    threads: Vec<Threads>,
    drain: Drain,
    ready: Arc<Readiness>,
    door: Door,
}

/// What every server answers.
const OWN: [&str; 4] = ["/health", "/ready", "/metrics", "/openapi.json"];

/// A section's working threads.
pub(crate) struct Threads {
    /// Tells them to end once their queues are empty.
    pub close: Box<dyn Fn() + Send>,
    pub handles: Vec<JoinHandle<()>>,
}

impl Service {
    /// A server of one section, which is described as that section is.
    pub(crate) fn of_one(frame: &Frame, section: Section) -> Service {
        let health = section.health.clone();
        Service { health, ..Service::of(frame, vec![section]) }
    }

    /// A server of several sections. Where two have the same route, the first one has it.
    #[must_use]
    pub fn of(frame: &Frame, sections: Vec<Section>) -> Service {
        let written: Vec<&str> = sections.iter().filter_map(|section| section.openapi).collect();
        let mut operations = Vec::new();
        let mut health = Map::from_iter([("kind".to_owned(), json!("tracelift"))]);
        let (mut routes, mut threads, mut checks) = (Vec::new(), Vec::new(), Vec::new());
        for section in sections {
            // Whoever asks what reward model there is finds it where a server of one section has it.
            if let Some(model) = section.health.get("model") {
                health.insert("model".to_owned(), model.clone());
            }
            health.insert(section.name.to_owned(), section.health);
            for (path, handler) in section.routes {
                if routes.iter().all(|(taken, _)| *taken != path) {
                    routes.push((path, handler));
                }
            }
            operations.extend(section.operations);
            threads.push(section.threads);
            checks.extend(section.checks);
        }
        let served: Vec<&str> = routes.iter().map(|(path, _)| *path).collect();
        Service {
            openapi: openapi::document(operations, &written, &served).into(),
            routes,
            health: Value::Object(health),
            metrics: Arc::clone(&frame.metrics),
            threads,
            drain: frame.limits.drain.clone(),
            ready: Arc::new(Readiness::of(checks)),
            door: Door::Programs,
        }
    }

    /// The same for others who come.
    pub(crate) fn behind(self, door: Door) -> Service {
        Service { door, ..self }
    }

    /// The paths that it answers, with those that every service has.
    #[must_use]
    pub fn paths(&self) -> Vec<&'static str> {
        self.routes.iter().map(|(path, _)| *path).chain(OWN).collect()
    }

    fn router(&self, config: &ListenConfig) -> Router {
        let mut router = Router::new();
        for (path, handler) in &self.routes {
            router = router.route(path, handler.clone());
        }
        let (counted, openapi) = (Arc::clone(&self.metrics), Arc::clone(&self.openapi));
        let text = move || async move { ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], counted.text()) };
        let document =
            move || async move { ([(header::CONTENT_TYPE, "application/json")], openapi.to_string()) };
        let key = config.api_key.clone();
        let (health, drain) = (self.health.clone(), self.drain.clone());
        let health = move || async move {
            let (status, word) = match drain.has_begun() {
                true => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
                false => (StatusCode::OK, "ok"),
            };
            answer(status, &json!({ "status": word, "service": health }))
        };
        let (ready, drain) = (Arc::clone(&self.ready), self.drain.clone());
        let ready = move || async move { ready.answer(&drain).await };
        router
            .route("/metrics", get(text))
            .route("/openapi.json", get(document))
            .route_layer(from_fn_with_state((key, self.door), admit))
            .route("/health", get(health))
            .route("/ready", get(ready))
            .method_not_allowed_fallback(wrong_method)
            .fallback(no_route)
            .layer(from_fn_with_state(self.door, hear))
            .layer(from_fn_with_state(Arc::clone(&self.metrics), observe))
    }
}

/// Refuses whoever was sent here under another server's name.
async fn hear(State(door): State<Door>, request: Request, next: Next) -> Response {
    if door == Door::Browser && !view::names_us(request.headers()) {
        discard(request.into_body()).await;
        return view::misnamed();
    }
    next.run(request).await
}

async fn admit(State((key, door)): State<(Option<ApiKey>, Door)>, request: Request, next: Next) -> Response {
    match key {
        Some(key) if door == Door::Browser => match view::admit(&key, &request) {
            Admission::Welcome => next.run(request).await,
            Admission::Known(response) | Admission::Stranger(response) => {
                discard(request.into_body()).await;
                *response
            }
        },
        Some(key) if !key.admits(request.headers()) => refuse(request, Fault::Unauthorized).await,
        _ => next.run(request).await,
    }
}

async fn wrong_method(request: Request) -> Response {
    let method = request.method().as_str().chars().take(16).collect();
    refuse(request, Fault::Method { method }).await
}

async fn no_route(request: Request) -> Response {
    let path = request.uri().path().chars().take(100).collect();
    refuse(request, Fault::NotFound { path }).await
}

/// Says no, once the body has been sent: a connection that is closed on somebody who still sends may lose the answer.
async fn refuse(request: Request, fault: Fault) -> Response {
    discard(request.into_body()).await;
    fault.into_response()
}

/// A server that runs on threads of its own.
pub struct Running {
    address: SocketAddr,
    drain: Drain,
    thread: JoinHandle<Result<Drained, ServeError>>,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Whether everything that was accepted was answered within the grace period.
    pub complete: bool,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting; what was accepted is answered.
    pub fn stop(&self) {
        self.drain.begin();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When the server failed.
    pub fn join(self) -> Result<Drained, ServeError> {
        self.thread.join().map_err(|_| ServeError::Panicked)?
    }
}

/// Starts a server.
///
/// # Errors
/// When the address cannot be had.
pub fn start(service: Service, config: ListenConfig) -> Result<Running, ServeError> {
    let bind = |source| ServeError::Bind { address: config.address.clone(), source };
    let listener = StdListener::bind(&config.address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    // Little happens on these threads: bytes in, bytes out.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(2)
        .thread_name("http")
        .enable_all()
        .build()?;
    let drain = service.drain.clone();
    let thread = std::thread::Builder::new().name("server".into()).spawn(move || {
        let drained = runtime.block_on(run(&service, &config, listener))?;
        service.threads.iter().for_each(|threads| (threads.close)());
        if drained.complete {
            for handle in service.threads.into_iter().flat_map(|threads| threads.handles) {
                handle.join().map_err(|_| ServeError::Panicked)?;
            }
        }
        runtime.shutdown_timeout(Duration::from_secs(1));
        Ok(drained)
    })?;
    Ok(Running { address, drain, thread })
}

/// Starts a server, tells where it listens, and runs it until SIGTERM or Ctrl-C; then drains it. A second signal ends it
/// at once.
///
/// # Errors
/// As [`start`].
pub fn serve(
    service: Service,
    config: ListenConfig,
    ready: impl FnOnce(SocketAddr),
) -> Result<Drained, ServeError> {
    let signals = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // From here on a signal is ours: one that comes while the server starts is not lost.
    let (mut terminate, mut interrupt) = signals.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        io::Result::Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
    })?;
    let Running { address, drain, thread } = start(service, config)?;
    ready(address);
    let drained = signals.block_on(async {
        let mut end = tokio::task::spawn_blocking(|| thread.join().map_err(|_| ServeError::Panicked)?);
        let ended =
            |end: Result<Result<Drained, ServeError>, JoinError>| end.map_err(|_| ServeError::Panicked)?;
        tokio::select! {
            _ = terminate.recv() => {},
            _ = interrupt.recv() => {},
            // It does not end by itself but by a failure.
            result = &mut end => return ended(result),
        }
        drain.begin();
        tokio::select! {
            _ = terminate.recv() => Ok(Drained { complete: false }),
            _ = interrupt.recv() => Ok(Drained { complete: false }),
            result = &mut end => ended(result),
        }
    });
    // Whoever asks twice does not want to wait.
    signals.shutdown_background();
    drained
}

async fn run(service: &Service, config: &ListenConfig, listener: StdListener) -> Result<Drained, ServeError> {
    let bind = |source| ServeError::Bind { address: config.address.clone(), source };
    let listener = TcpListener::from_std(listener).map_err(bind)?;
    let router = service.router(config);
    let total = u32::try_from(config.connections.max(1)).unwrap_or(u32::MAX >> 4);
    let connections = Arc::new(Semaphore::new(total as usize));
    watch_process(service, config, &connections);
    loop {
        // A place first: what cannot be served waits in the system's backlog.
        let accepted = tokio::select! {
            biased;
            () = service.drain.begun() => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, or a client that left at once. Neither is a reason to end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        // Answers are small and awaited.
        let _ = stream.set_nodelay(true);
        let attended = attend(stream, router.clone(), config.timeout, service.drain.clone());
        tokio::spawn(async move {
            attended.await;
            drop(place);
        });
    }
    drop(listener);
    let started = Instant::now();
    tracing::info!(grace_s = config.grace.as_secs_f64(), "draining: no new connections");
    // All places are free once every connection has ended.
    let ended = connections.acquire_many(total);
    let complete = tokio::time::timeout(config.grace, ended).await.is_ok();
    let seconds = started.elapsed().as_secs_f64();
    match complete {
        true => tracing::info!(seconds, "drained"),
        false => tracing::warn!(seconds, "the grace period is over; requests in progress are dropped"),
    }
    Ok(Drained { complete })
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(connections).acquire_owned().await.map_err(io::Error::other)?;
    Ok((listener.accept().await?.0, place))
}

fn watch_process(service: &Service, config: &ListenConfig, connections: &Arc<Semaphore>) {
    let (total, free) = (config.connections.max(1), Arc::clone(connections));
    let open = move || total.saturating_sub(free.available_permits()) as f64;
    service.metrics.gauge(
        "tracelift_connections",
        "Open connections, and one about to be accepted.",
        &[],
        open,
    );
    service.metrics.gauge("process_resident_memory_bytes", "Memory that the process holds.", &[], || {
        resident_bytes().map_or(f64::NAN, |bytes| bytes as f64)
    });
}
