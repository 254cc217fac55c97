//! The rubric service under load: `cargo bench -p tracelift-serve --bench load`.
//!
//! First a crowd: 1,000 clients at once, of which one in ten sends nonsense and one in twenty hangs up without waiting;
//! refused ones come back when the server says. Printed are the answers by status, whether every score was the one that the
//! model gives alone, and the process's memory before and after several rounds. Then throughput with 32 clients, one item a
//! call.
//!
//! `-- DIR` takes a reward-model checkpoint instead of a small random model; `-- --clients N --rounds N --seconds N` change
//! the sizes.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should say where")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tracelift_domain::{Seed, TaskDomain, Trace};
use tracelift_engine::{Config, Model, Tokenizer};
use tracelift_reward::RewardModel;
use tracelift_serve::metrics::resident_bytes;
use tracelift_serve::{Item, ListenConfig, ModelScorer, RubricServiceConfig, Scorer, rubric_service, start};
use tracelift_testing::TinyModel;

struct Sizes {
    model: Option<PathBuf>,
    clients: usize,
    rounds: usize,
    seconds: u64,
}

fn main() {
    let sizes = sizes();
    let model = match &sizes.model {
        Some(dir) => RewardModel::load(dir).unwrap(),
        None => random_model(),
    };
    let parameters = model.backbone.weights.len() + model.heads.values().len();
    let lanes = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    println!("model: {parameters} parameters, lanes: {lanes}");
    let scorer = Arc::new(ModelScorer::new(model, "load", None));
    let wanted: Vec<f64> = (0..sizes.clients).map(|client| alone(&*scorer, client)).collect();
    let listen = ListenConfig { address: "127.0.0.1:0".into(), ..ListenConfig::default() };
    // Smaller than the crowd, so that some are refused.
    let config = RubricServiceConfig { queue: 256, ..RubricServiceConfig::default() };
    let service = rubric_service(scorer, config, &listen).unwrap();
    let server = start(service, listen).unwrap();
    let address = server.address();
    for round in 0..sizes.rounds {
        let before = resident_bytes().unwrap_or(0);
        let started = Instant::now();
        let crowd = Arc::new(Crowd::default());
        let handles: Vec<_> = (0..sizes.clients)
            .map(|client| {
                let (crowd, wanted) = (Arc::clone(&crowd), wanted[client]);
                let thread = std::thread::Builder::new().stack_size(256 * 1024);
                thread.spawn(move || crowd.visit(address, client, wanted)).unwrap()
            })
            .collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        let seconds = started.elapsed().as_secs_f64();
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        println!(
            "round {round}: {seconds:.2} s; answered {}, refused (429, came back) {}, malformed refused {}, hung up {}, \
             unanswered {}, wrong scores {}; RSS {} -> {} kB",
            count(&crowd.answered),
            count(&crowd.refused),
            count(&crowd.malformed),
            count(&crowd.left),
            count(&crowd.unanswered),
            count(&crowd.wrong),
            before / 1024,
            resident_bytes().unwrap_or(0) / 1024,
        );
    }
    for clients in [1, 32] {
        let (requests, seconds) = throughput(address, clients, Duration::from_secs(sizes.seconds));
        println!("{clients} clients, one item a call: {:.0} items/s", requests as f64 / seconds);
    }
    server.stop();
    println!("drained: {}", server.join().unwrap().complete);
}

fn sizes() -> Sizes {
    let mut sizes = Sizes { model: None, clients: 1000, rounds: 5, seconds: 10 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|value| value.parse().ok()).unwrap();
        match argument.as_str() {
            "--clients" => sizes.clients = number(),
            "--rounds" => sizes.rounds = number(),
            "--seconds" => sizes.seconds = number() as u64,
            // Cargo's own.
            "--bench" => {}
            dir => sizes.model = Some(dir.into()),
        }
    }
    sizes
}

/// About a million parameters, a token a byte.
fn random_model() -> RewardModel {
    let shape = TinyModel {
        hidden: 128,
        intermediate: 344,
        layers: 4,
        heads: 4,
        kv_heads: 2,
        head_dim: 32,
        positions: 2048,
        ..TinyModel::BYTES
    };
    let config = Config::from_json(&shape.config()).unwrap();
    let backbone = Model::random(config, Seed(7).child("weights", 0));
    RewardModel::new(backbone, Tokenizer::byte_level().unwrap(), TaskDomain::Math, Seed(7))
}

