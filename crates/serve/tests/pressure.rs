//! What the frame does under pressure: full queues, slow scorers, clients that leave, keys, limits, shutdown.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Gated, Server, listen, model_scorer, on_lanes, raw, small_model, status_of};
use tracelift_serve::{ApiKey, ListenConfig, RubricServiceConfig};
use tracelift_testing::until;

fn scored(reasoning: &str) -> Value {
    json!({"items": [{"problem": "", "reasoning": reasoning}]})
}

/// One lane, so that one input is at work.
fn gated(queue: usize, listen: ListenConfig) -> (Gated, Server) {
    let scorer = Gated::default();
    let config = RubricServiceConfig { queue, ..on_lanes(1) };
    let server = Server::rubric(scorer.clone(), config, listen);
    (scorer, server)
}

#[test]
fn a_full_queue_refuses_and_says_when_to_come_back() {
    let (scorer, server) = gated(3, listen());
    let mut waiting = vec![raw(server.address, "/score", &scored("0.1").to_string())];
    until("the first input", || scorer.gate.reached.load(Ordering::SeqCst) == 1);
    waiting.extend((0..3).map(|_| raw(server.address, "/score", &scored("0.2").to_string())));
    until("a full queue", || server.metric("tracelift_queue_items") == 3.0);
    let response = server.agent.post(server.url("/score")).send_json(scored("0.3")).unwrap();
    assert_eq!(response.status().as_u16(), 429);
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait));
    let body: Value = response.into_body().read_json().unwrap();
    assert_eq!(
        (&body["error"]["code"], &body["error"]["retry_after_s"]),
        (&json!("queue_full"), &json!(wait))
    );
    // More than the queue can ever hold is another fault.
    let many: Vec<Value> = (0..4).map(|_| json!({"problem": "", "reasoning": "0.4"})).collect();
    let (status, body) = server.post("/score", &json!({"items": many}));
    assert_eq!((status, &body["error"]["code"]), (413, &json!("too_many_items")));
    scorer.gate.open();
    for mut stream in waiting {
        assert_eq!(status_of(&mut stream), Some(200));
    }
    assert_eq!(server.post("/score", &scored("0.3")).1["scores"], json!([0.3]));
}

#[test]
fn a_slow_answer_is_a_time_out_and_its_items_are_dropped() {
    let (scorer, server) = gated(10, ListenConfig { timeout: Duration::from_millis(2500), ..listen() });
    let mut first = raw(server.address, "/score", &scored("0.1").to_string());
    until("the first input", || scorer.gate.reached.load(Ordering::SeqCst) == 1);
    let (status, body) = server.post("/score", &scored("0.2"));
    assert_eq!((status, &body["error"]["code"]), (504, &json!("timed_out")));
    assert_eq!(
        body["error"]["message"],
        "no answer within 2.5 s: the server is overloaded or the request too large"
    );
    assert_eq!(status_of(&mut first), Some(504));
    scorer.gate.open();
    assert_eq!(server.post("/score", &scored("0.3")).0, 200);
    // The second was never scored.
    assert_eq!(scorer.gate.reached.load(Ordering::SeqCst), 2);
    assert_eq!(server.metric("tracelift_items_dropped_total"), 1.0);
}

#[test]
fn who_hangs_up_is_forgotten_before_anything_is_computed() {
    let (scorer, server) = gated(10, listen());
    let mut first = raw(server.address, "/score", &scored("0.1").to_string());
    until("the first input", || scorer.gate.reached.load(Ordering::SeqCst) == 1);
    let leaving = raw(server.address, "/score", &scored("0.2").to_string());
    let mut staying = raw(server.address, "/score", &scored("0.333").to_string());
    until("two in the queue", || server.metric("tracelift_queue_items") == 2.0);
    leaving.shutdown(Shutdown::Both).unwrap();
    drop(leaving);
    until("the server noticed", || {
        server.metric("tracelift_requests_total{route=\"/score\",status=\"499\"}") == 1.0
    });
    scorer.gate.open();
    assert_eq!((status_of(&mut first), status_of(&mut staying)), (Some(200), Some(200)));
    assert_eq!(*scorer.gate.inputs.lock().unwrap(), [3, 5]);
    assert_eq!(server.metric("tracelift_queue_items"), 0.0);
    assert_eq!(server.metric("tracelift_queue_tokens"), 0.0);
}

