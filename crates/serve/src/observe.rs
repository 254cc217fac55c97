//! What is kept of every request: counters, a latency, a line in the log. Never what it says.

use crate::metrics::{Metrics, Unit};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Watches one request. Where the client hangs up, the future that answers it is dropped, and this with it: then the
/// status is 499, as proxies write it.
struct Watch {
    metrics: Arc<Metrics>,
    number: u64,
    method: String,
    route: String,
    started: Instant,
    status: u16,
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// The middleware.
pub(crate) async fn observe(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    let mut watch = Watch {
        metrics,
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
        method: request.method().as_str().chars().take(16).collect(),
        route: route.to_owned(),
        started: Instant::now(),
        status: 499,
    };
    let response = next.run(request).await;
    watch.status = response.status().as_u16();
    response
}

impl Drop for Watch {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        let (route, status) = (self.route.as_str(), self.status.to_string());
        let labels = [("route", route), ("status", status.as_str())];
        self.metrics.count("tracelift_requests_total", "Requests answered, by route and status.", &labels, 1);
        self.metrics.observe(
            "tracelift_request_seconds",
            "From the end of a request's head to its answer.",
            Unit::Seconds,
            &[("route", route)],
            seconds,
        );
        let (request, method, status) = (self.number, self.method.as_str(), self.status);
        let milliseconds = (seconds * 1e5).round() / 100.0;
        match status {
            499 => tracing::info!(request, method, route, status, milliseconds, "the client hung up"),
            500.. => tracing::warn!(request, method, route, status, milliseconds, "failed"),
            _ => tracing::info!(request, method, route, status, milliseconds, "answered"),
        }
    }
}
