//! The reward service when what is around it fails: `cargo bench --workspace --bench faults`.
//!
//! First, items of fresh questions, from many clients, of an executor with two replicas: one attempt in ten fails (a 5xx, no reply
//! in time, garbage, a refusal), one replica ends for good in the middle, and the other for a while. A right answer gives exactly
//! 1.0 here and no other reward is possible, so a reward that came of a failed call would show. Then a crowd of connections that
//! read nothing, send half requests or bodies that are too large, or say nothing at all, while `/health` is asked all the time.
//!
//! Executors, clients and crowd are processes of their own; this one is the server.
//! `-- --items N --clients N --down-s N --connections N --crowd-s N` change the sizes.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should say where")]

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracelift_executor::{OpenAi, OpenAiConfig};
use tracelift_prompt::ExecutorPromptConfig;
use tracelift_reward::baselines::Store;
use tracelift_reward::{RewardConfig, Rule};
use tracelift_serve::metrics::resident_bytes;
use tracelift_serve::{
    Executors, Frame, ListenConfig, RewardParts, RewardServiceConfig, Service, reward_section, start,
};
use tracelift_verify::{Verifier, VerifierConfig};

/// Attempts at a call, and the share of them that fails.
const RETRIES: u32 = 4;
const FAIL: f64 = 0.1;
const TIMEOUT_S: f64 = 2.0;

fn option(name: &str) -> Option<String> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == name)?;
    Some(arguments[place + 1].clone())
}

fn number(name: &str, usual: usize) -> usize {
    option(name).map_or(usual, |text| text.parse().unwrap())
}

fn main() {
    match option("--role").as_deref() {
        Some("executor") => be_executor(number("--port", 0) as u16),
        Some("clients") => {
            be_clients(&option("--url").unwrap(), number("--items", 1), number("--clients", 1))
        }
        Some("crowd") => be_crowd(option("--url").unwrap().parse().unwrap(), number("--connections", 1)),
        _ => measure(),
    }
}

fn part(role: &str, more: &[String]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--role", role])
        .args(more)
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

fn line(child: &mut Child) -> String {
    let mut text = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut text).unwrap();
    text.trim().to_owned()
}

