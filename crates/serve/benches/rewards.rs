//! The reward service under load: `cargo bench --workspace --bench rewards`.
//!
//! The executor is a script that answers every call after 50 ms; 64 clients ask for groups of 8 completions of one problem, K = 3,
//! with warm baselines and without a rubric. Executor, clients and server are processes of their own (this one is the server), so the CPU time that is
//! printed is the server's. Beside it stands what latency and concurrency allow, and the published way: seven calls a completion,
//! one after another.
//!
//! `-- --clients N --seconds N --concurrency N --latency-ms N` change the sizes. With `--arrivals N` groups of fresh questions arrive at random
//! instead, so many a second whether others are answered or not, and the times to their rewards stand beside what the simulation of
//! `tracelift capacity` makes of the executor's latencies.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should say where")]

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rand::Rng;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracelift_domain::Seed;
use tracelift_executor::{Executor, OpenAi, OpenAiConfig};
use tracelift_prompt::ExecutorPromptConfig;
use tracelift_reward::baselines::Store;
use tracelift_reward::{RewardConfig, Rule};
use tracelift_serve::capacity::{Demand, Supply, Times, forecast};
use tracelift_serve::metrics::resident_bytes;
use tracelift_serve::{
    Executors, Frame, ListenConfig, RewardParts, RewardServiceConfig, Service, reward_section, start,
};
use tracelift_verify::{Verifier, VerifierConfig};

const GROUP: usize = 8;
const RUNS: usize = 3;
const PROBLEMS: usize = 64;

