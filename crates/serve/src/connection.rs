//! One connection: bounded patience with whoever does not read, and an end that waits for no half request.

use axum::Router;
use hyper::body::{Body, Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Sleep;

/// How long a client may take for the head of a request, and how long a connection may idle.
const HEAD_TIME: Duration = Duration::from_secs(60);
/// How long the rest of a request may take that had only begun to arrive when the server is to stop.
pub(crate) const HALF_TIME: Duration = Duration::from_secs(1);
/// How long a client that takes nothing of its answer is waited for then.
const UNREAD_TIME: Duration = Duration::from_secs(3);
/// How often a connection is looked at that may end.
const TICK: Duration = Duration::from_millis(100);

/// Says that the server is to stop, to whoever has a copy.
#[derive(Clone, Debug)]
pub(crate) struct Drain(Arc<watch::Sender<bool>>);

impl Drain {
    pub fn new() -> Drain {
        Drain(Arc::new(watch::channel(false).0))
    }

    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it has.
    pub async fn begun(&self) {
        // The sender is held right here, so this does not fail.
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }
}

/// Answers the requests of a connection until the client leaves, does not take its answers within `patience`, or the
/// server is to stop: then what has arrived is answered, and what has not is given up.
pub(crate) async fn attend(stream: TcpStream, router: Router, patience: Duration, drain: Drain) {
    let traffic = Arc::new(Traffic::default());
    let stream = Watched { stream, patience, stalled: None, traffic: Arc::clone(&traffic) };
    let (router, asked) = (TowerToHyperService::new(router), Arc::clone(&traffic));
    let service = service_fn(move |request| {
        let (answer, open) = (router.call(request), Unanswered::new(&asked));
        async move {
            // An answer that comes in parts is under way until its last one was handed on.
            let answer = answer.await;
            answer.map(|answer| answer.map(|body| UnderWay { body, open }))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(64 * 1024);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = drain.begun() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = &mut connection => ended,
                () = traffic.ends() => {
                    tracing::debug!("half a request, or an unread answer, is given up");
                    return;
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// What goes on in a connection.
#[derive(Debug, Default)]
struct Traffic {
    /// Requests whose head has arrived and that have no answer yet.
    unanswered: AtomicUsize,
    /// Bytes that the client, or the system on its behalf, has taken.
    sent: AtomicU64,
    /// Whether some are waiting.
    unsent: AtomicBool,
}

impl Traffic {
    /// Waits until there is nothing to wait for: no request to be answered, and no answer that is being taken.
    async fn ends(&self) {
        let (mut quiet, mut sent) = (Duration::ZERO, self.sent.load(Ordering::Relaxed));
        loop {
            tokio::time::sleep(TICK).await;
            let now = self.sent.load(Ordering::Relaxed);
            // Of an answer in parts that its client has stopped to take, the rest is not waited for.
            let unread = self.unsent.load(Ordering::Relaxed);
            let idle = (self.unanswered.load(Ordering::Relaxed) == 0 || unread) && now == sent;
            (quiet, sent) = (if idle { quiet + TICK } else { Duration::ZERO }, now);
            let enough = if self.unsent.load(Ordering::Relaxed) { UNREAD_TIME } else { HALF_TIME };
            if quiet >= enough {
                return;
            }
        }
    }
}

/// A request in progress.
struct Unanswered(Arc<Traffic>);

impl Unanswered {
    fn new(traffic: &Arc<Traffic>) -> Unanswered {
        traffic.unanswered.fetch_add(1, Ordering::Relaxed);
        Unanswered(Arc::clone(traffic))
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, with its request.
struct UnderWay<B> {
    body: B,
    #[expect(dead_code, reason = "it is held until the body is dropped")]
    open: Unanswered,
}

impl<B: Body + Unpin> Body for UnderWay<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that breaks when its reader does not take within `patience` what is written.
struct Watched {
    stream: TcpStream,
    patience: Duration,
    /// Since the client left something lying.
    stalled: Option<Pin<Box<Sleep>>>,
    traffic: Arc<Traffic>,
}

impl Watched {
    /// Notes how a write of `wanted` bytes went, and breaks it off when it has been going on for too long. Parts do not help:
    /// who takes a byte a minute would otherwise never be done.
    fn note(
        &mut self,
        context: &mut Context<'_>,
        wanted: usize,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(taken)) = result {
            self.traffic.sent.fetch_add(taken as u64, Ordering::Relaxed);
            if taken >= wanted {
                self.stalled = None;
                self.traffic.unsent.store(false, Ordering::Relaxed);
                return result;
            }
        }
        if let Poll::Ready(Err(_)) = result {
            return result;
        }
        self.traffic.unsent.store(true, Ordering::Relaxed);
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match (result, stalled.as_mut().poll(context)) {
            (Poll::Pending, Poll::Ready(())) => {
                let seconds = patience.as_secs_f64();
                tracing::warn!(seconds, "a client does not read its answer; its connection is closed");
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            (result, _) => result,
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, buffer);
        self.note(context, buffer.len(), result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = buffers.iter().map(|buffer| buffer.len()).sum();
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.note(context, wanted, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