fn executor(port: u16) -> (Child, u16) {
    let mut child = part("executor", &["--port".into(), port.to_string()]);
    let port = line(&mut child).parse().unwrap();
    (child, port)
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn megabytes() -> f64 {
    resident_bytes().unwrap_or(0) as f64 / 1e6
}

fn measure() {
    let (items, clients) = (number("--items", 10_000), number("--clients", 64));
    let down = Duration::from_secs(number("--down-s", 20) as u64);
    let (mut first, first_port) = executor(0);
    let (second, second_port) = executor(0);
    let urls = [first_port, second_port].map(|port| format!("http://127.0.0.1:{port}"));
    let written = json!({ "base_urls": urls, "model": "silly", "api": "completions", "timeout_s": TIMEOUT_S, "retries": RETRIES,
        "backoff_s": 0.2, "concurrency": 64 });
    let config: OpenAiConfig = serde_json::from_value(written).unwrap();
    let config = OpenAiConfig { prompt: ExecutorPromptConfig::named("world"), ..config };
    let verifier = VerifierConfig::default();
    let parts = RewardParts {
        executors: Executors::one(Arc::new(OpenAi::new(config).unwrap())),
        verifier_identity: verifier.fingerprint(),
        verifier: Arc::new(Verifier::new(verifier).unwrap()),
        rubric: None,
        store: Store::in_memory().unwrap(),
        problems: Vec::new(),
        ledger: None,
    };
    let reward = RewardConfig { rule: Rule::UpliftOnly, ..RewardConfig::default() };
    let config = RewardServiceConfig { reward, ..RewardServiceConfig::default() };
    let listen = ListenConfig {
        address: "127.0.0.1:0".into(),
        timeout: Duration::from_secs(10),
        connections: 4096,
        ..ListenConfig::default()
    };
    let frame = Frame::shared(&listen);
    let section = reward_section(parts, config, &frame).unwrap();
    let server = start(Service::of(&frame, vec![section]), listen).unwrap();
    let address = server.address();
    let url = format!("http://{address}");

    let sizes = ["--url", &url, "--items", &items.to_string(), "--clients", &clients.to_string()];
    let mut asking = part("clients", &sizes.map(str::to_owned));
    let started = Instant::now();
    let mut lines = BufReader::new(asking.stdout.take().unwrap()).lines();
    let (mut second, mut told) = (Some(second), None);
    while let Some(Ok(text)) = lines.next() {
        let value: Value = serde_json::from_str(&text).unwrap();
        let Some(done) = value["done"].as_u64().map(|done| done as usize) else {
            told = Some(value);
            break;
        };
        println!("{:>6} items, {:>5.0} s, {:.0} MB", done, started.elapsed().as_secs_f64(), megabytes());
        if done * 10 >= items * 3
            && let Some(second) = second.take()
        {
            end(second);
            println!("       one replica of two is gone for good");
        }
        if done * 10 == items * 5 {
            end(first);
            println!("       the other is gone for {} s", down.as_secs());
            std::thread::sleep(down);
            first = executor(first_port).0;
        }
    }
    let told = told.unwrap();
    println!(
        "{} items answered of {items}: {} known, all of them 1.0: {}",
        told["answered"], told["known"], told["all_right"]
    );
    println!("unknown: {}", told["causes"]);
    // A call that fails in a way that may pass is lost where all of its attempts fail; a refusal is lost at once.
    let refused = FAIL / 4.0;
    let lost = refused * (0..=RETRIES).map(|n| (FAIL * 0.75).powi(n.cast_signed())).sum::<f64>()
        + (FAIL * 0.75).powi(RETRIES.cast_signed() + 1);
    println!(
        "retries leave {:.2} % of calls, so {:.1} % of items with 6 calls each, and those of the time without executor; unknown were {:.1} %",
        100.0 * lost,
        100.0 * (1.0 - (1.0 - lost).powi(6)),
        100.0 * (1.0 - told["known"].as_f64().unwrap() / items as f64)
    );
    end(asking);

    let (connections, lasting) = (number("--connections", 2000), number("--crowd-s", 15));
    let before = megabytes();
    let sizes = ["--url", &address.to_string(), "--connections", &connections.to_string()];
    let mut crowd = part("crowd", &sizes.map(str::to_owned));
    println!("crowd: {}", line(&mut crowd));
    let (mut slowest, mut all, mut most) = (Duration::ZERO, Vec::new(), before);
    let until = Instant::now() + Duration::from_secs(lasting as u64);
    while Instant::now() < until {
        let asked = Instant::now();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        slowest = slowest.max(asked.elapsed());
        all.push(asked.elapsed());
        most = most.max(megabytes());
        std::thread::sleep(Duration::from_millis(20));
    }
    all.sort_unstable();
    println!(
        "/health, {} times: median {:.1} ms, 99 of 100 {:.1} ms, slowest {:.1} ms; memory {before:.0} MB before, at most {most:.0} MB",
        all.len(),
        1000.0 * all[all.len() / 2].as_secs_f64(),
        1000.0 * all[all.len() * 99 / 100].as_secs_f64(),
        1000.0 * slowest.as_secs_f64()
    );
    end(crowd);
    end(first);
    server.stop();
    server.join().unwrap();
}

fn be_clients(url: &str, items: usize, clients: usize) {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let counts: Mutex<(usize, usize, bool, BTreeMap<String, usize>)> =
        Mutex::new((0, 0, true, BTreeMap::new()));
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(300))).build().into();
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= items {
                        return;
                    }
                    let item = json!({ "problem": { "statement": format!("{index} and cal has 4 pears . how many ?"), "gold": { "answer": "12" } },
                        "completion": "<reasoning> cal has 12 . </reasoning>", "finish_reason": "stop" });
                    let response = agent.post(format!("{url}/v1/reward")).send_json(json!({ "items": [item] })).unwrap();
                    let told: Value = response.into_body().read_json().unwrap();
                    let mut counts = counts.lock().unwrap();
                    counts.0 += 1;
                    match told["rewards"][0].as_f64() {
                        Some(reward) => {
                            counts.1 += 1;
                            counts.2 &= reward == 1.0;
                        }
                        None => {
                            let unknown = &told["results"][0]["unknown"];
                            let cause = format!("{} {}", unknown["where"].as_str().unwrap(), unknown["cause"].as_str().unwrap());
                            *counts.3.entry(cause).or_default() += 1;
                        }
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done % (items / 10).max(1) == 0 {
                        println!("{}", json!({ "done": done }));
                    }
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    println!(
        "{}",
        json!({ "answered": counts.0, "known": counts.1, "all_right": counts.2, "causes": counts.3 })
    );
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// A share from 0 to 1 that follows from a request and how often it came.
fn drawn(body: &[u8], attempt: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (body, attempt).hash(&mut hasher);
    hasher.finish() as f64 / u64::MAX as f64
}

/// With a trace (which says 12) it answers 12, without one 4; one attempt in ten fails in one of four ways.
#[tokio::main(flavor = "current_thread")]
async fn be_executor(port: u16) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let attempts: Arc<Mutex<HashMap<u64, u32>>> = Arc::default();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let attempts = Arc::clone(&attempts);
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let attempts = Arc::clone(&attempts);
                async move {
                    let body = request.into_body().collect().await?.to_bytes();
                    let mut hasher = DefaultHasher::new();
                    body.hash(&mut hasher);
                    let attempt = {
                        let mut attempts = attempts.lock().unwrap();
                        let attempt = attempts.entry(hasher.finish()).or_default();
                        *attempt += 1;
                        // Replicas draw apart from each other.
                        *attempt + 100 * u32::from(port)
                    };
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let kind = (drawn(&body, attempt) / FAIL * 4.0) as u32;
                    let said = String::from_utf8_lossy(&body);
                    let right = if said.contains("cal has 12") { "#### 12" } else { "#### 4" };
                    let choice = |text: &str, finish: &str| {
                        json!({ "model": "silly", "choices": [{ "index": 0, "text": text, "finish_reason": finish }] }).to_string()
                    };
                    let (status, text) = match kind {
                        0 => (503, "busy".to_owned()),
                        1 => {
                            tokio::time::sleep(Duration::from_secs_f64(2.0 * TIMEOUT_S)).await;
                            (200, choice("#### 99", "stop"))
                        }
                        2 => (200, "{\"choices\": [{\"text\": \"#### 99".to_owned()),
                        3 => (200, choice("#### 99", "content_filter")),
                        _ => (200, choice(right, "stop")),
                    };
                    let response =
                        Response::builder().status(status).header("content-type", "application/json");
                    Ok::<_, hyper::Error>(response.body(Full::new(Bytes::from(text))).unwrap())
                }
            });
            // A client that leaves is no news.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// Connections of four kinds, which are held until the process ends; whoever is closed comes again.
