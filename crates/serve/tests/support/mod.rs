//! Servers on a free port, and a plain client.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{Seed, TaskDomain};
use tracelift_engine::{Config, Model, Precision, Tokenizer};
use tracelift_reward::{RewardModel, RubricScore};
use tracelift_serve::rubric::Card;
use tracelift_serve::{
    Encoded, Item, ItemFault, Lane, ListenConfig, ModelScorer, RubricServiceConfig, Running, Score, Scorer,
    rubric_service, start,
};
use tracelift_testing::TinyModel;

/// A small reward model with random weights and heads large enough to tell inputs apart.
pub fn small_model() -> RewardModel {
    let config = Config::from_json(&TinyModel::BYTES.config()).unwrap();
    let backbone = Model::random(config, Seed(5).child("weights", 0));
    let mut model = RewardModel::new(backbone, Tokenizer::byte_level().unwrap(), TaskDomain::Math, Seed(5));
    model.heads.weights_mut().iter_mut().for_each(|weight| *weight *= 20.0);
    model
}

/// The small model, through a checkpoint directory.
pub fn model_scorer() -> ModelScorer {
    let folder = tempfile::tempdir().unwrap();
    small_model().save(folder.path(), Precision::F32).unwrap();
    let model = RewardModel::load(folder.path()).unwrap();
    ModelScorer::new(model, "small", None)
}

pub fn on_lanes(lanes: usize) -> RubricServiceConfig {
    RubricServiceConfig { lanes: NonZeroUsize::new(lanes).unwrap(), ..RubricServiceConfig::default() }
}

pub fn listen() -> ListenConfig {
    ListenConfig { address: "127.0.0.1:0".into(), ..ListenConfig::default() }
}

pub struct Server {
    running: Option<Running>,
    pub address: SocketAddr,
    pub agent: ureq::Agent,
}

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(120)))
        .build()
        .into()
}

impl Server {
    pub fn of(service: tracelift_serve::Service, listen: ListenConfig) -> Server {
        let running = start(service, listen).unwrap();
        Server { address: running.address(), running: Some(running), agent: agent() }
    }

    pub fn rubric(scorer: impl Scorer, config: RubricServiceConfig, listen: ListenConfig) -> Server {
        Server::of(rubric_service(Arc::new(scorer), config, &listen).unwrap(), listen)
    }

    /// The small model behind default settings.
    pub fn small() -> Server {
        Server::rubric(model_scorer(), on_lanes(2), listen())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Status and body.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.agent.post(self.url(path)).send_json(body).unwrap();
        let status = response.status().as_u16();
        (status, response.into_body().read_json().unwrap())
    }

    pub fn post_text(&self, path: &str, body: &str) -> (u16, Value) {
        let response = self.agent.post(self.url(path)).send(body).unwrap();
        let status = response.status().as_u16();
        (status, response.into_body().read_json().unwrap())
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let response = self.agent.get(self.url(path)).call().unwrap();
        (response.status().as_u16(), response.into_body().read_to_string().unwrap())
    }

    /// A sample of `/metrics`; 0 where there is none.
    pub fn metric(&self, sample: &str) -> f64 {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200);
        let prefix = format!("{sample} ");
        text.lines().find_map(|line| line.strip_prefix(&prefix)).map_or(0.0, |value| value.parse().unwrap())
    }

    pub fn stop(&self) {
        self.running.as_ref().unwrap().stop();
    }

    pub fn join(mut self) -> tracelift_serve::Drained {
        self.running.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
            if !std::thread::panicking() {
                running.join().unwrap();
            }
        }
    }
}

/// Sends a request byte by byte as it is, and returns the connection.
pub fn raw(address: SocketAddr, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    stream
}

/// The status of what comes back.
pub fn status_of(stream: &mut TcpStream) -> Option<u16> {
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    std::str::from_utf8(&head[9..]).ok()?.parse().ok()
}

/// A scorer that waits behind a gate; a text is its own score, and a token a byte.
#[derive(Clone, Default)]
pub struct Gated {
    pub gate: Arc<Gate>,
}

#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
    /// Inputs that have reached the gate.
    pub reached: AtomicUsize,
    /// Tokens of the inputs so far.
    pub inputs: Mutex<Vec<usize>>,
}

impl Gate {
    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

impl Scorer for Gated {
    fn card(&self) -> Card {
        Card {
            name: "gated".into(),
            fingerprint: "none".into(),
            domain: TaskDomain::Math,
            dimensions: *dimension_names(TaskDomain::Math),
            max_tokens: 1000,
        }
    }

    fn encode(&self, item: &Item) -> Result<Encoded, ItemFault> {
        let text = item.trace.as_str();
        assert!(text != "panic in encode", "as asked");
        Ok(Encoded { tokens: text.bytes().map(u32::from).collect(), shortened: false })
    }

    fn text(&self, tokens: &[u32]) -> Result<String, ItemFault> {
        Ok(tokens.iter().map(|token| char::from(*token as u8)).collect())
    }

    fn lane(&self) -> Box<dyn Lane + '_> {
        Box::new(GatedLane(&self.gate))
    }
}

struct GatedLane<'a>(&'a Gate);

impl Lane for GatedLane<'_> {
    fn score(&mut self, input: &Encoded) -> Result<Score, ItemFault> {
        self.0.inputs.lock().unwrap().push(input.tokens.len());
        self.0.reached.fetch_add(1, Ordering::SeqCst);
        let open = self.0.open.lock().unwrap();
        drop(self.0.changed.wait_while(open, |open| !*open).unwrap());
        let text: String = input.tokens.iter().map(|token| char::from(*token as u8)).collect();
        assert!(text != "panic in score", "as asked");
        let score = text.parse().unwrap_or(0.5);
        let rubric = RubricScore { dimensions: [4.0 * score; 5], derived: score, total: score, score };
        Ok(Score { rubric, tokens: input.tokens.len(), shortened: false })
    }
}