fn texts(client: usize) -> (String, String) {
    let problem =
        format!("Client {client} has {} pens and buys {} more. How many are there?", client % 19, client % 7);
    let reasoning =
        format!("Start from the pens that are there. {}", "Add those that were bought. ".repeat(client % 9));
    (problem, reasoning.trim().to_owned())
}

fn request(client: usize) -> String {
    let (problem, reasoning) = texts(client);
    json!({"items": [{"problem": problem, "reasoning": reasoning, "task_name": "math", "task_type": "math"}]})
        .to_string()
}

fn alone(scorer: &dyn Scorer, client: usize) -> f64 {
    let (problem, reasoning) = texts(client);
    let trace = Trace::new(&reasoning).unwrap();
    let item = Item { problem, trace, task_name: None, task_type: None, tests: None, max_tokens: None };
    let encoded = scorer.encode(&item).unwrap();
    scorer.lane().score(&encoded).unwrap().rubric.score
}

#[derive(Default)]
struct Crowd {
    answered: AtomicUsize,
    refused: AtomicUsize,
    malformed: AtomicUsize,
    left: AtomicUsize,
    unanswered: AtomicUsize,
    wrong: AtomicUsize,
}

impl Crowd {
    fn visit(&self, address: SocketAddr, client: usize, wanted: f64) {
        let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
        if client % 20 == 7 {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&framed(&request(client))).unwrap();
            count(&self.left);
            return;
        }
        if client % 10 == 3 {
            let nonsense = ["{", "[1]", "{\"items\": [{}]}", "\u{0}\u{1}", "{\"items\": 1}"];
            let answer = Caller::new(address).and_then(|mut caller| caller.call(nonsense[client / 10 % 5]));
            count(match answer {
                Ok((400 | 422, _)) => &self.malformed,
                _ => &self.unanswered,
            });
            return;
        }
        loop {
            let answer = Caller::new(address).and_then(|mut caller| caller.call(&request(client)));
            match answer {
                Ok((200, body)) => {
                    count(&self.answered);
                    let found = serde_json::from_str::<Value>(&body).unwrap()["scores"][0].as_f64();
                    if found != Some(wanted) {
                        count(&self.wrong);
                    }
                    return;
                }
                Ok((429, _)) => {
                    count(&self.refused);
                    std::thread::sleep(Duration::from_millis(50 + client as u64 % 100));
                }
                _ => {
                    count(&self.unanswered);
                    return;
                }
            }
        }
    }
}

/// Clients that ask again as soon as they are answered.
fn throughput(address: SocketAddr, clients: usize, time: Duration) -> (usize, f64) {
    let (done, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..clients {
            let (done, stop) = (&done, &stop);
            scope.spawn(move || {
                let mut caller = Caller::new(address).unwrap();
                for turn in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let (status, body) = caller.call(&request(client + turn * clients)).unwrap();
                    assert_eq!(status, 200, "{body}");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
    });
    (done.load(Ordering::Relaxed), started.elapsed().as_secs_f64())
}

fn framed(body: &str) -> Vec<u8> {
    let head = format!("POST /score HTTP/1.1\r\nHost: here\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body.as_bytes()].concat()
}

/// A connection that is kept.
struct Caller {
    stream: BufReader<TcpStream>,
}

impl Caller {
    fn new(address: SocketAddr) -> std::io::Result<Caller> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        stream.set_nodelay(true)?;
        Ok(Caller { stream: BufReader::new(stream) })
    }

    fn call(&mut self, body: &str) -> std::io::Result<(u16, String)> {
        let broken = || std::io::Error::other("no HTTP answer");
        self.stream.get_mut().write_all(&framed(body))?;
        let (mut line, mut length, mut status) = (String::new(), 0, 0);
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(broken());
            }
            let text = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = text.strip_prefix("http/1.1 ") {
                status = rest.split(' ').next().and_then(|code| code.parse().ok()).ok_or_else(broken)?;
            } else if let Some(value) = text.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| broken())?;
            } else if text.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        String::from_utf8(body).map(|body| (status, body)).map_err(|_| broken())
    }
}