#[derive(Clone, Copy)]
struct Sizes {
    clients: usize,
    seconds: u64,
    concurrency: usize,
    latency_ms: u64,
    /// Groups a second, where they arrive by themselves.
    arrivals: Option<f64>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        Some(arguments[place + 1].clone())
    };
    let number = |name: &str, usual: u64| option(name).map_or(usual, |text| text.parse().unwrap());
    let sizes = Sizes {
        clients: number("--clients", 64) as usize,
        seconds: number("--seconds", 10),
        concurrency: number("--concurrency", 64) as usize,
        latency_ms: number("--latency-ms", 50),
        arrivals: option("--arrivals").map(|text| text.parse().unwrap()),
    };
    match option("--role").as_deref() {
        Some("executor") => be_executor(sizes.latency_ms),
        Some("clients") => be_clients(&option("--url").unwrap(), sizes),
        _ => measure(sizes),
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

fn measure(sizes: Sizes) {
    let latency = sizes.latency_ms.to_string();
    let mut executor_process = part("executor", &["--latency-ms".into(), latency]);
    let executor_url = line(&mut executor_process);
    let config = OpenAiConfig {
        concurrency: NonZeroUsize::new(sizes.concurrency).unwrap(),
        prompt: ExecutorPromptConfig::named("world"),
        ..executor_at(&executor_url)
    };
    let executor: Arc<dyn Executor> = Arc::new(OpenAi::new(config).unwrap());
    let verifier = VerifierConfig::default();
    let parts = RewardParts {
        executors: Executors::one(executor),
        verifier_identity: verifier.fingerprint(),
        verifier: Arc::new(Verifier::new(verifier).unwrap()),
        rubric: None,
        store: Store::in_memory().unwrap(),
        problems: Vec::new(),
        ledger: None,
    };
    let reward = RewardConfig { rule: Rule::UpliftOnly, runs: RUNS, ..RewardConfig::default() };
    let config = RewardServiceConfig { reward, ..RewardServiceConfig::default() };
    let listen = ListenConfig { address: "127.0.0.1:0".into(), ..ListenConfig::default() };
    let frame = Frame::shared(&listen);
    let section = reward_section(parts, config, &frame).unwrap();
    let server = start(Service::of(&frame, vec![section]), listen).unwrap();
    let url = format!("http://{}", server.address());

    if let Some(rate) = sizes.arrivals {
        arrive(&url, &executor_url, sizes, rate);
        server.stop();
        server.join().unwrap();
        let _ = executor_process.kill();
        let _ = executor_process.wait();
        return;
    }

    // Cold: every baseline is measured.
    let started = Instant::now();
    let cold: u64 =
        (0..PROBLEMS).map(|problem| ask(&agent(), &url, problem)["usage"]["calls"].as_u64().unwrap()).sum();
    println!(
        "cold: {PROBLEMS} groups one after another, {:.1} calls each, {:.1} s",
        cold as f64 / PROBLEMS as f64,
        started.elapsed().as_secs_f64()
    );

    let options =
        ["--url", &url, "--clients", &sizes.clients.to_string(), "--seconds", &sizes.seconds.to_string()];
    let mut clients = part("clients", &options.map(str::to_owned));
    let before = cpu_seconds();
    clients.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    let told: Value = serde_json::from_str(&line(&mut clients)).unwrap();
    let cpu = cpu_seconds() - before;
    let (items, calls, seconds) =
        (told["items"].as_f64().unwrap(), told["calls"].as_f64().unwrap(), told["seconds"].as_f64().unwrap());
    let allowed = sizes.concurrency as f64 / (sizes.latency_ms as f64 / 1000.0) / RUNS as f64;
    println!(
        "warm: {} clients, {:.0} items in {seconds:.1} s, {:.2} calls an item, {} unknown",
        sizes.clients,
        items,
        calls / items,
        told["unknown"]
    );
    println!(
        "      {:.0} items/s, {:.1} % of the {allowed:.0} that {} calls at a time of {} ms allow; {:.2} CPU ms an item; {:.0} MB",
        items / seconds,
        100.0 * items / seconds / allowed,
        sizes.concurrency,
        sizes.latency_ms,
        1000.0 * cpu / items,
        resident_bytes().unwrap_or(0) as f64 / 1e6
    );
    let serial = serially(&executor_url);
    println!("the published way: {serial:.2} items/s; {:.0} times slower", items / seconds / serial);
    server.stop();
    server.join().unwrap();
    for mut process in [executor_process, clients] {
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// An executor's settings, but for what is measured.
fn executor_at(url: &str) -> OpenAiConfig {
    serde_json::from_value(json!({ "base_urls": [url], "model": "silly", "api": "completions" })).unwrap()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).build().into()
}

fn group(problem: usize) -> Value {
    let statement = format!("{problem} and cal has 12 pears . how many ?");
    let item = |i: usize| {
        json!({ "problem": { "statement": statement, "gold": { "answer": "12" } },
            "completion": format!("<reasoning> trace {i} : cal has 12 pears . </reasoning>"), "finish_reason": "stop" })
    };
    json!({ "items": (0..GROUP).map(item).collect::<Vec<_>>() })
}

fn ask(agent: &ureq::Agent, url: &str, problem: usize) -> Value {
    let response = agent.post(format!("{url}/v1/reward")).send_json(group(problem)).unwrap();
    response.into_body().read_json().unwrap()
}

fn be_clients(url: &str, sizes: Sizes) {
    let mut go = String::new();
    std::io::stdin().read_line(&mut go).unwrap();
    let [items, calls, unknown] = [(); 3].map(|()| AtomicU64::new(0));
    let started = Instant::now();
    let until = started + Duration::from_secs(sizes.seconds);
    std::thread::scope(|scope| {
        for client in 0..sizes.clients {
            let (items, calls, unknown) = (&items, &calls, &unknown);
            scope.spawn(move || {
                let (agent, mut round) = (agent(), 0);
                while Instant::now() < until {
                    let answer = ask(&agent, url, (client + 7 * round) % PROBLEMS);
                    let rewards = answer["rewards"].as_array().unwrap();
                    items.fetch_add(rewards.len() as u64, Ordering::Relaxed);
                    unknown.fetch_add(
                        rewards.iter().filter(|one| one.is_null()).count() as u64,
                        Ordering::Relaxed,
                    );
                    calls.fetch_add(answer["usage"]["calls"].as_u64().unwrap(), Ordering::Relaxed);
                    round += 1;
                }
            });
        }
    });
    let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "items": count(&items), "calls": count(&calls), "unknown": count(&unknown), "seconds": seconds })
    );
}

