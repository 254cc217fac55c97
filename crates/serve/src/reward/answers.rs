//! Answers under a client's key: whoever asks again under the same one gets the same answer, and nothing is measured again.

use super::desk::Desk;
use crate::fault::Fault;
use axum::http::HeaderMap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tracelift_domain::Fingerprint;
use tracelift_reward::baselines::Answered;

/// The header that carries a key.
pub(super) const KEY: &str = "idempotency-key";
/// Says of an answer that it was given before.
pub(super) const REPLAYED: &str = "idempotency-replayed";
/// The longest key.
const LONGEST: usize = 255;

/// Keys under which somebody is answered just now.
#[derive(Default)]
pub(super) struct Answers {
    under_way: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// A key that a request came under.
pub(super) struct Keyed {
    pub key: String,
    pub request: Fingerprint,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// As long as it is held, nobody else is answered under the same key.
pub(super) type Turn = tokio::sync::OwnedMutexGuard<()>;

impl Answers {
    /// The key of a request, if it has one.
    pub fn keyed(&self, route: &str, headers: &HeaderMap, body: &[u8]) -> Result<Option<Keyed>, Fault> {
        let Some(key) = headers.get(KEY) else { return Ok(None) };
        let key = key.to_str().ok().map(str::trim).filter(|key| !key.is_empty() && key.len() <= LONGEST);
        let key = key.ok_or_else(|| {
            Fault::Invalid(format!(
                "the header `Idempotency-Key` is no text of 1 to {LONGEST} visible characters"
            ))
        })?;
        let request = Fingerprint::of([("route", route.as_bytes()), ("body", body)]);
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody holds any more are of no use.
        under_way.retain(|_, turn| Arc::strong_count(turn) > 1);
        let turn = Arc::clone(under_way.entry(key.to_owned()).or_default());
        Ok(Some(Keyed { key: key.to_owned(), request, turn }))
    }
}

impl Keyed {
    /// Waits until nobody else is answered under this key; then what was answered under it before, if anything was.
    pub async fn turn(&self, desk: &Desk) -> Result<(Turn, Option<Answered>), Fault> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let key = self.key.clone();
        let known = desk.keep(move |store| store.answered(&key)).await.ok_or(Fault::ShuttingDown)?;
        let known = known.map_err(|error| Fault::Internal(error.to_string()))?;
        match known {
            Some(known) if known.request != self.request => Err(Fault::Invalid(
                "another request came under this `Idempotency-Key`; choose a new key for each request".into(),
            )),
            known => Ok((turn, known)),
        }
    }

    /// Keeps an answer, before it is given.
    pub async fn keep(&self, desk: &Desk, status: u16, body: String) -> Result<(), Fault> {
        let (key, answered) = (self.key.clone(), Answered { request: self.request.clone(), status, body });
        let kept = desk.keep(move |store| store.answer(&key, &answered)).await.ok_or(Fault::ShuttingDown)?;
        kept.map_err(|error| Fault::Internal(error.to_string()))
    }
}