#[test]
fn the_oldest_goes_first() {
    let (scorer, server) = gated(100, listen());
    let mut first = raw(server.address, "/score", &scored("0.1").to_string());
    until("the first input", || scorer.gate.reached.load(Ordering::SeqCst) == 1);
    let item = |size: usize| json!({"problem": "", "reasoning": format!("0.{}", "1".repeat(size - 2))});
    let body = json!({"items": [item(25), item(6), item(8), item(4), item(3), item(5)]});
    let mut second = raw(server.address, "/score", &body.to_string());
    until("all tokenized", || server.metric("tracelift_queue_tokens") == 51.0);
    scorer.gate.open();
    assert_eq!((status_of(&mut first), status_of(&mut second)), (Some(200), Some(200)));
    assert_eq!(*scorer.gate.inputs.lock().unwrap(), [3, 25, 6, 8, 4, 3, 5]);
}

#[test]
fn as_many_lanes_work_at_once_as_there_are_however_long_the_inputs() {
    const LANES: usize = 4;
    let scorer = Gated::default();
    let server = Server::rubric(scorer.clone(), on_lanes(LANES), listen());
    // Nobody passes the gate: whoever has reached it is at work. One request, and requests of their own.
    let long = json!({"problem": "", "reasoning": format!("0.{}", "1".repeat(2998))});
    let mut waiting = vec![raw(server.address, "/score", &json!({"items": vec![&long; 3]}).to_string())];
    waiting.extend((0..4).map(|_| raw(server.address, "/score", &json!({"items": [long]}).to_string())));
    until("four at work", || scorer.gate.reached.load(Ordering::SeqCst) == LANES);
    until("the others wait", || server.metric("tracelift_queue_items") == 3.0);
    assert_eq!(scorer.gate.reached.load(Ordering::SeqCst), LANES);
    assert_eq!(server.metric("tracelift_lanes_busy"), LANES as f64);
    scorer.gate.open();
    for stream in &mut waiting {
        assert_eq!(status_of(stream), Some(200));
    }
    assert_eq!(*scorer.gate.inputs.lock().unwrap(), [3000; 7]);
}

#[test]
fn a_panic_is_one_items_misfortune() {
    let (scorer, server) = gated(100, listen());
    scorer.gate.open();
    let item = |reasoning: &str| json!({"problem": "", "reasoning": reasoning});
    let items = [item("0.1"), item("panic in score"), item("0.2"), item("panic in encode"), item("0.3")];
    let (status, body) = server.post("/score", &json!({"items": items}));
    assert_eq!(status, 200);
    assert_eq!(body["scores"], json!([0.1, null, 0.2, null, 0.3]));
    let errors = body["errors"].as_array().unwrap();
    let found: Vec<_> =
        errors.iter().map(|error| (error["index"].as_u64().unwrap(), error["code"].clone())).collect();
    assert_eq!(found, [(1, json!("internal")), (3, json!("internal"))]);
    assert_eq!(server.post("/score", &json!({"items": [item("panic in score")]})).0, 500);
    assert_eq!(server.post("/score", &scored("0.4")).1["scores"], json!([0.4]));
}

#[test]
fn shutdown_answers_what_was_accepted_and_nothing_more() {
    let (scorer, server) = gated(10, listen());
    let mut waiting: Vec<TcpStream> =
        (0..3).map(|_| raw(server.address, "/score", &scored("0.1").to_string())).collect();
    until("two in the queue", || {
        scorer.gate.reached.load(Ordering::SeqCst) == 1 && server.metric("tracelift_queue_items") == 2.0
    });
    let idle = TcpStream::connect(server.address).unwrap();
    let address = server.address;
    server.stop();
    until("closed to new connections", || TcpStream::connect(address).is_err());
    scorer.gate.open();
    for stream in &mut waiting {
        assert_eq!(status_of(stream), Some(200));
    }
    assert!(server.join().complete);
    drop(idle);
}

#[test]
fn the_grace_period_ends() {
    let (scorer, server) = gated(10, ListenConfig { grace: Duration::from_millis(200), ..listen() });
    let mut stuck = raw(server.address, "/score", &scored("0.1").to_string());
    until("the first input", || scorer.gate.reached.load(Ordering::SeqCst) == 1);
    server.stop();
    assert!(!server.join().complete);
    assert_eq!(status_of(&mut stuck), None);
    scorer.gate.open();
}