/// Lets groups arrive at random, and holds the times to their rewards against the forecast.
fn arrive(url: &str, executor: &str, sizes: Sizes, rate: f64) {
    let alone = agent();
    let latencies: Vec<f64> = (0..40)
        .map(|_| {
            let asked = Instant::now();
            let body = json!({ "model": "silly", "prompt": "How many?", "max_tokens": 8 });
            alone.post(format!("{executor}/v1/completions")).send_json(body).unwrap();
            asked.elapsed().as_secs_f64()
        })
        .collect();
    let (rewards, groups) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let (lasting, mut rng) = (Duration::from_secs(sizes.seconds), Seed(18).child("arrivals", 0).rng());
    let started = Instant::now();
    std::thread::scope(|scope| {
        let mut number = PROBLEMS;
        while started.elapsed() < lasting {
            number += 1;
            let mut body = group(number);
            body["stream"] = json!(true);
            let (rewards, groups) = (&rewards, &groups);
            scope.spawn(move || {
                let came = Instant::now();
                let response = agent().post(format!("{url}/v1/reward")).send_json(body).unwrap();
                for line in BufReader::new(response.into_body().into_reader()).lines() {
                    let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
                    if line["index"].is_u64() {
                        rewards.lock().unwrap().push(came.elapsed().as_secs_f64());
                    }
                }
                groups.lock().unwrap().push(came.elapsed().as_secs_f64());
            });
            let share: f64 = rng.random_range(f64::MIN_POSITIVE..1.0);
            std::thread::sleep(Duration::from_secs_f64(-share.ln() / rate));
        }
    });
    let demand = Demand { groups_per_s: rate, together: 1, group: GROUP, runs: RUNS, known: 0.0 };
    let supply = Supply { replicas: 1, slots: sizes.concurrency, latencies: &latencies };
    let wanted = forecast(&demand, &supply, Duration::from_secs(2000), Seed(18));
    let found = [rewards, groups].map(|times| Times::of(times.into_inner().unwrap()));
    println!(
        "{rate} groups of {GROUP} a second, K = {RUNS}, {} calls at a time: load {:.2}",
        sizes.concurrency, wanted.load
    );
    println!("{:<18}{:>9}{:>9}{:>9}{:>9}", "seconds", "mean", "p50", "p95", "p99");
    for (name, Times { mean, p50, p95, p99 }) in [
        ("reward, measured", found[0]),
        ("reward, forecast", wanted.reward),
        ("group, measured", found[1]),
        ("group, forecast", wanted.group),
    ] {
        println!("{name:<18}{mean:>9.3}{p50:>9.3}{p95:>9.3}{p99:>9.3}");
    }
}

/// Items a second where each takes 1 + 3 + 3 calls, one after another.
fn serially(executor: &str) -> f64 {
    const ITEMS: usize = 4;
    let (agent, started) = (agent(), Instant::now());
    for _ in 0..ITEMS * 7 {
        let body = json!({ "model": "silly", "prompt": "How many?", "max_tokens": 8 });
        agent.post(format!("{executor}/v1/completions")).send_json(body).unwrap();
    }
    ITEMS as f64 / started.elapsed().as_secs_f64()
}

#[tokio::main(flavor = "current_thread")]
async fn be_executor(latency_ms: u64) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| async move {
                let _ = request.into_body().collect().await;
                tokio::time::sleep(Duration::from_millis(latency_ms)).await;
                let body = json!({ "model": "silly", "choices": [{ "index": 0, "text": "#### 12", "finish_reason": "stop" }],
                    "usage": { "prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22 } });
                let response = Response::builder().header("content-type", "application/json");
                Ok::<_, Infallible>(response.body(Full::new(Bytes::from(body.to_string()))).unwrap())
            });
            // A client that leaves is no news.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// CPU time of this process: user and system.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // After the name, which may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}
