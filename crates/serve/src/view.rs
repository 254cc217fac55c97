//! Pages of a folder, for a browser: read-only, live by server-sent events.
//!
//! What is shown a [`Viewer`] makes; here is who may see it. A page on the network may be asked for by any page that a browser has open, so a
//! request must name this server by an address or as `localhost`: a name that somebody has pointed here (DNS rebinding) is refused. A key is
//! handed in once, in the address, and kept as a cookie that no other site's request carries.

use crate::access::ApiKey;
use crate::connection::Drain;
use crate::fault::Fault;
use crate::listener::{Door, Frame, ListenConfig, Section, ServeError, Service, Threads};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::body::{Body as HttpBody, Bytes, Frame as Part};
use serde_json::json;
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How often it is looked whether something moved.
const EVERY: Duration = Duration::from_millis(500);
/// How long nothing may be said, so that whatever lies between keeps the connection.
const SILENCE: Duration = Duration::from_secs(15);
/// Pages that are listened to at a time; further ones are refused, and their browsers ask again.
const LISTENERS: usize = 64;
/// Where events are.
const EVENTS: &str = "/events";

/// What a page is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownKind {
    /// For people.
    Html,
    /// A style sheet.
    Css,
    /// A script.
    Script,
    /// Plain text.
    Text,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The status.
    pub status: u16,
    /// What it is written in.
    pub kind: ShownKind,
    /// What it says.
    pub body: String,
    /// What it is called as a file, where it is one to keep.
    pub file: Option<String>,
}

/// Who makes pages.
pub trait Viewer: Send + Sync + 'static {
    /// The page at a path with a query, both as they stand in the address.
    fn page(&self, path: &str, query: &str) -> Shown;
    /// Something that changes whenever what is shown with a query may have changed; `None` where nothing does.
    fn revision(&self, query: &str) -> Option<String>;
    /// What is looked at.
    fn describe(&self) -> String;
}

/// A server of pages.
///
/// # Errors
/// When its threads cannot be had.
pub fn view_service(viewer: Arc<dyn Viewer>, listen: &ListenConfig) -> Result<Service, ServeError> {
    let frame = Frame::of_one(listen);
    let drain = frame.limits.drain.clone();
    let health = json!({ "kind": "view", "folder": viewer.describe() });
    let places = Arc::new(tokio::sync::Semaphore::new(LISTENERS));
    let (pages, listened) = (Arc::clone(&viewer), viewer);
    let page = move |request: Request| {
        let viewer = Arc::clone(&pages);
        async move { show(viewer, request.uri()).await }
    };
    let events = move |request: Request| {
        let (viewer, places, drain) = (Arc::clone(&listened), Arc::clone(&places), drain.clone());
        async move {
            match places.try_acquire_owned() {
                Ok(place) => tell(viewer, request.uri(), drain, place),
                Err(_) => headed(StatusCode::SERVICE_UNAVAILABLE.into_response()),
            }
        }
    };
    let threads = Threads { close: Box::new(|| {}), handles: Vec::new() };
    let section = Section {
        name: "view",
        routes: vec![(EVENTS, get(events)), ("/", get(page.clone())), ("/{*path}", get(page))],
        operations: Vec::new(),
        openapi: None,
        health,
        threads,
        checks: Vec::new(),
    };
    Ok(Service::of_one(&frame, section).behind(Door::Browser))
}