/// A stop with requests of which only a part has come: they are given up at once, what is whole is answered.
#[test]
fn half_requests_do_not_hold_the_drain() {
    let (scorer, server) = gated(10, ListenConfig { grace: Duration::from_secs(45), ..listen() });
    let mut whole = raw(server.address, "/score", &scored("0.1").to_string());
    until("the first input", || scorer.gate.reached.load(Ordering::SeqCst) == 1);
    let halves = [
        "POST /sc",
        "POST /score HTTP/1.1\r\nHost: here\r\nContent-Le",
        "POST /score HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{\"items\": [",
        "POST /score HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ite",
        "GET /health HTTP/1.1\r\nHost: here\r\n\r\nPOST /score HTTP/1.1\r\nHo",
    ];
    let held: Vec<TcpStream> = halves
        .iter()
        .map(|half| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(half.as_bytes()).unwrap();
            stream
        })
        .collect();
    until("all are there", || server.metric("tracelift_connections") >= (halves.len() + 1) as f64);
    server.stop();
    scorer.gate.open();
    assert_eq!(status_of(&mut whole), Some(200));
    let started = Instant::now();
    assert!(server.join().complete, "half a request held the drain for the whole grace");
    // The grace is 45 s; this says that it was not waited for, and nothing of speed.
    assert!(started.elapsed() < Duration::from_secs(40));
    drop(held);
}

/// Clients that ask again and again and never read hold every place there is; they are closed, and others are served.
#[test]
fn who_never_reads_is_dropped() {
    let places = 3;
    let timeout = Duration::from_millis(700);
    let listen = ListenConfig { connections: places, timeout, ..listen() };
    let server = Server::rubric(Gated::default(), on_lanes(1), listen);
    let asks = "GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n".repeat(200);
    let greedy: Vec<_> = (0..places)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
            let asks = asks.clone();
            // Until the server stops taking questions, and then closes.
            std::thread::spawn(move || while stream.write_all(asks.as_bytes()).is_ok() {})
        })
        .collect();
    for client in greedy {
        client.join().unwrap();
    }
    assert_eq!(server.get("/health").0, 200);
}

#[test]
fn who_never_reads_does_not_hold_the_drain() {
    let listen = ListenConfig { grace: Duration::from_secs(45), ..listen() };
    let server = Server::rubric(Gated::default(), on_lanes(1), listen);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let asks = "GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n".repeat(200);
    // Until the server takes no more, as its answers lie unread.
    while stream.write_all(asks.as_bytes()).is_ok() {}
    server.stop();
    assert!(server.join().complete, "an unread answer held the drain for the whole grace");
    drop(stream);
}

