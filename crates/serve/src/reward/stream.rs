//! An answer of `POST /v1/reward` that comes line by line, for `"stream": true`.
//!
//! Each line is a JSON object: an item's result, as `results` has it, once that is known, whichever is known first; at the end one
//! without an `index`, which has `usage` and `fingerprints` and says that nothing was broken off. It is newline-delimited JSON and not
//! server-sent events, since whoever asks for rewards is a program with an HTTP client and `json.loads`: a line is a result,
//! there is no framing to take off, and `curl` shows it as `jq` reads it.
//!
//! When the client hangs up, what of its items has not begun and nobody else waits for is dropped.

use super::answers::{Keyed, Turn};
use super::appraise::{Appraised, Usage};
use super::service::{Batch, Counter};
use super::told::{self, RewardResult, StreamEnd};
use crate::queue::Place;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use serde::Serialize;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tracelift_reward::RewardConfig;

/// The content type.
pub(super) const KIND: &str = "application/x-ndjson";
/// Lines that wait for their reader; further results wait to be written.
const AHEAD: usize = 64;

/// The lines, as they come.
struct Lines(mpsc::Receiver<Bytes>);

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

/// Begins to answer. The room that the request's body takes is given back when the answer is whole.
pub(super) fn answer(
    counter: Arc<Counter>,
    batch: Batch,
    config: Arc<RewardConfig>,
    keyed: Option<(Keyed, Turn)>,
    room: Place,
) -> Response {
    let (lines, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut telling = Telling { counter, batch, lines };
        if telling.tell(&config, keyed.as_ref().map(|(keyed, _)| keyed)).await.is_none() {
            telling.counter.count_unheard(&telling.batch);
        }
        // Until here nobody else was answered under this key.
        drop((keyed, room));
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(KIND)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::new(Lines(receiver))).into_response()
}

struct Telling {
    counter: Arc<Counter>,
    batch: Batch,
    lines: mpsc::Sender<Bytes>,
}

impl Telling {
    /// Tells everything; nothing comes back where the client hung up.
    async fn tell(&mut self, config: &RewardConfig, keyed: Option<&Keyed>) -> Option<()> {
        let (mut usage, mut kept) = (Usage::default(), String::new());
        loop {
            let next = tokio::select! {
                biased;
                () = self.lines.closed() => return None,
                next = self.counter.next(&mut self.batch) => next,
            };
            let Some((index, appraised)) = next else { break };
            usage += appraised.usage;
            let appraised: Arc<[Appraised]> = Arc::new([appraised]);
            self.counter.write_down(index, &appraised, config).await;
            let line = line(&RewardResult::of(index, &appraised[0], &self.counter.house.names));
            if keyed.is_some() {
                kept.push_str(&line);
            }
            self.lines.send(line.into()).await.ok()?;
        }
        let end = line(&StreamEnd { usage: usage.into(), fingerprints: &self.counter.house.fingerprints });
        if let Some(keyed) = keyed {
            kept.push_str(&end);
            // Where it cannot be kept, whoever asks again is answered anew; the log says so.
            if let Err(fault) = keyed.keep(&self.counter.appraiser.desk, 200, kept).await {
                tracing::error!(%fault, "an answer is not kept");
            }
        }
        self.lines.send(end.into()).await.ok()
    }
}

fn line(told: &impl Serialize) -> String {
    told::value(told).to_string() + "\n"
}
