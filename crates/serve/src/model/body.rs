//! An answer that is told while it is made: server-sent events.

use super::clerk::News;
use super::refusal::Refusal;
use super::told::Talk;
use crate::connection::Drain;
use crate::fault::Fault;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame};
use serde_json::Value;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Sleep;

/// Whoever stops reading drops this, and with it the end at which news arrives: then the session forgets the order.
struct Events {
    talk: Talk,
    news: UnboundedReceiver<(usize, News)>,
    pending: VecDeque<Bytes>,
    deadline: Pin<Box<Sleep>>,
    timeout: Duration,
    drain: Drain,
    over: bool,
}

/// The answer whose events are those of a talk.
pub(super) fn stream(
    talk: Talk,
    news: UnboundedReceiver<(usize, News)>,
    (deadline, timeout): (Instant, Duration),
    drain: Drain,
) -> Response {
    let deadline = Box::pin(tokio::time::sleep_until(deadline.into()));
    let events = Events { talk, news, pending: VecDeque::new(), deadline, timeout, drain, over: false };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (StatusCode::OK, headers, Body::new(events)).into_response()
}

impl Events {
    fn push(&mut self, event: &Value) {
        self.pending.push_back(format!("data: {event}\n\n").into());
    }

    /// The status has been told: what went wrong is an event, and the stream ends without its last one.
    fn fail(&mut self, refusal: &Refusal) {
        self.push(&refusal.to_json());
        self.over = true;
    }

    fn hear(&mut self, prompt: usize, news: News) {
        match self.talk.hear(prompt, news) {
            Err(refusal) => self.fail(&refusal),
            Ok(chunks) => {
                chunks.iter().for_each(|chunk| self.push(chunk));
                if self.talk.is_over() {
                    if let Some(chunk) = self.talk.last_chunk() {
                        self.push(&chunk);
                    }
                    self.pending.push_back(Bytes::from_static(b"data: [DONE]\n\n"));
                    self.over = true;
                }
            }
        }
    }
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(bytes) = self.pending.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if self.over {
                // From here on nobody works for it.
                self.news.close();
                return Poll::Ready(None);
            }
            match self.news.poll_recv(context) {
                Poll::Ready(Some((prompt, news))) => self.hear(prompt, news),
                Poll::Ready(None) => {
                    let refusal = lost(&self.drain);
                    self.fail(&refusal);
                }
                Poll::Pending => match self.deadline.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => {
                        let limit = self.timeout;
                        self.fail(&Fault::TimedOut { limit }.into());
                    }
                },
            }
        }
    }
}

/// Why nobody works at a request any more that has not been answered.
pub(super) fn lost(drain: &Drain) -> Refusal {
    match drain.has_begun() {
        true => Fault::ShuttingDown.into(),
        false => Refusal::broken("sampling broke off; the server's log says why"),
    }
}