fn be_crowd(address: SocketAddr, connections: usize) {
    let held = Arc::new(AtomicUsize::new(0));
    for index in 0..connections {
        let held = Arc::clone(&held);
        let one = move || {
            loop {
                if let Ok(stream) = TcpStream::connect(address) {
                    held.fetch_add(1, Ordering::Relaxed);
                    // Whoever is closed has nothing to complain of.
                    let _ = bother(stream, index);
                    held.fetch_sub(1, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        };
        std::thread::Builder::new().stack_size(128 * 1024).spawn(one).unwrap();
    }
    for _ in 0..100 {
        if held.load(Ordering::Relaxed) >= connections * 95 / 100 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{} connections held", held.load(Ordering::Relaxed));
    loop {
        std::thread::park();
    }
}

fn bother(mut stream: TcpStream, index: usize) -> std::io::Result<usize> {
    match index % 4 {
        // Asks again and again for something large, and reads nothing.
        0 => {
            let asked = "GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n".repeat(20);
            loop {
                stream.write_all(asked.as_bytes())?;
            }
        }
        // Half a body.
        1 => stream
            .write_all(b"POST /v1/reward HTTP/1.1\r\nHost: here\r\nContent-Length: 500\r\n\r\n{\"items\"")?,
        // A body of 10 MB, which nobody wants; of one in a hundred of these, for the machine's sake.
        2 if index % 400 == 2 => {
            stream
                .write_all(b"POST /v1/reward HTTP/1.1\r\nHost: here\r\nContent-Length: 10000000\r\n\r\n")?;
            let part = vec![b' '; 50_000];
            for _ in 0..200 {
                stream.write_all(&part)?;
            }
        }
        // Half a head.
        2 => stream.write_all(b"POST /v1/rew")?,
        // Nothing at all.
        _ => {}
    }
    stream.read(&mut [0; 64])
}