#[test]
fn only_the_key_opens_and_health_is_open() {
    let key = ApiKey::new("s3cret").unwrap();
    let server = Server::rubric(
        Gated::default(),
        RubricServiceConfig::default(),
        ListenConfig { api_key: Some(key), ..listen() },
    );
    assert_eq!(server.get("/health").0, 200);
    assert_eq!((server.get("/metrics").0, server.get("/openapi.json").0), (401, 401));
    let (status, body) = server.post("/score", &json!({"items": []}));
    assert_eq!((status, &body["error"]["code"]), (401, &json!("unauthorized")));
    for (sent, status) in [("Bearer s3cret", 200), ("Bearer s3cre", 401), ("s3cret", 401)] {
        let request = server.agent.post(server.url("/score")).header("Authorization", sent);
        let response = request.send_json(json!({"items": []})).unwrap();
        assert_eq!(response.status().as_u16(), status, "{sent}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
    }
}

#[test]
fn large_bodies_are_refused_announced_or_not() {
    let server = Server::rubric(
        Gated::default(),
        RubricServiceConfig::default(),
        ListenConfig { body_bytes: 10_000, ..listen() },
    );
    let (status, body) = server.post_text("/score", &"x".repeat(300_000));
    assert_eq!((status, &body["error"]["code"]), (413, &json!("body_too_large")));
    assert!(body["error"]["message"].as_str().unwrap().contains("10000 bytes"));
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"POST /score HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..3 {
        stream.write_all(format!("1000\r\n{}\r\n", "x".repeat(0x1000)).as_bytes()).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(status_of(&mut stream), Some(413));
    assert_eq!(server.post("/score", &json!({"items": []})).0, 200);
}

#[test]
fn bodies_in_progress_have_a_limit_together() {
    let listen = ListenConfig { body_bytes: 10_000, total_body_bytes: 20_000, ..listen() };
    let server = Server::rubric(Gated::default(), RubricServiceConfig::default(), listen);
    let slow = || {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Length: 9000\r\n\r\n{").unwrap();
        stream
    };
    // Three pages each, of five.
    let first = slow();
    let nine = json!({"items": [], "x": "y".repeat(8_900)});
    until("the first one is being read", || server.post("/score", &nine).0 == 429);
    assert_eq!(server.post("/score", &json!({"items": []})).0, 200);
    drop(first);
    until("it is forgotten", || server.post("/score", &nine).0 == 422);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::rubric(
        Gated::default(),
        RubricServiceConfig::default(),
        ListenConfig { timeout: Duration::from_millis(200), ..listen() },
    );
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{").unwrap();
    assert_eq!(status_of(&mut stream), Some(408));
}

#[test]
fn what_is_no_http_is_refused() {
    let server = Server::small();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00 nonsense\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(server.get("/health").0, 200);
}

/// Several hundred clients at once, of which one in ten sends nonsense and one in twenty leaves without waiting: everybody
/// who waits is answered or refused, right answers are right, and the server is as before.
#[test]
fn a_crowd_is_answered_or_refused() {
    const CLIENTS: usize = 400;
    let config = RubricServiceConfig { queue: 60, ..on_lanes(2) };
    let server = Server::rubric(model_scorer(), config, listen());
    let reasoning =
        |client: usize| format!("Add {client} and then the rest. {}", "So on. ".repeat(client % 17));
    let model = small_model();
    let wanted: Vec<f64> = (0..CLIENTS)
        .map(|client| {
            let text = tracelift_domain::prompt::reward_model_text(
                "math",
                "math",
                "X",
                None,
                reasoning(client).trim(),
            );
            model.score(&[model.tokenizer.encode(&text).unwrap()])[0].score
        })
        .collect();
    let [answered, refused, malformed, left] = [const { AtomicUsize::new(0) }; 4];
    let started = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (server, wanted) = (&server, &wanted);
            let (answered, refused, malformed, left) = (&answered, &refused, &malformed, &left);
            scope.spawn(move || {
                let body = json!({"items": [{"problem": "X", "reasoning": reasoning(client)}]});
                if client % 20 == 7 {
                    drop(raw(server.address, "/score", &body.to_string()));
                    left.fetch_add(1, Ordering::Relaxed);
                } else if client % 10 == 3 {
                    let nonsense =
                        ["{", "[]", "{\"items\": [{}]}", "\u{0}", "{\"items\": [{\"problem\": 1}]}"];
                    let (status, body) = server.post_text("/score", nonsense[client / 10 % nonsense.len()]);
                    assert!(matches!(status, 400 | 422), "{status} {body}");
                    malformed.fetch_add(1, Ordering::Relaxed);
                } else {
                    loop {
                        let (status, body) = server.post("/score", &body);
                        match status {
                            200 => {
                                let found = body["scores"][0].as_f64().unwrap();
                                assert!((found - wanted[client]).abs() < 1e-6);
                                answered.fetch_add(1, Ordering::Relaxed);
                                break;
                            }
                            429 => refused.fetch_add(1, Ordering::Relaxed),
                            other => panic!("{other}: {body}"),
                        };
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            });
        }
    });
    assert!(started.elapsed() < Duration::from_secs(120));
    let counts = [&answered, &malformed, &left].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts, [CLIENTS * 85 / 100, CLIENTS / 10, CLIENTS / 20]);
    until("an empty queue", || {
        server.metric("tracelift_queue_items") == 0.0 && server.metric("tracelift_queue_tokens") == 0.0
    });
    let counted = server.metric("tracelift_requests_total{route=\"/score\",status=\"429\"}") as usize;
    let refused = refused.load(Ordering::Relaxed);
    // Some who left were refused before they did.
    assert!((refused..=refused + CLIENTS / 20).contains(&counted), "{counted} of {refused}");
    assert_eq!(server.post("/score", &scored("once more")).0, 200);
}
