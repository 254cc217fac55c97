//! Whether a server can do now what it is for: what it needs from elsewhere is asked, at most every few seconds, on a thread of its
//! own.

use crate::connection::Drain;
use crate::fault::answer;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long an answer holds.
const HOLDS: Duration = Duration::from_secs(2);
/// How long a check is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that is needed: a name, and how to look.
pub(crate) struct Check {
    pub name: String,
    /// What there is to say of it, or why it cannot be used.
    pub look: Box<dyn Fn() -> Result<Value, String> + Send + Sync>,
}

/// What a look found.
#[derive(Clone, Debug)]
struct Seen {
    at: Instant,
    ready: bool,
    checks: Value,
}

/// What is needed, and what was found last.
pub(crate) struct Readiness {
    checks: Arc<Vec<Check>>,
    last: Mutex<Option<watch::Receiver<Option<Seen>>>>,
}

impl Readiness {
    pub fn of(checks: Vec<Check>) -> Readiness {
        Readiness { checks: Arc::new(checks), last: Mutex::new(None) }
    }

    /// 200 where all can be used, else 503; which, and why not.
    pub async fn answer(&self, drain: &Drain) -> Response {
        if drain.has_begun() {
            return answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "draining", "checks": {} }));
        }
        let mut look = self.look();
        let seen = tokio::time::timeout(PATIENCE, look.wait_for(Option::is_some)).await;
        let seen = seen.ok().and_then(|seen| seen.ok()?.clone());
        match seen {
            Some(Seen { ready: true, checks, .. }) => {
                answer(StatusCode::OK, &json!({ "status": "ready", "checks": checks }))
            }
            Some(Seen { checks, .. }) => {
                answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready", "checks": checks }))
            }
            None => {
                let message = format!("no answer within {} s", PATIENCE.as_secs());
                let checks = json!({ "checks": { "ready": false, "message": message } });
                answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready", "checks": checks }))
            }
        }
    }

    /// The look that holds or is under way; a new one where there is none.
    fn look(&self) -> watch::Receiver<Option<Seen>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = &*last {
            let holds = match &*look.borrow() {
                Some(seen) => seen.at.elapsed() < HOLDS,
                // Under way, unless its thread has ended without a word.
                None => look.has_changed().is_ok(),
            };
            if holds {
                return look.clone();
            }
        }
        let (sender, receiver) = watch::channel(None);
        let checks = Arc::clone(&self.checks);
        let work = move || {
            let mut ready = true;
            let mut told = Map::new();
            for Check { name, look } in &*checks {
                let said = match look() {
                    Ok(said) => json!({ "ready": true, "is": said }),
                    Err(message) => {
                        ready = false;
                        json!({ "ready": false, "message": message })
                    }
                };
                told.insert(name.clone(), said);
            }
            let seen = Seen { at: Instant::now(), ready, checks: Value::Object(told) };
            sender.send_replace(Some(seen));
        };
        // Without a thread nobody looks, and that is said as a look without an answer.
        let _ = std::thread::Builder::new().name("ready".into()).spawn(work);
        *last = Some(receiver.clone());
        receiver
    }
}