async fn show(viewer: Arc<dyn Viewer>, uri: &Uri) -> Response {
    let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
    // Files are read for it, which takes its time.
    let made =
        tokio::task::spawn_blocking(move || catch_unwind(AssertUnwindSafe(|| viewer.page(&path, &query))))
            .await;
    let Ok(Ok(Shown { status, kind, body, file })) = made else {
        return headed(Fault::Internal("the page could not be made".to_owned()).into_response());
    };
    let kind = match kind {
        ShownKind::Html => "text/html; charset=utf-8",
        ShownKind::Css => "text/css; charset=utf-8",
        ShownKind::Script => "text/javascript; charset=utf-8",
        ShownKind::Text => "text/plain; charset=utf-8",
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        (status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response();
    let named = file.and_then(|file| HeaderValue::from_str(&format!("attachment; filename=\"{file}\"")).ok());
    if let Some(named) = named {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, named);
    }
    headed(response)
}

/// What a browser is told about every answer: nothing from elsewhere, nothing into elsewhere, and nothing is kept.
fn headed(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
                          form-action 'self'; frame-ancestors 'none'";
    let told: [(HeaderName, &str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in told {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Events, as they come.
struct Events(mpsc::Receiver<Bytes>);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Part<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(|event| Ok(Part::data(event))))
    }
}

/// Tells a page when something moved, until it is left or the server is to stop.
fn tell(
    viewer: Arc<dyn Viewer>,
    uri: &Uri,
    drain: Drain,
    place: tokio::sync::OwnedSemaphorePermit,
) -> Response {
    let query = uri.query().unwrap_or_default().to_owned();
    let (events, receiver) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let _place = place;
        let (mut last, mut said) = (None, Instant::now());
        loop {
            let (viewer, query) = (Arc::clone(&viewer), query.clone());
            let look = move || catch_unwind(AssertUnwindSafe(|| viewer.revision(&query))).ok().flatten();
            let Ok(found) = tokio::task::spawn_blocking(look).await else { return };
            let event = match found {
                Some(revision) if last.as_ref() != Some(&revision) => {
                    let event = format!("event: revision\ndata: {revision}\n\n");
                    last = Some(revision);
                    event
                }
                _ if said.elapsed() > SILENCE => ": still here\n\n".to_owned(),
                _ => String::new(),
            };
            if !event.is_empty() {
                said = Instant::now();
                if events.send(event.into()).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                () = events.closed() => return,
                () = drain.begun() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    });
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))];
    headed((kind, Body::new(Events(receiver))).into_response())
}

/// Whether a request names this server by what nobody can point at it from elsewhere.
pub(crate) fn names_us(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

/// The cookie that holds a key.
const COOKIE: &str = "tracelift_key";

/// What becomes of a browser's request where a key is needed.
pub(crate) enum Admission {
    /// It has the key.
    Welcome,
    /// It has just brought the key, and is sent on to the same address without it.
    Known(Box<Response>),
    /// It has none.
    Stranger(Box<Response>),
}

/// Looks whether a browser brings the key: as a header, as a cookie, or in the address.
pub(crate) fn admit(key: &ApiKey, request: &Request) -> Admission {
    let headers = request.headers();
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut cookies =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    if key.admits(headers) || cookies.any(|(name, value)| name == COOKIE && key.is(value)) {
        return Admission::Welcome;
    }
    let query = request.uri().query().unwrap_or_default();
    let brought = query.split('&').find_map(|pair| pair.strip_prefix("key="));
    if brought.is_some_and(|brought| key.is(brought)) {
        let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("key=")).collect();
        let path = request.uri().path();
        let to = if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) };
        let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", brought.unwrap_or_default());
        if let (Ok(to), Ok(cookie)) = (HeaderValue::from_str(&to), HeaderValue::from_str(&cookie)) {
            // A path that begins with two slashes would be another server's address.
            let to = if to.as_bytes().starts_with(b"//") { HeaderValue::from_static("/") } else { to };
            let told = [(header::LOCATION, to), (header::SET_COOKIE, cookie)];
            return Admission::Known(Box::new(headed((StatusCode::SEE_OTHER, told).into_response())));
        }
    }
    let text =
        "A key is needed: open the address that `tracelift view` printed, or add ?key=KEY to this one.\n";
    Admission::Stranger(Box::new(headed((StatusCode::UNAUTHORIZED, text).into_response())))
}

/// The refusal of a request that names another server.
pub(crate) fn misnamed() -> Response {
    let text = "This server is asked for by its address or as localhost, not by another name.\n";
    headed((StatusCode::MISDIRECTED_REQUEST, text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(host: &str) -> bool {
        names_us(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]))
    }

    #[test]
    fn names_that_somebody_else_may_point_here_are_not_ours() {
        for ours in [
            "localhost",
            "LOCALHOST:8090",
            "127.0.0.1:8090",
            "127.0.0.1",
            "[::1]:8090",
            "[::1]",
            "10.1.2.3:80",
        ] {
            assert!(named(ours), "{ours}");
        }
        for other in [
            "evil.example",
            "evil.example:8090",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "",
            ":80",
            "[::1",
            "localhost@evil",
        ] {
            assert_eq!(named(other), other == "[::1", "{other}");
        }
        assert!(!names_us(&HeaderMap::new()));
        let two =
            [(header::HOST, "localhost".parse().unwrap()), (header::HOST, "evil.example".parse().unwrap())];
        let mut headers = HeaderMap::new();
        two.into_iter().for_each(|(name, value)| {
            headers.append(name, value);
        });
        assert!(!names_us(&headers));
    }
}
