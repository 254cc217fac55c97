//! Reading a request's body: bounded in size and time, and parsed off the asynchronous threads where it is large.

use crate::connection::{Drain, HALF_TIME};
use crate::fault::Fault;
use crate::listener::ListenConfig;
use crate::queue::{Place, Places};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};

/// From this size on, a body is parsed and read elsewhere.
const LARGE: usize = 64 * 1024;
/// How long, and how much, is read of a body that is refused, so that its sender is there to read the refusal: a
/// connection that is closed on somebody who still sends may lose the answer.
const PATIENCE: Duration = Duration::from_secs(2);
const POLITENESS: usize = 64 << 20;

/// Bytes are reserved in pages.
const PAGE: usize = 4096;

/// What every body is held to.
#[derive(Clone)]
pub(crate) struct BodyLimits {
    /// Bytes of one.
    pub bytes: usize,
    /// From the first byte of the request to the last.
    pub time: Duration,
    /// Pages of all that are in progress.
    pages: Places,
    /// When the server is to stop, a body that has only begun to arrive is given up.
    pub drain: Drain,
}

/// A body, and the room that it takes until its request is answered.
pub(crate) struct Bytes {
    pub bytes: Vec<u8>,
    /// Given back when dropped.
    pub room: Place,
}

impl BodyLimits {
    pub fn of(listen: &ListenConfig) -> BodyLimits {
        let total = listen.total_body_bytes.max(listen.body_bytes);
        BodyLimits {
            bytes: listen.body_bytes,
            time: listen.timeout,
            pages: Places::new(total.div_ceil(PAGE)),
            drain: Drain::new(),
        }
    }

    /// The body's bytes.
    pub async fn read(&self, request: Request) -> Result<Bytes, Fault> {
        let limit = self.bytes;
        let announced = request.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let mut body = request.into_body();
        let expected = match announced.map(usize::try_from) {
            Some(Ok(length)) if length <= limit => length,
            // Not announced: it may be as large as any.
            None => limit,
            Some(_) => {
                discard(body).await;
                return Err(Fault::TooLarge { limit });
            }
        };
        let Some(room) = self.pages.reserve_one(expected.div_ceil(PAGE)) else {
            discard(body).await;
            return Err(Fault::QueueFull { retry_after: Duration::from_secs(1) });
        };
        let collected = tokio::time::timeout(self.time, Limited::new(&mut body, limit).collect());
        let stopped = async {
            self.drain.begun().await;
            tokio::time::sleep(HALF_TIME).await;
        };
        let collected = tokio::select! {
            biased;
            collected = collected => collected,
            () = stopped => return Err(Fault::ShuttingDown),
        };
        match collected {
            Err(_) => Err(Fault::SlowBody { limit: self.time }),
            Ok(Ok(collected)) => Ok(Bytes { bytes: collected.to_bytes().into(), room }),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                discard(body).await;
                Err(Fault::TooLarge { limit })
            }
            Ok(Err(error)) => Err(Fault::Malformed(format!("the body cannot be read: {error}"))),
        }
    }
}

/// Reads on for a while what nobody wants.
pub(crate) async fn discard(mut body: Body) {
    let until = Instant::now() + PATIENCE;
    let mut read = 0;
    while read < POLITENESS && Instant::now() < until {
        match tokio::time::timeout(PATIENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => read += frame.data_ref().map_or(0, |data| data.len()),
            _ => return,
        }
    }
}

/// Does work that grows with a body of so many bytes: at once where that is little, else on a thread for such work.
pub(crate) async fn apart<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    if size < LARGE {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::Internal(error.to_string()))?
}

/// A value from JSON bytes.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes)
        .map_err(|error| Fault::Malformed(format!("the body is not what this route takes: {error}")))
}
